#ifndef POINTS_DECODE_STAGE_H
#define POINTS_DECODE_STAGE_H

#include "base/config.h"
#include "decode/decode.h"
#include "fold/batch.h"

/* The decode stage: a thread that takes records from the poll thread's inbox, decodes them into the open batch, and
 * hands the batch on whenever the ledger is free. So a batch is whatever arrived while the last one was being written.
 */
struct decode_stage;

struct decode_hooks {
    void *context;
    /* Takes the batch and puts a spent one in its place, or returns false at once when the ledger is busy. */
    bool (*offer)(void *context, struct batch **batch);
};

/* What the settings allow in a record. */
struct decode_limits decode_limits_of(const struct config *config);

enum err_code decode_stage_new(const struct config *config, struct registry *registry, const struct decode_hooks *hooks,
                               struct decode_stage **out, struct err *err);

/* An assignment begins or ends. On return from _end the stage holds nothing of it. */
void decode_stage_begin(struct decode_stage *stage, const struct assignment *assignment);
void decode_stage_end(struct decode_stage *stage);

/* Takes the message over; false when the inbox stays full for wait_ms. */
bool decode_stage_put(struct decode_stage *stage, rd_kafka_message_t *message, int64_t wait_ms);

/* The ledger became free: offer what is open. May be called from any thread. */
void decode_stage_wake(struct decode_stage *stage);

/* Nothing in the inbox and nothing open. */
bool decode_stage_idle(struct decode_stage *stage);

/* Takes NULL; returns NULL. */
struct decode_stage *decode_stage_free(struct decode_stage *stage);

#endif
