#include "rules/obligations.h"

#include <assert.h>

#include "rules/expiring.h"
#include "rules/posting.h"
#include "rules/tier.h"

struct obligation {
    struct text name; /* stands in the identity of entries: never change one */
    /* When it falls due next, µs UTC; INT64_MAX: never. */
    int64_t (*next)(const struct member_state *state);
    /* Settles what of it falls due at that time; its next is later then. */
    enum err_code (*settle)(struct work *work, struct member_work *member, int64_t due);
};

/* Of two that fall due at once, the first here is settled first. Ends with a NULL. */
static const struct obligation obligations[] = {
    {{"expiry", 6}, expiring_next, expiring_settle},
    {{"posting", 7}, posting_next, posting_settle},
    {{"warning", 7}, expiring_next_warning, expiring_warn},
    {{"refund", 6}, waiting_next, waiting_settle},
    {{"tier", 4}, tier_next_end, tier_settle_end},
    {{"birthday", 8}, tier_next_gift, tier_settle_gift},
    {{NULL, 0}, NULL, NULL},
};

static const struct obligation *first_due(const struct member_state *state, int64_t *due)
{
    const struct obligation *first = NULL;
    *due = INT64_MAX;
    for (const struct obligation *obligation = obligations; obligation->next; obligation++) {
        int64_t next = obligation->next(state);
        if (next < *due) {
            *due = next;
            first = obligation;
        }
    }
    return first;
}

int64_t obligations_next(const struct member_state *state)
{
    int64_t due;
    first_due(state, &due);
    return due;
}

/* What falls due is settled under the program that was in force then. */
static enum err_code program_at(struct work *work, int64_t due, const struct program **out)
{
    const struct program *now = work->program;
    *out = due >= now->effective_at ? now : program_set_at(work->input->programs, now->id, due);
    if (!*out)
        return err_set(work->err, ERR_BAD_STATE, "the member's state owes something from before program %.*s began",
                       SHOWN(now->id));
    return ERR_NONE;
}

/* Nothing of the event may show in what this leads to. */
static enum err_code settle(struct work *work, struct member_work *member, const struct obligation *obligation,
                            int64_t due)
{
    const struct program *in_force = work->program, *then = NULL;
    struct settlement *settlement = arena_alloc(work->arena, sizeof *settlement);
    *settlement = (struct settlement){obligation->name, due, member->state.entry_count};
    enum err_code code = program_at(work, due, &then);
    if (code)
        return code;
    work->program = then;
    work->settlement = settlement;
    work->now = due;
    code = obligation->settle(work, member, due);
    work->settlement = NULL;
    work->now = work->event->occurred_at;
    work->program = in_force;
    for (size_t i = 0; i < member->state.balance_count; i++)
        member->state.balances[i].accrued = false;
    return code;
}

enum err_code obligations_settle(struct work *work, struct member_work *member)
{
    int64_t due;
    const struct obligation *obligation;
    while ((obligation = first_due(&member->state, &due)) && due <= work->event->occurred_at) {
        enum err_code code = settle(work, member, obligation, due);
        if (code)
            return code;
        assert(obligation->next(&member->state) > due);
    }
    return ERR_NONE;
}
