#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "ops/command.h"

/* `points test`, from its command line to its exit status. */

TestSuite(test_command, .init = cli_forget_settings);

#define PROGRAM                                                                                                        \
    "program\n"                                                                                                        \
    "  program: shop\n"                                                                                                \
    "  version: 1\n"                                                                                                   \
    "  effective: 2025-01-01T00:00:00Z\n"                                                                              \
    "  points: {points: {}}\n"                                                                                         \
    "  money: {EUR: 2}\n"                                                                                              \
    "  rules:\n"                                                                                                       \
    "    - {id: base, on: order.paid, earn: {rate: \"1 per 1.00\"}}\n"                                                 \
    "    - {id: review, on: review.approved, earn: {fixed: 50}}\n"                                                     \
    "  rewards:\n"                                                                                                     \
    "    - {id: note, each: \"100 points\", give: \"A note\"}\n"                                                       \
    "\n"

#define CLUB                                                                                                           \
    "program: club\nversion: 1\neffective: 2025-01-01T00:00:00Z\npoints: {points: {}}\n"                               \
    "rules: [{id: visit, on: activity.visit, earn: {fixed: 1}}]\n"

#define PASSING                                                                                                        \
    "case an order\n"                                                                                                  \
    "> order.paid o1 EUR tea=1x20.00\n"                                                                                \
    "ann +20 points base o1 = 20\n"

#define FAILING                                                                                                        \
    "case a <large> order & its \"note\"\n"                                                                            \
    "> order.paid o1 EUR tea=1x120.00\n"                                                                               \
    "ann +120 points base o1 = 120\n"                                                                                  \
    "ann converts 100 points note = 21\n"                                                                              \
    "ann reward note\n"

#define CORRECTED                                                                                                      \
    "case a <large> order & its \"note\"\n"                                                                            \
    "> order.paid o1 EUR tea=1x120.00\n"                                                                               \
    "ann +120 points base o1 = 120\n"                                                                                  \
    "ann converts 100 points note = 20\n"                                                                              \
    "ann reward note\n"

/* Runs the words on a file of that content; the file is removed. */
static struct cli_result test_content(const char *content, const char *options)
{
    char path[64], line[160];
    snprintf(line, sizeof line, "points test %s%s", cli_temporary_file(content, path), options);
    struct cli_result result = cli_run(line);
    remove(path);
    return result;
}

static void expect_content(const char *content, const char *options, int status, const char *part)
{
    struct cli_result result = test_content(content, options);
    cr_assert_eq(result.status, status, "status %d\n%s%s", result.status, result.out, result.errors);
    cr_assert_not_null(strstr(result.out, part), "printed:\n%s", result.out);
    cli_release(&result);
}

static char *read_whole(const char *path, char *room, size_t size)
{
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    room[fread(room, 1, size - 1, file)] = '\0';
    fclose(file);
    return room;
}

Test(test_command, cases_that_hold_pass_and_the_last_line_counts_them)
{
    struct cli_result result = test_content(PROGRAM PASSING, "");
    cr_assert_eq(result.status, EXIT_OK, "%s", result.out);
    const char *last = strstr(result.out, "\n1 passed, 0 failed\n");
    cr_assert_not_null(last, "%s", result.out);
    cr_assert_str_eq(last, "\n1 passed, 0 failed\n");
    cli_release(&result);
}

Test(test_command, a_case_that_differs_fails_and_shows_what_was_expected_and_what_came)
{
    struct cli_result result = test_content(PROGRAM PASSING FAILING, "");
    cr_assert_eq(result.status, EXIT_DIFFERENCE, "%s", result.out);
    cr_assert_not_null(strstr(result.out, ":16: case a <large> order"), "%s", result.out);
    cr_assert_not_null(strstr(result.out, ":17: > order.paid o1 EUR tea=1x120.00\n"), "%s", result.out);
    cr_assert_not_null(strstr(result.out, "\n        ann +120 points base o1 = 120\n"), "%s", result.out);
    cr_assert_not_null(strstr(result.out, "\n      - ann converts 100 points note = 21\n"), "%s", result.out);
    cr_assert_not_null(strstr(result.out, "\n      + ann converts 100 points note = 20\n"), "%s", result.out);
    cr_assert_not_null(strstr(result.out, "\n1 passed, 1 failed\n"), "%s", result.out);
    cli_release(&result);
}

