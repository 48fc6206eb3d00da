#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { FIELDS_SIZE = 4096, LINE_SIZE = 16384 };

/* Set once, before threads start. */
static struct {
    enum log_level least;
    bool json;
} setup = {LOG_INFO, false};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* A line under construction: bytes that do not fit are dropped as a whole, so that what is there stays well formed. */
struct line {
    char at[LINE_SIZE];
    size_t len;
};

void log_setup(enum log_level least, bool json)
{
    setup.least = least;
    setup.json = json;
}

bool log_wants(enum log_level level)
{
    return level >= setup.least;
}

const char *log_quote_into(char *buffer, size_t size, const char *value)
{
    assert(size >= 4);
    size_t len = 0;
    buffer[len++] = '"';
    for (const char *at = value ? value : ""; *at && len + 3 < size; at++) {
        if (*at == '"' || *at == '\\')
            buffer[len++] = '\\';
        buffer[len++] = (unsigned char)*at < 0x20 || *at == 0x7F ? ' ' : *at;
    }
    buffer[len++] = '"';
    buffer[len] = 0;
    return buffer;
}

static bool put(struct line *line, const char *at, size_t len)
{
    enum { RESERVE = 2 }; /* for "}\n" */
    if (len > sizeof line->at - RESERVE - line->len)
        return false;
    memcpy(line->at + line->len, at, len);
    line->len += len;
    return true;
}

/* Bytes of the UTF-8 character (RFC 3629) at `at`, of which `left` may be read; 0: it is none. */
static size_t character_length(const unsigned char *at, size_t left)
{
    static const unsigned char least_second[] = {[0xE0 - 0xC2] = 0xA0, [0xF0 - 0xC2] = 0x90};
    unsigned char lead = at[0];
    if (lead < 0x80)
        return 1;
    size_t len = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || len > left)
        return 0;
    unsigned char least = lead - 0xC2u < sizeof least_second ? least_second[lead - 0xC2] : 0;
    unsigned char most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (at[1] < (least ? least : 0x80) || at[1] > most)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

/* One JSON string of the raw bytes at [at, at + len), in which a backslash escapes the next byte where quoted. What is
 * not UTF-8 becomes question marks. */
static bool put_json_string(struct line *line, const char *at, size_t len, bool quoted)
{
    char out[FIELDS_SIZE * 2 + 8];
    size_t n = 0;
    out[n++] = '"';
    for (size_t i = 0; i < len && n + 8 < sizeof out;) {
        if (quoted && at[i] == '\\' && i + 1 < len)
            i++;
        size_t bytes = character_length((const unsigned char *)at + i, len - i);
        unsigned char c = bytes ? (unsigned char)at[i] : '?';
        if (c == '"' || c == '\\')
            out[n++] = '\\';
        out[n++] = (char)(c < 0x20 ? ' ' : c);
        for (size_t more = 1; more < bytes; more++)
            out[n++] = at[i + more];
        i += bytes ? bytes : 1;
    }
    out[n++] = '"';
    return put(line, out, n);
}

static bool is_number(const char *at, size_t len)
{
    size_t i = len > 0 && at[0] == '-';
    if (len == i || len - i > 18 || (at[i] == '0' && len - i > 1))
        return false;
    for (; i < len; i++)
        if (at[i] < '0' || at[i] > '9')
            return false;
    return true;
}

/* The length of the value that begins at `at`: to the closing quote, or to the next blank. */
static size_t value_length(const char *at)
{
    if (*at != '"')
        return strcspn(at, " ");
    size_t i = 1;
    while (at[i] && at[i] != '"')
        i += at[i] == '\\' && at[i + 1] ? 2 : 1;
    return at[i] ? i + 1 : i;
}

static bool put_json_value(struct line *line, const char *value, size_t len)
{
    if (is_number(value, len))
        return put(line, value, len);
    if (len == 0 || value[0] != '"')
        return put_json_string(line, value, len, false);
    size_t inner = len > 1 && value[len - 1] == '"' ? len - 2 : len - 1;
    return put_json_string(line, value + 1, inner, true);
}

static void put_json_field(struct line *line, const char *key, size_t key_len, const char *value, size_t len)
{
    size_t before = line->len;
    bool fitted = put(line, ",", 1) && put_json_string(line, key, key_len, false) && put(line, ":", 1) &&
                  put_json_value(line, value, len);
    if (!fitted)
        line->len = before;
}

static void put_json_fields(struct line *line, const char *fields)
{
    for (const char *at = fields; *at;) {
        at += strspn(at, " ");
        size_t key_len = strcspn(at, "= ");
        if (key_len == 0 && !*at)
            break;
        const char *value = at[key_len] == '=' ? at + key_len + 1 : at + key_len;
        size_t len = at[key_len] == '=' ? value_length(value) : 0;
        put_json_field(line, at, key_len, value, len);
        at = value + len;
    }
}

static size_t put_time(char *out, size_t size)
{
    int64_t now = clock_utc_us();
    time_t seconds = (time_t)(now / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t len = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
    return len + (size_t)snprintf(out + len, size - len, ".%03dZ", (int)(now / 1000 % 1000));
}

/* One write, so that lines of several threads do not mix; a log that cannot be written must not stop the work. */
static void write_line(struct line *line)
{
    line->at[line->len++] = '\n';
    ssize_t written;
    do
        written = write(STDERR_FILENO, line->at, line->len);
    while (written < 0 && errno == EINTR);
}

static void log_json(enum log_level level, const char *event, const char *time, const char *fields)
{
    struct line line = {.len = 0};
    put(&line, "{\"time\":", 8);
    put_json_string(&line, time, strlen(time), false);
    put(&line, ",\"level\":", 9);
    put_json_string(&line, level_names[level], strlen(level_names[level]), false);
    put(&line, ",\"event\":", 9);
    put_json_string(&line, event, strlen(event), false);
    put_json_fields(&line, fields);
    line.at[line.len++] = '}';
    write_line(&line);
}

static void log_text(enum log_level level, const char *event, const char *time, const char *fields)
{
    struct line line = {.len = 0};
    put(&line, time, strlen(time));
    put(&line, " ", 1);
    put(&line, level_names[level], strlen(level_names[level]));
    put(&line, " ", 1);
    put(&line, event, strlen(event));
    if (fields[0]) {
        put(&line, " ", 1);
        put(&line, fields, strlen(fields));
    }
    write_line(&line);
}

void log_event(enum log_level level, const char *event, const char *fields_format, ...)
{
    if (!log_wants(level))
        return;
    char fields[FIELDS_SIZE];
    va_list arguments;
    va_start(arguments, fields_format);
    int len = vsnprintf(fields, sizeof fields, fields_format, arguments);
    va_end(arguments);
    assert(len >= 0);
    for (char *at = fields; *at; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    char time[40];
    put_time(time, sizeof time);
    if (setup.json)
        log_json(level, event, time, fields);
    else
        log_text(level, event, time, fields);
}
