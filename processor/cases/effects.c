#include "cases/effects.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/rfc3339.h"
#include "cases/words.h"
#include "rules/program_model.h"
#include "rules/state.h"

enum { LINE_MAX_BYTES = 8192 };

static void put(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct buffer *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf((char *)buffer_reserve(out, LINE_MAX_BYTES), LINE_MAX_BYTES, format, arguments);
    va_end(arguments);
    out->len += len < LINE_MAX_BYTES ? (size_t)len : LINE_MAX_BYTES - 1;
}

/* Of points or money, as the version declares it; 0 where it does not. */
static int decimals_of(const struct program_set *set, const struct event *event, int64_t version, struct text currency)
{
    const struct program *program = program_set_version(set, event->program_id, version);
    if (!program)
        return 0;
    size_t points = program_point_place(program, currency);
    if (points != PLACE_NONE)
        return program->points[points].decimals;
    size_t money = program_money_place(program, currency);
    return money == PLACE_NONE ? 0 : program->money[money].decimals;
}

static void put_amount(struct buffer *out, int64_t amount, int decimals)
{
    char room[AMOUNT_TEXT_MAX];
    struct text text = amount_write(amount, decimals, room);
    buffer_put(out, text.at, text.len);
}

static void write_instant(struct buffer *out, int64_t at)
{
    char room[RFC3339_SIZE];
    put(out, "%s", rfc3339_format(at, room));
}

static const char *verb_of(const struct entry *entry)
{
    switch (entry->kind) {
    case ENTRY_ACCRUAL:
        return entry->to == ACCOUNT_MEMBER_PENDING ? "pending +" : "+";
    case ENTRY_TAKE_BACK:
        return entry->from == ACCOUNT_MEMBER_PENDING ? "pending -" : "-";
    case ENTRY_CONVERSION:
        return "converts ";
    case ENTRY_CONVERSION_VOIDED:
        return "gets back ";
    case ENTRY_REDEMPTION:
        return "spends ";
    case ENTRY_EXPIRY:
        return "expires ";
    case ENTRY_POSTING:
        return "posts ";
    case ENTRY_REDEMPTION_RETURNED:
        return "returns ";
    case ENTRY_ADJUSTMENT:
        return entry->to == ACCOUNT_MEMBER_AVAILABLE ? "adjusted +" : "adjusted -";
    case ENTRY_ERASED:
        return "gives back pending ";
    case ENTRY_MERGED_EARNED:
        return entry->to == ACCOUNT_MEMBER_AVAILABLE ? "merged earned +" : "merged earned -";
    case ENTRY_MERGED:
        if (entry->to == ACCOUNT_MEMBER_PENDING || entry->from == ACCOUNT_MEMBER_PENDING)
            return entry->to == ACCOUNT_MEMBER_PENDING ? "merged pending +" : "merged pending -";
        return entry->to == ACCOUNT_MEMBER_AVAILABLE ? "merged +" : "merged -";
    }
    return "? ";
}

static void write_entry(struct buffer *out, const struct program_set *set, const struct event *event,
                        const struct happened *happened, size_t at)
{
    const struct entry *entry = &happened->decision.entries[at];
    int decimals = decimals_of(set, event, entry->program_version, entry->currency);
    put(out, "%.*s %s", VIEW(happened->member_ids[entry->party]), verb_of(entry));
    put_amount(out, entry->amount, decimals);
    put(out, " %.*s %.*s", VIEW(entry->currency), VIEW(entry->rule_id));
    if (entry->subject.len > 0)
        put(out, " %.*s", VIEW(entry->subject));
    if (entry->wanted != entry->amount) {
        put(out, " wanted ");
        put_amount(out, entry->wanted, decimals);
    }
    if (entry->program_version != 1)
        put(out, " v%lld", (long long)entry->program_version);
    if (entry->partner_id.len > 0)
        put(out, " at %.*s", VIEW(entry->partner_id));
    if (entry->settlement) {
        put(out, " due ");
        write_instant(out, entry->settlement->due);
    }
    put(out, " = ");
    put_amount(out, happened->balances[at], decimals);
    put(out, "\n");
}

