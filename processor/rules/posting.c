#include "rules/posting.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/consequences.h"
#include "rules/reason.h"

static int64_t later(int64_t at, int64_t delay)
{
    int64_t due;
    return checked_add(at, delay, &due) ? due : INT64_MAX - 1;
}

int64_t posting_due(const struct rule *rule, const struct cause *cause)
{
    const struct pending_terms *waiting = rule->pending;
    assert(waiting);
    if (waiting->awaits == KIND_UNKNOWN)
        return later(cause->granted_at, waiting->delay);
    return cause->released_at == INT64_MAX ? INT64_MAX : later(cause->released_at, waiting->delay);
}

/* ---- putting aside, taking back */

static struct reward *tell(struct work *work, struct member_work *member, enum reward_type type,
                           const struct transfer *transfer, const struct cause *cause)
{
    struct reward *reward = work_add_reward(work, member, type, state_find_balance(&member->state, transfer->currency));
    reward->amount = transfer->amount;
    reward->currency = transfer->currency;
    reward->rule_id = transfer->rule_id;
    reward->partner_id = cause->partner_id;
    reward->subject = cause->subject;
    reward->program_version = cause->terms->version;
    return reward;
}

enum err_code posting_put_aside(struct work *work, struct member_work *member, const struct rule *rule, int64_t amount,
                                int64_t wanted, const struct cause *cause, int64_t due)
{
    const struct currency *currency = &cause->terms->points[rule->currency];
    struct transfer transfer = {.kind = ENTRY_ACCRUAL,
                                .from = ACCOUNT_PROGRAMME,
                                .to = ACCOUNT_MEMBER_PENDING,
                                .amount = amount,
                                .wanted = wanted,
                                .currency = currency->name,
                                .rule_id = rule->id};
    struct pending_credit credit = {.subject_key = cause->subject_key,
                                    .version = cause->terms->version,
                                    .rule = rule->place,
                                    .subject = cause->subject,
                                    .currency = currency->name,
                                    .partner_id = cause->partner_id,
                                    .due = due,
                                    .awaits = due == INT64_MAX ? rule->pending->awaits : KIND_UNKNOWN,
                                    .amount = amount};
    struct balance *balance = state_balance(&member->state, currency->name, work->scratch);
    if (!pending_add(&member->state.pending, &credit, work->scratch))
        return err_set(work->err, ERR_OVERFLOW, "the member's pending %.*s do not fit", SHOWN(currency->name));
    enum err_code code = work_post(work, member, balance, &transfer, cause);
    if (!code)
        tell(work, member, REWARD_POINTS_PENDING, &transfer, cause)->reason =
            reason_for_pending(work->arena, cause->terms, rule, amount, cause->subject, due);
    return code;
}

enum err_code posting_take_back(struct work *work, struct member_work *member, const struct rule *rule,
                                const struct cause *cause, int64_t *amount)
{
    struct pending *pending = &member->state.pending;
    const struct currency *currency = &cause->terms->points[rule->currency];
    const struct pending_credit *credit;
    int64_t taken = 0;
    while (taken < *amount && (credit = pending_of(pending, cause->subject_key, cause->terms->version, rule->place))) {
        int64_t part = credit->amount < *amount - taken ? credit->amount : *amount - taken;
        pending_take(pending, (size_t)(credit - pending->items), part);
        taken += part;
    }
    if (taken == 0)
        return ERR_NONE;
    *amount -= taken;
    struct transfer transfer = {.kind = ENTRY_TAKE_BACK,
                                .from = ACCOUNT_MEMBER_PENDING,
                                .to = ACCOUNT_PROGRAMME,
                                .amount = taken,
                                .wanted = taken,
                                .currency = currency->name,
                                .rule_id = rule->id};
    struct balance *balance = state_balance(&member->state, currency->name, work->scratch);
    enum err_code code = work_post(work, member, balance, &transfer, cause);
    if (!code)
        tell(work, member, REWARD_POINTS_TAKEN_BACK, &transfer, cause)->reason =
            reason_for_take_back(work->arena, work->event, currency, taken, cause->subject);
    return code;
}

/* ---- posting */

/* The rule that granted, in its version. */
static enum err_code granting_rule(struct work *work, const struct pending_credit *credit, const struct program **terms,
                                   const struct rule **rule)
{
    enum err_code code = work_terms(work, credit->version, terms);
    if (code)
        return code;
    if (credit->rule >= (*terms)->rule_count)
        return err_set(work->err, ERR_BAD_STATE, "the member's state names rule %zu of version %lld", credit->rule,
                       (long long)credit->version);
    *rule = &(*terms)->rules[credit->rule];
    if (!text_equal((*terms)->points[(*rule)->currency].name, credit->currency))
        return err_set(work->err, ERR_BAD_STATE, "the member's state has %.*s pending by rule %.*s, which grants none",
                       SHOWN(credit->currency), SHOWN((*rule)->id));
    return ERR_NONE;
}

/* Makes the credit at that place available. */
static enum err_code post(struct work *work, struct member_work *member, size_t at)
{
    struct pending_credit credit = member->state.pending.items[at];
    const struct program *terms = NULL;
    const struct rule *rule = NULL;
    enum err_code code = granting_rule(work, &credit, &terms, &rule);
    if (code)
        return code;
    struct cause cause = {.terms = terms,
                          .partner_id = arena_text(work->arena, credit.partner_id),
                          .subject = arena_text(work->arena, credit.subject),
                          .subject_key = credit.subject_key};
    pending_take(&member->state.pending, at, credit.amount);
    return work_credit(work, member, rule, ENTRY_POSTING, credit.amount, credit.amount, &cause);
}

enum err_code posting_release(struct work *work, struct member_work *member, struct hash16 subject_key)
{
    struct pending *pending = &member->state.pending;
    const struct pending_credit *waiting;
    enum err_code code = ERR_NONE;
    while (!code && (waiting = pending_awaiting(pending, subject_key, work->event->kind))) {
        struct pending_credit credit = *waiting;
        const struct program *terms = NULL;
        const struct rule *rule = NULL;
        code = granting_rule(work, &credit, &terms, &rule);
        if (!code && !rule->pending)
            code = err_set(work->err, ERR_BAD_STATE,
                           "the member's state has points pending by rule %.*s, which posts "
                           "at once",
                           SHOWN(rule->id));
        if (code)
            return code;
        size_t at = (size_t)(waiting - pending->items);
        if (rule->pending->delay == 0) {
            code = post(work, member, at);
            continue;
        }
        pending_take(pending, at, credit.amount);
        credit.awaits = KIND_UNKNOWN;
        credit.due = later(work->now, rule->pending->delay);
        pending_add(pending, &credit, work->scratch); /* what was there fits again */
        member->changed = true;
    }
    return code;
}

int64_t posting_next(const struct member_state *state)
{
    return pending_next_due(&state->pending);
}

enum err_code posting_settle(struct work *work, struct member_work *member, int64_t due)
{
    while (pending_next_due(&member->state.pending) == due) {
        enum err_code code = post(work, member, 0);
        if (code)
            return code;
    }
    return consequences_settle(work, member, NULL);
}
