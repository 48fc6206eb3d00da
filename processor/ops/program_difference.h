#ifndef POINTS_OPS_PROGRAM_DIFFERENCE_H
#define POINTS_OPS_PROGRAM_DIFFERENCE_H

#include <jansson.h>
#include <stdio.h>

#include "program/difference.h"

/* How two versions of a program differ, for people: one line each, or that they say the same. */
void print_differences(FILE *out, struct program_differences differences);

/* [{"kind", "path", "before", "after", "before_line", "after_line"}]; the caller owns it. */
json_t *differences_json(struct program_differences differences);

#endif
