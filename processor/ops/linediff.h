#ifndef POINTS_OPS_LINEDIFF_H
#define POINTS_OPS_LINEDIFF_H

#include "base/arena.h"

/* The difference of two texts by lines. Pure. */

struct line_edit {
    char sign;        /* ' ': in both, '-': only in the old text, '+': only in the new one */
    size_t line;      /* from 1: in the new text, for '-' in the old one */
    struct text text; /* without line end; a view into its text */
};

struct line_edits {
    const struct line_edit *items;
    size_t count;
    size_t changed; /* those whose sign is not ' ' */
};

/* All lines of both, in order; a shortest list of changes unless both differ over thousands of lines. */
struct line_edits line_diff(struct text before, struct text after, struct arena *arena);

#endif
