#ifndef POINTS_RULES_CEL_CHECK_H
#define POINTS_RULES_CEL_CHECK_H

#include "rules/cel/cel.h"

/* Finds what each name means and each node's type, and writes it into the tree. ERR_PROGRAM with *fault for the first
 * thing that does not fit; a lenient environment has it fail at run time instead. */
enum err_code cel_check(const struct cel_env *env, struct text source, struct cel_node *root, struct arena *arena,
                        struct cel_fault *fault);

/* The most steps that an evaluation of the checked tree takes and the most bytes that it allocates, in one number,
 * UINT64_MAX when it is beyond counting. From the environment's bounds of texts and lists. */
uint64_t cel_cost(const struct cel_env *env, const struct cel_node *root, struct arena *arena);

#endif
