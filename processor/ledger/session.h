#ifndef POINTS_LEDGER_SESSION_H
#define POINTS_LEDGER_SESSION_H

#include "base/config.h"
#include "base/machine.h"
#include "ledger/exchange.h"

/* The ledger's connection as an explicit state machine, with its statements prepared. */

enum session_state {
    SESSION_CLOSED,
    SESSION_IDLE,
    SESSION_IN_TRANSACTION,
    SESSION_COMMITTING, /* COMMIT is sent, its answer is not here */
    SESSION_IN_DOUBT,   /* the answer never came: rule 9 before anything else */
    SESSION_STATE_COUNT
};

struct session {
    const struct config *config;
    struct exchange exchange;
    struct machine machine;
};

void session_init(struct session *session, const struct config *config, atomic_bool *cancel);

/* CLOSED -> IDLE; from IN_DOUBT it connects and stays in doubt until session_resolved. Nothing to do when open. */
enum err_code session_open(struct session *session, struct err *err);

enum err_code session_begin(struct session *session, struct err *err);

/* ERR_COMMIT_UNKNOWN when the answer did not come: the session is in doubt, its connection closed. */
enum err_code session_commit(struct session *session, struct err *err);

/* After a failure inside a transaction: rolls back, or closes the connection where it is of no more use. */
void session_abandon(struct session *session, enum err_code why);

/* The doubt is settled. */
void session_resolved(struct session *session);

void session_close(struct session *session);

#endif
