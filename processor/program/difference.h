#ifndef POINTS_PROGRAM_DIFFERENCE_H
#define POINTS_PROGRAM_DIFFERENCE_H

#include "base/arena.h"

/* How two program files differ in meaning: keys and values, not lines. Comments, layout, quotes, the order of keys and
 * the digits of a number (10, 10.00) are no difference; rules and rewards are known by their ids. */

enum change_kind { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_CHANGED, CHANGE_MOVED };

struct program_difference {
    enum change_kind kind;
    struct text path;   /* "refunds", "rules order-points earn rate EUR" */
    struct text before; /* in one line; empty for what was added or moved */
    struct text after;  /* in one line; empty for what was removed; of what was moved: behind which it stands now */
    int before_line;    /* from 1; 0: none */
    int after_line;
};

struct program_differences {
    const struct program_difference *items; /* in the order of the newer file, what was removed where it stood */
    size_t count;
};

/* Both are texts that program_load takes, with their list files, whose lines are compared in whatever order they stand.
 * All memory is the arena's. */
struct program_differences program_difference(struct text before, struct text after, struct arena *arena);

/* "added", "removed", "changed", "moved" */
const char *change_name(enum change_kind kind);

#endif
