#ifndef POINTS_OPS_TOPIC_READER_H
#define POINTS_OPS_TOPIC_READER_H

#include <librdkafka/rdkafka.h>

#include "base/config.h"

/* Reads all partitions of a topic as downstream services see it: committed records only. Joins no group and commits
 * nothing, so that looking changes nothing. */
struct topic_reader;

enum topic_start { TOPIC_FROM_BEGINNING, TOPIC_FROM_END };

/* ERR_KAFKA where Kafka does not answer or has no such topic. */
enum err_code topic_reader_open(const struct config *config, const char *topic, enum topic_start start,
                                struct topic_reader **out, struct err *err);

/* Takes NULL; returns NULL. */
struct topic_reader *topic_reader_close(struct topic_reader *reader);

/* Waits up to timeout_ms for a record. *out NULL: none came. The caller destroys it with rd_kafka_message_destroy. */
enum err_code topic_reader_next(struct topic_reader *reader, int timeout_ms, rd_kafka_message_t **out, struct err *err);

/* True once each partition was read to the end that it had then. An open transaction ends what can be read. */
bool topic_reader_at_end(const struct topic_reader *reader);

#endif
