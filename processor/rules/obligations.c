#include "rules/obligations.h"

#include <assert.h>

struct obligation {
    /* When it falls due next, µs UTC; INT64_MAX: never. */
    int64_t (*next)(const struct member_state *state);
    /* Settles what of it falls due at that time; its next is later then. */
    enum err_code (*settle)(struct work *work, struct member_work *member, int64_t due);
};

/* Of two that fall due at once, the first here is settled first. Ends with a NULL. */
static const struct obligation obligations[] = {
    {waiting_next, waiting_settle},
    {NULL, NULL},
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

enum err_code obligations_settle(struct work *work, struct member_work *member)
{
    int64_t due;
    const struct obligation *obligation;
    while ((obligation = first_due(&member->state, &due)) && due <= work->event->occurred_at) {
        enum err_code code = obligation->settle(work, member, due);
        if (code)
            return code;
        assert(obligation->next(&member->state) > due);
    }
    return ERR_NONE;
}
