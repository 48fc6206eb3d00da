#ifndef POINTS_CASES_HOLDS_H
#define POINTS_CASES_HOLDS_H

#include "cases/store_members.h"

/* What holds for every decision, whatever the program. Each gives what does not hold, in words; an empty text: it does.
 * Texts are the store's arena's. */

/* Two decisions on the same input. */
struct text holds_same(struct store *store, const struct decision *a, const struct decision *b);

/* The draws rest on what the input says was used. */
struct text holds_draws(struct store *store, const struct step_input *input, const struct decision *decision);

/* Entries, and the outcome that fits the effects. Counts the entries and moves the purses: balances[i] is what entry i
 * leaves. */
struct text holds_entries(struct store *store, const struct decision *decision, const size_t *parties,
                          int64_t *balances);

/* The state of a member whose entries were counted. */
struct text holds_state(struct store *store, size_t member);

#endif
