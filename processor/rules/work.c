#include "rules/work.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/automatic.h"
#include "rules/cel/cel.h"
#include "rules/event_fields.h"
#include "rules/limiting.h"
#include "rules/posting.h"
#include "rules/reason.h"
#include "rules/tier.h"

enum { OUTPUTS_USUAL = 12 };

enum err_code work_terms(struct work *work, int64_t version, const struct program **out)
{
    const struct program *terms = work->program;
    if (version != terms->version)
        terms = program_set_version(work->input->programs, work->program->id, version);
    if (!terms)
        return err_set(work->err, ERR_BAD_STATE,
                       "the member's state names version %lld of program %.*s, which is not held", (long long)version,
                       SHOWN(work->program->id));
    *out = terms;
    return ERR_NONE;
}

enum err_code work_granting_rule(struct work *work, const struct grant *grant, const struct program **terms,
                                 const struct rule **rule)
{
    const struct program *program = NULL;
    enum err_code code = work_terms(work, grant->version, &program);
    if (code)
        return code;
    if (grant->rule >= program->rule_count || program->rules[grant->rule].type != work->event->type)
        return err_set(work->err, ERR_BAD_STATE,
                       "the member's state names rule %zu of version %lld for an event of type %s", grant->rule,
                       (long long)grant->version, event_type_name(work->event->type));
    *terms = program;
    *rule = &program->rules[grant->rule];
    return ERR_NONE;
}

struct bytes work_record(const struct work *work, const struct member_work *member, size_t subject)
{
    assert(subject < STEP_SUBJECTS_MAX && member->party < STEP_PARTIES_MAX);
    struct bytes record = state_record(&member->state, work->input->subject_keys[subject]);
    return record.len > 0 ? record : work->input->parties[member->party].records[subject];
}

void work_reserve_spills(struct work *work, size_t more)
{
    size_t most = work->spill_count + more + (size_t)STEP_SPILLS_MAX * STEP_PARTIES_MAX;
    struct spill *spills = arena_array(work->arena, most, sizeof *spills);
    if (work->spill_count > 0)
        memcpy(spills, work->spills, work->spill_count * sizeof *spills);
    work->spills = spills;
    work->spill_capacity = most;
}

void work_spill(struct work *work, struct member_work *member, struct hash16 key, struct bytes record)
{
    if (work->spill_count == work->spill_capacity)
        work_reserve_spills(work, 0);
    member->state.has_spilled = true;
    work->spills[work->spill_count++] =
        (struct spill){.party = member->party, .key = key, .record = arena_bytes(work->arena, record)};
}

static void spill(struct work *work, struct member_work *member, size_t at)
{
    struct inline_record record = state_spill(&member->state, at);
    work_spill(work, member, record.key, record.bytes);
}

void work_put_record(struct work *work, struct member_work *member, size_t subject, struct bytes record)
{
    assert(subject < STEP_SUBJECTS_MAX && record.len > 0);
    state_put_record(&member->state, work->input->subject_keys[subject], record);
    member->changed = true;
    size_t most = record.len > STATE_RECORD_BYTES_MAX ? 0 : STEP_SPILLS_MAX;
    if (most == 0) /* alone too large: it goes, the older ones may stay */
        spill(work, member, member->state.record_count - 1);
    for (; most > 0 && state_is_crowded(&member->state); most--)
        spill(work, member, 0);
}

struct reward *work_add_reward(struct work *work, struct member_work *member, enum reward_type type,
                               const struct balance *balance)
{
    member->changed = true; /* what is told of a balance rests on the member's version, as entries do */
    if (work->reward_count == work->reward_capacity) {
        work->reward_capacity = work->reward_capacity > 0 ? 2 * work->reward_capacity : OUTPUTS_USUAL;
        struct reward *larger = arena_raw(work->arena, work->reward_capacity * sizeof *larger);
        if (work->reward_count > 0)
            memcpy(larger, work->rewards, work->reward_count * sizeof *larger);
        work->rewards = larger;
    }
    static const struct reward nothing;
    struct reward *reward = &work->rewards[work->reward_count++];
    *reward = nothing;
    reward->type = type;
    reward->party = member->party;
    reward->settlement = work->settlement;
    reward->balance_after = balance ? balance->available : 0;
    reward->lifetime_after = balance ? balance->lifetime : 0;
    return reward;
}

