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
    struct text source;      /* the file as applied */
    struct text source_hash; /* sha256, hexadecimal */
    struct text zones_hash;  /* of the time-zone database that it decides by, hexadecimal; empty: none was kept */
};

struct stored_programs {
    const struct stored_program *items; /* by program and version; of a version what was applied last */
    size_t count;
};

/* What is stored: of one program, or of all where program_id is empty. */
enum err_code program_store_list(PGconn *connection, struct text program_id, struct arena *arena,
                                 struct stored_programs *out, struct err *err);

/* What storing a version would do. */
enum program_fate {
    PROGRAM_PRESENT, /* it is stored, with the same source: nothing */
    PROGRAM_ADDED,
    PROGRAM_REPLACES /* a version of that number that is not yet in effect */
};

/* Whether a version may join those stored of the same program. A version counts from when it takes effect until the
 * next one does, so that they leave no gap; they must take effect in the order of their numbers, at different instants,
 * so that none overlap. One in effect is never rewritten: events up to decided_until (µs UTC) may have been decided.
 * ERR_PROGRAM says what stands against it, with the remedy. Pure. */
enum err_code program_store_check(struct stored_programs stored, const struct stored_program *wanted,
                                  int64_t decided_until, enum program_fate *out, struct err *err);

struct program_change {
    enum program_fate fate;
    int64_t revision; /* of the set after the change; with dry_run as it is */
    /* What the version follows: the one that it replaces, else the one before it; empty: none. */
    struct text previous;
    int64_t previous_version;
    struct text previous_zones; /* hash, hexadecimal */
};

/* Adds a version of a program and raises the set's revision in one transaction, so that all instances change at one
 * point. source: what program was loaded from. dry_run: only checks. */
enum err_code program_store_apply(PGconn *connection, const struct program *program, struct text source, bool dry_run,
                                  struct arena *arena, struct program_change *out, struct err *err);

#endif
