#ifndef POINTS_LEDGER_EXCHANGE_H
#define POINTS_LEDGER_EXCHANGE_H

#include <libpq-fe.h>
#include <stdatomic.h>

#include "base/buffer.h"
#include "base/err.h"

/* Statements over a connection with an end to every wait: a server that is frozen keeps TCP alive, so its own time-outs
 * and keepalives do not help. When a wait runs out, the outcome is ERR_DATABASE_AWAY and the connection is of no more
 * use: the caller closes it. */
struct exchange {
    PGconn *connection;
    int64_t wait_ms;     /* longest wait for one answer */
    atomic_bool *cancel; /* may be NULL; set by another thread: every wait ends at once */
};

enum { EXCHANGE_PARAMETERS_MAX = 12 };

/* Parameters in binary; at NULL: a null. */
struct parameters {
    struct bytes values[EXCHANGE_PARAMETERS_MAX];
    int count;
};

/* Prepares the statement under the name. */
enum err_code exchange_prepare(struct exchange *exchange, const char *name, const char *sql, struct err *err);

/* Runs a prepared statement. *result (may be NULL) is in binary and the caller's to clear. A constraint that is
 * violated is ERR_KEYS_EXIST for event_keys and dead_letters, ERR_CONFLICT for members and entries; what the data
 * itself makes the server refuse (SQLSTATE classes 22, 23, 54) is ERR_DATABASE_REFUSED. */
enum err_code exchange_run(struct exchange *exchange, const char *name, const struct parameters *parameters,
                           PGresult **result, struct err *err);

/* Runs a statement without parameters. *tag (may be NULL) gets the command tag, "COMMIT" …. */
enum err_code exchange_simple(struct exchange *exchange, const char *sql, char tag[16], struct err *err);

/* COPY … FROM STDIN (FORMAT binary): rows without header and trailer. */
enum err_code exchange_copy(struct exchange *exchange, const char *sql, struct bytes rows, struct err *err);

/* Rows that the last command touched, from its tag. */
int64_t exchange_touched(PGresult *result);

/* An array parameter in binary, to be followed by `count` fields as in COPY (base/copy_row.h). */
void array_start(struct buffer *out, uint32_t element_oid, size_t count);

enum { OID_BYTEA = 17, OID_INT8 = 20, OID_INT4 = 23, OID_TEXT = 25, OID_UUID = 2950 };

/* Reads integers of a binary result. */
int64_t result_i64(const PGresult *result, int row, int column);
int32_t result_i32(const PGresult *result, int row, int column);
struct bytes result_bytes(const PGresult *result, int row, int column);

#endif
