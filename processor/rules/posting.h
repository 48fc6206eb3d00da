#ifndef POINTS_RULES_POSTING_H
#define POINTS_RULES_POSTING_H

#include "rules/work.h"

/* Pending points: put aside when granted, taken back first, posted when they fall due or when what they wait for
 * comes. Posted points begin their life then: their lot ends so long after. */

/* When what the rule, whose points are pending first, grants for the cause becomes available; INT64_MAX while it waits
 * for an event. Not later than work->now: at once. */
int64_t posting_due(const struct rule *rule, const struct cause *cause);

/* Puts the amount aside until then: entry and output. ERR_OVERFLOW. */
enum err_code posting_put_aside(struct work *work, struct member_work *member, const struct rule *rule, int64_t amount,
                                int64_t wanted, const struct cause *cause, int64_t due);

/* Takes back of what the rule granted for the cause as much as is pending, at most *amount, which it lessens. */
enum err_code posting_take_back(struct work *work, struct member_work *member, const struct rule *rule,
                                const struct cause *cause, int64_t *amount);

/* The event that the subject's points wait for came, in the event being decided: they are posted, or due from then. */
enum err_code posting_release(struct work *work, struct member_work *member, struct hash16 subject_key);

/* An obligation: posts what falls due at that time. */
int64_t posting_next(const struct member_state *state);
enum err_code posting_settle(struct work *work, struct member_work *member, int64_t due);

#endif
