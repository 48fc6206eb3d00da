#include "audit/rebuild_reward.h"

#include <assert.h>

#include "audit/expected.h"
#include "base/hash.h"
#include "rules/program_model.h"
#include "rules/reason.h"

/* May a reward for money spent have been given before this one? In any version: which of them was in force when the
 * event was decided is known only by what is left of it. */
static bool spent_comes_before(const struct program_set *set, const struct ledger_row *row)
{
    for (size_t v = 0; v < set->count; v++) {
        const struct program *program = set->programs[v];
        if (!text_equal(program->id, row->program_id))
            continue;
        size_t place = program_reward_place(program, row->rule_id);
        for (size_t i = 0; i < program->reward_count && i < place; i++)
            if (program->rewards[i].form == AUTOMATIC_SPENT)
                return true;
    }
    return false;
}

/* A warning is told before all else, and leaves no entry. */
static bool may_warn(const struct program_set *set, struct text program_id)
{
    for (size_t v = 0; v < set->count; v++)
        for (size_t i = 0; i < set->programs[v]->point_count && text_equal(set->programs[v]->id, program_id); i++)
            if (set->programs[v]->points[i].warnings.count > 0)
                return true;
    return false;
}

/* May a change of level have been told before it? */
static bool has_tiers(const struct program_set *set, struct text program_id)
{
    for (size_t v = 0; v < set->count; v++)
        if (text_equal(set->programs[v]->id, program_id) && set->programs[v]->tiers)
            return true;
    return false;
}

static const struct rule *rule_of(const struct program *program, struct text id)
{
    for (size_t i = 0; i < program->rule_count; i++)
        if (text_equal(program->rules[i].id, id))
            return &program->rules[i];
    return NULL;
}

static const char *fill_automatic(const struct program *terms, const struct ledger_row *row, struct arena *arena,
                                  struct reward *out)
{
    size_t place = program_reward_place(terms, row->rule_id);
    if (place == PLACE_NONE)
        return "its program's version does not have its reward";
    const struct automatic *automatic = &terms->rewards[place];
    out->amount = automatic->worth;
    out->currency = automatic->worth_currency;
    out->benefit = automatic->give;
    out->reason = reason_for_automatic(arena, terms, automatic, out->type);
    return NULL;
}

static const char *fill_points(const struct program *terms, const struct rebuild_input *input,
                               const struct ledger_row *row, struct arena *arena, struct reward *out)
{
    size_t place = program_point_place(terms, row->currency);
    const struct rule *rule = rule_of(terms, row->rule_id);
    bool by_rule = row->kind == ENTRY_ACCRUAL || row->kind == ENTRY_TAKE_BACK || row->kind == ENTRY_POSTING;
    if (place == PLACE_NONE || (!rule && by_rule))
        return "its program's version does not have its rule or its points";
    const struct currency *currency = &terms->points[place];
    out->amount = row->amount;
    out->currency = row->currency;
    out->subject = row->subject;
    if (row->kind == ENTRY_EXPIRY)
        out->reason = reason_for_expiry(arena, terms, currency, row->amount, row->occurred_at, out->type);
    else if (row->kind == ENTRY_REDEMPTION || row->kind == ENTRY_REDEMPTION_RETURNED)
        out->reason =
            reason_for_redemption(arena, currency, row->amount, row->subject, row->kind == ENTRY_REDEMPTION_RETURNED);
    else if (row->kind == ENTRY_ACCRUAL || row->kind == ENTRY_POSTING)
        out->reason = reason_for_accrual(arena, rule, currency, row->amount, row->subject);
    else if (row->kind == ENTRY_TAKE_BACK)
        out->reason = reason_for_take_back(arena, input->event, currency, row->amount, row->subject);
    else
        out->reason = reason_for_adjustment(arena, &input->event->adjustment, currency);
    return NULL;
}

