#include <criterion/criterion.h>
#include <stdio.h>

#include "program/load.h"
#include "rules/program_model.h"
#include "zones.h"

#define HEAD                                                                                                           \
    "program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {decimals: 1}, stars: {}}\nmoney: {EUR: "         \
    "2}\nrules:\n"

struct loaded {
    struct arena *arena;
    enum err_code code;
    struct program *program;
    struct program_errors errors;
};

static struct loaded load(const char *text)
{
    struct loaded loaded = {.arena = arena_new(0)};
    struct err err;
    loaded.code =
        program_load(text_of(text), machine_zones(loaded.arena), loaded.arena, &loaded.program, &loaded.errors, &err);
    return loaded;
}

static void expect_errors(const char *text, const char *expected)
{
    struct loaded loaded = load(text);
    char list[4096] = "";
    size_t len = 0;
    for (size_t i = 0; i < loaded.errors.count; i++) {
        const struct program_error *error = &loaded.errors.items[i];
        len += (size_t)snprintf(list + len, sizeof list - len, "%d:%d: %.*s\n", error->line, error->column,
                                (int)error->message.len, error->message.at);
    }
    cr_assert_eq(loaded.code, ERR_PROGRAM, "read without complaint:\n%s", text);
    cr_assert_str_eq(list, expected, "of\n%s\nexpected:\n%s\nbut was:\n%s", text, expected, list);
    arena_free(loaded.arena);
}

static const struct limit *limit_of(const struct loaded *loaded, size_t rule, size_t at)
{
    const struct limit_list *list = &loaded->program->rules[rule].limits;
    cr_assert_lt(at, list->count);
    return list->items[at];
}

Test(program_limits, are_read_from_phrases)
{
    struct loaded loaded = load(
        HEAD
        "  - {id: a, on: activity.a, earn: {fixed: 1}, limit: 12.5 points per day}\n"
        "  - {id: b, on: activity.b, earn: {fixed: 1, currency: stars}, limit: [3 times per week, 100 per 4 hours]}\n"
        "  - {id: c, on: share.shared, earn: {fixed: 1}, limit: [1 time per network and month, 20 in all,\n"
        "     2 times per quarter and network, 9 per network]}\n"
        "  - {id: d, on: order.paid, earn: {fixed: 1}, limit: [5 per hour, 6 per year, 7 per 90 minutes,"
        " 8 per 2 days, 9 per member's day]}\n");
    cr_assert_eq(loaded.code, ERR_NONE);
    const struct limit *day = limit_of(&loaded, 0, 0);
    cr_assert(text_equal(day->key.id, TEXT("a")) && day->key.unit == LIMIT_POINTS && day->most == 125);
    cr_assert(day->key.form == WINDOW_DAY && day->window.form == WINDOW_DAY && !day->per_network);
    const struct limit *times = limit_of(&loaded, 1, 0), *hours = limit_of(&loaded, 1, 1);
    cr_assert(times->key.unit == LIMIT_TIMES && times->most == 3 && times->window.form == WINDOW_WEEK);
    cr_assert_eq(times->window.week_begins, 1);
    cr_assert(hours->most == 100 && hours->key.form == WINDOW_FIXED && hours->key.length == 4 * 3600);
    cr_assert(limit_of(&loaded, 2, 0)->per_network && limit_of(&loaded, 2, 0)->window.form == WINDOW_MONTH);
    cr_assert(limit_of(&loaded, 2, 1)->most == 200 && limit_of(&loaded, 2, 1)->window.form == WINDOW_EVER);
    cr_assert(limit_of(&loaded, 2, 2)->per_network && limit_of(&loaded, 2, 2)->window.form == WINDOW_QUARTER);
    cr_assert(limit_of(&loaded, 2, 3)->per_network && limit_of(&loaded, 2, 3)->window.form == WINDOW_EVER);
    cr_assert(limit_of(&loaded, 3, 0)->window.form == WINDOW_HOUR &&
              limit_of(&loaded, 3, 1)->window.form == WINDOW_YEAR);
    cr_assert(limit_of(&loaded, 3, 2)->window.length == 5400 && limit_of(&loaded, 3, 3)->window.length == 2 * 86400);
    cr_assert(limit_of(&loaded, 3, 4)->in_members_zone && limit_of(&loaded, 3, 4)->window.form == WINDOW_DAY);
    cr_assert_not(limit_of(&loaded, 3, 3)->in_members_zone);
    arena_free(loaded.arena);
}

