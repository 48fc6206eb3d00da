#ifndef POINTS_RULES_CEL_EXPLAIN_H
#define POINTS_RULES_CEL_EXPLAIN_H

#include "rules/cel/cel.h"

/* What the parts of an expression give, for people who ask why. Reads the expression again: not for every event. */

enum { CEL_PARTS_MAX = 200, CEL_ELEMENTS_SHOWN = 20 };

struct cel_part {
    struct text source; /* as it stands in the expression */
    struct text value;  /* as a literal of the language; of an error what it is and where */
    int depth;          /* 0 is the whole; its parts follow it */
    int element;        /* of a part that a macro asks of each element: which one, from 0; else -1 */
};

struct cel_parts {
    const struct cel_part *items;
    size_t count; /* at most CEL_PARTS_MAX */
};

/* Every part but constants and bare names, also those that the evaluation passes over. variables: as for cel_eval. All
 * memory is the arena's. */
void cel_explain(const struct cel_program *program, const struct cel_value *variables, struct arena *arena,
                 struct cel_parts *out);

/* "coffee", 12, [1, 2], timestamp("2026-01-01T00:00:00Z"): long lists and texts are cut short. */
struct text cel_value_text(const struct cel_value *value, struct arena *arena);

#endif
