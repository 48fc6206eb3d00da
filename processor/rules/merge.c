#include <assert.h>

#include "base/checked.h"
#include "rules/automatic.h"
#include "rules/decide.h"
#include "rules/tier.h"
#include "rules/unite.h"

/* Two accounts become one: points, what automatic rewards count, and what was done once go over into the account that
 * goes on. Nothing is awarded anew. */

enum { ENDS = 0, GOES_ON = 1, PARTIES = 2 };

#define RULE_MERGE TEXT("merge")

static enum err_code check_accounts(struct work *work)
{
    const struct event *event = work->event;
    if (event->member.merged_into.len == 0)
        return err_set(work->err, ERR_BAD_EVENT, "member.merged_into is empty");
    if (text_equal(event->member.merged_into, event->member_id))
        return err_set(work->err, ERR_MERGE_SELF, "member.merged_into is the event's own member");
    assert(work->member_count == PARTIES);
    if (work->members[ENDS].state.identity.ending == ENDING_MERGED)
        return err_set(work->err, ERR_MERGED_BEFORE, "the account was merged into another before");
    if (work->members[GOES_ON].state.identity.ending == ENDING_MERGED)
        return err_set(work->err, ERR_MERGE_CYCLE, "member.merged_into is an account that was merged into this one");
    return ERR_NONE;
}

/* ---- points */

static struct cause cause_of(const struct work *work, size_t party)
{
    const struct event *event = work->event;
    return (struct cause){.terms = work->program,
                          .partner_id = event->partner_id,
                          .subject = party == ENDS ? event->member.merged_into : event->member_id};
}

/* One side of what goes over: amount < 0 leaves the account. */
static enum err_code move_side(struct work *work, size_t party, enum entry_kind kind, struct text currency,
                               int64_t amount)
{
    struct member_work *member = &work->members[party];
    struct balance *balance = state_balance(&member->state, currency, work->scratch);
    struct cause cause = cause_of(work, party);
    struct transfer transfer = {.kind = kind,
                                .from = amount > 0 ? ACCOUNT_MERGED : ACCOUNT_MEMBER_AVAILABLE,
                                .to = amount > 0 ? ACCOUNT_MEMBER_AVAILABLE : ACCOUNT_MERGED,
                                .amount = amount > 0 ? amount : -amount,
                                .wanted = amount > 0 ? amount : -amount,
                                .currency = currency,
                                .rule_id = RULE_MERGE};
    enum err_code code = work_post(work, member, balance, &transfer, &cause);
    if (!code && kind == ENTRY_MERGED_EARNED && !checked_add(balance->lifetime, amount, &balance->lifetime))
        code = err_set(work->err, ERR_OVERFLOW, "the lifetime %.*s of both accounts do not fit", SHOWN(currency));
    return code;
}

static enum err_code move_both(struct work *work, enum entry_kind kind, struct text currency, int64_t amount)
{
    int64_t taken = 0;
    if (amount == 0)
        return ERR_NONE;
    if (!checked_sub(0, amount, &taken))
        return err_set(work->err, ERR_OVERFLOW, "the account's %.*s do not fit", SHOWN(currency));
    enum err_code code = move_side(work, ENDS, kind, currency, taken);
    return code ? code : move_side(work, GOES_ON, kind, currency, amount);
}

static void tell(struct work *work, size_t party, struct text currency, int64_t amount)
{
    struct member_work *member = &work->members[party];
    struct cause cause = cause_of(work, party);
    struct reward *reward =
        work_add_reward(work, member, REWARD_MEMBER_MERGED, state_find_balance(&member->state, currency));
    reward->amount = amount > 0 ? amount : 0;
    reward->currency = currency;
    reward->rule_id = RULE_MERGE;
    reward->partner_id = cause.partner_id;
    reward->subject = cause.subject;
    reward->reason = arena_printf(
        work->arena, party == ENDS ? "your account was merged into %.*s" : "account %.*s was merged into yours",
        SHOWN(cause.subject));
    reward->program_version = work->program->version;
}

static enum err_code move_balance(struct work *work, struct text currency)
{
    const struct balance *balance = state_find_balance(&work->members[ENDS].state, currency);
    int64_t available = balance->available, lifetime = balance->lifetime, rest = 0;
    if (!checked_sub(available, lifetime, &rest))
        return err_set(work->err, ERR_OVERFLOW, "the account's %.*s do not fit", SHOWN(currency));
    enum err_code code = move_both(work, ENTRY_MERGED_EARNED, currency, lifetime);
    if (!code)
        code = move_both(work, ENTRY_MERGED, currency, rest);
    if (code)
        return code;
    tell(work, ENDS, currency, available);
    tell(work, GOES_ON, currency, available);
    return ERR_NONE;
}