Test(test_command, effects_that_are_missing_or_too_many_are_differences)
{
    expect_content(PROGRAM "case a\n> order.paid o1 EUR tea=1x20.00\n", "", EXIT_DIFFERENCE, "+ ann +20 points");
    expect_content(PROGRAM "case a\n> order.paid o1 EUR tea=1x0.20\nnothing\nann reward note\n", "", EXIT_DIFFERENCE,
                   "- ann reward note");
}

Test(test_command, rules_and_rewards_that_no_case_reaches_are_listed)
{
    struct cli_result result = test_content(PROGRAM PASSING, "");
    cr_assert_not_null(strstr(result.out, ": rule review of program shop, version 1: no case reaches it\n"));
    cr_assert_not_null(strstr(result.out, ": reward note of program shop, version 1: no case reaches it\n"));
    cr_assert_null(strstr(result.out, "rule base"), "%s", result.out);
    cli_release(&result);
    result = test_content(PROGRAM CORRECTED "> review.approved tea\nann +50 points review tea = 70\n", "");
    cr_assert_eq(result.status, EXIT_OK, "%s", result.out);
    cr_assert_null(strstr(result.out, "no case reaches it"), "%s", result.out);
    cli_release(&result);
}

Test(test_command, an_event_that_only_waits_does_not_reach_a_rule)
{
    struct cli_result result = test_content(PROGRAM "case a\n> review.removed tea\nwaiting\n", "");
    cr_assert_eq(result.status, EXIT_OK, "%s", result.out);
    cr_assert_not_null(strstr(result.out, "rule review of program shop"), "%s", result.out);
    cli_release(&result);
}

Test(test_command, what_is_not_understood_is_named_with_its_line_and_the_nearest_word)
{
    expect_content(PROGRAM "case a\n> order.payd o1 EUR\nnothing\n", "", EXIT_INPUT,
                   ":14: `order.payd` is no event; did you mean `order.paid`?");
    expect_content(PROGRAM "case a\n> review.approved tea raing=5\nnothing\n", "", EXIT_INPUT,
                   ":14: `raing` is not understood in `review.approved SKU [verified]`; did you mean `rating`?");
    expect_content(PROGRAM "csae a\n", "", EXIT_INPUT, ":13: `csae a` is not understood; did you mean `case`?");
    expect_content(PROGRAM "case a\n> order.payd o1 EUR\n> order.piad o1 EUR\n", "", EXIT_INPUT, ":15: ");
}

Test(test_command, a_file_that_shows_nothing_is_no_success)
{
    expect_content(PROGRAM, "", EXIT_INPUT, "holds no case");
    expect_content(PROGRAM "case a\n", "", EXIT_INPUT, ":13: the case has no event");
    expect_content("case a\n> timer.due\nnothing\n", "", EXIT_INPUT, "after a `program` and a `case` line");
    expect_content("program nowhere.yaml\n" PASSING, "", EXIT_INPUT, "nowhere.yaml: No such file or directory");
    expect_content(PROGRAM "case a\xff\n> timer.due\nnothing\n", "", EXIT_INPUT, "is not UTF-8");
    cli_expect("points test /nonexistent", EXIT_INPUT, "/nonexistent: No such file or directory", "");
    cli_expect("points test schemas", EXIT_INPUT, "schemas: holds no file *.cases", "");
    cli_expect("points test config/programs/shop.yaml", EXIT_INPUT, "name the file of its cases", "");
}

Test(test_command, a_wrong_program_is_shown_at_its_place_in_the_file)
{
    struct cli_result result = test_content("program\n  program: shop\n  versin: 1\n" PASSING, "");
    cr_assert_eq(result.status, EXIT_CONFIG, "%s", result.out);
    cr_assert_not_null(strstr(result.out, ":3:3: unknown key `versin` in a program; did you mean `version`?"), "%s",
                       result.out);
    cli_release(&result);
}

