#ifndef POINTS_PROGRAM_VERSIONS_H
#define POINTS_PROGRAM_VERSIONS_H

#include "base/err.h"
#include "rules/program.h"

/* Versions of one program held together. Each counts from when it takes effect until the next one does, so they leave
 * no gap; what would make two count at one time is an error. */

/* By id, then number: below, equal to or above zero. */
int versions_compare(const struct program *a, const struct program *b);

/* Two that stand beside each other in that order: ERR_PROGRAM where they are versions of one program and have one
 * number, or the later one does not take effect after the earlier. */
enum err_code versions_follow(const struct program *earlier, const struct program *later, struct err *err);

#endif
