#ifndef POINTS_LEDGER_POSTGRES_H
#define POINTS_LEDGER_POSTGRES_H

#include <libpq-fe.h>

#include "base/config.h"
#include "base/err.h"

enum postgres_role {
    POSTGRES_OWNER,   /* as logged in: migrate, offsets reset */
    POSTGRES_RUNTIME, /* SET ROLE points_runtime: can insert into the ledger, neither update nor delete it */
    POSTGRES_READER   /* SET ROLE points_reader, read-only transactions */
};

/* Opens a connection and sets what a vanished client must not leave behind: idle_in_transaction_session_timeout,
 * lock_timeout, statement_timeout, TCP keepalives (delivery rule 10). Blocks at most five seconds. ERR_DATABASE_AWAY
 * when it cannot be reached, ERR_DATABASE when it refuses us. */
enum err_code postgres_open(const struct config *config, enum postgres_role role, PGconn **out, struct err *err);

/* Takes NULL; returns NULL. */
PGconn *postgres_close(PGconn *connection);

/* What an SQLSTATE means: 40001 and 40P01 ERR_CONFLICT; what may heal by itself (connection, shut-down, out of
 * resources, time-outs, a standby) ERR_DATABASE_AWAY; everything else ERR_DATABASE. */
enum err_code postgres_state_code(const char *sqlstate);

/* What a failed result (may be NULL) means: as postgres_state_code; a lost connection is ERR_DATABASE_AWAY. The text
 * has `what`, SQLSTATE and the server's message; never a password. Clears result. */
enum err_code postgres_failed(PGconn *connection, PGresult *result, const char *what, struct err *err);

/* Runs one statement without parameters and expects PGRES_COMMAND_OK or PGRES_TUPLES_OK. */
enum err_code postgres_run(PGconn *connection, const char *sql, struct err *err);

#endif