Test(test_command, a_broken_file_does_not_hide_the_results_of_others)
{
    char broken[64], good[64], line[200];
    cli_temporary_file(PROGRAM "case a\n", broken);
    cli_temporary_file(PROGRAM PASSING, good);
    snprintf(line, sizeof line, "points test %s %s", broken, good);
    struct cli_result result = cli_run(line);
    remove(broken);
    remove(good);
    cr_assert_eq(result.status, EXIT_INPUT);
    cr_assert_not_null(strstr(result.out, "1 file cannot be used\n1 passed, 0 failed\n"), "%s", result.out);
    cli_release(&result);
}

Test(test_command, a_repeated_source_and_id_is_a_duplicate_or_a_conflict_and_a_refused_one_may_come_again)
{
    expect_content(PROGRAM
                   "case a\n"
                   "> order.paid o1 GBP tea=1x2.00 id=1\n"
                   "refused undeclared_currency: order.currency is GBP; program shop version 1 does not declare it\n"
                   "> order.paid o1 EUR tea=1x2.00 id=1\n"
                   "ann +2 points base o1 = 2\n"
                   "> order.paid o1 EUR tea=1x2.00 id=1\n"
                   "duplicate\n"
                   "> order.paid o1 EUR tea=1x2.00 id=1 source=/till\n"
                   "nothing\n"
                   "> order.paid o1 EUR tea=1x3.00 id=1\n"
                   "refused conflicting_duplicate: an event with this source and id was applied with other "
                   "content\n",
                   "", EXIT_OK, "1 passed, 0 failed");
}

Test(test_command, an_event_before_its_program_or_of_another_one_is_refused)
{
    expect_content(PROGRAM "case a\n"
                           "> timer.due at=2024-12-31T23:59:59Z\n"
                           "refused unknown_program: no version of program \"shop\" is in force at the event's time\n"
                           "> timer.due at=2025-01-01T00:00:00Z\n"
                           "nothing\n"
                           "> timer.due program=club\n"
                           "refused unknown_program: no version of program \"club\" is in force at the event's time\n",
                   "", EXIT_OK, "1 passed, 0 failed");
}

Test(test_command, a_filter_takes_cases_by_name_and_says_when_it_takes_none)
{
    expect_content(PROGRAM PASSING FAILING, " --case ORDER", EXIT_DIFFERENCE, "1 passed, 1 failed");
    expect_content(PROGRAM PASSING FAILING, " --case large", EXIT_DIFFERENCE, "0 passed, 1 failed");
    expect_content(PROGRAM PASSING FAILING, " --case=AN", EXIT_OK, "1 passed, 0 failed");
    struct cli_result result = test_content(PROGRAM PASSING, " --case refund");
    cr_assert_eq(result.status, EXIT_DIFFERENCE);
    cr_assert_not_null(strstr(result.errors, "no case's name holds `refund`"), "%s", result.errors);
    cli_release(&result);
}

Test(test_command, a_list_runs_nothing)
{
    struct cli_result result = test_content(PROGRAM PASSING FAILING, " --list");
    cr_assert_eq(result.status, EXIT_OK, "%s", result.out);
    cr_assert_not_null(strstr(result.out, ":13: an order\n"), "%s", result.out);
    cr_assert_not_null(strstr(result.out, ":16: a <large> order"), "%s", result.out);
    cr_assert_null(strstr(result.out, "passed"), "%s", result.out);
    cli_release(&result);
    cli_expect("points test --list --update", EXIT_USAGE, "", "--list runs nothing");
}

