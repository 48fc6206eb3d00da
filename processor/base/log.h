#ifndef POINTS_BASE_LOG_H
#define POINTS_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Structured logs on standard error, one line each: JSON, or text when it is a terminal or asked for. A line is written
 * with one write(2), so that lines of several threads do not mix. Set up once, before threads start. */
void log_setup(enum log_level least, bool json);

/* event: a stable dotted name, "partition.assigned". The rest: pairs of a key and a printf format with its one
 * argument are clumsy in C, so fields are given as one printf format of `key=value` words; a value with blanks is put in
 * double quotes by the caller with %s of log_quote. Libraries (base, rules, program, decode) never log. */
void log_event(enum log_level level, const char *event, const char *fields_format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