/* Lots keep their ends; what a deficit of either account takes, it takes as spending does. */
static void move_lots(struct work *work, const struct lots *ends, const struct lots *goes_on)
{
    struct member_state *state = &work->members[GOES_ON].state;
    state->lots = *goes_on;
    lots_merge(&state->lots, ends, work->scratch);
    for (size_t i = 0; i < state->balance_count; i++) {
        const struct balance *balance = &state->balances[i];
        int64_t listed = lots_sum(&state->lots, balance->currency);
        int64_t most = balance->available > 0 ? balance->available : 0;
        if (listed > most)
            lots_spend(&state->lots, balance->currency, listed - most, work->scratch, NULL);
    }
}

/* One side of what is pending of a currency. */
static enum err_code move_pending_side(struct work *work, size_t party, struct text currency, int64_t amount)
{
    struct member_work *member = &work->members[party];
    struct cause cause = cause_of(work, party);
    struct transfer transfer = {.kind = ENTRY_MERGED,
                                .from = party == ENDS ? ACCOUNT_MEMBER_PENDING : ACCOUNT_MERGED,
                                .to = party == ENDS ? ACCOUNT_MERGED : ACCOUNT_MEMBER_PENDING,
                                .amount = amount,
                                .wanted = amount,
                                .currency = currency,
                                .rule_id = RULE_MERGE};
    return work_post(work, member, state_balance(&member->state, currency, work->scratch), &transfer, &cause);
}

/* Pending points wait on for what they waited for. */
static enum err_code move_pending(struct work *work)
{
    struct pending *ends = &work->members[ENDS].state.pending, *goes_on = &work->members[GOES_ON].state.pending;
    const struct member_state *state = &work->members[ENDS].state;
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < state->balance_count && !code; i++) {
        struct text currency = arena_text(work->arena, state->balances[i].currency);
        int64_t amount = pending_sum(ends, currency);
        if (amount > 0)
            code = move_pending_side(work, ENDS, currency, amount);
        if (amount > 0 && !code)
            code = move_pending_side(work, GOES_ON, currency, amount);
    }
    if (!code && !pending_merge(goes_on, ends, work->scratch))
        code = err_set(work->err, ERR_OVERFLOW, "the pending points of both accounts do not fit");
    *ends = (struct pending){NULL, 0, 0};
    return code;
}

static enum err_code move_balances(struct work *work)
{
    struct member_state *ends = &work->members[ENDS].state;
    struct lots ends_lots = ends->lots, goes_on_lots = work->members[GOES_ON].state.lots;
    ends->lots = work->members[GOES_ON].state.lots = (struct lots){NULL, 0, 0};
    enum err_code code = ERR_NONE;
    size_t moved = 0;
    for (size_t i = 0; i < ends->balance_count && !code; i++) {
        const struct balance *balance = &ends->balances[i];
        if (balance->available == 0 && balance->lifetime == 0)
            continue;
        code = move_balance(work, arena_text(work->arena, balance->currency));
        moved++;
    }
    if (moved == 0) {
        tell(work, ENDS, program_default_currency(work->program), 0);
        tell(work, GOES_ON, program_default_currency(work->program), 0);
    }
    if (!code)
        move_lots(work, &ends_lots, &goes_on_lots);
    return code;
}

/* ---- what was done once */

static enum err_code move_record(struct work *work, const struct moved *moved)
{
    struct member_work *ends = &work->members[ENDS], *goes_on = &work->members[GOES_ON];
    struct bytes from = state_record(&ends->state, moved->subject_key);
    struct bytes into = state_record(&goes_on->state, moved->subject_key);
    struct bytes both;
    from = from.len > 0 ? from : moved->from;
    if (from.len == 0) /* only a refund waits for it */
        return ERR_NONE;
    enum err_code code = records_unite(into.len > 0 ? into : moved->into, from, work->scratch, &both, work->err);
    if (!code && !state_replace_record(&goes_on->state, moved->subject_key, both))
        work_spill(work, goes_on, moved->subject_key, both);
    return code;
}

static enum err_code move_records(struct work *work)
{
    enum err_code code = ERR_NONE;
    work_reserve_spills(work, work->input->moved_count);
    for (size_t i = 0; i < work->input->moved_count && !code; i++)
        code = move_record(work, &work->input->moved[i]);
    return code;
}

