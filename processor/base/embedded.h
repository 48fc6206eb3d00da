#ifndef POINTS_BASE_EMBEDDED_H
#define POINTS_BASE_EMBEDDED_H

#include <stddef.h>

/* Files of schemas/ that the build puts into the program, so that one binary is all that an operator installs. */
struct embedded_file {
    const char *name; /* "avro/order.avsc", "sql/001_ledger.sql" */
    const char *at;   /* not terminated */
    const char *end;
};

/* Sorted by name; ends with a row whose name is NULL. */
extern const struct embedded_file embedded_files[];

#endif
