#include <criterion/criterion.h>

#include "program/load.h"
#include "rules/civil.h"
#include "rules/state.h"
#include "rules/step.h"
#include "rules/tier_level.h"
#include "zones.h"

/* Levels as the pure function that they are, against a plain count over days; and the section's bytes. */

static struct arena *arena;
static struct scratch *scratch;
static struct err err;

static void setup(void)
{
    arena = arena_new(0);
    scratch = arena_alloc(arena, sizeof *scratch);
    scratch_open(scratch, arena);
}

static void teardown(void)
{
    arena = arena_free(arena);
}

TestSuite(tier, .init = setup, .fini = teardown);

static const int64_t day_us = INT64_C(86400) * 1000000;

static struct program *load(const char *tiers)
{
    struct program *program = NULL;
    struct program_errors errors = {0};
    struct text source = arena_printf(arena,
                                      "program: p\nversion: 1\neffective: 2020-01-01\npoints: {points: {}}\n"
                                      "money: {EUR: 2}\nrules:\n  - {id: r, on: activity.a, earn: {fixed: 1}}\n"
                                      "tiers:\n%s  levels: [{id: a, at: 3}, {id: b, at: 6}, {id: c, at: 9}]\n",
                                      tiers);
    cr_assert_eq(program_load(source, machine_zones(arena), arena, &program, &errors, &err), ERR_NONE, "%s", err.text);
    return program;
}

static struct member_state empty_state(void)
{
    struct member_state state;
    cr_assert_eq(state_decode((struct bytes){NULL, 0}, scratch, &state, &err), ERR_NONE, "%s", err.text);
    return state;
}

enum { ORDERS = 40, DAYS = 1500 };

static void draw_days(unsigned seed, int64_t days[ORDERS])
{
    int64_t first = civil_days(2024, 1, 1);
    for (size_t i = 0; i < ORDERS; i++) {
        seed = seed * 1103515245u + 12345u;
        days[i] = first + (seed >> 8) % DAYS;
    }
}

/* The level that so many orders reach. */
static size_t reached(int64_t orders)
{
    return orders >= 9 ? 3 : orders >= 6 ? 2 : orders >= 3 ? 1 : 0;
}

static int64_t orders_within(const int64_t days[ORDERS], int64_t from, int64_t last)
{
    int64_t count = 0;
    for (size_t i = 0; i < ORDERS; i++)
        count += days[i] >= from && days[i] <= last;
    return count;
}

static int64_t year_before(int64_t day)
{
    struct civil since = civil_add_months(civil_at((day + 1) * 86400), -12);
    return civil_days(since.year, since.month, since.day);
}

/* Day after day from the first, as people would: what is there by the day, what the grace still holds. */
static size_t rolling_by_days(const int64_t days[ORDERS], int64_t day, int64_t grace)
{
    size_t level = 0;
    for (int64_t d = day - grace; d <= day; d++) {
        size_t fit = reached(orders_within(days, year_before(d), d));
        level = fit > level ? fit : level;
    }
    return level;
}

static size_t calendar_by_years(const int64_t days[ORDERS], int64_t day, bool one_step)
{
    int64_t last = civil_at(day * 86400).year;
    size_t begins = 0, level = 0;
    for (int64_t year = 2024; year <= last; year++) {
        int64_t ends = year == last ? day : civil_days(year + 1, 1, 1) - 1;
        size_t fit = reached(orders_within(days, civil_days(year, 1, 1), ends));
        level = fit > begins ? fit : begins;
        begins = one_step && level > 0 && level - 1 > fit ? level - 1 : fit;
    }
    return level;
}

