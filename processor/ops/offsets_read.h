#ifndef POINTS_OPS_OFFSETS_READ_H
#define POINTS_OPS_OFFSETS_READ_H

#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>

#include "base/arena.h"
#include "base/config.h"
#include "base/err.h"

/* Where each partition stands: in the ledger, in the consumer group, in the topic. */

enum { OFFSET_NONE = -1 };

struct partition_offsets {
    struct text topic;
    int32_t partition;
    int64_t low;  /* first record that the topic still has; OFFSET_NONE where the partition is not there any more */
    int64_t high; /* next record to be written */
    int64_t committed; /* K; OFFSET_NONE where the group has none */
    bool is_signed;    /* K was committed by us for this very position */
    bool in_ledger;    /* the fields below are set */
    int32_t topic_no;
    int64_t applied; /* P */
    int64_t highest; /* the highest P ever */
    int64_t owner_epoch;
    int64_t outbox_from; /* first offset that the outbox's rows cover; OFFSET_NONE where it has none */
    int64_t outbox_rows;
};

struct offsets {
    struct partition_offsets *items; /* by topic in the order of kafka.topics, then by partition */
    size_t count;
    size_t capacity;
    struct text cluster_id;
};

/* A client of the group that never joins it. ERR_CONFIG, ERR_KAFKA. */
enum err_code offsets_client(const struct config *config, rd_kafka_t **out, struct err *err);

/* All partitions of the topics (comma-separated) that the cluster or the ledger knows. A topic that neither knows is
 * left out. ERR_KAFKA where Kafka does not answer, or keeps an open transaction's offsets back for too long. */
enum err_code offsets_read(rd_kafka_t *client, PGconn *ledger, const struct config *config, const char *topics,
                           struct arena *arena, struct offsets *out, struct err *err);

/* How many members the consumer group has. */
enum err_code offsets_group_members(rd_kafka_t *client, const char *group, int *out, struct err *err);

/* What the reset would do to a partition. */
enum offsets_target { TARGET_BEGINNING, TARGET_LEDGER };

struct offsets_plan {
    bool changes;        /* something is to be done */
    int64_t applied;     /* new P */
    int64_t commit;      /* new K */
    const char *refusal; /* why it must not be done; NULL: it may */
};

/* Pure. BEGINNING: P and K to the first record, all outputs published before. LEDGER: P stays; K to where the ledger's
 * outputs are certain to be published, which is the first row of the outbox, or P. */
struct offsets_plan offsets_plan(const struct partition_offsets *offsets, enum offsets_target target);

#endif
