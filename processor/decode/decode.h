#ifndef POINTS_DECODE_DECODE_H
#define POINTS_DECODE_DECODE_H

#include "base/arena.h"
#include "base/err.h"
#include "rules/event.h"

/* Bytes -> struct event. Trusts nothing in the bytes: they are read against the writer's schema in one pass that checks
 * every length, count and index before it is used. One decoder per thread. */

struct decode_limits {
    size_t message_bytes;
    size_t lines;        /* per order */
    size_t string_bytes; /* any text */
    size_t member_id_bytes;
    int64_t future_us; /* occurred_at at most this far after the record's timestamp */
    int64_t past_us;   /* and at most this far before it */
};

struct registry; /* decode/registry.h: fetches writers' schemas by id */

struct decoder;

/* Compiles the schemas built in, so the first record is as fast as the last. registry: borrowed, may be NULL: then a
 * record in Confluent's format is ERR_BAD_SCHEMA, since no retry would help. */
enum err_code decoder_new(const struct decode_limits *limits, struct registry *registry, struct decoder **out,
                          struct err *err);
struct decoder *decoder_free(struct decoder *decoder);

/* value: the record's value; recorded_at: its Kafka timestamp, µs UTC. The event's texts live in the arena or value.
 * *content is the hash of the canonical decoded content, the same for the same facts in any wire format and writer
 * version. ERR_SCHEMA_UNKNOWN and ERR_REGISTRY are for the caller to retry; poison codes are dead letters. On failure
 * *out and *content are untouched. */
enum err_code decoder_decode(struct decoder *decoder, struct bytes value, int64_t recorded_at, struct arena *arena,
                             struct event *out, struct hash16 *content, struct err *err);

#endif
