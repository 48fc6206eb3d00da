#ifndef POINTS_OPS_DATABASE_H
#define POINTS_OPS_DATABASE_H

#include "ledger/postgres.h"

/* As postgres_open, and ERR_MIGRATION where the database lacks a migration of this build: better than the server's
 * words about a table that is not there. */
enum err_code database_open(const struct config *config, enum postgres_role role, PGconn **out, struct err *err);

#endif
