#ifndef POINTS_SOURCE_QUIET_CLIENT_H
#define POINTS_SOURCE_QUIET_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "base/config.h"
#include "base/err.h"

/* Kafka clients beside the group's member, which never join it: for commands, the audit and the timers. They drop the
 * client's own log lines, which would repeat what our errors say. */

/* As kafka_conf, without log lines. */
rd_kafka_conf_t *quiet_conf(const struct config *config, const char *settings[][2], struct err *err);

/* Takes conf over, whatever comes of it. ERR_CONFIG. */
enum err_code quiet_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out, struct err *err);

/* A consumer with these settings that commits nothing and makes no topic. settings ends with {NULL, NULL}. ERR_CONFIG.
 */
enum err_code quiet_consumer(const struct config *config, const char *settings[][2], rd_kafka_t **out, struct err *err);

/* How many partitions the topic has; 0 where there is no such topic. ERR_KAFKA after wait_ms without an answer. */
enum err_code quiet_partitions(rd_kafka_t *client, const char *topic, int wait_ms, int32_t *out, struct err *err);

/* A partition's first record, and its end as the client's isolation level shows it. Leaders move, and a fresh topic has
 * none for a moment: asked again until wait_ms have passed. ERR_KAFKA. */
enum err_code quiet_ends(rd_kafka_t *client, const char *topic, int32_t partition, int wait_ms, int64_t *low,
                         int64_t *high, struct err *err);

#endif
