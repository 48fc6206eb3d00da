#ifndef POINTS_RULES_WINDOW_H
#define POINTS_RULES_WINDOW_H

#include "rules/zone.h"

/* Windows of time in which a limit counts: hours, days, weeks and so on of a calendar, or lengths from the epoch on.
 * Consecutive windows share no instant and leave none out. */

/* Written into states: never renumber. */
enum window_form {
    WINDOW_EVER = 0,  /* one window, without end */
    WINDOW_FIXED = 1, /* of one length each, aligned to the epoch */
    WINDOW_HOUR = 2,
    WINDOW_DAY = 3,
    WINDOW_WEEK = 4,
    WINDOW_MONTH = 5,
    WINDOW_QUARTER = 6,
    WINDOW_YEAR = 7,
    WINDOW_FORM_COUNT
};

struct window {
    enum window_form form;
    int64_t length;  /* of WINDOW_FIXED, in seconds, > 0 */
    int week_begins; /* of WINDOW_WEEK: 0 is Sunday */
};

/* [begins, ends), in seconds since 1970 UTC. */
struct span {
    int64_t begins;
    int64_t ends;
};

/* What WINDOW_EVER gives. */
#define SPAN_EVER ((struct span){INT64_MIN, INT64_MAX})

/* The window that holds the instant, in seconds since 1970 UTC (within ±2^40), by the zone's calendar. A day begins
 * with its first instant: where a change of clocks leaps over midnight, with the change. An hour that comes twice
 * counts as two. */
struct span window_at(const struct window *window, const struct zone *zone, int64_t seconds);

static inline bool spans_overlap(struct span a, struct span b)
{
    return a.begins < b.ends && b.begins < a.ends;
}

#endif