/* What the account that goes on has by now of the subject. row: its side table's, where that was loaded. */
static struct bytes record_now(const struct work *work, struct hash16 key, struct bytes row)
{
    struct bytes record = state_record(&work->members[GOES_ON].state, key);
    for (size_t i = work->spill_count; i-- > 0 && record.len == 0;)
        if (hash16_equal(work->spills[i].key, key))
            record = work->spills[i].record;
    return record.len > 0 ? record : row;
}

/* A referee counts once: from now on under both names, but what each earned is taken back under its own. */
static enum err_code count_referrals(struct work *work, const struct bytes referred[PARTIES])
{
    for (size_t p = 0; p < work->member_count; p++) {
        struct bytes other, both;
        enum err_code code = once_record_used_up(referred[1 - p], work->scratch, &other, work->err);
        if (!code && other.len > 0)
            code =
                records_unite(record_now(work, work->input->subject_keys[p], work->input->parties[GOES_ON].records[p]),
                              other, work->scratch, &both, work->err);
        if (code)
            return code;
        if (other.len > 0)
            work_put_record(work, &work->members[GOES_ON], p, both);
    }
    return ERR_NONE;
}

/* ---- refunds that waited */

static struct bytes row_of(const struct work *work, struct hash16 key)
{
    for (size_t i = 0; i < work->input->moved_count; i++)
        if (hash16_equal(work->input->moved[i].subject_key, key))
            return work->input->moved[i].into;
    return (struct bytes){NULL, 0};
}

/* Each waits on, except where its order came to the other account. */
static enum err_code meet_refunds(struct work *work, const struct waiting *waiting)
{
    struct member_work *goes_on = &work->members[GOES_ON];
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < waiting->count && !code; i++) {
        const struct waiting_refund *refund = &waiting->items[i];
        struct bytes known = record_now(work, refund->order_key, row_of(work, refund->order_key)), after;
        if (known.len == 0)
            continue;
        code = order_meet_refund(work, goes_on, refund, known, &after);
        if (!code && !state_replace_record(&goes_on->state, refund->order_key, after))
            work_spill(work, goes_on, refund->order_key, after);
        waiting_met(&goes_on->state, refund->order_key);
    }
    return code;
}

static enum err_code move_waiting(struct work *work)
{
    struct member_work *goes_on = &work->members[GOES_ON];
    waiting_take_over(&goes_on->state, &work->members[ENDS].state, work->scratch);
    struct waiting all = {scratch_raw(work->scratch, goes_on->state.waiting.count * sizeof *all.items),
                          goes_on->state.waiting.count};
    if (all.count > 0)
        memcpy(all.items, goes_on->state.waiting.items, all.count * sizeof *all.items);
    return meet_refunds(work, &all);
}

enum err_code decide_merge(struct work *work)
{
    enum err_code code = check_accounts(work);
    if (code)
        return code;
    struct member_work *ends = &work->members[ENDS], *goes_on = &work->members[GOES_ON];
    struct bytes referred[PARTIES] = {work_record(work, ends, ENDS), work_record(work, goes_on, GOES_ON)};
    code = move_records(work);
    if (!code)
        code = count_referrals(work, referred);
    if (!code)
        code = automatic_take_over(work, goes_on, ends);
    if (!code)
        code = move_balances(work);
    if (!code)
        code = move_pending(work);
    if (!code && !checked_add(goes_on->state.order_count, ends->state.order_count, &goes_on->state.order_count))
        code = err_set(work->err, ERR_OVERFLOW, "the orders of both accounts do not fit");
    if (!code && !limits_unite(&goes_on->state.limits, &ends->state.limits, work->scratch))
        code = err_set(work->err, ERR_OVERFLOW, "what both accounts used of a limit does not fit");
    if (code)
        return code;
    profile_unite(&goes_on->state, &ends->state, work->scratch);
    code = move_waiting(work);
    if (!code)
        code = tier_take_over(work, goes_on, ends);
    if (code)
        return code;
    identity_take_over(&goes_on->state.identity, &ends->state.identity, work->event->member_id, work->scratch);
    state_clear(&ends->state);
    ends->state.identity.ending = ENDING_MERGED;
    ends->state.identity.merged_into = work->event->member.merged_into;
    ends->changed = goes_on->changed = true; /* both, so that of two merges at once one is decided again */
    return ERR_NONE;
}