/* How long points of the currency last: as the rule says, which may be NULL, else as the currency's do. */
static const struct expiry *expiry_of(const struct currency *currency, const struct rule *rule)
{
    return rule && rule->expiry ? rule->expiry : &currency->expiry;
}

struct lot work_lot(const struct program *terms, const struct rule *rule, size_t currency, struct text partner_id,
                    int64_t at)
{
    assert(currency < terms->point_count);
    const struct currency *points = &terms->points[currency];
    const struct expiry *expiry = expiry_of(points, rule);
    struct lot lot = {.currency = points->name, .partner_id = partner_id, .end = NEVER, .warn_at = NEVER};
    if (expiry->form == EXPIRY_NEVER)
        return lot;
    lot.end = expiry_end(expiry, terms->local, at);
    lot.warn_at = warnings_next(&points->warnings, lot.end, at);
    lot.idle = idle_of(expiry);
    return lot;
}

void work_touch(struct work *work, struct member_work *member, const struct program *terms, size_t currency)
{
    const struct currency *points = &terms->points[currency];
    if (member->state.lots.count > 0)
        lots_touch(&member->state.lots, points->name, work->now, terms->local, &points->warnings, work->scratch);
}

static struct entry *add_entry(struct work *work)
{
    if (work->entry_count == work->entry_capacity) {
        work->entry_capacity = work->entry_capacity > 0 ? 2 * work->entry_capacity : OUTPUTS_USUAL;
        struct entry *larger = arena_raw(work->arena, work->entry_capacity * sizeof *larger);
        if (work->entry_count > 0)
            memcpy(larger, work->entries, work->entry_count * sizeof *larger);
        work->entries = larger;
    }
    return &work->entries[work->entry_count++];
}

/* What is added pays the deficit first, and the rest is part of its lot. */
static void add_to_lots(struct work *work, struct member_work *member, int64_t available,
                        const struct transfer *transfer)
{
    int64_t amount = transfer->amount;
    if (!transfer->lot || transfer->lot->end == NEVER)
        return;
    if (available < 0)
        amount = available + amount < 0 ? 0 : available + amount;
    lots_put(&member->state.lots, transfer->lot, amount, work->scratch);
}

/* What is taken comes from its lot first, then from those that end first, then from what lasts for ever. */
static void take_from_lots(struct work *work, struct member_work *member, int64_t available,
                           const struct transfer *transfer)
{
    struct lots *lots = &member->state.lots;
    int64_t amount = transfer->amount;
    if (lots->count == 0)
        return;
    if (transfer->lot && transfer->lot->end != NEVER) {
        amount -= lots_take(lots, transfer->lot, amount);
    } else if (transfer->lot) {
        int64_t lasting = available - lots_sum(lots, transfer->currency);
        amount -= lasting < amount ? lasting : amount;
    }
    lots_spend(lots, transfer->currency, amount, work->scratch, transfer->draws);
}

enum err_code work_post(struct work *work, struct member_work *member, struct balance *balance,
                        const struct transfer *transfer, const struct cause *cause)
{
    assert(transfer->amount > 0 && transfer->wanted >= transfer->amount);
    bool adds = transfer->to == ACCOUNT_MEMBER_AVAILABLE, takes = transfer->from == ACCOUNT_MEMBER_AVAILABLE;
    int64_t before = balance->available;
    bool fits = true;
    if (adds)
        fits = checked_add(before, transfer->amount, &balance->available);
    else if (takes)
        fits = checked_sub(before, transfer->amount, &balance->available);
    if (!fits || !checked_add(member->state.entry_count, 1, &member->state.entry_count))
        return err_set(work->err, ERR_OVERFLOW, "%lld %.*s do not fit the member's balance",
                       (long long)transfer->amount, SHOWN(transfer->currency));
    if (adds)
        add_to_lots(work, member, before, transfer);
    else if (takes)
        take_from_lots(work, member, before, transfer);
    member->changed = true;
    struct entry *entry = add_entry(work);
    entry->party = member->party;
    entry->kind = transfer->kind;
    entry->from = transfer->from;
    entry->to = transfer->to;
    entry->sequence = member->state.entry_count;
    entry->amount = transfer->amount;
    entry->wanted = transfer->wanted;
    entry->currency = transfer->currency;
    entry->partner_id = cause->partner_id;
    entry->rule_id = transfer->rule_id;
    entry->subject = cause->subject;
    entry->subject_key = cause->subject_key;
    entry->program_version = cause->terms->version;
    entry->settlement = work->settlement;
    return ERR_NONE;
}

