#ifndef POINTS_PROGRAM_STORE_H
#define POINTS_PROGRAM_STORE_H

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/err.h"
#include "rules/program.h"

/* Programs in PostgreSQL (tables programs, program_revision). */

/* Reads every version of every program and the revision, in one snapshot. The set and its programs are the arena's. */
enum err_code program_store_load(PGconn *connection, struct arena *arena, struct program_set *out, struct err *err);

#endif
