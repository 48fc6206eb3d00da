#include "ledger/postgres.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { OPEN_LIMIT_US = 5 * 1000 * 1000 };

/* Set in one round trip. The first four are the server's side of delivery rule 10: what it does about a client that
 * vanished with locks in its hands; keepalives of ours are connection parameters. */
static const char settings_sql[] = "SELECT set_config('statement_timeout', $1, false),"
                                   " set_config('lock_timeout', $2, false),"
                                   " set_config('idle_in_transaction_session_timeout', $3, false),"
                                   " set_config('tcp_user_timeout', $3, false),"
                                   " set_config('tcp_keepalives_idle', '5', false),"
                                   " set_config('tcp_keepalives_interval', '2', false),"
                                   " set_config('tcp_keepalives_count', '3', false),"
                                   " set_config('client_encoding', 'UTF8', false),"
                                   " set_config('default_transaction_read_only', $4, false),"
                                   " set_config('role', $5, false)";

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

/* Waits until the socket is ready or the deadline has passed; false then. */
static bool wait_for(PGconn *connection, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - clock_monotonic_us();
        if (left <= 0 || PQsocket(connection) < 0)
            return false;
        struct pollfd fd = {.fd = PQsocket(connection), .events = events};
        int ready = poll(&fd, 1, (int)(left / 1000) + 1);
        if (ready > 0)
            return true;
    }
}

/* libpq keeps no SQLSTATE of a refused connection, but its verbose message has one: "FATAL:  53300: sorry, ...". */
static bool find_sqlstate(const char *message, char out[6])
{
    for (const char *at = strstr(message, ":  "); at; at = strstr(at + 1, ":  ")) {
        const char *state = at + 3;
        if (strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && state[5] == ':') {
            memcpy(out, state, 5);
            out[5] = '\0';
            return true;
        }
    }
    return false;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

enum err_code postgres_state_code(const char *sqlstate)
{
    static const char *const conflicts[] = {"40001", "40P01"};
    static const char *const away[] = {
        "08",    /* connection exceptions */
        "53",    /* out of disk, memory, connections */
        "57P",   /* shut down, crashed, starting */
        "57014", /* statement_timeout */
        "55P03", /* lock_timeout */
        "25P03", /* idle_in_transaction_session_timeout */
        "25006", /* a standby, before fail-over ends */
        "58",    /* the server's own I/O */
    };
    for (size_t i = 0; i < sizeof conflicts / sizeof *conflicts; i++)
        if (strcmp(sqlstate, conflicts[i]) == 0)
            return ERR_CONFLICT;
    for (size_t i = 0; i < sizeof away / sizeof *away; i++)
        if (starts_with(sqlstate, away[i]))
            return ERR_DATABASE_AWAY;
    return ERR_DATABASE;
}

/* The first line of libpq's message, without its line end. */
static int first_line(const char *message)
{
    return (int)strcspn(message, "\n");
}

static enum err_code refused(PGconn *connection, struct err *err)
{
    const char *message = PQerrorMessage(connection);
    char state[6];
    if (PQconnectionNeedsPassword(connection))
        return err_set(err, ERR_DATABASE, "PostgreSQL wants a password: set postgres.password_file");
    if (!find_sqlstate(message, state))
        return err_set(err, ERR_DATABASE_AWAY, "PostgreSQL cannot be reached: %.*s", first_line(message), message);
    return err_set(err, postgres_state_code(state), "PostgreSQL refuses the connection: %.*s", first_line(message),
                   message);
}

static enum err_code connect_within(PGconn *connection, int64_t deadline, struct err *err)
{
    if (PQstatus(connection) == CONNECTION_BAD)
        return refused(connection, err);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED)
            return refused(connection, err);
        if (!wait_for(connection, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
            return err_set(err, ERR_DATABASE_AWAY, "PostgreSQL at %s:%s did not answer within 5 s", PQhost(connection),
                           PQport(connection));
        next = PQconnectPoll(connection);
    }
    PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
    return ERR_NONE;
}

/* The one result of a statement sent; NULL when the connection broke or the deadline passed. */
static PGresult *result_within(PGconn *connection, int64_t deadline)
{
    PGresult *last = NULL;
    for (;;) {
        while (PQisBusy(connection)) {
            if (!wait_for(connection, POLLIN, deadline) || !PQconsumeInput(connection)) {
                PQclear(last);
                return NULL;
            }
        }
        PGresult *result = PQgetResult(connection);
        if (!result)
            return last;
        PQclear(last);
        last = result;
    }
}

static enum err_code apply_settings(PGconn *connection, const struct config *config, enum postgres_role role,
                                    int64_t deadline, struct err *err)
{
    char statement[24], lock[24], idle[24];
    snprintf(statement, sizeof statement, "%lld", (long long)config->postgres_statement_timeout_ms);
    snprintf(lock, sizeof lock, "%lld", (long long)config->postgres_lock_timeout_ms);
    snprintf(idle, sizeof idle, "%lld", (long long)config->postgres_idle_timeout_ms);
    static const char *const role_names[] = {"none", "points_runtime", "points_reader"};
    assert((size_t)role < sizeof role_names / sizeof *role_names);
    const char *values[] = {statement, lock, idle, role == POSTGRES_READER ? "on" : "off", role_names[role]};

    PGresult *result = NULL;
    if (PQsendQueryParams(connection, settings_sql, 5, NULL, values, NULL, NULL, 0))
        result = result_within(connection, deadline);
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        PQclear(result);
        return ERR_NONE;
    }
    if (postgres_failed(connection, result, "setting up the session", err) == ERR_DATABASE && role != POSTGRES_OWNER)
        err_wrap(err, "role %s cannot be taken; `points migrate` makes and grants it", role_names[role]);
    return err ? err->code : ERR_DATABASE;
}

