#ifndef POINTS_DECODE_DECODE_H
#define POINTS_DECODE_DECODE_H

#include "base/arena.h"
#include "base/err.h"
#include "rules/event.h"

/* Bytes -> struct event. Trusts nothing in the bytes: they are walked against the writer's schema within bounds before
 * avro-c sees them. One decoder per thread. */

struct decode_limits {
    size_t message_bytes;
    size_t lines;        /* per order */
    size_t string_bytes; /* any text */
    size_t member_id_bytes;
    int64_t future_us; /* occurred_at at most this far after the record's timestamp */
    int64_t past_us;   /* and at most this far before it */
};

struct registry; /* decode/registry.h: fetches writer schemas by id; may be NULL */

struct decoder;

/* schemas_dir: NULL for the schemas built in. registry: borrowed, may be NULL (then Confluent-framed records are
 * ERR_SCHEMA_UNKNOWN). */
enum err_code decoder_new(const struct decode_limits *limits, struct registry *registry, struct decoder **out,
                          struct err *err);
struct decoder *decoder_free(struct decoder *decoder);

/* value: the record's value; recorded_at: its Kafka timestamp, µs UTC. The event's texts live in the arena or in value.
 * *content is the hash of the canonical decoded content, the same for the same facts in any wire format and writer
 * version. ERR_SCHEMA_UNKNOWN is for the caller to retry; poison codes are dead letters. */
enum err_code decoder_decode(struct decoder *decoder, struct bytes value, int64_t recorded_at, struct arena *arena,
                             struct event *out, struct hash16 *content, struct err *err);

#endif
