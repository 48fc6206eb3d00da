#ifndef POINTS_BASE_NEAREST_H
#define POINTS_BASE_NEAREST_H

#include "base/text.h"

/* For "unknown name X; did you mean Y?". Gives the name closest to `given` (insertions, deletions, changes and swaps of
 * neighbours count one each; letter case is ignored), or NULL when none is close enough to be meant. */
const char *nearest_name(struct text given, const char *const *names, size_t count);

#endif
