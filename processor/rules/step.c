#include "rules/step.h"

#include <assert.h>

#include "rules/decide.h"
#include "rules/obligations.h"
#include "rules/tier.h"

static enum err_code check_partner(const struct work *work)
{
    struct text partner = work->event->partner_id;
    if (partner.len == 0 || program_has_partner(work->program, partner))
        return ERR_NONE;
    return err_set(work->err, ERR_UNKNOWN_PARTNER, "partner_id is %.*s; program %.*s version %lld does not list it",
                   SHOWN(partner), SHOWN(work->program->id), (long long)work->program->version);
}

static struct sums sums_of(const struct member_state *state)
{
    struct sums sums = {0};
    for (size_t i = 0; i < state->balance_count; i++) {
        sums.available += (uint64_t)state->balances[i].available;
        sums.lifetime += (uint64_t)state->balances[i].lifetime;
    }
    for (size_t i = 0; i < state->pending.count; i++)
        sums.pending += (uint64_t)state->pending.items[i].amount;
    return sums;
}

int64_t entry_lifetime_effect(int kind, int from, int to, int64_t amount)
{
    bool adds = to == ACCOUNT_MEMBER_AVAILABLE, takes = from == ACCOUNT_MEMBER_AVAILABLE;
    switch (kind) {
    case ENTRY_ACCRUAL:
    case ENTRY_POSTING:
        return adds ? amount : 0;
    case ENTRY_TAKE_BACK:
        return takes ? -amount : 0;
    case ENTRY_MERGED_EARNED:
        return adds ? amount : -amount;
    default:
        return 0;
    }
}

/* Balances moved by what the entries say, and by nothing else. */
static void assert_conserved(const struct work *work, const struct member_work *member)
{
    struct sums moved = member->before;
    int64_t entries = member->entries_before;
    for (size_t i = 0; i < work->entry_count; i++) {
        const struct entry *entry = &work->entries[i];
        if (entry->party != member->party)
            continue;
        uint64_t amount = (uint64_t)entry->amount;
        bool adds = entry->to == ACCOUNT_MEMBER_AVAILABLE, takes = entry->from == ACCOUNT_MEMBER_AVAILABLE;
        moved.available += adds ? amount : takes ? -amount : 0;
        moved.pending += entry->to == ACCOUNT_MEMBER_PENDING     ? amount
                         : entry->from == ACCOUNT_MEMBER_PENDING ? -amount
                                                                 : 0;
        moved.lifetime +=
            (uint64_t)entry_lifetime_effect((int)entry->kind, (int)entry->from, (int)entry->to, entry->amount);
        entries++;
        assert(entry->sequence == entries && entry->amount > 0);
    }
    struct sums after = sums_of(&member->state);
    assert(after.available == moved.available && after.lifetime == moved.lifetime && after.pending == moved.pending);
    assert(state_lots_agree(&member->state));
    assert(member->state.entry_count == entries);
}

/* What ended is no party to anything but to its own merge, which says why not. */
static enum err_code check_ending(struct work *work, const struct member_work *member)
{
    enum ending ending = member->state.identity.ending;
    const struct event *event = work->event;
    if (event->kind == MEMBER_MERGED && text_equal(event->member.merged_into, event->member_id))
        return ERR_NONE; /* impossible whoever it is */
    if (ending == ENDING_ERASED)
        return err_set(work->err, ERR_MEMBER_ERASED, "the member was erased");
    if (ending == ENDING_MERGED && work->event->kind != MEMBER_MERGED)
        return err_set(work->err, ERR_BAD_STATE, "the member's account was merged into another, which was not asked");
    return ERR_NONE;
}

/* All but its state, which is decoded into it. */
static void open_member(struct member_work *member, uint8_t party)
{
    member->before = (struct sums){0};
    member->entries_before = 0;
    member->party = party;
    member->changed = member->tier_moved = member->tier_lost = false;
    member->tier = (struct text){NULL, 0};
}

static enum err_code read_members(struct work *work)
{
    struct party_name names[STEP_PARTIES_MAX];
    work->member_count = step_parties(work->program, work->event, names);
    assert(work->member_count >= 1 && work->member_count <= STEP_PARTIES_MAX);
    for (size_t p = 0; p < work->member_count; p++) {
        struct member_work *member = &work->members[p];
        open_member(member, (uint8_t)p);
        enum err_code code = state_decode(work->input->parties[p].state, work->scratch, &member->state, work->err);
        if (!code)
            code = check_ending(work, member);
        if (code)
            return code;
        member->before = sums_of(&member->state);
        member->entries_before = member->state.entry_count;
    }
    return ERR_NONE;
}

static enum err_code settle(struct work *work)
{
    enum err_code code = ERR_NONE;
    for (size_t p = 0; p < work->member_count && !code; p++) {
        struct member_work *member = &work->members[p];
        code = obligations_settle(work, member);
        if (!code)
            member->tier = tier_held(work->program, &member->state);
    }
    return code;
}

