#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

static struct {
    int reading;
    int before;
} pipe_ends;

/* From here to said(), standard error goes into a pipe. */
static void listen_to_log(void)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pipe_ends.before = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    pipe_ends.reading = ends[0];
}

struct said {
    char text[65536];
};

/* What was written, with one read(2): a line written with one write(2) comes as one piece. */
static struct said said(void)
{
    struct said said = {{0}};
    dup2(pipe_ends.before, STDERR_FILENO);
    ssize_t len = read(pipe_ends.reading, said.text, sizeof said.text - 1);
    cr_assert_geq(len, 0);
    close(pipe_ends.reading);
    close(pipe_ends.before);
    return said;
}

static json_t *json_line(const char *text)
{
    size_t len = strcspn(text, "\n");
    cr_assert_eq(text[len], '\n', "the line does not end: %s", text);
    cr_assert_eq(text[len + 1], 0, "there is more than one line: %s", text);
    json_error_t error;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(json, "%s: %s", error.text, text);
    return json;
}

static const char *field(const json_t *json, const char *name)
{
    const char *value = json_string_value(json_object_get(json, name));
    cr_assert_not_null(value, "no text %s", name);
    return value;
}

Test(log, a_json_line_has_time_level_event_and_the_fields_by_type)
{
    log_setup(LOG_INFO, true);
    listen_to_log();
    log_event(LOG_WARN, "partition.assigned", "topic=%s partition=%d lag=%lld note=%s code=007 rate=1.5", "orders", 3,
              -5LL, log_quote("two \"words\" \\ and\na line"));
    json_t *json = json_line(said().text);
    cr_assert_str_eq(field(json, "level"), "warn");
    cr_assert_str_eq(field(json, "event"), "partition.assigned");
    cr_assert_str_eq(field(json, "topic"), "orders");
    cr_assert_eq(json_integer_value(json_object_get(json, "partition")), 3);
    cr_assert_eq(json_integer_value(json_object_get(json, "lag")), -5);
    cr_assert_str_eq(field(json, "note"), "two \"words\" \\ and a line");
    cr_assert_str_eq(field(json, "code"), "007");
    cr_assert_str_eq(field(json, "rate"), "1.5");
    cr_assert_eq(strlen(field(json, "time")), strlen("2026-03-01T10:00:00.000Z"));
    json_decref(json);
}

Test(log, a_text_line_is_one_line_whatever_the_fields_hold)
{
    log_setup(LOG_DEBUG, false);
    listen_to_log();
    log_event(LOG_DEBUG, "batch", "detail=%s", "a\nb\rc");
    struct said line = said();
    cr_assert_not_null(strstr(line.text, " debug batch detail=a b c\n"), "%s", line.text);
}

Test(log, a_line_without_fields_is_well_formed)
{
    log_setup(LOG_INFO, true);
    listen_to_log();
    log_event(LOG_INFO, "stopped", "%s", "");
    json_t *json = json_line(said().text);
    cr_assert_eq(json_object_size(json), 3);
    json_decref(json);
}

Test(log, levels_below_the_least_are_silent)
{
    log_setup(LOG_WARN, false);
    listen_to_log();
    log_event(LOG_INFO, "unheard", "a=%d", 1);
    log_event(LOG_ERROR, "heard", "a=%d", 1);
    struct said line = said();
    cr_assert_null(strstr(line.text, "unheard"));
    cr_assert_not_null(strstr(line.text, "heard"));
}

Test(log, fields_too_long_leave_a_line_that_is_still_json)
{
    static char wide[9000];
    memset(wide, '"', sizeof wide - 1);
    log_setup(LOG_INFO, true);
    for (size_t len = 0; len < sizeof wide; len += 37) {
        listen_to_log();
        log_event(LOG_INFO, "wide", "a=1 b=%.*s c=%.*s", (int)(len / 2), wide, (int)len, wide);
        json_decref(json_line(said().text));
    }
}

Test(log, malformed_fields_never_make_malformed_json)
{
    static const char *const odd[] = {"=",     "==",         "a",    "a=",     "=b",     "a=\"",
                                      "a=\"b", "a=\"b\"c=d", "a=\\", "a=\"\\", "  a=1  "};
    log_setup(LOG_INFO, true);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        listen_to_log();
        log_event(LOG_INFO, "odd", "%s", odd[i]);
        json_decref(json_line(said().text));
    }
}

Test(log, what_is_not_utf8_becomes_question_marks)
{
    log_setup(LOG_INFO, true);
    listen_to_log();
    log_event(LOG_INFO, "odd", "%s",
              "a=\xff b=\xc3\xbc c=\xe2\x82 d=\xed\xa0\x80 e=\xc0\x80 f=\xf0\x9f\x98\x80 g=\xf5\x80");
    json_t *json = json_line(said().text);
    cr_assert_str_eq(field(json, "a"), "?");
    cr_assert_str_eq(field(json, "b"), "\xc3\xbc");
    cr_assert_str_eq(field(json, "c"), "??");
    cr_assert_str_eq(field(json, "d"), "???");
    cr_assert_str_eq(field(json, "e"), "??");
    cr_assert_str_eq(field(json, "f"), "\xf0\x9f\x98\x80");
    cr_assert_str_eq(field(json, "g"), "??");
    json_decref(json);
}

Test(log, a_quoted_value_is_cut_to_its_buffer)
{
    char small[8];
    cr_assert_str_eq(log_quote_into(small, sizeof small, "abcdefghij"), "\"abcd\"");
    cr_assert_str_eq(log_quote_into(small, sizeof small, "\"\"\"\"\""), "\"\\\"\\\"\"");
    cr_assert_str_eq(log_quote_into(small, sizeof small, NULL), "\"\"");
}
