#ifndef POINTS_AUDIT_OUTPUT_TOPIC_H
#define POINTS_AUDIT_OUTPUT_TOPIC_H

#include <librdkafka/rdkafka.h>

#include "base/arena.h"
#include "base/config.h"
#include "ops/ticker.h"

/* An output topic, read up to the end that it had when the audit began, past every transaction that was open then. */

struct output_ends {
    const char *topic;
    int32_t count; /* of partitions */
    int64_t *low;  /* by partition: the first record that is still there */
    int64_t *high; /* the end, records of open transactions included */
};

/* Asks with read_uncommitted: the last stable offset would stop before a transaction that is open now, which may be the
 * one that published what K says is published. Arrays are the arena's. */
enum err_code output_ends_read(const struct config *config, const char *topic, struct arena *arena,
                               struct output_ends *out, struct err *err);

struct output_visitor {
    void *context;
    enum err_code (*record)(void *context, const rd_kafka_message_t *message, struct err *err);
};

/* Reads what is committed of [low, high) of each partition. Where an open transaction holds it back it waits for as
 * long as the processor's own transactions can last, and some; ERR_KAFKA then: nothing can be said. ERR_KAFKA too where
 * retention takes records away before they are read. */
enum err_code output_topic_read(const struct config *config, const struct output_ends *ends,
                                const struct output_visitor *visitor, struct ticker *ticker, struct err *err);

#endif
