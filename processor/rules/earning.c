#include "rules/earning.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/cel/cel.h"
#include "rules/gate.h"
#include "rules/profile.h"
#include "rules/tier.h"

static bool is_open(const struct member_work *member, const struct program *terms, const struct gate *gate, int64_t at)
{
    bool by_member = gate->by_member && gate_has_clock(gate);
    return gate_is_open(gate, at, by_member ? profile_zone_at(terms, &member->state, at) : terms->local);
}

static enum err_code overflow(struct work *work, const struct rule *rule)
{
    return err_set(work->err, ERR_OVERFLOW, "the points of rule %.*s do not fit", SHOWN(rule->id));
}

/* ---- factors */

static bool multiplies(const struct work *work, const struct member_work *member, const struct program *terms,
                       const struct multiplier *multiplier, const struct rule *rule, const struct event *event)
{
    bool concerned = multiplier->rules ? multiplier->rules[rule->place] : rule->type == EVENT_ORDER;
    if (!concerned)
        return false;
    bool applies = is_open(member, terms, &multiplier->gate, event->occurred_at) &&
                   work_condition_holds(work, member, terms, multiplier->when, event);
    TRACE(work, FACT_MULTIPLIER, fact->multiplier = multiplier, fact->applied = applies);
    return applies;
}

/* All that multiply the rule, multiplied together. */
static bool factor_of(const struct work *work, const struct member_work *member, const struct program *terms,
                      const struct rule *rule, const struct event *event, struct fraction *out)
{
    *out = terms->tiers ? tier_factor(terms, rule, member->tier) : FRACTION_ONE;
    if (out->numerator != out->denominator)
        TRACE(work, FACT_TIER, fact->source = member->tier, fact->factor = *out);
    for (size_t i = 0; i < terms->multiplier_count; i++) {
        const struct multiplier *multiplier = &terms->multipliers[i];
        if (multiplies(work, member, terms, multiplier, rule, event) &&
            !fraction_multiply(*out, multiplier->times, out))
            return false;
    }
    return true;
}

/* ---- amounts */

/* An amount that the expression gives, in minor units; what ends in an error or below zero grants nothing. False when
 * it does not fit. */
static bool amount_by_expression(const struct work *work, const struct member_work *member, const struct rule *rule,
                                 const struct program *terms, const struct event *event, int64_t *out)
{
    struct cel_value result;
    work_evaluate(work, member, terms, rule->amount, event, &result);
    *out = result.kind == CEL_INT && result.integer > 0 ? result.integer : 0;
    for (int i = 0; i < terms->points[rule->currency].decimals; i++)
        if (!checked_mul(*out, 10, out))
            return false;
    return true;
}

/* rate: for the basis, where the rule has one. False when the points do not fit. */
static bool points_of(const struct rule *rule, const struct rate *rate, const struct measure *measure, int64_t amount,
                      struct fraction factor, int64_t *out)
{
    switch (rule->form) {
    case EARN_FIXED:
        return fraction_apply(factor, rule->fixed, rule->rounding, out);
    case EARN_PER_ITEM:
        return checked_mul(rule->fixed, measure->items, &amount) && fraction_apply(factor, amount, rule->rounding, out);
    case EARN_AMOUNT:
        return fraction_apply(factor, amount, rule->rounding, out);
    case EARN_RATE:
        break;
    }
    assert(rule->form == EARN_RATE);
    *out = 0;
    return rate->denominator == 0 || rate_points(rate, measure->basis, factor, rule->rounding, out);
}

static enum err_code compute(struct work *work, const struct member_work *member, const struct program *terms,
                             const struct rule *rule, const struct rate *rate, const struct measure *measure,
                             const struct event *event, int64_t *out)
{
    struct fraction factor;
    int64_t amount = 0;
    if (rule->form == EARN_AMOUNT && !amount_by_expression(work, member, rule, terms, event, &amount))
        return overflow(work, rule);
    if (!factor_of(work, member, terms, rule, event, &factor) || !points_of(rule, rate, measure, amount, factor, out))
        return overflow(work, rule);
    TRACE(work, FACT_COMPUTED, fact->basis = measure->basis, fact->items = measure->items, fact->rate = rate,
          fact->factor = factor, fact->amount = rule->form == EARN_AMOUNT ? amount : rule->fixed, fact->points = *out);
    return ERR_NONE;
}

/* The rule grants nothing. */
static enum err_code skip(const struct work *work, enum skip why)
{
    TRACE(work, FACT_SKIPPED, fact->why = why);
    return ERR_NONE;
}

