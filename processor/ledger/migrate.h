#ifndef POINTS_LEDGER_MIGRATE_H
#define POINTS_LEDGER_MIGRATE_H

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/embedded.h"
#include "base/err.h"

/* Migrations: the embedded files sql/NNN_name.sql, each applied once, in order, in a transaction of its own, and
 * remembered in the table migrations with the hash of what was applied. */

struct migration {
    int number;       /* from 1, without gaps */
    struct text name; /* "001_ledger" */
    struct text sql;  /* empty for one that is known from the table only */
    char sha256[65];  /* of the file, lower-case hexadecimal */
};

struct migrations {
    const struct migration *items;
    size_t count;
};

/* The migrations among the files (ends with a NULL name), in order. ERR_MIGRATION where a file has no number or the
 * numbers are not 1, 2, 3 … Pure. */
enum err_code migrations_of(const struct embedded_file *files, struct arena *arena, struct migrations *out,
                            struct err *err);

/* Compares what was applied (by ascending number) with what this build has: *done is how many of ours the database
 * has. ERR_MIGRATION with the remedy where one was changed, renamed, is missing in this build or came out of order.
 * `newer_allowed`: migrations beyond ours are no error. Pure. */
enum err_code migrations_compare(struct migrations ours, struct migrations applied, bool newer_allowed, size_t *done,
                                 struct err *err);

struct migrate_report {
    struct migrations all;
    size_t already; /* the first so many were applied before */
    size_t applied; /* and the next so many now (with dry_run: would be) */
};

/* Applies what is missing, under an advisory lock: of two at once, one waits. Then grants points_runtime and
 * points_reader to the login role. connection: POSTGRES_OWNER; its session settings are changed. dry_run writes
 * nothing. On a failure the migrations before the failed one stay applied. */
enum err_code migrate(PGconn *connection, bool dry_run, struct arena *arena, struct migrate_report *out,
                      struct err *err);

/* ERR_MIGRATION unless the database has all migrations of this build, unchanged; newer ones are allowed, so that
 * instances can be replaced one after the other. Any role. */
enum err_code migrate_verify(PGconn *connection, struct arena *arena, struct err *err);

#endif
