#include "ledger/exchange.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ledger/postgres.h"

enum { SLICE_MS = 100 }; /* how soon a cancelled wait is noticed */

/* The first words of a statement, to name it in an error. */
static const char *brief(const char *sql, char out[48])
{
    size_t len = strcspn(sql, "(;$");
    snprintf(out, 48, "%.*s", len > 47 ? 47 : (int)len, sql);
    return out;
}

static enum err_code away(const char *what, struct err *err)
{
    return err_set(err, ERR_DATABASE_AWAY, "%s: PostgreSQL did not answer in time", what);
}

static bool cancelled(const struct exchange *exchange)
{
    return exchange->cancel && atomic_load(exchange->cancel);
}

/* Waits for the socket; false when the time is up, the wait cancelled or the socket gone. */
static bool wait_socket(const struct exchange *exchange, short events, int64_t deadline)
{
    for (;;) {
        int64_t left_ms = (deadline - clock_monotonic_us()) / 1000;
        int fd = PQsocket(exchange->connection);
        if (left_ms <= 0 || fd < 0 || cancelled(exchange))
            return false;
        struct pollfd wanted = {.fd = fd, .events = events};
        int ready = poll(&wanted, 1, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS));
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

static int64_t deadline_of(const struct exchange *exchange)
{
    return clock_monotonic_us() + exchange->wait_ms * 1000;
}

/* Sends what libpq has buffered; reads meanwhile, so that two full sockets cannot block each other. */
static bool flush(const struct exchange *exchange, int64_t deadline)
{
    for (;;) {
        int left = PQflush(exchange->connection);
        if (left <= 0)
            return left == 0;
        if (!wait_socket(exchange, POLLIN | POLLOUT, deadline) || !PQconsumeInput(exchange->connection))
            return false;
    }
}

/* The next result; *out NULL at the end of the command's results. */
static bool next_result(const struct exchange *exchange, int64_t deadline, PGresult **out)
{
    while (PQisBusy(exchange->connection))
        if (!wait_socket(exchange, POLLIN, deadline) || !PQconsumeInput(exchange->connection))
            return false;
    *out = PQgetResult(exchange->connection);
    return true;
}

/* The command's last result, or the first that failed. */
static enum err_code collect(const struct exchange *exchange, const char *what, PGresult **out, struct err *err)
{
    int64_t deadline = deadline_of(exchange);
    PGresult *kept = NULL;
    if (!flush(exchange, deadline))
        return away(what, err);
    for (;;) {
        PGresult *result = NULL;
        if (!next_result(exchange, deadline, &result)) {
            PQclear(kept);
            return away(what, err);
        }
        if (!result)
            break;
        if (kept && PQresultStatus(kept) == PGRES_FATAL_ERROR) {
            PQclear(result);
            continue;
        }
        PQclear(kept);
        kept = result;
    }
    *out = kept;
    return ERR_NONE;
}

static enum err_code constraint_code(const PGresult *result)
{
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    if (constraint && (strcmp(constraint, "event_keys_pkey") == 0 || strcmp(constraint, "dead_letters_pkey") == 0))
        return ERR_KEYS_EXIST;
    if (constraint && (strcmp(constraint, "members_pkey") == 0 || strcmp(constraint, "entries_pkey") == 0))
        return ERR_CONFLICT;
    return ERR_DATABASE_REFUSED;
}

static enum err_code failed(const struct exchange *exchange, PGresult *result, const char *what, struct err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    enum err_code special = ERR_NONE;
    if (state && strcmp(state, "23505") == 0)
        special = constraint_code(result);
    else if (state && (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0 || strncmp(state, "54", 2) == 0))
        special = ERR_DATABASE_REFUSED;
    enum err_code code = postgres_failed(exchange->connection, result, what, err);
    if (special) {
        if (err)
            err->code = special;
        return special;
    }
    return code;
}

static enum err_code finish(struct exchange *exchange, const char *what, PGresult **out, struct err *err)
{
    PGresult *result = NULL;
    enum err_code code = collect(exchange, what, &result, err);
    if (code)
        return code;
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        return failed(exchange, result, what, err);
    if (out)
        *out = result;
    else
        PQclear(result);
    return ERR_NONE;
}

enum err_code exchange_prepare(struct exchange *exchange, const char *name, const char *sql, struct err *err)
{
    PQsetnonblocking(exchange->connection, 1);
    if (!PQsendPrepare(exchange->connection, name, sql, 0, NULL))
        return postgres_failed(exchange->connection, NULL, name, err);
    return finish(exchange, name, NULL, err);
}

enum err_code exchange_run(struct exchange *exchange, const char *name, const struct parameters *parameters,
                           PGresult **result, struct err *err)
{
    const char *values[EXCHANGE_PARAMETERS_MAX];
    int lengths[EXCHANGE_PARAMETERS_MAX], formats[EXCHANGE_PARAMETERS_MAX];
    assert(parameters->count <= EXCHANGE_PARAMETERS_MAX);
    for (int i = 0; i < parameters->count; i++) {
        assert(parameters->values[i].len < INT32_MAX);
        values[i] = (const char *)parameters->values[i].at;
        lengths[i] = (int)parameters->values[i].len;
        formats[i] = 1;
    }
    if (!PQsendQueryPrepared(exchange->connection, name, parameters->count, values, lengths, formats, 1))
        return postgres_failed(exchange->connection, NULL, name, err);
    return finish(exchange, name, result, err);
}

enum err_code exchange_simple(struct exchange *exchange, const char *sql, char tag[16], struct err *err)
{
    PGresult *result = NULL;
    char what[48];
    if (!PQsendQuery(exchange->connection, sql))
        return postgres_failed(exchange->connection, NULL, brief(sql, what), err);
    enum err_code code = finish(exchange, brief(sql, what), &result, err);
    if (code)
        return code;
    if (tag)
        snprintf(tag, 16, "%s", PQcmdStatus(result));
    PQclear(result);
    return ERR_NONE;
}

/* Puts all bytes, in pieces, waiting where the server is slower than we are. */
static bool put_all(const struct exchange *exchange, struct bytes bytes, int64_t deadline)
{
    enum { PIECE = 65536 };
    for (size_t at = 0; at < bytes.len;) {
        size_t piece = bytes.len - at < PIECE ? bytes.len - at : PIECE;
        int put = PQputCopyData(exchange->connection, (const char *)bytes.at + at, (int)piece);
        if (put < 0)
            return false;
        if (put == 1)
            at += piece;
        if (!flush(exchange, deadline))
            return false;
    }
    return true;
}

static bool put_end(const struct exchange *exchange, int64_t deadline)
{
    for (;;) {
        int put = PQputCopyEnd(exchange->connection, NULL);
        if (put != 0)
            return put == 1;
        if (!flush(exchange, deadline))
            return false;
    }
}

/* The server answers COPY first with "ready for data". */
static enum err_code copy_begin(struct exchange *exchange, const char *sql, const char *what, int64_t deadline,
                                struct err *err)
{
    PGresult *result = NULL;
    if (!PQsendQuery(exchange->connection, sql))
        return postgres_failed(exchange->connection, NULL, what, err);
    if (!flush(exchange, deadline) || !next_result(exchange, deadline, &result))
        return away(what, err);
    if (PQresultStatus(result) == PGRES_COPY_IN) {
        PQclear(result);
        return ERR_NONE;
    }
    PGresult *rest = NULL;
    while (next_result(exchange, deadline, &rest) && rest)
        PQclear(rest);
    return failed(exchange, result, what, err);
}

enum err_code exchange_copy(struct exchange *exchange, const char *sql, struct bytes rows, struct err *err)
{
    static const uint8_t header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* signature, flags, length of extension */
    static const uint8_t trailer[] = {0xff, 0xff};
    char what[48];
    int64_t deadline = deadline_of(exchange);
    enum err_code code = copy_begin(exchange, sql, brief(sql, what), deadline, err);
    if (code)
        return code;
    bool sent = put_all(exchange, (struct bytes){header, 19}, deadline) && put_all(exchange, rows, deadline) &&
                put_all(exchange, (struct bytes){trailer, sizeof trailer}, deadline) && put_end(exchange, deadline);
    if (!sent && PQstatus(exchange->connection) != CONNECTION_OK)
        return postgres_failed(exchange->connection, NULL, what, err);
    if (!sent)
        return away(what, err);
    return finish(exchange, what, NULL, err);
}

int64_t exchange_touched(PGresult *result)
{
    const char *text = PQcmdTuples(result);
    int64_t count = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        count = count * 10 + (*text - '0');
    return count;
}

void array_start(struct buffer *out, uint32_t element_oid, size_t count)
{
    assert(count <= INT32_MAX);
    buffer_put_be32(out, count > 0 ? 1 : 0);
    buffer_put_be32(out, 0); /* whether there are nulls the server sees from the fields */
    buffer_put_be32(out, element_oid);
    if (count > 0) {
        buffer_put_be32(out, (uint32_t)count);
        buffer_put_be32(out, 1); /* lower bound */
    }
}

int64_t result_i64(const PGresult *result, int row, int column)
{
    uint64_t be;
    assert(PQgetlength(result, row, column) == 8);
    memcpy(&be, PQgetvalue(result, row, column), sizeof be);
    return (int64_t)__builtin_bswap64(be);
}

int32_t result_i32(const PGresult *result, int row, int column)
{
    uint32_t be;
    assert(PQgetlength(result, row, column) == 4);
    memcpy(&be, PQgetvalue(result, row, column), sizeof be);
    return (int32_t)__builtin_bswap32(be);
}

struct bytes result_bytes(const PGresult *result, int row, int column)
{
    return (struct bytes){(const uint8_t *)PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}
