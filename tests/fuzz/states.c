#include <stdlib.h>

#include "program/load.h"
#include "program/zones.h"
#include "rules/record.h"
#include "rules/state.h"
#include "rules/step.h"

/* First byte: which event. Second: what the rest is: the member's state; the record in the side table; or a number of
 * events to begin with, which ones, and pairs (place, byte) to spoil the state that they made. Any bytes are safe to
 * read; what a step makes of bytes that read must read again, to the same bytes. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char source[] =
    "program: fuzz\n"
    "version: 1\n"
    "effective: 2026-01-01T00:00:00Z\n"
    "points: {points: {expire: 1 month, warn: [7 days]}, stars: {decimals: 2, expire: 5 days of inactivity}}\n"
    "money: {EUR: 2}\n"
    "refunds: clamp\n"
    "rules:\n"
    "  - {id: base, on: order.paid, earn: {rate: '1 per 1.00'}, minimum: {EUR: 10}}\n"
    "  - {id: gift, on: order.completed, earn: {fixed: 3.5, currency: stars}}\n"
    "  - {id: review, on: review.approved, earn: {fixed: 50}, pending: 3 days}\n"
    "  - {id: parcel, on: order.paid, earn: {fixed: 7}, pending: until completed + 1 day}\n"
    "  - {id: share, on: share.shared, earn: {fixed: 5}, networks: [x]}\n"
    "  - {id: friend, on: referral.converted, earn: {fixed: 500}}\n"
    "  - {id: welcome, on: activity.sign_up, earn: {fixed: 100}, once_per: member}\n"
    "rewards:\n"
    "  - {id: note, each: 200 points, give: A note, worth: {EUR: 2}}\n"
    "  - {id: treat, each: 30.00 EUR spent, give: A treat}\n"
    "tiers:\n"
    "  by: {earned: points}\n"
    "  over: calendar_year\n"
    "  down: one_step\n"
    "  grace: 1 month\n"
    "  levels:\n"
    "    - {id: low, at: 0, birthday: {give: A cake, bonus: 5 stars}}\n"
    "    - {id: mid, at: 20, bonus: 3 points, multiplier: 1.5}\n"
    "    - {id: high, at: 100, bought: {sku: b, for: 1 month}, bonus: 1 stars}\n";

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static const struct order_line lines[] = {
    {.sku = {"a", 1}, .quantity = 2, .unit_price = 1000},
    {.sku = {"b", 1}, .quantity = 1, .unit_price = 999, .discount = 99},
};

#define ORDER(number)                                                                                                  \
    .type = EVENT_ORDER,                                                                                               \
    .order = {.order_id = {"o1", 2}, .currency = {"EUR", 3}, .lines = lines, .line_count = (number)}

static const struct event events[] = {
    {.kind = ORDER_PAID, ORDER(2)},
    {.kind = ORDER_COMPLETED, ORDER(2)},
    {.kind = ORDER_REFUNDED, ORDER(1)},
    {.kind = ORDER_CANCELLED, ORDER(0)},
    {.kind = ORDER_AMENDED,
     .type = EVENT_ORDER,
     .order = {.order_id = {"o1", 2}, .currency = {"EUR", 3}, .lines = lines, .line_count = 1, .revision = 9}},
    {.kind = REVIEW_APPROVED, .type = EVENT_REVIEW, .review = {.sku = {"tea", 3}}},
    {.kind = REVIEW_REMOVED, .type = EVENT_REVIEW, .review = {.sku = {"tea", 3}}},
    {.kind = SHARE_WITHDRAWN, .type = EVENT_SHARE, .share = {.network = NETWORK_X, .content = {"c", 1}}},
    {.kind = REFERRAL_CONVERTED, .type = EVENT_REFERRAL, .referral = {.referrer = {"ann", 3}, .referee = {"bob", 3}}},
    {.kind = REFERRAL_VOIDED, .type = EVENT_REFERRAL, .referral = {.referrer = {"ann", 3}, .referee = {"bob", 3}}},
    {.kind = ACTIVITY_DONE, .type = EVENT_ACTIVITY, .activity = {.name = {"sign_up", 7}, .value = 1000}},
    {.kind = REDEMPTION_CONFIRMED, .type = EVENT_REDEMPTION, .redemption = {.redemption_id = {"r1", 2}, .points = 30}},
    {.kind = REDEMPTION_CANCELLED, .type = EVENT_REDEMPTION, .redemption = {.redemption_id = {"r1", 2}}},
    {.kind = TIMER_DUE, .type = EVENT_TIMER, .occurred_at = 4 * DAY_US},
    {.kind = TIMER_DUE, .type = EVENT_TIMER, .occurred_at = 40 * DAY_US},
    {.kind = TIMER_DUE, .type = EVENT_TIMER, .occurred_at = 1000 * DAY_US},
    {.kind = MEMBER_ENROLLED,
     .type = EVENT_MEMBER,
     .member = {.birthday = {"2000-02-29", 10}, .zone = {"Asia/Tokyo", 10}}},
    {.kind = MEMBER_LEFT, .type = EVENT_MEMBER, .occurred_at = DAY_US},
    {.kind = ADJUSTMENT_MADE, .type = EVENT_ADJUSTMENT, .adjustment = {.points = -50}},
};

static const struct program *load_program(struct arena *arena)
{
    struct program_errors errors = {0};
    const struct zones *zones = NULL;
    struct program *program = NULL;
    struct err err;
    if (zones_load(ZONES_FOLDER, arena, &zones, &err) ||
        program_load((struct text){source, sizeof source - 1}, zones, arena, &program, &errors, &err))
        abort();
    return program;
}

static void check_state(struct bytes bytes, struct arena *arena)
{
    struct member_state state;
    struct state_summary summary;
    struct scratch scratch;
    struct err err;
    scratch_open(&scratch, arena);
    if (state_decode(bytes, &scratch, &state, &err) || state_summarise(bytes, arena, &summary, &err))
        abort();
    struct bytes again = state_encode(&state, &scratch);
    if (again.len != bytes.len || memcmp(again.at, bytes.at, bytes.len) != 0)
        abort();
}

/* The state after the event; the one before where it is refused. */
static struct bytes decide(struct step_input *input, size_t which, struct arena *arena)
{
    struct event event = events[which % (sizeof events / sizeof *events)];
    struct decision decision;
    struct err err;
    event.program_id = program_id(input->program);
    event.member_id = (struct text){"ann", 3};
    event.occurred_at += program_effective_at(input->program);
    input->event = &event;
    if (step(input, arena, &decision, &err))
        return input->parties[0].state;
    for (size_t p = 0; p < STEP_PARTIES_MAX; p++)
        if (decision.states[p].at)
            check_state(decision.states[p], arena);
    for (size_t i = 0; i < decision.spill_count; i++)
        if (decision.spills[i].record.len == 0)
            abort();
    return decision.states[0].at ? decision.states[0] : input->parties[0].state;
}

