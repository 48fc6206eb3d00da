#ifndef POINTS_TESTS_CASEBOOK_H
#define POINTS_TESTS_CASEBOOK_H

#include <stddef.h>

/* Runs every case of a file of golden cases (cases/cases.h); fails the running Criterion test with all that is wrong,
 * by file and line. Path is relative to the tree. Returns how many records went to the side table. */
size_t casebook_run(const char *path);

#endif