Test(test_command, json_says_the_same)
{
    struct cli_result result = test_content(PROGRAM PASSING FAILING, " --json");
    json_t *json = json_loads(result.out, 0, NULL);
    cr_assert_eq(result.status, EXIT_DIFFERENCE);
    cr_assert(json_is_false(json_object_get(json, "ok")), "%s", result.out);
    cr_assert_eq(json_integer_value(json_object_get(json, "passed")), 1);
    cr_assert_eq(json_integer_value(json_object_get(json, "failed")), 1);
    json_t *cases = json_object_get(json_array_get(json_object_get(json, "files"), 0), "cases");
    json_t *differences = json_object_get(json_array_get(cases, 1), "differences");
    json_t *got = json_object_get(json_array_get(differences, 0), "got");
    cr_assert_str_eq(json_string_value(json_array_get(got, 1)), "ann converts 100 points note = 20");
    cr_assert_eq(json_array_size(json_object_get(json, "unreached")), 1, "%s", result.out);
    json_decref(json);
    cli_release(&result);
}

/* ---- JUnit */

/* Tags that open and close in order, attributes in quotes, no bare & or <. */
static void expect_well_formed(const char *xml)
{
    enum { DEPTH = 8 };
    char open[DEPTH][32];
    int depth = 0;
    cr_assert_eq(strncmp(xml, "<?xml ", 6), 0, "%s", xml);
    for (const char *at = strstr(xml, "?>") + 2; *at; at++) {
        if (*at == '&') {
            size_t len = strcspn(at, ";");
            cr_assert(len >= 3 && len <= 6 && at[len] == ';', "a bare & at: %.20s", at);
        }
        if (*at != '<')
            continue;
        const char *end = strchr(at, '>');
        const char *next = strchr(at + 1, '<');
        cr_assert(end && (!next || end < next), "a bare < at: %.20s", at);
        char name[32] = "";
        sscanf(at + 1 + (at[1] == '/'), "%31[a-z]", name);
        int quotes = 0;
        for (const char *c = at; c < end; c++)
            quotes += *c == '"';
        cr_assert_eq(quotes % 2, 0, "quotes at: %.40s", at);
        if (at[1] == '/')
            cr_assert(depth > 0 && strcmp(open[--depth], name) == 0, "</%s> closes nothing", name);
        else if (end[-1] != '/')
            snprintf(open[depth++], sizeof open[0], "%s", name);
        cr_assert_lt(depth, DEPTH);
        at = end;
    }
    cr_assert_eq(depth, 0, "%s", xml);
}

Test(test_command, junit_is_well_formed_and_counts)
{
    char xml[64], options[100], room[8192];
    cli_temporary_file("", xml);
    snprintf(options, sizeof options, " --junit %s", xml);
    struct cli_result result = test_content(PROGRAM PASSING FAILING, options);
    cr_assert_eq(result.status, EXIT_DIFFERENCE);
    cli_release(&result);
    read_whole(xml, room, sizeof room);
    expect_well_formed(room);
    cr_assert_not_null(strstr(room, "<testsuites tests=\"2\" failures=\"1\" errors=\"0\">"), "%s", room);
    cr_assert_not_null(strstr(room, "name=\"a &lt;large&gt; order &amp; its &quot;note&quot;\""), "%s", room);
    cr_assert_not_null(strstr(room, "ann converts 100 points note = 21"), "%s", room);
    result = test_content(PROGRAM "case a\n> order.<&\n", options);
    cli_release(&result);
    read_whole(xml, room, sizeof room);
    expect_well_formed(room);
    cr_assert_not_null(strstr(room, "errors=\"1\""), "%s", room);
    remove(xml);
    result = test_content(PROGRAM PASSING, " --junit /nonexistent/x.xml");
    cr_assert_eq(result.status, EXIT_INPUT);
    cr_assert_not_null(strstr(result.errors, "--junit /nonexistent/x.xml"), "%s", result.errors);
    cli_release(&result);
}

/* ---- update */