/* Judges day after day what came until then, as events and obligations do. */
static void compare(const char *tiers, bool rolling, int64_t grace, bool one_step)
{
    struct program *program = load(tiers);
    for (unsigned seed = 1; seed <= 20; seed++) {
        int64_t days[ORDERS], first = civil_days(2024, 1, 1), due = 0;
        size_t held = 0;
        draw_days(seed, days);
        scratch_open(scratch, arena);
        struct member_state state = empty_state();
        struct tier_state *tier = tier_open(&state, scratch);
        for (int64_t day = first; day < first + DAYS + 1600; day++) {
            int64_t come = orders_within(days, day, day);
            cr_assert(tier_add(tier, TEXT(""), tier_day_kept(program->tiers, day), come, scratch));
            tier_roll(program, tier, day);
            size_t level = tier_level_at(program, tier, day * day_us);
            size_t expected = rolling ? rolling_by_days(days, day, grace) : calendar_by_years(days, day, one_step);
            cr_assert_eq(level, expected, "seed %u, day %lld: level %zu, not %zu", seed, (long long)(day - first),
                         level, expected);
            if (level < held)
                cr_assert_eq(due, day * day_us, "seed %u, day %lld: falls unannounced", seed, (long long)(day - first));
            else
                cr_assert(due > day * day_us || come > 0 || due == 0, "seed %u, day %lld", seed,
                          (long long)(day - first));
            held = level;
            due = tier_due_after(program, tier, day * day_us);
            cr_assert(due > day * day_us);
        }
        cr_assert(held == 0 && due == INT64_MAX && tier->day_count <= 1);
    }
}

Test(tier, over_a_rolling_year_is_what_the_last_twelve_months_reach)
{
    compare("  by: orders\n  over: rolling_year\n", true, 0, false);
    compare("  by: orders\n  over: rolling_year\n  grace: 45 days\n", true, 45, false);
}

Test(tier, over_calendar_years_is_held_through_the_next)
{
    compare("  by: orders\n  over: calendar_year\n", false, 0, false);
    compare("  by: orders\n  over: calendar_year\n  down: one_step\n", false, 0, true);
}

/* Adds the orders in that order, the clock going with them; gives the bytes. */
static struct bytes added(const struct program *program, const int64_t days[ORDERS], const size_t order[ORDERS])
{
    struct member_state state = empty_state(), read;
    int64_t clock = civil_days(2024, 1, 1);
    for (size_t i = 0; i < ORDERS; i++) {
        int64_t day = days[order[i]];
        struct tier_state *tier = tier_open(&state, scratch);
        clock = day > clock ? day : clock;
        cr_assert(tier_add(tier, TEXT(""), tier_day_kept(program->tiers, day), 1, scratch));
        tier_roll(program, tier, clock);
        tier->clock = clock * day_us;
        tier->level = tier_name(program->tiers, tier_level_at(program, tier, tier->clock));
        cr_assert_eq(state_decode(state_encode(&state, scratch), scratch, &read, &err), ERR_NONE, "%s", err.text);
        state = read;
    }
    return arena_bytes(arena, state_encode(&state, scratch));
}

Test(tier, is_the_same_whatever_the_order_of_arrival)
{
    static const char *const programs[] = {"  by: orders\n  over: rolling_year\n  grace: 45 days\n",
                                           "  by: orders\n  over: lifetime\n"};
    for (size_t p = 0; p < 2; p++) {
        struct program *program = load(programs[p]);
        int64_t days[ORDERS];
        size_t order[ORDERS];
        struct bytes expected = {NULL, 0};
        draw_days(7, days);
        for (size_t i = 0; i < ORDERS; i++)
            order[i] = i;
        unsigned random = 1;
        for (int round = 0; round < 100; round++) {
            scratch_open(scratch, arena);
            struct bytes bytes = added(program, days, order);
            expected = expected.len > 0 ? expected : bytes;
            cr_assert(bytes.len == expected.len && memcmp(bytes.at, expected.at, bytes.len) == 0);
            for (size_t i = ORDERS - 1; i > 0; i--) {
                random = random * 1103515245u + 12345u;
                size_t j = (random >> 8) % (i + 1), kept = order[i];
                order[i] = order[j];
                order[j] = kept;
            }
        }
    }
}

