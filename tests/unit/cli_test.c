#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "ops/command.h"
#include "ops/help.h"

TestSuite(cli, .init = cli_forget_settings);

Test(cli, without_a_command_it_explains_itself_and_exits_with_2)
{
    cli_expect("points", EXIT_USAGE, "", "Commands:");
    cli_expect("points --help", EXIT_OK, "Commands:", "");
    cli_expect("points -h", EXIT_OK, "Commands:", "");
}

Test(cli, unknown_commands_and_options_are_answered_with_the_nearest)
{
    cli_expect("points pubish", EXIT_USAGE, "", "did you mean `points publish`?");
    cli_expect("points qqqqqqqq", EXIT_USAGE, "", "--help");
    cli_expect("points publish --dryrun f", EXIT_USAGE, "", "did you mean --dry-run?");
    cli_expect("points publish --cnofig=x f", EXIT_USAGE, "", "did you mean --config?");
    cli_expect("points version --qqqqqqqq", EXIT_USAGE, "", "points version --help");
    cli_expect("points help exit-code", EXIT_USAGE, "", "did you mean exit-codes?");
}

Test(cli, arguments_missing_or_too_many_are_usage_errors)
{
    cli_expect("points publish", EXIT_USAGE, "", "FILE|- is missing");
    cli_expect("points publish a b", EXIT_USAGE, "", "too many arguments: b");
    cli_expect("points version x", EXIT_USAGE, "", "too many arguments: x");
}

Test(cli, options_need_their_values_and_flags_take_none)
{
    cli_expect("points publish f --topic", EXIT_USAGE, "", "--topic needs a value");
    cli_expect("points publish f --dry-run=yes", EXIT_USAGE, "", "--dry-run takes no value");
    cli_expect("points publish f --format avro", EXIT_USAGE, "", "single-object or confluent");
    cli_expect("points publish f --timestamp tomorrow", EXIT_USAGE, "", "event or now");
    cli_expect("points publish f --raw", EXIT_USAGE, "", "--raw needs --topic");
    cli_expect("points consume rewards --max 0", EXIT_USAGE, "", "whole number from 1");
    cli_expect("points consume rewards --max 1x", EXIT_USAGE, "", "whole number from 1");
    cli_expect("points consume rewards --max 99999999999999999999", EXIT_USAGE, "", "whole number from 1");
    cli_expect("points consume everything", EXIT_USAGE, "", "rewards or dead-letters");
    cli_expect("points run --exit-when-idle never", EXIT_USAGE, "", "whole number from 1");
}

Test(cli, after_two_dashes_everything_is_an_argument)
{
    cli_expect("points publish --dry-run -- --help", EXIT_INPUT, "", "--help: No such file");
}

Test(cli, a_bad_configuration_exits_with_3_and_names_the_place)
{
    cli_expect("points publish --config /nonexistent/points.conf f", EXIT_CONFIG, "", "/nonexistent/points.conf");
    setenv("POINTS_REDIS_PORT", "0", 1);
    cli_expect("points publish f", EXIT_CONFIG, "", "redis.port is 0");
}

Test(cli, with_json_an_error_is_an_object_on_the_output)
{
    struct cli_result result = cli_run("points publish --json --dry-run /nonexistent/file");
    json_t *json = json_loads(result.out, 0, NULL);
    const char *code, *text;
    cr_assert_eq(json_unpack(json, "{s:{s:s, s:s}}", "error", "code", &code, "text", &text), 0, "%s", result.out);
    cr_assert_str_eq(code, "file_error");
    cr_assert_not_null(strstr(text, "/nonexistent/file"));
    cr_assert_str_empty(result.errors);
    cr_assert_eq(result.status, EXIT_INPUT);
    json_decref(json);
    cli_release(&result);
}

Test(cli, a_group_lists_its_commands)
{
    cli_expect("points program --help", EXIT_OK, "program apply", "");
    cli_expect("points program", EXIT_USAGE, "", "program apply");
    cli_expect("points help program", EXIT_OK, "program apply", "");
}

