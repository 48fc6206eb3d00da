#ifndef POINTS_RULES_LIMITING_H
#define POINTS_RULES_LIMITING_H

#include "rules/work.h"

/* Limits and budgets at work: what they leave of a grant, and what returns to them. A rule's limits count in the
 * windows of cause->granted_at, by the calendar of cause->terms or, where they say so, of
 * the member. */

/* How much of `wanted` (> 0) points the rule's limits leave, the smallest of their residues, which is used from then
 * on. cause->standing 0: the grant counts as a time too. A budget that the input lacks is noted and taken for unused.
 */
int64_t limiting_take(struct work *work, struct member_work *member, const struct rule *rule, int64_t wanted,
                      const struct cause *cause);

/* Returns the amount (> 0, at most cause->standing) to the windows that it was granted in, and where nothing stands of
 * the grant then, the time too. */
void limiting_give_back(struct work *work, struct member_work *member, const struct rule *rule, int64_t amount,
                        const struct cause *cause);

#endif