Test(program_limits, are_shared_by_rules)
{
    struct loaded loaded =
        load("week_begins: sunday\n" HEAD "  - {id: a, on: activity.a, earn: {fixed: 1}, limit: 1 per day}\n"
             "  - {id: b, on: activity.b, earn: {fixed: 1, currency: stars}}\n"
             "  - {id: c, on: share.shared, earn: {fixed: 1}}\n"
             "limits:\n"
             "  - {id: all, most: 10 per week}\n"
             "  - {id: two, most: 3 times per day, rules: [b, c]}\n"
             "  - {id: net, most: 5 times per network and day}\n"
             "  - {id: star, most: 9 stars in all}\n");
    cr_assert_eq(loaded.code, ERR_NONE);
    const struct rule *rules = loaded.program->rules;
    cr_assert(rules[0].limits.count == 2 && rules[1].limits.count == 2 && rules[2].limits.count == 3);
    cr_assert(text_equal(limit_of(&loaded, 0, 1)->key.id, TEXT("all")) &&
              limit_of(&loaded, 0, 1)->window.week_begins == 0);
    cr_assert(text_equal(limit_of(&loaded, 1, 0)->key.id, TEXT("two")) &&
              text_equal(limit_of(&loaded, 2, 1)->key.id, TEXT("two")));
    cr_assert(text_equal(limit_of(&loaded, 1, 1)->key.id, TEXT("star")) &&
              text_equal(limit_of(&loaded, 2, 2)->key.id, TEXT("net")));
    arena_free(loaded.arena);
}

#define LIMIT                                                                                                          \
    "limit is `%s`; expected \"100 points per day\", \"3 times per network and week\" or \"1000 points in all\"\n"

static void expect_phrase(const char *phrase, const char *expected)
{
    char text[1024], message[1024];
    snprintf(text, sizeof text, HEAD "  - {id: a, on: activity.a, earn: {fixed: 1}, limit: %s}\n", phrase);
    if (expected)
        snprintf(message, sizeof message, "7:54: %s", expected);
    else
        snprintf(message, sizeof message, "7:54: " LIMIT, phrase);
    expect_errors(text, message);
}

Test(program_limits, are_refused_with_the_reason)
{
    expect_phrase("many", NULL);
    expect_phrase("100", NULL);
    expect_phrase("100 points", NULL);
    expect_phrase("100 points each day", NULL);
    expect_phrase("100 per day and", NULL);
    expect_phrase("100 per day and day", NULL);
    expect_phrase("100 per day and network and week", NULL);
    expect_phrase("100 in al", NULL);
    expect_phrase("100 in all per day", NULL);
    expect_phrase("100 per", NULL);
    expect_phrase("100 per member's 4 hours", "the period is `4`; it can be: hour, day, week, month, quarter, year\n");
    expect_phrase("100 per dya",
                  "the period is `dya`; it can be: hour, day, week, month, quarter, year; did you mean `day`?\n");
    expect_phrase("100 per 4 hour",
                  "the unit of a length is `hour`; it can be: minutes, hours, days; did you mean `hours`?\n");
    expect_phrase("100 per 0 hours", "a length is `0`; expected a whole number from 1 to 87840\n");
    expect_phrase("0 per day", "limit is zero; expected an amount above zero\n");
    expect_phrase("1.25 per day", "limit is `1.25`: points has 1 decimals\n");
    expect_phrase("1.5 times per day", "the number of times is `1.5`; expected a whole number from 1 to 2147483647\n");
    expect_phrase("0 times per day", "the number of times is `0`; expected a whole number from 1 to 2147483647\n");
    expect_phrase("5 point per day", "point currency `point` is not declared in this file; did you mean `points`?\n");
    expect_phrase("5 stars per day", "limit counts stars; rule `a` earns points\n");
    expect_phrase("5 per network and day", "limit counts per network; rule `a` is not on share.shared\n");
    expect_phrase("[]", "limit has 0 entries; it takes 1 to 16\n");
    expect_phrase("{day: 5}", "limit must be a single value, this is a map of `key: value`\n");
}

Test(program_limits, count_nothing_twice)
{
    expect_errors(HEAD
                  "  - {id: a, on: activity.a, earn: {fixed: 1}, limit: [5 per day, 3 times per day, 7 per day]}\n",
                  "7:83: limit `7 per day` counts what another limit of this rule counts\n");
}

