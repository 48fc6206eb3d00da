#ifndef POINTS_PROGRAM_STORE_H
#define POINTS_PROGRAM_STORE_H

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/err.h"
#include "rules/program.h"

/* Programs in PostgreSQL (tables programs, program_revision). */

/* Reads every version of every program and the revision, in one snapshot. The set and its programs are the arena's. */
enum err_code program_store_load(PGconn *connection, struct arena *arena, struct program_set *out, struct err *err);

/* One version as stored. Texts are the arena's. */
struct stored_program {
    struct text program_id;
    int64_t version;
    int64_t effective_at; /* µs UTC */
    int64_t revision;     /* of the set, from which on it counts */
    int64_t applied_at;   /* µs UTC */
    struct text applied_by;
    struct text source; /* the file as applied */
};

struct stored_programs {
    const struct stored_program *items; /* by program and version */
    size_t count;
};

/* What is stored: of one program, or of all where program_id is empty. */
enum err_code program_store_list(PGconn *connection, struct text program_id, struct arena *arena,
                                 struct stored_programs *out, struct err *err);

/* Whether a version may be added to those stored of the same program (by version): *present where it is stored with the
 * same source; ERR_PROGRAM, with the remedy, where it would rewrite one, is older, or does not take effect after all of
 * them. Pure. */
enum err_code program_store_check(struct stored_programs stored, const struct stored_program *wanted, bool *present,
                                  struct err *err);

struct program_change {
    bool present;         /* nothing was to be done */
    int64_t revision;     /* of the set after the change; with dry_run as it is */
    struct text previous; /* the newest stored version's source; empty: none */
    int64_t previous_version;
};

/* Adds a version of a program and raises the set's revision in one transaction, so that all instances change at one
 * point. source: what program was loaded from. dry_run: only checks. */
enum err_code program_store_apply(PGconn *connection, const struct program *program, struct text source, bool dry_run,
                                  struct arena *arena, struct program_change *out, struct err *err);

#endif
