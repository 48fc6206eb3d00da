#ifndef POINTS_BASE_RFC3339_H
#define POINTS_BASE_RFC3339_H

#include "base/text.h"

/* Instants as RFC 3339 writes them, years 0001 to 9999. */

/* "2026-03-01T10:00:00Z", "2026-03-01t11:00:00.25+01:00": µs since 1970 UTC. False, and *out untouched, on anything
 * else: without an offset, with more than six digits of a second, with a leap second, or with a date that does not
 * exist. */
bool rfc3339_parse(struct text text, int64_t *out);

enum { RFC3339_SIZE = 32 };

/* "2026-03-01T10:00:00Z", with six digits of a second where they are not zero; gives out. µs beyond the years are
 * written as a plain number. */
const char *rfc3339_format(int64_t us, char out[RFC3339_SIZE]);

#endif
