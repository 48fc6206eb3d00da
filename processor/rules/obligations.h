#ifndef POINTS_RULES_OBLIGATIONS_H
#define POINTS_RULES_OBLIGATIONS_H

#include "rules/work.h"

/* What falls due by itself, derived from a member's state: one table of obligations, in obligations.c. Whichever comes
 * first settles them, an event of the member or a timer; both settle at the time due, so that both write the same. */

/* When the member's next obligation falls due, µs UTC; INT64_MAX: none does. */
int64_t obligations_next(const struct member_state *state);

/* Settles what the member owes at or before the event's time, in order of the times due, before the event is decided.
 * The errors are those of the obligations. */
enum err_code obligations_settle(struct work *work, struct member_work *member);

#endif