/* balance_after is of the reward's currency where that is a point currency, else of the one that was converted or, for
 * money spent, of the program's first. */
static int balance_decimals(const struct program_set *set, const struct reward *reward, const struct event *event)
{
    const struct program *program = program_set_version(set, event->program_id, reward->program_version);
    if (!program)
        return 0;
    size_t points = program_point_place(program, reward->currency);
    size_t automatic = program_reward_place(program, reward->rule_id);
    if (points != PLACE_NONE)
        return program->points[points].decimals;
    if (automatic != PLACE_NONE && program->rewards[automatic].form == AUTOMATIC_POINTS)
        return program->points[program->rewards[automatic].currency].decimals;
    return program->points[0].decimals;
}

static void write_words(struct buffer *out, const struct program_set *set, const struct event *event,
                        const struct reward *reward)
{
    int decimals = balance_decimals(set, reward, event);
    if (reward->currency.len > 0) {
        put(out, " ");
        put_amount(out, reward->amount, decimals_of(set, event, reward->program_version, reward->currency));
        put(out, " %.*s", VIEW(reward->currency));
    }
    put(out, " balance ");
    put_amount(out, reward->balance_after, decimals);
    put(out, " lifetime ");
    put_amount(out, reward->lifetime_after, decimals);
    put(out, " [%.*s] %.*s", VIEW(reward->benefit), VIEW(reward->reason));
}

/* "none -> silver" */
static void write_levels(struct buffer *out, const struct reward *reward)
{
    struct text none = TEXT("none");
    struct text from = reward->subject.len > 0 ? reward->subject : none;
    struct text to = reward->benefit.len > 0 ? reward->benefit : none;
    put(out, " %.*s -> %.*s", VIEW(from), VIEW(to));
}

static bool is_told_by_entries(enum reward_type type)
{
    return type == REWARD_POINTS_GRANTED || type == REWARD_POINTS_TAKEN_BACK || type == REWARD_POINTS_SPENT ||
           type == REWARD_POINTS_PENDING || type == REWARD_POINTS_EXPIRED || type == REWARD_POINTS_RETURNED;
}

static void write_reward(struct buffer *out, const struct program_set *set, const struct event *event,
                         const struct happened *happened, size_t at, bool outputs)
{
    static const char *const names[REWARD_TYPE_COUNT] = {
        [REWARD_POINTS_GRANTED] = "granted",
        [REWARD_POINTS_TAKEN_BACK] = "taken back",
        [REWARD_POINTS_SPENT] = "spent",
        [REWARD_GRANTED] = "reward",
        [REWARD_VOIDED] = "voided",
        [REWARD_REFERRAL_ACCEPTED] = "accepted",
        [REWARD_REFERRAL_REFUSED] = "refused",
        [REWARD_MEMBER_MERGED] = "merged with",
        [REWARD_REFUND_DROPPED] = "drops the refund of",
        [REWARD_POINTS_PENDING] = "pending",
        [REWARD_POINTS_EXPIRING] = "warned",
        [REWARD_POINTS_EXPIRED] = "expired",
        [REWARD_POINTS_RETURNED] = "returned",
        [REWARD_TIER_CHANGED] = "tier",
    };
    const struct reward *reward = &happened->decision.rewards[at];
    if (is_told_by_entries(reward->type) && !outputs)
        return;
    put(out, "%.*s %s", VIEW(happened->member_ids[reward->party]), names[reward->type]);
    bool about = reward->type == REWARD_MEMBER_MERGED || reward->type == REWARD_REFUND_DROPPED;
    struct text what = about ? reward->subject : reward->rule_id;
    if (reward->type == REWARD_TIER_CHANGED)
        write_levels(out, reward);
    else if (reward->type == REWARD_POINTS_EXPIRING && !outputs)
        put(out, " %.*s", VIEW(reward->reason));
    else if (what.len > 0)
        put(out, " %.*s", VIEW(what));
    if (outputs)
        write_words(out, set, event, reward);
    put(out, "\n");
}

