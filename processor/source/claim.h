#ifndef POINTS_SOURCE_CLAIM_H
#define POINTS_SOURCE_CLAIM_H

#include "ledger/exchange.h"
#include "ledger/outbox.h"
#include "source/source.h"

/* Takes partitions over from whoever owned them (delivery rule 1), over a database connection of its own. One per
 * thread. */
struct claim {
    const struct config *config;
    struct source *source;
    struct exchange exchange; /* connection NULL: closed */
};

void claim_init(struct claim *claim, const struct config *config, struct source *source);
void claim_release(struct claim *claim);

/* What was found when a partition was taken over. */
struct claimed {
    struct outbox_rows rows; /* [K, P), to be published again */
    int64_t start;           /* offset to read from */
};

/* In this order: read K; bump the epoch, which gives P; read the outbox. Fills the partitions and claimed[i]. Tries
 * again after retriable errors until wait_ms have passed. ERR_OFFSET_MISSING (rule 7), ERR_OFFSET_UNSIGNED (rule 8),
 * ERR_OFFSET_AHEAD (the database was restored), ERR_TOPIC_RECREATED and ERR_OUTBOX_GAP stop the process. */
enum err_code claim_partitions(struct claim *claim, const struct assignment *assignment, struct claimed *claimed,
                               int64_t wait_ms, struct err *err);

/* Outbox rows of one partition from `published` on, whatever P is by now (rule 4). */
enum err_code claim_outbox(struct claim *claim, const struct partition *partition, int64_t published,
                           struct outbox_rows *out, struct err *err);

#endif
