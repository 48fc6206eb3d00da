#ifndef POINTS_AUDIT_SORTER_H
#define POINTS_AUDIT_SORTER_H

#include "audit/evidence.h"
#include "base/err.h"

/* Sorts more evidence than memory holds: full chunks are sorted and kept in a temporary file, then merged. */
struct sorter;

/* chunk: how many stay in memory at once. ERR_FILE where there can be no temporary file. */
enum err_code sorter_new(size_t chunk, struct sorter **out, struct err *err);
struct sorter *sorter_free(struct sorter *sorter);

enum err_code sorter_add(struct sorter *sorter, const struct evidence *evidence, struct err *err);

/* All is added; sorter_next gives it in order. */
enum err_code sorter_finish(struct sorter *sorter, struct err *err);

/* *found is false after the last one. */
enum err_code sorter_next(struct sorter *sorter, struct evidence *out, bool *found, struct err *err);

int64_t sorter_count(const struct sorter *sorter);

#endif
