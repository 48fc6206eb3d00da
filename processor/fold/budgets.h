#ifndef POINTS_FOLD_BUDGETS_H
#define POINTS_FOLD_BUDGETS_H

#include "rules/step.h"

/* Budgets as a run of events sees them: what was used of each before, what the events draw, and what the database must
 * say for their decisions to stand. That is a range, not a number, unless a grant was cut: so instances that draw on
 * one budget disturb each other only while it runs out. */

struct budget_row {
    struct hash16 key; /* of the program's id, the limit's key and the period */
    struct text program_id;
    int64_t loaded; /* used before the run */
    int64_t amount; /* drawn by it */
    int64_t least;  /* of what was used before, for the decisions to stand */
    int64_t most;
};

/* Sorted by program, limit and period; both arrays are aligned. */
struct budgets {
    struct arena *arena;
    struct budget *items;
    struct budget_row *rows;
    size_t count;
    size_t capacity;
};

/* The budgets of one program, for a step's input: valid until budgets_add. */
struct budget_list {
    const struct budget *items;
    size_t count;
};
struct budget_list budgets_of(const struct budgets *budgets, struct text program_id);

struct hash16 budget_key(struct text program_id, const struct budget *budget);

/* Adds one that is not there; its texts are copied. */
void budgets_add(struct budgets *budgets, struct text program_id, const struct budget *budget);

/* Takes in what a decision over these budgets draws. */
void budgets_draw(struct budgets *budgets, struct text program_id, const struct draw *draws, size_t count);

#endif