enum err_code earning_of_event(struct work *work, const struct member_work *member, const struct rule *rule,
                               int64_t *out)
{
    const struct event *event = work->event;
    struct measure measure = {0};
    *out = 0;
    if (!is_open(member, work->program, &rule->gate, event->occurred_at))
        return skip(work, SKIP_CLOSED);
    if (!work_condition_holds(work, member, work->program, rule->when, event))
        return skip(work, SKIP_CONDITION);
    if (rule->form == EARN_RATE) {
        assert(event->type == EVENT_ACTIVITY);
        measure.basis = event->activity.value;
        if (measure.basis < 0)
            return err_set(work->err, ERR_BAD_EVENT,
                           "activity.value is %lld thousandths; rule %.*s pays by it, it must not be negative",
                           (long long)measure.basis, SHOWN(rule->id));
    }
    return compute(work, member, work->program, rule, rule->rates, &measure, event, out);
}

/* nth: the member's how-manieth order it is, from 1. */
static bool counts_nth(const struct rule *rule, int64_t nth)
{
    if (rule->nth == 0)
        return true;
    assert(nth > 0);
    return nth > PROGRAM_NTH_MAX ? rule->nth_and_later : rule->nth >> (nth - 1) & 1;
}

enum err_code earning_of_order(struct work *work, const struct member_work *member, const struct program *terms,
                               const struct rule *rule, struct order_view *view, const struct order_decision *decision,
                               size_t money, int64_t *out)
{
    const struct order_record *record = view->record;
    struct measure measure;
    *out = 0;
    if (!is_open(member, terms, &rule->gate, decision->at))
        return skip(work, SKIP_CLOSED);
    if (!counts_nth(rule, record->nth))
        return skip(work, SKIP_NTH);
    if (!order_view_measure(view, terms, rule, money, &measure))
        return overflow(work, rule);
    int64_t least = rule->minimums ? rule->minimums[money] : 0;
    TRACE(work, FACT_MEASURED, fact->basis = measure.basis, fact->basket = measure.basket, fact->items = measure.items,
          fact->least = least, fact->money = work->input->trace->money = record->currency);
    if (!measure.concerned)
        return skip(work, SKIP_ITEMS);
    if (measure.basket < least)
        return skip(work, SKIP_MINIMUM);
    bool is_read = rule->when || rule->amount || terms->multiplier_count > 0;
    const struct event *event = order_view_event(view, work->event, decision, is_read);
    if (!work_condition_holds(work, member, terms, rule->when, event))
        return skip(work, SKIP_CONDITION);
    return compute(work, member, terms, rule, rule->rates ? &rule->rates[money] : NULL, &measure, event, out);
}

/* ---- rules beside each other */

static bool beats(const struct due *a, const struct due *b, bool priority_first)
{
    bool more = a->points > b->points, less = a->points < b->points;
    bool higher = a->rule->priority > b->rule->priority, lower = a->rule->priority < b->rule->priority;
    if (priority_first)
        return higher || (!lower && more);
    return more || (!less && higher);
}

static bool is_rival(const struct due *a, const struct due *b)
{
    if (a->points == 0 || b->points == 0 || a->rule->currency != b->rule->currency)
        return false;
    if (a->rule->stacking == STACK_EXCLUSIVE)
        return true;
    return a->rule->stacking == STACK_BEST && b->rule->stacking == STACK_BEST &&
           text_equal(a->rule->group, b->rule->group);
}

/* Sets to 0 whatever the due at that place beats. */
static void beat_rivals(const struct work *work, struct due *dues, size_t count, size_t at)
{
    for (size_t i = 0; i < count; i++) {
        if (i == at || !is_rival(&dues[at], &dues[i]))
            continue;
        dues[i].points = 0;
        TRACE_RULE(work, FACT_SKIPPED, NULL, dues[i].rule, fact->why = SKIP_BEATEN, fact->other = dues[at].rule);
    }
}

/* The best of each set of rivals, in order; each beats its own before the next is looked for. */
static void settle_rivals(const struct work *work, struct due *dues, size_t count, enum stacking stacking)
{
    for (size_t i = 0; i < count; i++) {
        if (dues[i].points == 0 || dues[i].rule->stacking != stacking)
            continue;
        size_t best = i;
        for (size_t j = i + 1; j < count; j++)
            if (dues[j].rule->stacking == stacking && is_rival(&dues[best], &dues[j]) &&
                beats(&dues[j], &dues[best], stacking == STACK_EXCLUSIVE))
                best = j;
        beat_rivals(work, dues, count, best);
    }
}

void earning_stack(const struct work *work, struct due *dues, size_t count)
{
    bool rivals = false;
    for (size_t i = 0; i < count && !rivals; i++)
        rivals = dues[i].rule->stacking != STACK_ADD;
    if (!rivals)
        return;
    settle_rivals(work, dues, count, STACK_EXCLUSIVE);
    settle_rivals(work, dues, count, STACK_BEST);
}
