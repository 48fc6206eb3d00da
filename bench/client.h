#ifndef POINTS_BENCH_CLIENT_H
#define POINTS_BENCH_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>

/* What the bench's own programs share. They stop the process at the first error: a measurement that met one is none. */

enum { CLIENT_HEAD = 10 }; /* bytes before an Avro body in single-object encoding */

void client_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The variable of the environment, which deploy/dev/env writes. */
const char *client_env(const char *name);

/* A whole number, at least `least`. */
int64_t client_number(const char *text, int64_t least);

/* A configuration that has the brokers. */
rd_kafka_conf_t *client_conf(void);
void client_set(rd_kafka_conf_t *conf, const char *name, const char *value);

/* Takes conf over. */
rd_kafka_t *client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf);

/* The head of a value that the named file of schemas/ describes: marker and fingerprint. */
void client_schema_head(const char *file, uint8_t out[CLIENT_HEAD]);

#endif