/* The output that follows an entry of a rule. */
static void add_points_reward(struct work *work, struct member_work *member, enum reward_type type,
                              const struct balance *balance, const struct transfer *transfer, const struct cause *cause,
                              struct text reason)
{
    struct reward *reward = work_add_reward(work, member, type, balance);
    reward->amount = transfer->amount;
    reward->currency = transfer->currency;
    reward->rule_id = transfer->rule_id;
    reward->partner_id = cause->partner_id;
    reward->subject = cause->subject;
    reward->reason = reason;
    reward->program_version = cause->terms->version;
}

static enum err_code lifetime_overflow(struct work *work, struct text currency)
{
    return err_set(work->err, ERR_OVERFLOW, "the member's lifetime %.*s do not fit", SHOWN(currency));
}

static void __attribute__((cold))
trace_expression(const struct work *work, const struct cel_program *expression, const struct cel_value *variables)
{
    struct cel_parts parts;
    cel_explain(expression, variables, work->input->trace->arena, &parts);
    TRACE(work, FACT_EXPRESSION, fact->source = cel_program_source(expression), fact->parts = parts);
}

void work_evaluate(const struct work *work, const struct member_work *member, const struct program *terms,
                   const struct cel_program *expression, const struct event *event, struct cel_value *out)
{
    struct member_view view;
    view.program = terms;
    view.state = &member->state;
    view.scratch = work->scratch;
    view.at = event->occurred_at;
    view.tier = member->tier;
    view.opened = false;
    struct cel_value variables[VARIABLE_COUNT] = {[VARIABLE_EVENT] = event_fields_value(event),
                                                  [VARIABLE_MEMBER] = member_fields_value(&view),
                                                  [VARIABLE_PROGRAM] = program_fields_value(terms)};
    cel_eval(expression, variables, work->arena, out);
    if (__builtin_expect(work->input->trace != NULL, 0))
        trace_expression(work, expression, variables);
}

bool work_condition_holds(const struct work *work, const struct member_work *member, const struct program *terms,
                          const struct cel_program *condition, const struct event *event)
{
    struct cel_value result;
    if (!condition)
        return true;
    work_evaluate(work, member, terms, condition, event, &result);
    return result.kind == CEL_BOOL && result.boolean;
}

enum err_code work_credit(struct work *work, struct member_work *member, const struct rule *rule, enum entry_kind kind,
                          int64_t amount, int64_t wanted, const struct cause *cause)
{
    const struct currency *currency = &cause->terms->points[rule->currency];
    struct balance *balance = state_balance(&member->state, currency->name, work->scratch);
    struct lot lot;
    struct transfer transfer = {.kind = kind,
                                .from = kind == ENTRY_POSTING ? ACCOUNT_MEMBER_PENDING : ACCOUNT_PROGRAMME,
                                .to = ACCOUNT_MEMBER_AVAILABLE,
                                .amount = amount,
                                .wanted = wanted,
                                .currency = currency->name,
                                .rule_id = rule->id};
    assert(kind == ENTRY_ACCRUAL || kind == ENTRY_POSTING);
    if (expiry_of(currency, rule)->form != EXPIRY_NEVER) {
        lot = work_lot(cause->terms, rule, rule->currency, cause->partner_id, work->now);
        transfer.lot = &lot;
    }
    enum err_code code = work_post(work, member, balance, &transfer, cause);
    if (code)
        return code;
    if (!checked_add(balance->lifetime, amount, &balance->lifetime))
        return lifetime_overflow(work, currency->name);
    balance->accrued = true;
    if (work->program->tiers)
        tier_count_points(work, member, rule, amount, rule->pending ? work->now : cause->granted_at, cause->terms);
    struct text reason = reason_for_accrual(work->arena, rule, currency, amount, cause->subject);
    add_points_reward(work, member, REWARD_POINTS_GRANTED, balance, &transfer, cause, reason);
    return ERR_NONE;
}

