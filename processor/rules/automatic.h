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

/* Gives the rewards of terms that are due, in file order: by points where the event accrued some, by purchases where
 * `spent` minor units of `money` came (or, negative, went). */
enum err_code automatic_settle(struct work *work, struct member_work *member, const struct program *terms,
                               struct text money, int64_t spent);

/* Before amount points of the currency are taken back: voids rewards that points turned into, and returns their points,
 * while the balance would fall below zero. */
enum err_code automatic_cover(struct work *work, struct member_work *member, struct text currency, int64_t amount);

#endif
