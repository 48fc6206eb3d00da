#ifndef POINTS_BASE_LOG_H
#define POINTS_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Structured logs on standard error, one line each: JSON, or text when it is a terminal or asked for. A line is written
 * with one write(2), so that lines of several threads do not mix. Set up once, before threads start. */
void log_setup(enum log_level least, bool json);

/* True where a line of this level would be written: for lines that cost something to put together. */
bool log_wants(enum log_level level);

/* event: a stable dotted name, "partition.assigned". The rest: pairs of a key and a printf format with its one
 * argument are clumsy in C, so fields are given as one printf format of `key=value` words; a value with blanks is put
 * in double quotes by the caller with %s of log_quote. Libraries (base, rules, program, decode) never log. */
void log_event(enum log_level level, const char *event, const char *fields_format, ...)
    __attribute__((format(printf, 3, 4)));

/* The value in double quotes, `"` and `\` escaped by a backslash, control characters made blanks, cut to fit; gives
 * buffer. */
const char *log_quote_into(char *buffer, size_t size, const char *value);

/* As an argument of log_event: the buffer lives as long as the enclosing block. */
#define log_quote(value) log_quote_into((char[LOG_QUOTE_SIZE]){0}, LOG_QUOTE_SIZE, (value))
enum { LOG_QUOTE_SIZE = 640 };

#endif