/* What earns, of the kinds that a member has by being one. What is undone, corrected or told of a member counts for
 * those who left or never enrolled, too. */
static bool earns(enum event_kind kind)
{
    static const bool earning[EVENT_KIND_COUNT] = {
        [ORDER_PLACED] = true,       [ORDER_PAID] = true,       [ORDER_SHIPPED] = true, [ORDER_COMPLETED] = true,
        [REVIEW_SUBMITTED] = true,   [REVIEW_APPROVED] = true,  [SHARE_SHARED] = true,  [REFERRAL_SIGNED_UP] = true,
        [REFERRAL_CONVERTED] = true, [REFERRAL_INVITED] = true, [ACTIVITY_DONE] = true,
    };
    return earning[kind];
}

static bool is_outside(const struct work *work, const struct member_work *member)
{
    enum standing standing = profile_standing_at(&member->state, work->event->occurred_at);
    return standing == STANDING_LEFT || (work->program->enrolment_required && standing == STANDING_NEVER);
}

static bool any_outside(const struct work *work)
{
    for (size_t p = 0; p < work->member_count; p++)
        if (is_outside(work, &work->members[p]))
            return true;
    return false;
}

static enum err_code decide(struct work *work)
{
    if (work->event->kind == KIND_UNKNOWN)
        return ERR_NONE; /* a newer writer's: counted as seen */
    if (earns(work->event->kind) && any_outside(work)) {
        TRACE(work, FACT_OUTSIDE, fact->pending = false);
        return ERR_NONE;
    }
    switch (work->event->type) {
    case EVENT_ORDER:
        return decide_order(work);
    case EVENT_REVIEW:
        return decide_review(work);
    case EVENT_SHARE:
        return decide_share(work);
    case EVENT_REFERRAL:
        return decide_referral(work);
    case EVENT_ACTIVITY:
        return decide_activity(work);
    case EVENT_ADJUSTMENT:
        return decide_adjustment(work);
    case EVENT_MEMBER:
        return decide_member(work);
    case EVENT_REDEMPTION:
        return decide_redemption(work);
    case EVENT_TIMER:
    case EVENT_TYPE_COUNT:
        break;
    }
    return ERR_NONE;
}

/* What the event changed may change a level. What does not concern a member as one, or one who is none, changes none.
 */
static enum err_code follow(struct work *work)
{
    enum event_kind kind = work->event->kind;
    enum err_code code = ERR_NONE;
    if (kind == KIND_UNKNOWN || kind == TIMER_DUE || kind == MEMBER_MERGED || kind == MEMBER_ERASED)
        return ERR_NONE;
    for (size_t p = 0; p < work->member_count && !code; p++)
        if (work->members[p].tier_moved || !is_outside(work, &work->members[p]))
            code = tier_follow(work, &work->members[p]);
    return code;
}

static enum outcome outcome_of(const struct work *work)
{
    if (work->entry_count > 0 || work->reward_count > 0 || work->erases)
        return OUTCOME_APPLIED;
    return work->waiting ? OUTCOME_WAITING : OUTCOME_NO_EFFECT;
}

static void close_decision(const struct work *work, struct decision *out)
{
    *out = (struct decision){.outcome = outcome_of(work),
                             .entries = work->entries,
                             .entry_count = work->entry_count,
                             .rewards = work->rewards,
                             .reward_count = work->reward_count,
                             .spills = work->spills,
                             .spill_count = work->spill_count,
                             .draws = work->draws,
                             .draw_count = work->draw_count,
                             .erases = work->erases,
                             .merged = work->merged,
                             .merged_count = work->merged_count};
    for (size_t p = 0; p < work->member_count; p++) {
        const struct member_work *member = &work->members[p];
        assert_conserved(work, member);
        if (!member->changed)
            continue;
        out->states[p] = arena_bytes(work->arena, state_encode(&member->state, work->scratch));
        out->due_at[p] = obligations_next(&member->state);
    }
}

enum err_code step(const struct step_input *input, struct arena *arena, struct decision *out, struct err *err)
{
    assert(input->program && input->event && out);
    struct scratch scratch;
    struct member_work members[STEP_PARTIES_MAX]; /* filled by read_members: most events have but one */
    scratch_open(&scratch, arena);
    struct work work = {.members = members,
                        .input = input,
                        .program = input->program,
                        .event = input->event,
                        .now = input->event->occurred_at,
                        .arena = arena,
                        .scratch = &scratch,
                        .err = err};
    enum err_code code = check_partner(&work);
    if (!code)
        code = read_members(&work);
    if (!code)
        code = settle(&work);
    if (!code)
        code = decide(&work);
    if (!code)
        code = follow(&work);
    if (code)
        *out = (struct decision){0};
    else
        close_decision(&work, out);
    out->lacks = work.lacks; /* an error may rest on what was not known */
    out->lack_count = work.lack_count;
    return code;
}
