#ifndef POINTS_SOURCE_KAFKA_CONF_H
#define POINTS_SOURCE_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>

#include "base/config.h"

/* A librdkafka configuration with the brokers, then the properties of kafka.properties_file, then ours, which exactness
 * rests on and nobody may override: naming one of them in the file is ERR_CONFIG. The client's own words go to our log.
 * settings ends with {NULL, NULL}. NULL and *err on failure. */
rd_kafka_conf_t *kafka_conf(const struct config *config, const char *settings[][2], struct err *err);

#endif
