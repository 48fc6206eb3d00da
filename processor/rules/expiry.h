#ifndef POINTS_RULES_EXPIRY_H
#define POINTS_RULES_EXPIRY_H

#include "rules/zone.h"

/* How long points last. What is written in a program file, and what it comes to for points of one moment. */

enum expiry_form {
    EXPIRY_NEVER,
    EXPIRY_AFTER,  /* so long after they came: at the end of that day */
    EXPIRY_PERIOD, /* with the month, quarter or year in which they came, and so long after its end */
    EXPIRY_IDLE    /* so long after the member last earned or spent: at the end of that day */
};

enum { EXPIRY_WARNINGS_MAX = 8, EXPIRY_MONTHS_MAX = 1200, EXPIRY_DAYS_MAX = 36500 };

struct expiry {
    enum expiry_form form;
    int period; /* months of a period: 1, 3 or 12 */
    int months; /* either these or days are 0 */
    int days;
};

/* Distances before an end at which a member is warned. */
struct warnings {
    int64_t distances[EXPIRY_WARNINGS_MAX]; /* seconds, the longest first */
    size_t count;
};

#define NEVER INT64_MAX

/* The first instant (µs UTC) at which points that came at that time (µs UTC) are expired, by the zone's calendar;
 * NEVER where they do not. Months are clamped: 31 January and one month end with 28 or 29 February. */
int64_t expiry_end(const struct expiry *expiry, const struct zone *zone, int64_t at);

/* When the next warning of an end falls due after that time; NEVER where none does. */
int64_t warnings_next(const struct warnings *warnings, int64_t end, int64_t after);

#endif
