#ifndef POINTS_RULES_CEL_PARSE_H
#define POINTS_RULES_CEL_PARSE_H

#include "base/err.h"
#include "rules/cel/ast.h"

/* source, which the tree refers to, as a tree in the arena. With macros false, has(), all() and so on are functions.
 * ERR_PROGRAM, with *fault saying what and where, when it is not an expression, is too long or nests too deeply. */
enum err_code cel_parse(struct text source, bool macros, struct arena *arena, struct cel_node **out,
                        struct cel_fault *fault);

/* Fills fault with the line and column of that byte; gives ERR_PROGRAM. */
enum err_code cel_fault_at(struct text source, uint32_t at, struct text message, struct cel_fault *fault);

#endif
