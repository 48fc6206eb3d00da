#include "ledger/session.h"

#include <string.h>

#include "ledger/postgres.h"
#include "ledger/statements.h"

enum { ANSWER_MARGIN_MS = 5000 }; /* the server's own time-out speaks first */

static const uint32_t transitions[SESSION_STATE_COUNT] = {
    [SESSION_CLOSED] = MACHINE_BIT(SESSION_IDLE) | MACHINE_BIT(SESSION_CLOSED),
    [SESSION_IDLE] = MACHINE_BIT(SESSION_IN_TRANSACTION) | MACHINE_BIT(SESSION_CLOSED),
    [SESSION_IN_TRANSACTION] =
        MACHINE_BIT(SESSION_COMMITTING) | MACHINE_BIT(SESSION_IDLE) | MACHINE_BIT(SESSION_CLOSED),
    [SESSION_COMMITTING] = MACHINE_BIT(SESSION_IDLE) | MACHINE_BIT(SESSION_IN_DOUBT),
    [SESSION_IN_DOUBT] = MACHINE_BIT(SESSION_IDLE) | MACHINE_BIT(SESSION_CLOSED),
};

void session_init(struct session *session, const struct config *config, atomic_bool *cancel)
{
    *session = (struct session){
        .config = config,
        .exchange = {NULL, config->postgres_statement_timeout_ms + ANSWER_MARGIN_MS, cancel},
        .machine = {"database", transitions, SESSION_STATE_COUNT, SESSION_CLOSED},
    };
}

static void disconnect(struct session *session)
{
    session->exchange.connection = postgres_close(session->exchange.connection);
}

static enum err_code prepare_all(struct session *session, struct err *err)
{
    static const struct {
        const char *name;
        const char *sql;
    } statements[] = {
#define X(name, sql) {#name, sql},
        LEDGER_STATEMENTS(X)
#undef X
    };
    /* The arrays are large and the tables larger: one generic plan, by index, whatever the statistics say today. */
    enum err_code code = exchange_simple(&session->exchange,
                                         "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
                                         " SET enable_hashjoin = off; SET enable_mergejoin = off;"
                                         " SET enable_bitmapscan = off; SET jit = off",
                                         NULL, err);
    for (size_t i = 0; !code && i < sizeof statements / sizeof *statements; i++)
        code = exchange_prepare(&session->exchange, statements[i].name, statements[i].sql, err);
    return code;
}

enum err_code session_open(struct session *session, struct err *err)
{
    if (session->exchange.connection)
        return ERR_NONE;
    assert(session->machine.state == SESSION_CLOSED || session->machine.state == SESSION_IN_DOUBT);
    enum err_code code = postgres_open(session->config, POSTGRES_RUNTIME, &session->exchange.connection, err);
    if (code)
        return code;
    PQsetnonblocking(session->exchange.connection, 1);
    code = prepare_all(session, err);
    if (code) {
        disconnect(session);
        return code;
    }
    if (session->machine.state == SESSION_CLOSED)
        machine_go(&session->machine, SESSION_IDLE);
    return ERR_NONE;
}

enum err_code session_begin(struct session *session, struct err *err)
{
    enum err_code code = exchange_simple(&session->exchange, "BEGIN", NULL, err);
    if (!code)
        machine_go(&session->machine, SESSION_IN_TRANSACTION);
    return code;
}

enum err_code session_commit(struct session *session, struct err *err)
{
    char tag[16] = "";
    machine_go(&session->machine, SESSION_COMMITTING);
    enum err_code code = exchange_simple(&session->exchange, "COMMIT", tag, err);
    if (code == ERR_NONE && strcmp(tag, "COMMIT") == 0) {
        machine_go(&session->machine, SESSION_IDLE);
        return ERR_NONE;
    }
    if (code == ERR_NONE) { /* the server answered ROLLBACK: it had failed before */
        machine_go(&session->machine, SESSION_IDLE);
        return err_set(err, ERR_DATABASE, "COMMIT was answered with %s", tag);
    }
    /* An error's answer can only be trusted when the server is there to have rolled back; all else is a doubt. */
    machine_go(&session->machine, SESSION_IN_DOUBT);
    disconnect(session);
    if (!err)
        return ERR_COMMIT_UNKNOWN;
    err->code = ERR_COMMIT_UNKNOWN;
    return err_wrap(err, "the outcome of COMMIT is unknown");
}

void session_close(struct session *session)
{
    disconnect(session);
    if (session->machine.state != SESSION_CLOSED && session->machine.state != SESSION_IN_DOUBT)
        machine_go(&session->machine, SESSION_CLOSED);
}

void session_abandon(struct session *session, enum err_code why)
{
    if (session->machine.state == SESSION_IN_DOUBT || session->machine.state == SESSION_CLOSED)
        return;
    if (why == ERR_DATABASE_AWAY) {
        session_close(session);
        return;
    }
    if (session->machine.state != SESSION_IN_TRANSACTION)
        return;
    if (exchange_simple(&session->exchange, "ROLLBACK", NULL, NULL) == ERR_NONE)
        machine_go(&session->machine, SESSION_IDLE);
    else
        session_close(session);
}

void session_resolved(struct session *session)
{
    assert(session->machine.state == SESSION_IN_DOUBT);
    machine_go(&session->machine, session->exchange.connection ? SESSION_IDLE : SESSION_CLOSED);
}
