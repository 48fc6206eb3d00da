#ifndef POINTS_RULES_CONSEQUENCES_H
#define POINTS_RULES_CONSEQUENCES_H

#include "rules/automatic.h"

/* What follows once an event's points are booked: the member's tier, then the rewards at thresholds. purchase: what the
 * event changed about an order; NULL for events that are no orders. */
enum err_code consequences_settle(struct work *work, struct member_work *member, const struct purchase *purchase);

#endif