Test(test_command, update_rewrites_what_failing_cases_expect_and_nothing_else)
{
    char path[64], line[160], room[4096];
    snprintf(line, sizeof line, "points test %s", cli_temporary_file(PROGRAM PASSING FAILING "\n# the end", path));
    chmod(path, 0640);
    struct cli_result result = cli_run(line);
    cr_assert_eq(result.status, EXIT_DIFFERENCE);
    cr_assert_str_eq(read_whole(path, room, sizeof room), PROGRAM PASSING FAILING "\n# the end");
    cli_release(&result);
    snprintf(line, sizeof line, "points test %s --update", path);
    result = cli_run(line);
    cr_assert_eq(result.status, EXIT_OK, "%s", result.out);
    cr_assert_not_null(strstr(result.out, "1 rewritten"), "%s", result.out);
    cr_assert_str_eq(read_whole(path, room, sizeof room), PROGRAM PASSING CORRECTED "\n# the end");
    struct stat status;
    stat(path, &status);
    cr_assert_eq(status.st_mode & 0777, 0640);
    cli_release(&result);
    remove(path);
}

Test(test_command, update_fills_in_what_a_new_case_left_open_also_in_the_last_line)
{
    char path[64], line[160], room[4096];
    cli_temporary_file(PROGRAM "case a\n> review.approved tea\n> order.paid o1 EUR tea=1x2.00", path);
    snprintf(line, sizeof line, "points test %s --update", path);
    struct cli_result result = cli_run(line);
    cr_assert_eq(result.status, EXIT_OK, "%s", result.out);
    cr_assert_str_eq(read_whole(path, room, sizeof room),
                     PROGRAM "case a\n> review.approved tea\nann +50 points review tea = 50\n"
                             "> order.paid o1 EUR tea=1x2.00\nann +2 points base o1 = 52\n");
    cli_release(&result);
    remove(path);
}

Test(test_command, a_folder_is_searched_and_its_programs_are_shared)
{
    char folder[] = "/tmp/points-cases-XXXXXX", path[128], line[160];
    cr_assert_not_null(mkdtemp(folder));
    static const struct {
        const char *name;
        const char *content;
    } files[] = {
        {"a.cases", "program shop.yaml\n" PASSING},
        {"b.cases", "program shop.yaml\ncase a review\n> review.approved tea\nann +50 points review tea = 50\n"},
        {"club.yaml", CLUB},
        {"other.yaml", "no: program"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        FILE *file = fopen(path, "w");
        fputs(files[i].content, file);
        fclose(file);
    }
    snprintf(path, sizeof path, "%s/shop.yaml", folder);
    FILE *file = fopen(path, "w");
    for (const char *at = strchr(PROGRAM, '\n') + 1; *at; at = strchr(at, '\n') + 1)
        fprintf(file, "%.*s\n", (int)strcspn(at + 2 * (*at == ' '), "\n"), at + 2 * (*at == ' '));
    fclose(file);
    snprintf(line, sizeof line, "points test %s", folder);
    struct cli_result result = cli_run(line);
    cr_assert_eq(result.status, EXIT_OK, "%s", result.out);
    cr_assert_not_null(strstr(result.out, "2 passed, 0 failed"), "%s", result.out);
    cr_assert_not_null(strstr(result.out, "reward note of program shop"), "%s", result.out);
    cr_assert_null(strstr(result.out, "rule "), "%s", result.out);
    cr_assert_not_null(strstr(result.out, "/club.yaml: program club, version 1: no case file names it\n"));
    cr_assert_null(strstr(result.out, "other.yaml"), "%s", result.out);
    cli_release(&result);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        remove(path);
    }
    snprintf(path, sizeof path, "%s/shop.yaml", folder);
    remove(path);
    rmdir(folder);
}

Test(test_command, strict_fails_where_no_case_reaches_a_rule)
{
    char path[64], line[128];
    cli_temporary_file(PROGRAM "case a\n> review.approved tea\nann +50 points review tea = 50\n", path);
    snprintf(line, sizeof line, "points test %s", path);
    cli_expect(line, EXIT_OK, "no case reaches it", "");
    snprintf(line, sizeof line, "points test %s --strict", path);
    cli_expect(line, EXIT_DIFFERENCE, "no case reaches it", "");
    snprintf(line, sizeof line, "points test %s --strict --case a", path);
    cli_expect(line, EXIT_USAGE, "", "wants all of them run");
    remove(path);
}
