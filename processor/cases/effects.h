#ifndef POINTS_CASES_EFFECTS_H
#define POINTS_CASES_EFFECTS_H

#include "base/buffer.h"
#include "cases/store.h"

/* What an event did, as the lines of a case. Amounts have their currency's decimals; after = stands the balance.
 *
 *   ann +20 points order-points o1 = 20              earned by a rule, for what
 *   ann -20 points order-points o1 = 0               taken back
 *   ann -20 points order-points o1 wanted 50 = 0     less was there than was to be taken
 *   ann converts 2000 points note-20 = 203           a threshold turned points into a reward
 *   ann gets back 2000 points note-20 = 2203         the reward was voided
 *   ann adjusted +25 points adjustment = 25          by support
 *   ann merged earned -120 points merge bob = -40    ann's account goes up in bob's: what ann ever earned goes there
 *   ann merged +40 points merge bob = 0              and what ann spent of it
 *   ann merged with bob, bob merged with ann         for each currency
 *   ann erased
 *   ann drops the refund of o1                       its order did not come within 90 days
 *   … v2 … at cafe                                   terms of version 2; earned at a partner
 *   ann pending +30 points window o1 = 20            granted, and available only once it is posted
 *   ann posts 30 points window o1 due 2026-04-01T12:00:00Z = 50
 *   ann expires 100 points expiry due 2027-02-26T00:00:00Z = 20
 *                                                    what the member owed, at the time due
 *   ann warned 100 points expire at the end of …     before they do
 *   ann reward note-20, ann voided note-20           automatic rewards
 *   ann accepted friend, ann refused friend          referrals
 *   nothing                                          counted as seen
 *   waiting                                          a refund before its order
 *   duplicate                                        this source and id was applied with the same content
 *   refused impossible_event: quantity is 0          a dead letter: its reason and words
 *
 * With `outputs`, the outputs about points (`granted`, `taken back`) are listed too, and each output says amount,
 * balance, lifetime, [what it gives] and its words. */

/* Appends the lines, each ending with \n. */
void effects_write(struct buffer *out, const struct program_set *set, const struct event *event,
                   const struct happened *happened, bool outputs);

/* What the member has, as the lines of `show`:
 *
 *   ann has 120 points
 *   ann lot 100 points ends 2027-02-26T00:00:00Z       what ends, and when; the rest lasts for ever
 *   ann pending 30 points order-points o1 until 2026-04-01T00:00:00Z */
void effects_show(struct buffer *out, const struct program_set *set, const struct event *event, struct bytes state,
                  struct arena *arena);

#endif
