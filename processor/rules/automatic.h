#ifndef POINTS_RULES_AUTOMATIC_H
#define POINTS_RULES_AUTOMATIC_H

#include "rules/work.h"

/* Automatic rewards at thresholds: "2000 points" turns points into a reward, "300.00 EUR spent" counts purchases. The
 * remainder is carried. A program's new version that changes a threshold leaves what was given and carried alone. */

enum {
    /* Of one reward by one event, so that no event makes unbounded work. What is above it comes with the next events.
     */
    AUTOMATIC_EVENT_MAX = 1000
};

/* What an event changed about purchases. */
struct purchase {
    const struct program *ordered_under; /* the version in force when the order first counted */
    struct text money;
    int64_t spent;  /* minor units that came or, negative, went */
    int64_t orders; /* 1: an order came; -1: it is gone */
    int64_t at;     /* when the order first counted, µs UTC */
};

/* Gives the program's rewards that are due, in file order: by points where the event accrued some, by purchases where
 * it changed them; voids what purchases no longer reach. purchase: NULL for events that are no orders. */
enum err_code automatic_settle(struct work *work, struct member_work *member, const struct purchase *purchase);

/* Before amount points of the currency are taken back: voids rewards that points turned into, and returns their points,
 * while the balance would fall below zero. */
enum err_code automatic_cover(struct work *work, struct member_work *member, struct text currency, int64_t amount);

/* Of a merge: what the other account was given and has towards its next rewards counts for the member from now on. It
 * gives nothing by itself. ERR_OVERFLOW. */
enum err_code automatic_take_over(struct work *work, struct member_work *member, const struct member_work *other);

#endif
