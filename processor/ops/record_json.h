#ifndef POINTS_OPS_RECORD_JSON_H
#define POINTS_OPS_RECORD_JSON_H

#include <jansson.h>
#include <librdkafka/rdkafka.h>

#include "base/config.h"
#include "ops/avro_json.h"

/* Records of the output topics as JSON objects. */

/* Schemas of rewards: the one built in, its earlier versions, and those of the registry as they are met. */
struct reward_schemas;

enum err_code reward_schemas_new(const struct config *config, struct reward_schemas **out, struct err *err);
struct reward_schemas *reward_schemas_free(struct reward_schemas *schemas);

/* {"topic", "partition", "offset", "timestamp", "key", "headers", "reward"}; where the value cannot be decoded,
 * "undecodable" with the reason and "value_base64" stand instead of "reward", and err says why, else ERR_NONE:
 * ERR_REGISTRY where only the registry's answer is missing. The caller owns the result. */
json_t *record_json_reward(struct reward_schemas *schemas, const rd_kafka_message_t *message, struct err *err);

/* {"topic", "partition", "offset", "timestamp", "key", "headers", "value_base64"}: of a dead letter the headers say why
 * and where, key and value are what was refused. */
json_t *record_json_dead_letter(const rd_kafka_message_t *message);

#endif