static const char *fill(const struct rebuild_input *input, const struct ledger_row *row, const struct member_sums *sums,
                        struct arena *arena, struct reward *out)
{
    struct currency_sum sum = member_sums_of(sums, row->currency);
    const struct program *terms = program_set_version(input->programs, row->program_id, row->program_version);
    struct reward reward = {.balance_after = sum.available,
                            .lifetime_after = sum.lifetime,
                            .rule_id = row->rule_id,
                            .partner_id = row->partner_id,
                            .program_version = row->program_version};
    if (!terms)
        return "its program's version is not stored";
    if (!expected_reward_type(row, &reward.type))
        return "this version does not know what such an entry's output looks like";
    if (reward.type == REWARD_POINTS_PENDING)
        return "it said until when the points are pending, which the ledger does not keep";
    if (row->kind == ENTRY_ADJUSTMENT && input->event->type != EVENT_ADJUSTMENT)
        return "its input record is not the adjustment that it was";
    if (has_tiers(input->programs, row->program_id))
        return "a change of level may have stood before it, so that its id is not certain";
    if (row->kind == ENTRY_CONVERSION && spent_comes_before(input->programs, row))
        return "a reward for money spent may have stood before it, so that its id is not certain";
    bool automatic = row->kind == ENTRY_CONVERSION || row->kind == ENTRY_CONVERSION_VOIDED;
    const char *refusal =
        automatic ? fill_automatic(terms, row, arena, &reward) : fill_points(terms, input, row, arena, &reward);
    if (!refusal)
        *out = reward;
    return refusal;
}

/* The entry that began what the row is part of: consecutive ones with one key. */
static int64_t first_sequence(const struct rebuild_input *input, size_t at)
{
    while (at > 0 && hash16_equal(input->rows[at - 1].event_key, input->rows[at].event_key))
        at--;
    return input->rows[at].sequence;
}

/* True where the row settles what the event's member owed. */
static bool is_settlement(const struct rebuild_input *input, size_t at)
{
    static const struct text obligations[] = {{"expiry", 6}, {"posting", 7}};
    const struct ledger_row *row = &input->rows[at];
    bool is = false;
    for (size_t i = 0; i < sizeof obligations / sizeof *obligations && !is; i++)
        is = hash16_equal(row->event_key,
                          hash_settlement(input->event->program_id, input->event->member_id, obligations[i],
                                          row->occurred_at, first_sequence(input, at) - 1));
    return is;
}

static const char *check_row(const struct rebuild_input *input, size_t at)
{
    const struct event *event = input->event;
    const struct ledger_row *row = &input->rows[at];
    bool same = hash16_equal(hash_event(event->source, event->id), row->event_key) &&
                text_equal(event->program_id, row->program_id) && event->occurred_at == row->occurred_at;
    return same || is_settlement(input, at) ? NULL : "the record that stands in its input's place is another one";
}

static const char *check_event(const struct rebuild_input *input)
{
    const struct event *event = input->event;
    const struct ledger_row *row = &input->rows[input->first];
    if (event->type == EVENT_REFERRAL)
        return "what a referral says to its two members is not ordered by the ledger, so that its id is not certain";
    const char *refusal = NULL;
    for (size_t at = input->first; at < input->row_count && !refusal; at++)
        refusal = check_row(input, at);
    if (refusal)
        return refusal;
    if (may_warn(input->programs, event->program_id))
        return "a warning may have stood before it, so that its id is not certain";
    if (!hash16_equal(hash_member(event->program_id, event->member_id), row->member_key))
        return "it belongs to another member than its event names";
    return NULL;
}

void rebuild_rewards(const struct rebuild_input *input, struct arena *arena, struct reward *out, const char **refusal)
{
    assert(input && input->first < input->row_count && out && refusal);
    struct member_sums sums = {0};
    *refusal = check_event(input);
    for (size_t i = 0; i < input->row_count && !*refusal; i++) {
        member_sums_add(&sums, &input->rows[i], arena);
        if (i >= input->first)
            *refusal = fill(input, &input->rows[i], &sums, arena, &out[i - input->first]);
    }
}
