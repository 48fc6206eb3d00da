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

/* The rule's own words, and until when: ", pending until 2026-03-15", by the calendar of terms, or ", pending until
 * shipped" where due is INT64_MAX. */
struct text reason_for_pending(struct arena *arena, const struct program *terms, const struct rule *rule,
                               int64_t amount, struct text subject, int64_t due);

/* "20 points expired" or, before the end, "20 points expire at the end of 2026-12-31": the last day, by the program's
 * calendar. */
struct text reason_for_expiry(struct arena *arena, const struct program *program, const struct currency *currency,
                              int64_t amount, int64_t end, enum reward_type type);

/* "500 points for redemption r-1", or "… back: redemption r-1 was cancelled". */
struct text reason_for_redemption(struct arena *arena, const struct currency *currency, int64_t amount,
                                  struct text redemption_id, bool cancelled);

/* The support's reason, or "20 points added" where it gave none. */
struct text reason_for_adjustment(struct arena *arena, const struct adjustment_event *adjustment,
                                  const struct currency *currency);

#endif
