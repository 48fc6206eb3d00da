#include <criterion/criterion.h>

#include "cases/words.h"
#include "cli.h"
#include "ops/command.h"
#include "ops/program_difference.h"

static struct arena *arena;

static void setup(void)
{
    cli_forget_settings();
    arena = arena_new(0);
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(difference, .init = setup, .fini = teardown);

/* As `points program diff` prints them. */
static void expect(const char *before, const char *after, const char *expected)
{
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    print_differences(out, program_difference(text_of(before), text_of(after), arena));
    fclose(out);
    cr_assert_str_eq(printed, expected);
    free(printed);
}

Test(difference, layout_comments_quotes_key_order_and_digits_are_none)
{
    expect("program: p\nminimum: {EUR: 10}\nrules: [{id: a, give: words}]\n",
           "# new\nrules:\n  - give: \"words\"\n    id: a\nminimum: {EUR: \"10.00\"}\nprogram: p\n",
           "  the same in meaning\n");
}

Test(difference, values_that_changed_stand_beside_each_other)
{
    expect("version: 1\nrules: [{id: a, earn: {fixed: 50}}]", "version: 2\nrules: [{id: a, earn: {fixed: 60}}]",
           "    version: 1 → 2\n    rules a earn fixed: 50 → 60\n");
    expect("earn: {rate: 1 per 1}", "earn: {rate: {EUR: 1 per 1}}", "    earn rate: 1 per 1 → {EUR: 1 per 1}\n");
}

Test(difference, keys_and_rules_come_and_go)
{
    expect("rules: [{id: a, on: x}, {id: b, on: x}]",
           "zone: UTC\nrules: [{id: b, on: x, to: both}, {id: c, on: [y, z]}]",
           "  + zone: UTC\n  + rules b to: both\n  + rules c: {id: c, on: [y, z]}\n  - rules a: {id: a, on: x}\n");
}

Test(difference, words_of_a_list_come_and_go_wherever_they_stand)
{
    expect("partners: [cafe, bookshop]", "partners: [bookshop, cafe]", "  the same in meaning\n");
    expect("partners: [cafe, bookshop]", "partners: [bakery, cafe]", "  + partners: bakery\n  - partners: bookshop\n");
}

Test(difference, the_order_of_rules_and_of_point_currencies_means_something)
{
    expect("rules: [{id: a}, {id: b}, {id: c}, {id: d}]", "rules: [{id: d}, {id: a}, {id: b}, {id: c}]",
           "    rules d stands now first\n");
    expect("rules: [{id: a}, {id: b}, {id: c}]", "rules: [{id: b}, {id: x}, {id: a}, {id: c}]",
           "    rules b stands now first\n  + rules x: {id: x}\n");
    expect("points: {stars: {}, coins: {}}", "points: {coins: {}, stars: {}}", "    points coins stands now first\n");
}

Test(difference, lists_without_names_are_compared_as_a_whole)
{
    expect("levels: [[1, 2], [3]]", "levels: [[1, 2], [4]]", "    levels: [[1, 2], [3]] → [[1, 2], [4]]\n");
    expect("hours: [9, 9]", "hours: [9]", "    hours: [9, 9] → [9]\n");
}

Test(difference, list_files_are_compared_line_by_line_in_any_order)
{
    expect("skus_from: a.txt\n--- file: a.txt\ntea\ncoffee\ntea\n", "skus_from: a.txt\n--- file: a.txt\ncoffee\ntea\n",
           "  the same in meaning\n");
    expect("skus_from: a.txt\n--- file: a.txt\ntea\ncoffee\n", "skus_from: a.txt\n--- file: a.txt\nmilk\ntea\n",
           "  + a.txt: milk\n  - a.txt: coffee\n");
}

#define PROGRAM(version, points)                                                                                       \
    "program: p\nversion: " version                                                                                    \
    "\neffective: 2026-01-01\npoints: {points: {}}\nrules: [{id: r, on: review.approved, earn: {fixed: " points        \
    "}}]\n"

Test(difference, is_shown_for_two_files)
{
    char before[64], after[64], line[256];
    cli_temporary_file(PROGRAM("1", "5"), before);
    cli_temporary_file(PROGRAM("2", "7"), after);
    snprintf(line, sizeof line, "points program diff %s %s", before, after);
    cli_expect(line, EXIT_DIFFERENCE, "    version: 1 → 2\n    rules r earn fixed: 5 → 7\n", "");
    snprintf(line, sizeof line, "points program diff --json %s %s", before, after);
    cli_expect(line, EXIT_DIFFERENCE,
               "{\"kind\":\"changed\",\"path\":\"rules r earn fixed\",\"before\":\"5\",\"after\":\"7\","
               "\"before_line\":5,\"after_line\":5}",
               "");
    snprintf(line, sizeof line, "points program diff %s %s", after, after);
    cli_expect(line, EXIT_OK, "the same in meaning", "");
    remove(before);
    remove(after);
}

Test(difference, names_the_file_that_is_wrong)
{
    char before[64], line[256];
    cli_temporary_file("program: p\n", before);
    snprintf(line, sizeof line, "points program diff %s %s", before, before);
    cli_expect(line, EXIT_CONFIG, "", "`version` is missing");
    cli_expect("points program diff shop@two x", EXIT_USAGE, "", "behind @ stands a version");
    remove(before);
}