/* Folds the events that the bytes name, then spoils the state. Every event has the same key, so that they meet. */
static struct bytes spoilt(struct step_input *input, struct bytes rest, struct arena *arena)
{
    size_t count = rest.len > 0 ? rest.at[0] % 8 : 0;
    size_t at = 1;
    for (; at < rest.len && at <= count; at++)
        input->parties[0].state = decide(input, rest.at[at], arena);
    struct bytes state = input->parties[0].state;
    if (state.len == 0)
        return state;
    uint8_t *copy = arena_raw(arena, state.len);
    memcpy(copy, state.at, state.len);
    for (; at + 1 < rest.len; at += 2)
        copy[rest.at[at] % state.len] = rest.at[at + 1];
    return (struct bytes){copy, state.len};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct program *program;
    static struct arena *arena, *programs;
    if (!program) {
        programs = arena_new(0);
        program = load_program(programs);
        arena = arena_new(1024 * 1024);
    }
    if (size < 2)
        return 0;
    struct program *const held[] = {(struct program *)program};
    struct program_set set = {.programs = held, .count = 1};
    struct step_input input = {.program = program, .programs = &set};
    struct bytes rest = {data + 2, size - 2};
    if (data[1] % 3 == 0)
        input.parties[0].state = rest;
    else if (data[1] % 3 == 1)
        input.parties[0].records[0] = rest;
    else
        input.parties[0].state = spoilt(&input, rest, arena);
    decide(&input, data[0], arena);
    step_needs(input.parties[0].state, input.subject_keys[0]);
    if (arena_used(arena) > 4 * 1024 * 1024 + 64 * size)
        abort();
    arena_reset(arena);
    return 0;
}
