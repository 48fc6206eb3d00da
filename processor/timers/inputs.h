#ifndef POINTS_TIMERS_INPUTS_H
#define POINTS_TIMERS_INPUTS_H

#include <librdkafka/rdkafka.h>

#include "base/arena.h"
#include "base/config.h"
#include "ledger/exchange.h"
#include "timers/watermark.h"

/* Where the partitions of the input topics stand, in Kafka and in the ledger: what the watermark is made of. */

struct inputs {
    struct watermark_input *items; /* in the order of the setting's topics */
    size_t count;
};

/* ERR_CONFIG where kafka.history_topics names a topic that is no input: it would hold nothing back. */
enum err_code inputs_check(const struct config *config, struct err *err);

/* True where kafka.topics names the timers' topic; else nobody would read timers. */
bool inputs_have_timers(const struct config *config);

/* A client to ask with. ERR_CONFIG. */
enum err_code inputs_client(const struct config *config, rd_kafka_t **out, struct err *err);

/* Prepares this file's statement on a fresh connection. */
enum err_code inputs_prepare(struct exchange *ledger, struct err *err);

/* All partitions of the topics (comma-separated): first their ends, then what is applied of them, so that a partition
 * read to its end was that when this was called. A topic that does not exist has no partitions. All is the arena's. */
enum err_code inputs_read(rd_kafka_t *client, struct exchange *ledger, const struct config *config, const char *topics,
                          struct arena *arena, struct inputs *out, struct err *err);

/* Looks whether what stands behind the position applied is a record, where that is in doubt, and sets rest_is_empty.
 * See watermark_is_in_doubt. */
enum err_code inputs_look(rd_kafka_t *client, struct inputs *inputs, int64_t due, int64_t now, struct err *err);

#endif
