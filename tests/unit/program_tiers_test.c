#include <criterion/criterion.h>
#include <stdio.h>

#include "program/load.h"
#include "rules/program_model.h"
#include "zones.h"

/* `tiers` of program files. */

static const char head[] = "program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {}, miles: {decimals: 1}}\n"
                           "money: {EUR: 2, USD: 2}\nrules:\n  - {id: r, on: activity.a, earn: {fixed: 1}}\ntiers:\n";

struct loaded {
    struct arena *arena;
    struct program *program;
    struct program_errors errors;
};

static struct loaded load(const char *tiers)
{
    struct loaded loaded = {.arena = arena_new(0)};
    struct text source = arena_printf(loaded.arena, "%s%s", head, tiers);
    program_load(source, machine_zones(loaded.arena), loaded.arena, &loaded.program, &loaded.errors, NULL);
    return loaded;
}

static void expect_tier_error(const char *tiers, const char *expected)
{
    struct loaded loaded = load(tiers);
    char got[2048] = "";
    for (size_t i = 0; i < loaded.errors.count; i++) {
        const struct program_error *error = &loaded.errors.items[i];
        size_t len = strlen(got);
        snprintf(got + len, sizeof got - len, "%d:%d: %.*s\n", error->line, error->column, (int)error->message.len,
                 error->message.at);
    }
    cr_assert_str_eq(got, expected, "%s\n%s", tiers, got);
    arena_free(loaded.arena);
}

Test(program_tiers, are_read_whole)
{
    struct loaded loaded =
        load("  by: spend\n  over: calendar_year\n  down: one_step\n  grace: 2 weeks\n  levels:\n"
             "    - {id: basic, at: 0, birthday: {give: A cake, bonus: 5.5 miles}}\n"
             "    - {id: silver, at: {EUR: 350.00}, multiplier: 1.25, bonus: 10 points}\n"
             "    - {id: gold, at: {EUR: 1000, USD: 1100}, bought: {sku: gold-year, for: 1 year}}\n");
    cr_assert_eq(loaded.errors.count, 0);
    const struct tiers *tiers = loaded.program->tiers;
    cr_assert(tiers->measure == TIER_BY_SPEND && tiers->period == TIER_CALENDAR_YEAR && tiers->one_step);
    cr_assert(tiers->grace.days == 14 && tiers->grace.months == 0 && tiers->level_count == 3);
    cr_assert(tiers->begins_with == 1 && tiers->counts_orders);
    const struct tier_level *basic = &tiers->levels[0], *silver = &tiers->levels[1], *gold = &tiers->levels[2];
    cr_assert(basic->spend[0] == 0 && basic->spend[1] == 0 && basic->multiplier.numerator == 1);
    cr_assert(text_equal(basic->birthday->id, TEXT("basic-birthday")) && basic->birthday->rule->fixed == 55);
    cr_assert(text_equal(basic->birthday->give, TEXT("A cake")) && basic->birthday->rule->currency == 1);
    cr_assert(silver->spend[0] == 35000 && silver->spend[1] == -1 && silver->bonus->fixed == 10);
    cr_assert(silver->multiplier.numerator == 5 && silver->multiplier.denominator == 4 && !silver->offer);
    cr_assert(gold->spend[1] == 110000 && gold->offer->lasts.months == 12 && gold->is_counted);
    arena_free(loaded.arena);
}

Test(program_tiers, by_points_of_a_currency)
{
    struct loaded loaded = load("  by: {earned: miles}\n  over: lifetime\n  levels: [{id: a, at: 25.5}]\n");
    cr_assert_eq(loaded.errors.count, 0);
    const struct tiers *tiers = loaded.program->tiers;
    cr_assert(tiers->measure == TIER_BY_EARNED && tiers->currency == 1 && tiers->levels[0].threshold == 255);
    cr_assert(!tiers->counts_orders && tiers->begins_with == 0);
    arena_free(loaded.arena);
}

