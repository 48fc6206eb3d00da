#include <criterion/criterion.h>
#include <stdio.h>

#include "program/load.h"
#include "rules/spread.h"
#include "rules/step.h"
#include "rules/text_map.h"
#include "rules/text_set.h"
#include "rules/trace.h"
#include "zones.h"

/* The index passes rules over; an explanation asks them all. Both must decide alike. */

enum { ORDERS = 3000, LINES_MOST = 5, THINGS = 6 };

static const char rules[] =
    "program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {}}\nmoney: {EUR: 2}\nrules:\n"
    "  - {id: all, on: order.paid, earn: {rate: 1 per 1.00}}\n"
    "  - {id: sku, on: order.paid, earn: {fixed: 2}, items: {skus: [thing-1, thing-2]}}\n"
    "  - {id: category, on: order.paid, earn: {per_item: 3}, items: {categories: [thing-3], skus: [thing-0]}}\n"
    "  - {id: label, on: order.paid, earn: {fixed: 4}, items: {labels: [thing-4], except: {skus: [thing-5]}}}\n"
    "  - {id: but, on: order.paid, earn: {fixed: 5}, items: {except: {categories: [thing-2]}}}\n"
    "  - {id: channel, on: order.paid, earn: {fixed: 6}, when: event.channel == 'thing-1' && event.total > 500}\n"
    "  - {id: turned, on: order.paid, earn: {fixed: 7}, when: '\"thing-2\" == event.channel'}\n"
    "  - {id: not, on: order.paid, earn: {fixed: 8}, when: event.channel != 'thing-3'}\n"
    "  - {id: either, on: order.paid, earn: {fixed: 9}, when: event.channel == 'thing-4' || event.coupon == "
    "'thing-1'}\n"
    "  - {id: coupon, on: order.paid, earn: {fixed: 10}, when: event.coupon == 'thing-3'}\n"
    "  - {id: exists, on: order.paid, earn: {fixed: 11}, when: 'event.lines.exists(l, l.quantity > 1 && l.sku == "
    "\"thing-2\")'}\n"
    "  - {id: every, on: order.paid, earn: {fixed: 12}, when: 'event.lines.all(l, l.category == \"thing-1\")'}\n"
    "  - {id: no-such, on: order.paid, earn: {fixed: 13}, when: '!event.lines.exists(l, l.category == \"thing-1\")'}\n";

static const char *const things[THINGS] = {"thing-0", "thing-1", "thing-2", "thing-3", "thing-4", "thing-5"};

/* Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014). */
static uint64_t next(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static struct text thing(uint64_t *seed)
{
    return text_of(things[next(seed) % THINGS]);
}

static void make_order(uint64_t *seed, struct event *event, struct order_line *lines, struct text *labels)
{
    size_t count = 1 + next(seed) % LINES_MOST;
    for (size_t i = 0; i < count; i++) {
        labels[i] = thing(seed);
        lines[i] = (struct order_line){.sku = thing(seed),
                                       .category = thing(seed),
                                       .labels = &labels[i],
                                       .label_count = next(seed) % 2,
                                       .quantity = 1 + (int64_t)(next(seed) % 3),
                                       .unit_price = (int64_t)(next(seed) % 1000)};
    }
    *event = (struct event){.type = EVENT_ORDER,
                            .kind = ORDER_PAID,
                            .member_id = TEXT("ann"),
                            .occurred_at = INT64_C(1780000000000000),
                            .order = {.order_id = TEXT("o"),
                                      .currency = TEXT("EUR"),
                                      .lines = lines,
                                      .line_count = count,
                                      .channel = thing(seed),
                                      .coupon = thing(seed)}};
}

static struct decision decide(const struct program_set *set, const struct event *event, struct trace *trace,
                              struct arena *arena)
{
    struct step_input input = {
        .program = set->programs[0], .programs = set, .event = event, .subject_keys = {{{1}}}, .trace = trace};
    struct decision decision;
    struct err err;
    cr_assert_eq(step(&input, arena, &decision, &err), ERR_NONE, "%s", err.text);
    return decision;
}

Test(rule_index, passes_over_no_rule_that_would_grant)
{
    struct arena *arena = arena_new(0), *batch = arena_new(0);
    struct program *program;
    struct program_errors errors = {0};
    struct err err;
    cr_assert_eq(program_load(text_of(rules), machine_zones(arena), arena, &program, &errors, &err), ERR_NONE, "%s",
                 err.text);
    struct program_set set = {1, &program, 1};
    size_t granted[16] = {0};
    uint64_t seed = 20260506;
    for (size_t i = 0; i < ORDERS; i++) {
        struct event event;
        struct order_line lines[LINES_MOST];
        struct text labels[LINES_MOST];
        struct trace trace = {.arena = batch};
        make_order(&seed, &event, lines, labels);
        struct decision indexed = decide(&set, &event, NULL, batch), all = decide(&set, &event, &trace, batch);
        cr_assert_eq(indexed.entry_count, all.entry_count, "order %zu", i);
        for (size_t e = 0; e < all.entry_count; e++) {
            cr_assert(text_equal(indexed.entries[e].rule_id, all.entries[e].rule_id));
            cr_assert_eq(indexed.entries[e].amount, all.entries[e].amount);
            granted[program_rule(program, all.entries[e].rule_id)->place]++;
        }
        cr_assert(indexed.states[0].len == all.states[0].len &&
                  memcmp(indexed.states[0].at, all.states[0].at, all.states[0].len) == 0);
        arena_reset(batch);
    }
    for (size_t rule = 0; rule < program->rule_count; rule++)
        cr_assert_gt(granted[rule], 0, "rule %zu was never tried", rule);
    arena_free(batch);
    arena_free(arena);
}

/* ---- what it is made of */

Test(text_map, keeps_the_values_of_a_key_in_order)
{
    struct arena *arena = arena_new(0);
    const struct text_pair pairs[] = {{TEXT("a"), 7}, {TEXT("b"), 1}, {TEXT("a"), 3}, {TEXT("a"), 9}};
    struct text_map map = text_map_make(pairs, 4, arena), none = text_map_make(pairs, 0, arena);
    const struct text_slot *slot = text_map_find(&map, TEXT("a"));
    cr_assert(slot && slot->count == 3 && slot->values[0] == 7 && slot->values[1] == 3 && slot->values[2] == 9);
    cr_assert_eq(text_map_find(&map, TEXT("b"))->values[0], 1);
    cr_assert_null(text_map_find(&map, TEXT("c")));
    cr_assert_null(text_map_find(&map, TEXT("")));
    cr_assert_null(text_map_find(&none, TEXT("a")));
    arena_free(arena);
}

Test(text_set, holds_what_it_was_made_of_and_nothing_else)
{
    struct arena *arena = arena_new(0);
    struct text texts[1000], none[1];
    for (size_t i = 0; i < 1000; i++)
        texts[i] = arena_printf(arena, "sku-%zu", i % 500);
    struct text_set set = text_set_make(texts, 1000, arena), empty = text_set_make(none, 0, arena);
    cr_assert_eq(set.count, 500);
    for (size_t i = 0; i < 1000; i++)
        cr_assert(text_set_has(&set, texts[i]));
    cr_assert_not(text_set_has(&set, TEXT("sku-500")));
    cr_assert_not(text_set_has(&set, TEXT("")));
    cr_assert_not(text_set_has(&empty, TEXT("sku-1")));
    arena_free(arena);
}

static void expect_shares(int64_t amount, const int64_t *weights, const int64_t *expected, size_t count)
{
    struct arena *arena = arena_new(0);
    struct scratch *scratch = arena_alloc(arena, sizeof *scratch);
    int64_t shares[8];
    scratch_open(scratch, arena);
    spread(amount, weights, count, scratch, shares);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(shares[i], expected[i], "share %zu of %lld: %lld", i, (long long)amount, (long long)shares[i]);
    arena_free(arena);
}

Test(spread, gives_what_is_left_to_the_largest_remainders)
{
    expect_shares(280, (const int64_t[]){800, 500}, (const int64_t[]){172, 108}, 2);
    expect_shares(2, (const int64_t[]){5, 5, 5}, (const int64_t[]){1, 1, 0}, 3); /* equal ones: the earlier */
    expect_shares(7, (const int64_t[]){0, 7, 0}, (const int64_t[]){0, 7, 0}, 3);
    expect_shares(0, (const int64_t[]){0, 0}, (const int64_t[]){0, 0}, 2);
    expect_shares(INT64_MAX, (const int64_t[]){INT64_MAX - 2, 1, 1}, (const int64_t[]){INT64_MAX - 2, 1, 1}, 3);
}