Test(cli, version_tells_the_same_in_text_and_json)
{
    struct cli_result result = cli_run("points version --json");
    json_t *json = json_loads(result.out, 0, NULL);
    cr_assert_str_eq(json_string_value(json_object_get(json, "version")), POINTS_VERSION);
    cr_assert_gt(json_object_size(json_object_get(json, "libraries")), 5);
    json_decref(json);
    cli_release(&result);
    cli_expect("points version", EXIT_OK, "points " POINTS_VERSION, "");
    cli_expect("points --version", EXIT_OK, "points " POINTS_VERSION, "");
}

Test(cli, output_that_cannot_be_written_is_no_success)
{
    char *words[] = {(char[]){"points"}, (char[]){"version"}};
    FILE *full = fopen("/dev/full", "w");
    cr_assert_eq(command_main(2, words, full, stderr), EXIT_INPUT);
    fclose(full);
}

/* The words of an option's example must be options that the command has. */
static void check_example(const struct command *command, const struct command_example *example)
{
    struct command_option shared[SHARED_OPTIONS_MAX + 1];
    help_shared_options(command, shared);
    char start[80];
    snprintf(start, sizeof start, "points %s", command->name);
    const char *line = strstr(example->line, start);
    cr_assert_not_null(line, "the example `%s` does not call `%s`", example->line, start);
    char *copy = strdup(line);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, " =")) && *word != '|' && *word != '>';) {
        bool known = strncmp(word, "--", 2) != 0;
        for (const struct command_option *option = command->options; option->name; option++)
            known = known || strcmp(option->name, word) == 0;
        for (const struct command_option *option = shared; option->name; option++)
            known = known || strcmp(option->name, word) == 0;
        cr_assert(known, "the example `%s` uses %s, which the command does not know", example->line, word);
    }
    free(copy);
}

Test(cli, every_command_explains_itself_with_examples_that_use_its_own_options)
{
    for (const struct command *const *each = commands; *each; each++) {
        const struct command *command = *each;
        cr_assert_not_null(command->run, "%s", command->name);
        cr_assert_gt(strlen(command->summary), 10, "%s", command->name);
        cr_assert_gt(strlen(command->description), 60, "%s", command->name);
        cr_assert_not_null(command->examples[0].line, "%s has no example", command->name);
        cr_assert_leq(command->most_arguments, COMMAND_ARGUMENTS_MAX);
        cr_assert_leq(command->least_arguments, command->most_arguments, "%s", command->name);
        for (const struct command_example *example = command->examples; example->line; example++)
            check_example(command, example);
        char line[96];
        snprintf(line, sizeof line, "points %s --help", command->name);
        cli_expect(line, EXIT_OK, "Options:", "");
        cli_expect(line, EXIT_OK, "Examples:", "");
        cli_expect(line, EXIT_OK, "Exit status:", "");
    }
}

Test(cli, help_fits_a_hundred_columns)
{
    static const char *const topics[] = {"", "exit-codes", "environment", "publish", "consume", "run", "check"};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        char line[64];
        snprintf(line, sizeof line, "points help%s%s", topics[i][0] ? " " : "", topics[i]);
        struct cli_result result = cli_run(line);
        for (char *at = result.out; *at; at += strcspn(at, "\n") + 1)
            cr_assert_leq(strcspn(at, "\n"), 100, "%s prints: %.*s", line, (int)strcspn(at, "\n"), at);
        cli_release(&result);
    }
}

Test(cli, help_of_topics_comes_from_the_tables)
{
    cli_expect("points help settings", EXIT_OK, "kafka.brokers = 127.0.0.1:9092", "");
    cli_expect("points help settings --markdown", EXIT_OK, "| `kafka.brokers` | `127.0.0.1:9092` |", "");
    cli_expect("points help environment", EXIT_OK, "POINTS_KAFKA_BROKERS", "");
    cli_expect("points help exit-codes", EXIT_OK, "runs with this instance's name", "");
    cli_expect("points help program apply", EXIT_OK, "points program apply", "");
}

