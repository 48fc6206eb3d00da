#ifndef POINTS_AUDIT_INPUT_RECORD_H
#define POINTS_AUDIT_INPUT_RECORD_H

#include <librdkafka/rdkafka.h>

#include "base/config.h"

/* Finds single records of the input topics again, as the processor read them. */
struct input_records;

enum err_code input_records_new(const struct config *config, struct input_records **out, struct err *err);
struct input_records *input_records_free(struct input_records *records);

/* The record at that place. *out NULL: the topic does not have it any more. It is valid until the next call. Quick for
 * places that follow one another. */
enum err_code input_records_get(struct input_records *records, const char *topic, int32_t partition, int64_t offset,
                                const rd_kafka_message_t **out, struct err *err);

#endif
