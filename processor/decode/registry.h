#ifndef POINTS_DECODE_REGISTRY_H
#define POINTS_DECODE_REGISTRY_H

#include "base/arena.h"
#include "base/err.h"

/* A client of the Confluent schema registry (libcurl). Thread-safe: one cache for all decoders. Never blocks longer
 * than its time-out; while the registry is down it backs off and answers ERR_REGISTRY at once. */
struct registry;

struct registry_options {
    const char *url;      /* http(s)://host:port */
    const char *user;     /* empty: no basic auth */
    const char *password; /* empty: none */
    int64_t timeout_ms;
};

enum err_code registry_new(const struct registry_options *options, struct registry **out, struct err *err);
struct registry *registry_free(struct registry *registry);

/* The schema's JSON text, owned by the registry until it is freed. ERR_SCHEMA_UNKNOWN: the registry answered that it
 * has no such id (remembered for a second only, since it may come). ERR_REGISTRY: no answer. */
enum err_code registry_schema(struct registry *registry, int32_t id, struct text *json, struct err *err);

/* Registers the schema under the subject (idempotent) and gives its id. */
enum err_code registry_register(struct registry *registry, const char *subject, struct text json, int32_t *id,
                                struct err *err);

#endif
