#ifndef POINTS_RULES_CEL_CHECK_STRUCT_H
#define POINTS_RULES_CEL_CHECK_STRUCT_H

#include "rules/cel/ast.h"

/* Literals of google.protobuf's boxes, Int64Value{value: 1} and the like, whose children are checked: what they mean is
 * the value inside, of a type that null also compares with. No other struct can be made. NULL, or what is wrong. */
const char *cel_check_boxed(struct cel_node *node);

#endif