Test(cli, the_man_page_has_every_command_setting_and_exit_status_and_no_line_that_roff_would_swallow)
{
    struct cli_result result = cli_run("points help --man");
    static const char *const macros[] = {".TH ", ".SH ", ".SS ", ".TP", ".PP", ".ad ", ".br"};
    for (const struct command *const *each = commands; *each; each++)
        cr_assert_not_null(strstr(result.out, (*each)->name));
    cr_assert_not_null(strstr(result.out, "kafka.brokers"));
    cr_assert_not_null(strstr(result.out, "POINTS_KAFKA_BROKERS"));
    cr_assert_not_null(strstr(result.out, ".SH EXIT STATUS"));
    for (char *at = result.out; *at; at += strcspn(at, "\n") + 1) {
        bool known = *at != '.' && *at != '\'';
        for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
            known = known || strncmp(at, macros[i], strlen(macros[i])) == 0;
        cr_assert(known, "line: %.60s", at);
    }
    cli_release(&result);
}

static const char good_line[] =
    "{\"type\": \"activity\", \"id\": \"1\", \"source\": \"/a\", \"member_id\": \"m\", \"occurred_at\": 1, "
    "\"kind\": \"done\", \"name\": \"walk\"}\n";

Test(cli, publish_dry_run_counts_good_lines_and_skips_blank_ones)
{
    char content[1024], path[64], line[160];
    snprintf(content, sizeof content, "%s\n   \n%s", good_line, good_line);
    snprintf(line, sizeof line, "points publish --dry-run --json %s", cli_temporary_file(content, path));
    struct cli_result result = cli_run(line);
    remove(path);
    json_t *json = json_loads(result.out, 0, NULL);
    cr_assert_eq(result.status, EXIT_OK, "%s", result.out);
    cr_assert_eq(json_integer_value(json_object_get(json, "lines")), 4);
    cr_assert_eq(json_integer_value(json_object_get(json, "published")), 0);
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(json, "topics"), "loyalty.activities")), 2);
    json_decref(json);
    cli_release(&result);
}

Test(cli, publish_names_line_and_field_of_each_error_and_publishes_nothing)
{
    char content[1024], path[64], line[160], place[120];
    snprintf(content, sizeof content, "%s{\"type\": \"activity\", \"id\": 7}\nnonsense\n", good_line);
    /* No broker listens there: the command must not get as far as asking it. */
    setenv("POINTS_KAFKA_BROKERS", "127.0.0.1:1", 1);
    snprintf(line, sizeof line, "points publish %s", cli_temporary_file(content, path));
    struct cli_result result = cli_run(line);
    remove(path);
    cr_assert_eq(result.status, EXIT_INPUT);
    snprintf(place, sizeof place, "%s:2: id: is a whole number", path);
    cr_assert_not_null(strstr(result.errors, place), "%s", result.errors);
    snprintf(place, sizeof place, "%s:3:", path);
    cr_assert_not_null(strstr(result.errors, place), "%s", result.errors);
    cr_assert_not_null(strstr(result.errors, "2 of 3 lines are wrong; nothing was published"), "%s", result.errors);
    cli_release(&result);
}

Test(cli, publish_limits_how_many_errors_it_shows)
{
    enum { LINES = 200 };
    char path[64], line[160];
    char content[LINES * 2 + 1];
    for (int i = 0; i < LINES; i++)
        memcpy(content + 2 * i, "x\n", 3);
    snprintf(line, sizeof line, "points publish --dry-run %s", cli_temporary_file(content, path));
    struct cli_result result = cli_run(line);
    remove(path);
    int shown = 0;
    for (char *at = result.errors; *at; at++)
        shown += *at == '\n';
    cr_assert_lt(shown, 60);
    cr_assert_not_null(strstr(result.errors, "and 150 more"), "%s", result.errors);
    cli_release(&result);
}

