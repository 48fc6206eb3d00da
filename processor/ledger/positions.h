#ifndef POINTS_LEDGER_POSITIONS_H
#define POINTS_LEDGER_POSITIONS_H

#include "ledger/exchange.h"

/* P, the position applied, and the epoch of its owner: what an assignment claims. */

struct position {
    int32_t topic_no;
    int64_t owner_epoch;
    int64_t applied;
    int64_t highest;
};

/* Prepares this file's and outbox.h's statements on a fresh connection. */
enum err_code positions_prepare(struct exchange *exchange, struct err *err);

/* The number of the topic in its newest incarnation, given out where it has none yet. */
enum err_code positions_topic(struct exchange *exchange, struct text cluster_id, struct text name, int32_t *topic_no,
                              struct err *err);

/* Makes the row where there is none, with P = 0, which means that nothing was ever applied; bumps the epoch, returning
 * P in the same statement: from here on no older owner's batch can commit. Waits for the row's lock at most
 * lock_timeout. */
enum err_code positions_claim(struct exchange *exchange, int32_t topic_no, int32_t partition, struct text consumer,
                              struct position *out, struct err *err);

#endif
