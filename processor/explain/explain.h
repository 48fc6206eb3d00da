#ifndef POINTS_EXPLAIN_EXPLAIN_H
#define POINTS_EXPLAIN_EXPLAIN_H

#include <jansson.h>
#include <stdio.h>

#include "cases/store.h"
#include "rules/trace.h"

/* Why an event did what it did: each rule in order, whether it applied and why not, the values of its expressions, the
 * arithmetic to the last rounding, the limits that it met; then what came of it. */

struct explained {
    const struct program_set *set;
    const struct event *event;
    struct text title;             /* how the event is named: the line of a case, or its coordinates */
    const struct program *program; /* in force when it occurred; NULL: none was */
    struct happened happened;
    struct trace trace;
};

/* Decides the event over what the store keeps, and notes why. Memory is the arena's. */
void explain_event(struct store *store, const struct program_set *set, const struct case_event *event,
                   struct arena *arena, struct explained *out);

void explain_print(FILE *out, const struct explained *explained);

/* The same as an object; the caller owns it. */
json_t *explain_json(const struct explained *explained);

/* ---- shared by both */

/* The facts about one rule of one version: indices into the trace, in order. */
struct explained_rule {
    const struct program *terms;
    const struct rule *rule;
    const struct fact **facts;
    size_t count;
    bool applied; /* it granted or took back something */
};

struct explained_rules {
    struct explained_rule *items; /* as they were asked */
    size_t count;
};

struct explained_rules explain_rules(const struct trace *trace);

/* True where nothing is earned because a party was no member at the event's time. */
bool explain_outside(const struct trace *trace);

/* "the basket is below the least amount" */
const char *explain_skip(enum skip why);

/* An amount of the rule's point currency: "12.50 points". The arena's. */
struct text explain_points(struct arena *arena, const struct fact *fact, int64_t amount);

/* An amount of money, or of an activity's value where money is empty. */
struct text explain_basis(struct arena *arena, const struct fact *fact, int64_t amount);

/* "12.00 EUR × 5 per 1.00 EUR × 2 = 120.5, rounded down to 120 points" */
struct text explain_arithmetic(struct arena *arena, const struct fact *fact);

#endif