Test(program_limits, name_rules_of_the_file)
{
    expect_errors(HEAD "  - {id: walk, on: activity.a, earn: {fixed: 1}}\n"
                       "  - {id: star, on: activity.b, earn: {fixed: 1, currency: stars}}\n"
                       "week_begins: sonday\n"
                       "limits:\n"
                       "  - {id: a, most: 5 per day, rules: [wlak, star, walk, walk]}\n"
                       "  - {id: walk, most: 5 per day}\n"
                       "  - {id: b, most: 5 times per network and day}\n"
                       "  - {id: c, most: 5 per day, rules: []}\n"
                       "  - {id: d, rule: [walk]}\n",
                  "9:14: week_begins is `sonday`; it can be: sunday, monday, tuesday, wednesday, thursday, friday, "
                  "saturday; did you "
                  "mean `sunday`?\n"
                  "11:38: this file has no rule `wlak`; did you mean `walk`?\n"
                  "11:44: limit counts points; rule `star` earns stars\n"
                  "11:56: rule `walk` stands here a second time\n"
                  "12:5: id `walk` stands here a second time; the first is in line 7\n"
                  "13:5: limit `b` is for no rule of this file\n"
                  "14:37: rules has 0 entries; it takes 1 to 16384\n"
                  "15:5: `most` is missing in a limit\n"
                  "15:13: unknown key `rule` in a limit; did you mean `rules`?\n");
}

Test(program_limits, are_bounded)
{
    char text[4096] = HEAD "  - {id: a, on: activity.a, earn: {fixed: 1}}\nlimits:\n";
    for (int i = 0; i <= RULE_LIMITS_MAX; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "  - {id: l%d, most: 5 per day}\n", i);
    }
    expect_errors(text, "25:5: rule `a` has more than 16 limits\n");
}

Test(program_limits, of_all_members_together_are_budgets)
{
    struct loaded loaded =
        load(HEAD "  - {id: a, on: activity.a, earn: {fixed: 1}, budget: [1000 points, 5 times per month]}\n"
                  "  - {id: b, on: activity.b, earn: {fixed: 1}, budget: 10 times in all, limit: 1 per day}\n"
                  "budgets:\n"
                  "  - {id: spring, most: 2000 points per quarter}\n"
                  "  - {id: one, most: 1 time, rules: [b]}\n");
    cr_assert_eq(loaded.code, ERR_NONE);
    const struct limit_list *a = &loaded.program->rules[0].budgets, *b = &loaded.program->rules[1].budgets;
    cr_assert(a->count == 3 && b->count == 3 && loaded.program->rules[1].limits.count == 1);
    cr_assert(a->items[0]->most == 10000 && a->items[0]->window.form == WINDOW_EVER);
    cr_assert(a->items[1]->key.unit == LIMIT_TIMES && a->items[1]->window.form == WINDOW_MONTH);
    cr_assert(text_equal(a->items[2]->key.id, TEXT("spring")) && a->items[2]->window.form == WINDOW_QUARTER);
    cr_assert(b->items[0]->most == 10 && text_equal(b->items[2]->key.id, TEXT("one")));
    arena_free(loaded.arena);
}

#define BUDGET "budget is `%s`; expected \"100000 points\", \"500 times\" or \"2000 points per month\"\n"

static void expect_budget(const char *phrase, const char *expected)
{
    char text[1024], message[1024];
    snprintf(text, sizeof text, HEAD "  - {id: a, on: activity.a, earn: {fixed: 1}, budget: %s}\n", phrase);
    if (expected)
        snprintf(message, sizeof message, "7:55: %s", expected);
    else
        snprintf(message, sizeof message, "7:55: " BUDGET, phrase);
    expect_errors(text, message);
}

Test(program_limits, budgets_are_refused_with_the_reason)
{
    expect_budget("much", NULL);
    expect_budget("100 points for all", NULL);
    expect_budget("100 points per network", NULL);
    expect_budget("100 points per day and network", NULL);
    expect_budget("100 points per member's day",
                  "the period is `member's`; it can be: hour, day, week, month, quarter, year\n");
    expect_budget("0 points", "budget is zero; expected an amount above zero\n");
    expect_budget("5 stars", "budget counts stars; rule `a` earns points\n");
    expect_errors(HEAD "  - {id: a, on: activity.a, earn: {fixed: 1}, budget: [5 points, 6 points]}\n",
                  "7:66: budget `6 points` counts what another budget of this rule counts\n");
    expect_errors(HEAD "  - {id: a, on: activity.a, earn: {fixed: 1}}\n"
                       "budgets:\n"
                       "  - {id: b, most: 5 stars}\n"
                       "  - {id: a, most: 5 points, rules: [a, a]}\n",
                  "9:5: budget `b` is for no rule of this file\n"
                  "10:5: id `a` stands here a second time; the first is in line 7\n"
                  "10:40: rule `a` stands here a second time\n");
}
