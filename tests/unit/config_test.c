#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/config.h"
#include "cli.h"

TestSuite(config, .init = cli_forget_settings);

struct fixture {
    char path[64];
    struct config config;
    struct err err;
    enum err_code code;
};

static void write_file(char path[64], const char *content, size_t len)
{
    snprintf(path, 64, "/tmp/points-config-test-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, content, len), (ssize_t)len);
    close(fd);
}

static struct fixture load(const char *content)
{
    struct fixture f = {.err = {.code = ERR_NONE}};
    write_file(f.path, content, strlen(content));
    f.code = config_load(f.path, &f.config, &f.err);
    unlink(f.path);
    return f;
}

/* The error must name the file and the place, and say `part`. */
static void expect_error(const char *content, int line, int column, const char *part)
{
    struct fixture f = load(content);
    char place[96];
    snprintf(place, sizeof place, "%s:%d:%d: ", f.path, line, column);
    cr_assert_eq(f.code, ERR_CONFIG, "accepted: %s", content);
    cr_assert_eq(strncmp(f.err.text, place, strlen(place)), 0, "%s does not begin with %s", f.err.text, place);
    cr_assert_not_null(strstr(f.err.text, part), "%s does not say: %s", f.err.text, part);
}

Test(config, without_a_file_every_setting_has_its_default)
{
    struct config config;
    cr_assert_eq(config_load(NULL, &config, NULL), ERR_NONE);
    cr_assert_str_eq(config.kafka_brokers, "127.0.0.1:9092");
    cr_assert_str_eq(config.rewards_format, "single-object");
    cr_assert_eq(config.batch_max_events, 8000);
    config_release(&config);
    cr_assert_null(config.kafka_brokers);
}

Test(config, a_file_sets_names_to_values_with_blanks_and_comments_around)
{
    struct fixture f = load("# a comment\n\n  kafka.brokers=a:1,b:2\nkafka.group =  my group \t# and why\r\n"
                            "batch.max_events = 77\nredis.host =\npostgres.url = postgresql://u@h/db#frag");
    cr_assert_eq(f.code, ERR_NONE, "%s", f.err.text);
    cr_assert_str_eq(f.config.kafka_brokers, "a:1,b:2");
    cr_assert_str_eq(f.config.kafka_group, "my group");
    cr_assert_str_eq(f.config.redis_host, "");
    cr_assert_str_eq(f.config.postgres_url, "postgresql://u@h/db#frag");
    cr_assert_eq(f.config.batch_max_events, 77);
    config_release(&f.config);
}

Test(config, an_unknown_name_is_an_error_with_the_nearest_name)
{
    expect_error("kafka.group = a\nkafka.broker = x\n", 2, 1, "did you mean kafka.brokers?");
    expect_error("zzzzzzzzzzzzzzz = x\n", 1, 1, "points help settings");
    expect_error("= x\n", 1, 1, "unknown setting");
}

Test(config, numbers_out_of_bounds_or_not_numbers_are_errors_that_say_what_is_allowed)
{
    expect_error("redis.port = 0\n", 1, 14, "from 1 to 65535");
    expect_error("redis.port = 65536\n", 1, 14, "redis.port is 65536");
    expect_error("redis.port = -1\n", 1, 14, "whole number");
    expect_error("redis.port = 12x\n", 1, 14, "whole number");
    expect_error("redis.port = 1.5\n", 1, 14, "whole number");
    expect_error("redis.port =\n", 1, 12, "whole number");
    expect_error("redis.port = 99999999999999999999999\n", 1, 14, "whole number");
}

Test(config, both_bounds_of_a_number_are_allowed)
{
    struct fixture f = load("redis.port = 65535\nbatch.max_events = 1\n");
    cr_assert_eq(f.code, ERR_NONE, "%s", f.err.text);
    cr_assert_eq(f.config.redis_port, 65535);
    cr_assert_eq(f.config.batch_max_events, 1);
    config_release(&f.config);
}

Test(config, a_choice_must_be_one_of_its_words)
{
    expect_error("log.level = verbose\n", 1, 13, "debug | info | warn | error");
    expect_error("log.level = inf\n", 1, 13, "one of");
    expect_error("log.level =\n", 1, 11, "one of");
    struct fixture f = load("log.level = error\nregistry.unknown_id = dead-letter\n");
    cr_assert_eq(f.code, ERR_NONE, "%s", f.err.text);
    cr_assert_str_eq(f.config.registry_unknown_id, "dead-letter");
    config_release(&f.config);
}

Test(config, a_name_set_twice_is_an_error_that_names_the_first_line)
{
    expect_error("redis.port = 1\nredis.port = 1\n", 2, 1, "line 1");
}

Test(config, a_line_without_equals_sign_and_a_quoted_value_are_errors)
{
    expect_error("kafka.group\n", 1, 1, "name = value");
    expect_error("kafka.group = \"points\"\n", 1, 15, "without quotes");
}

Test(config, a_binary_file_is_refused)
{
    struct fixture f = {.err = {.code = ERR_NONE}};
    const char bytes[] = "\0\1\2kafka.group = x\n";
    write_file(f.path, bytes, sizeof bytes - 1);
    cr_assert_eq(config_load(f.path, &f.config, &f.err), ERR_CONFIG);
    cr_assert_not_null(strstr(f.err.text, "NUL"), "%s", f.err.text);
    unlink(f.path);
}

Test(config, a_file_that_cannot_be_opened_is_named)
{
    struct err err;
    struct config config;
    cr_assert_eq(config_load("/nonexistent/points.conf", &config, &err), ERR_CONFIG);
    cr_assert_not_null(strstr(err.text, "/nonexistent/points.conf"), "%s", err.text);
    cr_assert_eq(config_load("/tmp", &config, &err), ERR_CONFIG, "a directory was read as a file");
}

Test(config, the_output_is_untouched_on_failure)
{
    struct config config;
    memset(&config, 0x5A, sizeof config);
    cr_assert_eq(config_load("/nonexistent/points.conf", &config, NULL), ERR_CONFIG);
    for (size_t i = 0; i < sizeof config; i++)
        cr_assert_eq(((unsigned char *)&config)[i], 0x5A);
}

Test(config, the_environment_overrides_the_file)
{
    setenv("POINTS_KAFKA_BROKERS", "env:1", 1);
    setenv("POINTS_BATCH_MAX_EVENTS", "5", 1);
    struct fixture f = load("kafka.brokers = file:1\nbatch.max_events = 6\nkafka.group = file\n");
    cr_assert_eq(f.code, ERR_NONE, "%s", f.err.text);
    cr_assert_str_eq(f.config.kafka_brokers, "env:1");
    cr_assert_eq(f.config.batch_max_events, 5);
    cr_assert_str_eq(f.config.kafka_group, "file");
    config_release(&f.config);
}

Test(config, an_unknown_variable_is_an_error_with_the_nearest_one)
{
    struct err err = {.code = ERR_NONE};
    struct config config;
    setenv("POINTS_KAFKA_BROKER", "x", 1);
    cr_assert_eq(config_load(NULL, &config, &err), ERR_CONFIG);
    cr_assert_not_null(strstr(err.text, "did you mean POINTS_KAFKA_BROKERS?"), "%s", err.text);
}

Test(config, a_bad_value_in_the_environment_is_an_error)
{
    struct err err = {.code = ERR_NONE};
    struct config config;
    setenv("POINTS_REDIS_PORT", "six", 1);
    cr_assert_eq(config_load(NULL, &config, &err), ERR_CONFIG);
    cr_assert_not_null(strstr(err.text, "environment: redis.port is six"), "%s", err.text);
}

Test(config, variables_of_others_and_the_one_that_names_the_file_are_left_alone)
{
    struct config config;
    setenv("POINTS_CONFIG", "/somewhere", 1);
    setenv("POINTSDEV_DIR", "/somewhere", 1);
    cr_assert_eq(config_load(NULL, &config, NULL), ERR_NONE);
    config_release(&config);
}

Test(config, settings_that_do_not_go_together_are_errors)
{
    struct fixture f = load("rewards.format = confluent\n");
    cr_assert_eq(f.code, ERR_CONFIG);
    cr_assert_not_null(strstr(f.err.text, "registry.url"), "%s", f.err.text);
    f = load("kafka.session_timeout_ms = 60001\nkafka.max_poll_interval_ms = 60000\n");
    cr_assert_eq(f.code, ERR_CONFIG);
    f = load("kafka.topics =\n");
    cr_assert_eq(f.code, ERR_CONFIG);
    f = load("instance = audit\n");
    cr_assert_eq(f.code, ERR_CONFIG);
    cr_assert_not_null(strstr(f.err.text, "points audit"), "%s", f.err.text);
}

Test(config, a_topic_that_is_read_and_written_is_refused)
{
    struct fixture f = load("kafka.topics = a, b ,c\nkafka.rewards_topic = b\n");
    cr_assert_eq(f.code, ERR_CONFIG);
    cr_assert_not_null(strstr(f.err.text, "b is among kafka.topics"), "%s", f.err.text);
    f = load("kafka.dead_letter_topic = loyalty.timers\n");
    cr_assert_eq(f.code, ERR_CONFIG);
    f = load("kafka.dead_letter_topic = x\nkafka.rewards_topic = x\n");
    cr_assert_eq(f.code, ERR_CONFIG);
    f = load("kafka.rewards_topic =\n");
    cr_assert_eq(f.code, ERR_CONFIG);
    f = load("kafka.topics = a,bb\nkafka.rewards_topic = b\n");
    cr_assert_eq(f.code, ERR_NONE, "%s", f.err.text);
    config_release(&f.config);
}

static void count_error(void *context, const char *file, int line, int column, const char *message)
{
    (void)file;
    (void)line;
    (void)column;
    (void)message;
    ++*(int *)context;
}

Test(config, reporting_gives_every_error)
{
    char path[64];
    const char content[] = "nonsense\nredis.port = x\nkafka.groop = a\nkafka.group = fine\n";
    struct config config;
    int count = 0;
    write_file(path, content, sizeof content - 1);
    setenv("POINTS_NONSENSE", "1", 1);
    cr_assert_eq(config_load_reporting(path, &config, count_error, &count), ERR_CONFIG);
    cr_assert_eq(count, 4);
    unlink(path);
}

static char *secret_of(const char *content, size_t len, struct err *err)
{
    char path[64];
    char *secret = NULL;
    write_file(path, content, len);
    config_secret(path, &secret, err);
    unlink(path);
    return secret;
}

Test(config, a_secret_is_the_files_content_without_its_last_line_end)
{
    char *secret = secret_of("pass word\n", 10, NULL);
    cr_assert_str_eq(secret, "pass word");
    free(secret);
    secret = secret_of("two\nlines\r\n", 11, NULL);
    cr_assert_str_eq(secret, "two\nlines");
    free(secret);
}

Test(config, no_path_means_no_secret)
{
    char *secret = (char[]){"x"};
    cr_assert_eq(config_secret("", &secret, NULL), ERR_NONE);
    cr_assert_null(secret);
}

Test(config, an_empty_missing_binary_or_huge_secret_is_an_error_that_does_not_show_it)
{
    struct err err = {.code = ERR_NONE};
    char huge[5000];
    char *secret = NULL;
    memset(huge, 'q', sizeof huge);
    cr_assert_null(secret_of("\n", 1, &err));
    cr_assert_eq(err.code, ERR_CONFIG);
    cr_assert_null(secret_of("a\0b", 3, &err));
    cr_assert_null(secret_of(huge, sizeof huge, &err));
    cr_assert_null(strstr(err.text, "qqq"));
    cr_assert_eq(config_secret("/nonexistent/secret", &secret, &err), ERR_CONFIG);
    cr_assert_null(secret);
}

static void check_setting(void *context, const struct config_setting *setting)
{
    cr_assert_eq(strncmp(setting->environment, "POINTS_", 7), 0);
    cr_assert_eq(strspn(setting->environment, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(setting->environment));
    cr_assert_gt(strlen(setting->help), 5);
    cr_assert_lt(strlen(setting->standard), sizeof setting->standard - 1, "the default of %s is cut", setting->name);
    ++*(int *)context;
}

Test(config, every_setting_is_described_in_text_and_markdown)
{
    char *text = NULL;
    size_t size = 0;
    int count = 0;
    int rows = 0;
    config_each(check_setting, &count);
    FILE *out = open_memstream(&text, &size);
    config_print_reference(out, true);
    fclose(out);
    for (const char *at = text; *at; at++)
        rows += *at == '\n';
    cr_assert_eq(rows, count + 2);
    cr_assert_not_null(strstr(text, "| `log.format` | `auto` | json \\| text \\| auto |"), "%s", text);
    free(text);
}
