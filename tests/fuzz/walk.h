#ifndef POINTS_TESTS_FUZZ_WALK_H
#define POINTS_TESTS_FUZZ_WALK_H

#include "rules/cel/cel.h"

/* The language once more, by walking the checked tree plainly: what the compiled form is compared with. It shares the
 * parser and checker, but no evaluation. */
struct walk {
    const struct cel_value *variables;
    struct arena *arena;
    uint64_t left; /* steps */
    struct cel_value locals[CEL_LOCALS_MAX];
};

/* False when the tree holds something that the walk does not know, or runs out of steps. */
bool walk(struct walk *walk, const struct cel_node *node, struct cel_value *out);

#endif