static PGconn *start(const struct config *config, const char *password)
{
    char idle[24];
    snprintf(idle, sizeof idle, "%lld", (long long)config->postgres_idle_timeout_ms);
    const char *keywords[] = {"dbname",           "fallback_application_name",  "keepalives",
                              "keepalives_idle",  "keepalives_interval",        "keepalives_count",
                              "tcp_user_timeout", password ? "password" : NULL, NULL};
    const char *values[] = {config->postgres_url, "points", "1", "5", "2", "3", idle, password, NULL};
    return PQconnectStartParams(keywords, values, 1);
}

/* libpq's own words about a malformed URL may quote the password in it, so they are not repeated. */
static enum err_code check_url(const char *url, struct err *err)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (!options)
        return err_set(err, ERR_CONFIG,
                       "postgres.url is not a libpq connection string; expected postgresql://USER@HOST:PORT/DATABASE");
    PQconninfoFree(options);
    return ERR_NONE;
}

enum err_code postgres_open(const struct config *config, enum postgres_role role, PGconn **out, struct err *err)
{
    assert(config && out);
    struct err own;
    if (!err)
        err = &own;
    int64_t deadline = clock_monotonic_us() + OPEN_LIMIT_US;
    char *password = NULL;
    if (check_url(config->postgres_url, err) || config_secret(config->postgres_password_file, &password, err))
        return err_wrap(err, "opening the database");
    PGconn *connection = start(config, password);
    free(password);
    if (!connection)
        return err_set(err, ERR_MEMORY, "no memory for a database connection");
    PQsetNoticeReceiver(connection, ignore_notice, NULL);
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    enum err_code code = connect_within(connection, deadline, err);
    if (!code)
        code = apply_settings(connection, config, role, deadline, err);
    if (code) {
        postgres_close(connection);
        return code;
    }
    *out = connection;
    return ERR_NONE;
}

PGconn *postgres_close(PGconn *connection)
{
    if (connection)
        PQfinish(connection);
    return NULL;
}

enum err_code postgres_failed(PGconn *connection, PGresult *result, const char *what, struct err *err)
{
    assert(connection && what);
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    enum err_code code;
    if (state) {
        const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
        code = err_set(err, postgres_state_code(state), "%s: %s: %s%s%s", what, state, message ? message : "",
                       detail ? "; " : "", detail ? detail : "");
    } else {
        bool lost = PQstatus(connection) != CONNECTION_OK || PQtransactionStatus(connection) == PQTRANS_UNKNOWN ||
                    PQtransactionStatus(connection) == PQTRANS_ACTIVE;
        const char *message = PQerrorMessage(connection);
        if (*message == '\0')
            message = result ? PQresStatus(PQresultStatus(result)) : "no answer";
        code = err_set(err, lost ? ERR_DATABASE_AWAY : ERR_DATABASE, "%s: %.*s", what, first_line(message), message);
    }
    PQclear(result);
    return code;
}

enum err_code postgres_run(PGconn *connection, const char *sql, struct err *err)
{
    assert(connection && sql);
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        char what[48];
        snprintf(what, sizeof what, "%s", sql);
        return postgres_failed(connection, result, what, err);
    }
    PQclear(result);
    return ERR_NONE;
}