Test(program_tiers, say_what_is_wrong)
{
    expect_tier_error("  by: spent\n  over: lifetime\n  levels: [{id: a, at: 0}]\n",
                      "9:7: by is `spent`; it can be: spend, orders; did you mean `spend`?\n");
    expect_tier_error("  by: {earned: mils}\n  over: lifetime\n  levels: [{id: a, at: 0}]\n",
                      "9:16: point currency `mils` is not declared in this file; did you mean `miles`?\n");
    expect_tier_error("  by: orders\n  levels: [{id: a, at: 0}]\n",
                      "9:3: `over` is missing in tiers: calendar_year, rolling_year or lifetime\n");
    expect_tier_error("  by: orders\n  over: year\n  levels: [{id: a, at: 0}]\n",
                      "10:9: over is `year`; it can be: lifetime, calendar_year, rolling_year\n");
    expect_tier_error("  over: lifetime\n  levels: [{id: a, bought: {sku: x, for: 1 day}}]\n",
                      "9:9: `over` needs `by`: what is counted over it\n");
    expect_tier_error("  by: orders\n  over: lifetime\n  grace: 3 days\n  levels: [{id: a, at: 0}]\n",
                      "11:10: over a lifetime no level ends; `down` and `grace` are for years\n");
    expect_tier_error("  by: orders\n  over: rolling_year\n  down: one_step\n  levels: [{id: a, at: 0}]\n",
                      "11:9: down: one_step is for calendar years; a rolling year has no end to step down at\n");
    expect_tier_error("  by: orders\n  over: rolling_year\n  grace: 13 months\n  levels: [{id: a, at: 0}]\n",
                      "11:10: grace is `13 months`; it can be a year at most\n");
    expect_tier_error("  levels: [{id: a, at: 1}]\n",
                      "9:24: `at` needs `by` in the tiers: by: spend, by: orders or by: {earned: points}\n");
    expect_tier_error("  by: spend\n  over: lifetime\n  levels: [{id: a, at: {EUR: 2, EUX: 1}}]\n",
                      "11:33: currency `EUX` is not declared in this file; did you mean `EUR`?\n");
}

Test(program_tiers, say_what_is_wrong_with_a_level)
{
    expect_tier_error("  levels: [{id: a}]\n", "9:12: a level needs `at`, `bought` or both\n");
    expect_tier_error("  levels: [{id: r, bought: {sku: x, for: 1 day}}]\n",
                      "9:12: id `r` stands here a second time; the first is in line 7\n");
    expect_tier_error("  levels: [{id: a, bought: {sku: x, category: y, for: 1 day}}]\n",
                      "9:28: bought takes one of `sku`, `category` and `activity`\n");
    expect_tier_error("  levels: [{id: a, bought: {sku: x, for: a while}}]\n",
                      "9:42: for is `a while`; expected a time such as \"12 months\" or \"30 days\"\n");
    expect_tier_error("  levels: [{id: a, bought: {sku: x, for: 0 days}}]\n",
                      "9:42: for is `0 days`; expected a time such as \"12 months\" or \"30 days\"\n");
    expect_tier_error("  levels: [{id: a, bonus: 100, bought: {sku: x, for: 1 day}}]\n",
                      "9:27: bonus is `100`; expected \"100 points\"\n");
    expect_tier_error("  levels: [{id: a, multiplier: 0, bought: {sku: x, for: 1 day}}]\n",
                      "9:32: multiplier is `0`; expected a number above zero such as 2 or 1.5\n");
    expect_tier_error("  levels: [{id: a, birthday: {}, bought: {sku: x, for: 1 day}}]\n",
                      "9:30: birthday takes `give`, `bonus` or both\n");
    expect_tier_error("  by: orders\n  over: lifetime\n  levels: [{id: a, at: 2}, {id: b, at: 2}]\n",
                      "11:28: level `b` takes no more than `a` above it; write them from the lowest up\n");
    expect_tier_error(
        "  by: spend\n  over: lifetime\n  levels: [{id: a, at: {EUR: 2, USD: 5}}, {id: b, at: {EUR: 3, USD: 4}}]\n",
        "11:43: level `b` takes no more than `a` above it; write them from the lowest up\n");
}

Test(program_tiers, status_points_turn_into_nothing)
{
    struct arena *arena = arena_new(0);
    struct program *program = NULL;
    struct program_errors errors = {0};
    program_load(
        TEXT("program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {}, miles: {use: status}}\nrules:\n"
             "  - {id: r, on: activity.a, earn: {fixed: 1}}\nrewards:\n"
             "  - {id: n, each: 10 miles, give: A note}\n"),
        machine_zones(arena), arena, &program, &errors, NULL);
    cr_assert_eq(errors.count, 1);
    cr_assert(text_equal(errors.items[0].message, TEXT("each: miles are for status; they turn into nothing")));
    cr_assert_eq(errors.items[0].line, 8);
    arena_free(arena);
}