Test(tier, reads_back_what_was_written)
{
    struct member_state state = empty_state(), read;
    struct tier_state *tier = tier_open(&state, scratch);
    tier->level = TEXT("gold");
    tier->base = TEXT("silver");
    tier->year = 2026;
    tier->version = 3;
    tier->clock = -5;
    tier->due_at = 77;
    tier->birthday_at = 78;
    tier->birthday_year = 2025;
    cr_assert(tier_add(tier, TEXT("USD"), 4, 7, scratch) && tier_add(tier, TEXT("EUR"), 9, INT64_MAX, scratch));
    cr_assert(tier_add(tier, TEXT("EUR"), -3, -1, scratch) && tier_add(tier, TEXT("EUR"), 5, 1, scratch));
    cr_assert(tier_add(tier, TEXT("EUR"), 5, -1, scratch) && !tier_add(tier, TEXT("EUR"), 9, 1, scratch));
    tier_buy(tier, &(struct tier_purchase){TEXT("prime"), 8, 12, 0, {{1}}});
    tier_buy(tier, &(struct tier_purchase){TEXT("prime"), 7, 0, 30, {{0}}});
    tier_enter(tier, &(struct tier_entry){TEXT("silver"), 2, 50});
    tier_enter(tier, &(struct tier_entry){TEXT("gold"), 3, 0});
    cr_assert_eq(state_decode(state_encode(&state, scratch), scratch, &read, &err), ERR_NONE, "%s", err.text);
    const struct tier_state *got = read.tier;
    cr_assert(text_equal(got->level, TEXT("gold")) && text_equal(got->base, TEXT("silver")) && got->year == 2026);
    cr_assert(got->version == 3 && got->clock == -5 && got->due_at == 77 && got->birthday_at == 78);
    cr_assert(got->birthday_year == 2025 && got->day_count == 3);
    cr_assert(text_equal(got->days[0].key, TEXT("EUR")) && got->days[0].day == -3 && got->days[0].amount == -1);
    cr_assert(got->days[1].amount == INT64_MAX && text_equal(got->days[2].key, TEXT("USD")) && got->days[2].day == 4);
    cr_assert(got->purchase_count == 2 && got->purchases[0].at == 7 && got->purchases[1].months == 12);
    cr_assert(got->entry_count == 2 && tier_entered(got, TEXT("silver"))->points == 50);
}

Test(tier, is_told_to_readers_of_states)
{
    struct member_state state = empty_state();
    struct state_summary summary;
    cr_assert_eq(state_summarise(state_encode(&state, scratch), arena, &summary, &err), ERR_NONE);
    cr_assert_null(summary.tier);
    struct tier_state *tier = tier_open(&state, scratch);
    tier->level = TEXT("gold");
    tier->clock = 1;
    tier->due_at = 99;
    cr_assert_eq(state_summarise(state_encode(&state, scratch), arena, &summary, &err), ERR_NONE);
    cr_assert(text_equal(summary.tier->level, TEXT("gold")) && summary.tier->ends_at == 99);
}

Test(tier, keeps_within_its_bounds)
{
    struct member_state state = empty_state(), read;
    struct tier_state *tier = tier_open(&state, scratch);
    for (int64_t i = 0; i < TIER_DAYS_MAX + 10; i++)
        cr_assert(tier_add(tier, TEXT("EUR"), i, 1, scratch));
    for (int64_t i = 0; i < TIER_PURCHASES_MAX + 3; i++)
        tier_buy(tier, &(struct tier_purchase){TEXT("prime"), i, 1, 0, {{0}}});
    for (int i = 0; i < TIER_ENTRIES_MAX + 3; i++)
        tier_enter(tier, &(struct tier_entry){arena_printf(arena, "level-%02d", i), 1, 1});
    cr_assert(tier->day_count == TIER_DAYS_MAX && tier->days[0].day == 10);
    cr_assert(tier->purchase_count == TIER_PURCHASES_MAX && tier->purchases[0].at == 3);
    cr_assert(tier->entry_count == TIER_ENTRIES_MAX && !tier_entered(tier, TEXT("level-00")));
    tier->clock = 0;
    cr_assert_eq(state_decode(state_encode(&state, scratch), scratch, &read, &err), ERR_NONE, "%s", err.text);
}