enum err_code work_accrue(struct work *work, struct member_work *member, const struct rule *rule, int64_t wanted,
                          const struct cause *cause, int64_t *granted)
{
    TRACE_RULE(work, FACT_ASKED, cause->terms, rule, fact->party = member->party);
    bool is_limited = rule->limits.count > 0 || rule->budgets.count > 0;
    int64_t amount = is_limited ? limiting_take(work, member, rule, wanted, cause) : wanted;
    *granted = amount;
    TRACE(work, FACT_GRANTED, fact->party = member->party, fact->wanted = wanted, fact->granted = amount);
    if (amount == 0)
        return ERR_NONE;
    work_touch(work, member, cause->terms, rule->currency);
    int64_t due = rule->pending ? posting_due(rule, cause) : work->now;
    if (due > work->now)
        TRACE(work, FACT_PENDING, fact->granted = amount, fact->due = due);
    if (due > work->now)
        return posting_put_aside(work, member, rule, amount, wanted, cause, due);
    return work_credit(work, member, rule, ENTRY_ACCRUAL, amount, wanted, cause);
}

enum err_code work_take_back(struct work *work, struct member_work *member, const struct rule *rule, int64_t amount,
                             const struct cause *cause)
{
    const struct currency *currency = &cause->terms->points[rule->currency];
    int64_t all = amount;
    limiting_give_back(work, member, rule, amount, cause);
    enum err_code code = posting_take_back(work, member, rule, cause, &amount);
    if (amount < all)
        TRACE_RULE(work, FACT_TAKEN_BACK, cause->terms, rule, fact->party = member->party,
                   fact->wanted = fact->granted = all - amount, fact->pending = true);
    if (!code && amount > 0)
        code = automatic_cover(work, member, currency->name, amount);
    if (code || amount == 0)
        return code;
    int64_t wanted = amount;
    int64_t came_at = rule->pending ? posting_due(rule, cause) : cause->granted_at;
    tier_count_points(work, member, rule, -wanted, came_at, cause->terms);
    struct balance *balance = state_balance(&member->state, currency->name, work->scratch);
    int64_t available = balance->available > 0 ? balance->available : 0;
    if (cause->terms->refunds == REFUND_CLAMP && amount > available)
        amount = available;
    TRACE_RULE(work, FACT_TAKEN_BACK, cause->terms, rule, fact->party = member->party, fact->wanted = wanted,
               fact->granted = amount);
    if (amount == 0)
        return ERR_NONE;
    struct lot lot = work_lot(cause->terms, rule, rule->currency, cause->partner_id, came_at);
    struct transfer transfer = {.kind = ENTRY_TAKE_BACK,
                                .from = ACCOUNT_MEMBER_AVAILABLE,
                                .to = ACCOUNT_PROGRAMME,
                                .amount = amount,
                                .wanted = wanted,
                                .currency = currency->name,
                                .rule_id = rule->id,
                                .lot = &lot};
    code = work_post(work, member, balance, &transfer, cause);
    if (code)
        return code;
    if (!checked_sub(balance->lifetime, amount, &balance->lifetime))
        return lifetime_overflow(work, currency->name);
    struct text reason = reason_for_take_back(work->arena, work->event, currency, amount, cause->subject);
    add_points_reward(work, member, REWARD_POINTS_TAKEN_BACK, balance, &transfer, cause, reason);
    return ERR_NONE;
}
