#ifndef POINTS_RULES_EXPIRING_H
#define POINTS_RULES_EXPIRING_H

#include "rules/work.h"

/* Obligations: lots end, and the member is warned before they do. */

int64_t expiring_next(const struct member_state *state);
int64_t expiring_next_warning(const struct member_state *state);

/* The lots that end at that time go from the member's points to breakage, each with its entry and output, at the
 * partner where they were earned. */
enum err_code expiring_settle(struct work *work, struct member_work *member, int64_t due);

/* Tells the member of lots that will end; the next warning of each comes at the next distance that the program in force
 * then names. */
enum err_code expiring_warn(struct work *work, struct member_work *member, int64_t due);

/* Ends at once what is in the lot, at most amount: what came back to it after its end. */
enum err_code expiring_end_lot(struct work *work, struct member_work *member, const struct lot *lot, int64_t amount);

#endif
