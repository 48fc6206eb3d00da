#ifndef POINTS_RULES_REASON_H
#define POINTS_RULES_REASON_H

#include "rules/program_model.h"
#include "rules/step.h"

/* Words for the messages that follow from outputs: "20 points for order 1001". All texts are the arena's. */

/* The rule's own words. */
struct text reason_for_accrual(struct arena *arena, const struct rule *rule, const struct currency *currency,
                               int64_t amount, struct text subject);

/* By what the event did: "20 points taken back: order 1001 was refunded". */
struct text reason_for_take_back(struct arena *arena, const struct event *event, const struct currency *currency,
                                 int64_t amount, struct text subject);

/* REWARD_GRANTED: "Note worth 20 for 2000 points"; REWARD_VOIDED: "Note worth 20 withdrawn: …". */
struct text reason_for_automatic(struct arena *arena, const struct program *program, const struct automatic *automatic,
                                 enum reward_type type);

/* The support's reason, or "20 points added" where it gave none. */
struct text reason_for_adjustment(struct arena *arena, const struct adjustment_event *adjustment,
                                  const struct currency *currency);

#endif