static void write_decision(struct buffer *out, const struct program_set *set, const struct event *event,
                           const struct happened *happened, bool outputs)
{
    const struct decision *decision = &happened->decision;
    for (size_t i = 0; i < decision->entry_count; i++)
        write_entry(out, set, event, happened, i);
    for (size_t i = 0; i < decision->reward_count; i++)
        write_reward(out, set, event, happened, i, outputs);
    if (decision->erases)
        put(out, "%.*s erased\n", VIEW(happened->member_ids[0]));
    if (decision->outcome == OUTCOME_WAITING)
        put(out, "waiting\n");
    if (decision->outcome == OUTCOME_NO_EFFECT)
        put(out, "nothing\n");
}

static void show_lots(struct buffer *out, const struct member_state *state, struct text currency, int decimals,
                      struct text member_id)
{
    for (size_t i = 0; i < state->lots.count; i++) {
        const struct lot *lot = &state->lots.items[i];
        if (!text_equal(lot->currency, currency))
            continue;
        put(out, "%.*s lot ", VIEW(member_id));
        put_amount(out, lot->left, decimals);
        put(out, " %.*s ends ", VIEW(currency));
        write_instant(out, lot->end);
        if (lot->idle > 0)
            put(out, " unless active");
        if (lot->partner_id.len > 0)
            put(out, " at %.*s", VIEW(lot->partner_id));
        put(out, "\n");
    }
}

static void show_pending(struct buffer *out, const struct program_set *set, const struct event *event,
                         const struct member_state *state, struct text currency, int decimals)
{
    for (size_t i = 0; i < state->pending.count; i++) {
        const struct pending_credit *credit = &state->pending.items[i];
        const struct program *terms = program_set_version(set, event->program_id, credit->version);
        if (!text_equal(credit->currency, currency))
            continue;
        put(out, "%.*s pending ", VIEW(event->member_id));
        put_amount(out, credit->amount, decimals);
        put(out, " %.*s", VIEW(currency));
        if (terms && credit->rule < terms->rule_count)
            put(out, " %.*s", VIEW(terms->rules[credit->rule].id));
        if (credit->subject.len > 0)
            put(out, " %.*s", VIEW(credit->subject));
        put(out, " until ");
        if (credit->due == INT64_MAX)
            put(out, "%s", event_kind_name(credit->awaits));
        else
            write_instant(out, credit->due);
        if (credit->partner_id.len > 0)
            put(out, " at %.*s", VIEW(credit->partner_id));
        put(out, "\n");
    }
}

void effects_show(struct buffer *out, const struct program_set *set, const struct event *event, struct bytes bytes,
                  struct arena *arena)
{
    const struct program *program = program_set_at(set, event->program_id, event->occurred_at);
    struct member_state state;
    struct scratch scratch;
    struct err err;
    scratch_open(&scratch, arena);
    if (state_decode(bytes, &scratch, &state, &err)) {
        put(out, "%s\n", err.text);
        return;
    }
    if (state.balance_count == 0)
        put(out, "nothing\n");
    for (size_t i = 0; i < state.balance_count; i++) {
        const struct balance *balance = &state.balances[i];
        int decimals = program ? decimals_of(set, event, program->version, balance->currency) : 0;
        put(out, "%.*s has ", VIEW(event->member_id));
        put_amount(out, balance->available, decimals);
        put(out, " %.*s\n", VIEW(balance->currency));
        show_lots(out, &state, balance->currency, decimals, event->member_id);
        show_pending(out, set, event, &state, balance->currency, decimals);
    }
}

void effects_write(struct buffer *out, const struct program_set *set, const struct event *event,
                   const struct happened *happened, bool outputs)
{
    switch (happened->fate) {
    case FATE_DUPLICATE:
        put(out, "duplicate\n");
        break;
    case FATE_REFUSED:
        put(out, "refused %s: %s\n", err_name(happened->refusal.code), happened->refusal.text);
        break;
    case FATE_DECIDED:
        write_decision(out, set, event, happened, outputs);
        break;
    }
}
