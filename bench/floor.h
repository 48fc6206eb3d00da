#ifndef POINTS_BENCH_FLOOR_H
#define POINTS_BENCH_FLOOR_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "base/buffer.h"

/* The floor: the reads and writes that the processor cannot do without, and nothing else. No rules, no checks, no
 * recovery: an error ends it. One topic of orders, one group, one instance. */

enum { FLOOR_BATCH_MAX = 10000, FLOOR_PARTITIONS_MAX = 64 };

#define FLOOR_GROUP    "floor"
#define FLOOR_TOPIC_NO 1

/* An order. Its texts are views into the message. */
struct floor_row {
    rd_kafka_message_t *message;
    struct hash16 event_key;
    struct hash16 member_key;
    struct text id;
    struct text program_id;
    struct text member_id;
    struct text order_id;
    struct text lines;
    int64_t occurred_at;
    int64_t points;
    /* after the fold */
    int64_t balance;
    int64_t sequence;
};

/* What a batch writes of one partition. */
struct floor_range {
    int64_t from;
    int64_t to; /* 0: nothing of this partition */
    struct buffer frames;
};

struct floor_batch {
    struct floor_row *rows;
    size_t count;
    struct floor_range ranges[FLOOR_PARTITIONS_MAX];
};

/* What goes to the publisher: the frames, and a line for each member that changed. */
struct floor_publication {
    struct floor_range ranges[FLOOR_PARTITIONS_MAX];
    struct buffer members; /* struct floor_shown, one after another, each followed by its key for Redis */
    size_t member_count;
    size_t event_count;
};

struct floor_shown {
    int64_t version;
    int64_t balance;
    uint32_t key_len;
};

/* ---- floor_ledger.c: the database */

struct floor_ledger;

struct floor_ledger *floor_ledger_open(const char *topic);

/* One transaction. Fills *out with what is to be published. below: per partition, outbox rows up to there are
 * published. */
void floor_ledger_apply(struct floor_ledger *ledger, struct floor_batch *batch, const atomic_llong *below,
                        struct floor_publication *out);

/* ---- floor_publish.c: rewards and Redis, in a thread of their own */

struct floor_publisher;

struct floor_publisher *floor_publisher_start(rd_kafka_t *consumer, const char *topic, const char *rewards);

/* Takes the publication's buffers; waits while four wait. */
void floor_publisher_push(struct floor_publisher *publisher, const struct floor_publication *publication);

/* Waits until all is published and shown. */
void floor_publisher_drain(struct floor_publisher *publisher);

const atomic_llong *floor_publisher_positions(const struct floor_publisher *publisher);

#endif
