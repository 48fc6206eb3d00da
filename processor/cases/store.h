#ifndef POINTS_CASES_STORE_H
#define POINTS_CASES_STORE_H

#include "cases/cases.h"
#include "rules/step.h"

/* The members of one case in memory: states, side records and the keys of named events, kept between events as the fold
 * keeps them between batches. Beside deciding, each event is held to what always holds: same input, same bytes; entries
 * numbered without gaps; each balance the sum of its entries; states that read back to the same bytes. */
struct store;

enum fate {
    FATE_DECIDED,
    FATE_DUPLICATE, /* an event with this source and id was applied with the same content */
    FATE_REFUSED,   /* a dead letter */
};

/* What one event did. */
struct happened {
    enum fate fate;
    struct err refusal; /* of FATE_REFUSED */
    struct decision decision;
    struct text member_ids[STEP_PARTIES_MAX]; /* of the decision's parties */
    const int64_t *balances;                  /* after each entry of the decision: the member's, of its currency */
    struct text broken;                       /* what should always hold and does not; empty: nothing */
};

/* Memory is the arena's, of which the results are made too; the set is borrowed. */
struct store *store_new(const struct program_set *set, struct arena *arena);

/* Decides the event over what is kept, and keeps what it leads to. trace: where facts are noted that say why, or NULL.
 */
void store_apply(struct store *store, const struct case_event *event, struct trace *trace, struct happened *out);

/* What is kept of the event's member; {NULL, 0} where nothing is. */
struct bytes store_state(struct store *store, const struct event *event);

/* How much was used, before the store's events, of the budget with that key (fold/budgets.h). */
typedef int64_t store_budget(void *context, struct hash16 key);

/* Asks for budgets that are met for the first time; else nothing was used of them. */
void store_ask_budgets(struct store *store, store_budget *ask, void *context);

/* Records moved to the side table so far. */
size_t store_spilled(const struct store *store);

#endif
