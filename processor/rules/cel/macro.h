#ifndef POINTS_RULES_CEL_MACRO_H
#define POINTS_RULES_CEL_MACRO_H

#include "rules/cel/ast.h"

/* Turns a call of has, all, exists, exists_one, map or filter, if that is what it is, into the node that it means.
 * NULL, or what is wrong with its arguments. */
const char *cel_expand_macro(struct cel_node *call);

#endif