Test(cli, check_prints_every_error_of_configuration_and_programs_with_its_place)
{
    char config[64], program[64], line[256], place[160];
    cli_temporary_file("redis.port = 0\nlog.level = loud\n", config);
    cli_temporary_file("program: [\n", program);
    snprintf(line, sizeof line, "points check --config %s %s", config, program);
    struct cli_result result = cli_run(line);
    remove(config);
    remove(program);
    cr_assert_eq(result.status, EXIT_CONFIG);
    snprintf(place, sizeof place, "%s:1:14: redis.port is 0", config);
    cr_assert_not_null(strstr(result.out, place), "%s", result.out);
    snprintf(place, sizeof place, "%s:2:13: log.level is loud", config);
    cr_assert_not_null(strstr(result.out, place), "%s", result.out);
    snprintf(place, sizeof place, "%s:", program);
    cr_assert_not_null(strstr(result.out, place), "%s", result.out);
    cli_release(&result);
}

static void expect_check(const char *ending, const char *content, int status, const char *part)
{
    char path[64], named[80], line[160];
    cli_temporary_file(content, path);
    snprintf(named, sizeof named, "%s%s", path, ending);
    cr_assert_eq(rename(path, named), 0);
    snprintf(line, sizeof line, "points check %s", named);
    cli_expect(line, status, part, "");
    remove(named);
}

#define PROGRAM                                                                                                        \
    "program\n  program: p\n  version: 1\n  effective: 2026-01-01\n  points: {points: {}}\n"                           \
    "  rules: [{id: r, on: review.approved, earn: {fixed: 5}}]\n"

Test(cli, check_reads_golden_cases_without_running_them)
{
    expect_check(".cases", PROGRAM "case one\n> review.approved tea\nann +6 points r tea = 6\n", EXIT_OK, "good: ");
    expect_check(".cases", PROGRAM "case one\n> review.aproved tea\n", EXIT_CONFIG, ":8: ");
}

Test(cli, check_says_whether_a_producers_schema_is_read)
{
    cli_expect("points check schemas/avro/order.avsc", EXIT_OK, "good: schemas/avro/order.avsc", "");
    expect_check(".avsc", "{\"type\": \"record\", \"name\": \"Basket\", \"fields\": []}", EXIT_CONFIG, "Basket");
    expect_check(".avsc", "{\"type\": \"record\"", EXIT_CONFIG, ".avsc: ");
}

Test(cli, check_finds_versions_that_overlap)
{
    char first[64], second[64], line[200];
    const char *yaml = "program: p\nversion: %d\neffective: 2026-01-01\npoints: {points: {}}\n"
                       "rules: [{id: r, on: review.approved, earn: {fixed: 5}}]\n";
    char content[256];
    snprintf(content, sizeof content, yaml, 1);
    cli_temporary_file(content, first);
    snprintf(content, sizeof content, yaml, 2);
    cli_temporary_file(content, second);
    snprintf(line, sizeof line, "points check %s %s", second, first);
    cli_expect(line, EXIT_CONFIG, "version 2 of program p overlaps version 1", "");
    snprintf(line, sizeof line, "points check %s %s", first, first);
    cli_expect(line, EXIT_CONFIG, "version 1 of program p stands here a second time", "");
    remove(first);
    remove(second);
}

Test(cli, check_names_secrets_that_cannot_be_read)
{
    char config[64], line[160];
    cli_temporary_file("postgres.password_file = /nonexistent/secret\n", config);
    snprintf(line, sizeof line, "points check --json --config %s /nonexistent/program.yaml", config);
    struct cli_result result = cli_run(line);
    remove(config);
    json_t *json = json_loads(result.out, 0, NULL);
    cr_assert_eq(result.status, EXIT_CONFIG);
    cr_assert(json_is_false(json_object_get(json, "ok")), "%s", result.out);
    cr_assert_eq(json_array_size(json_object_get(json, "errors")), 2, "%s", result.out);
    cr_assert_eq(json_array_size(json_object_get(json, "checked")), 2);
    json_decref(json);
    cli_release(&result);
}
