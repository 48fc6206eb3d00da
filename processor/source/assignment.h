#ifndef POINTS_SOURCE_ASSIGNMENT_H
#define POINTS_SOURCE_ASSIGNMENT_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "base/text.h"

/* A partition while this instance owns it. Made when it is assigned, thrown away when it is revoked or lost: nothing of
 * an older assignment can be mistaken for the current one's. */
struct partition {
    char *topic;
    int32_t number;
    int32_t topic_no;       /* names (cluster, topic, incarnation) in the database */
    int64_t owner_epoch;    /* ours, from the bump */
    int64_t applied;        /* P: the apply thread's; next offset to apply */
    int64_t folded;         /* under the folding's lock; P as it will be when the batches under way are applied */
    int64_t highest;        /* the highest P ever, when it was claimed: below it a replay is under way */
    int64_t published;      /* the publisher's: next offset to publish; K once confirmed */
    atomic_llong confirmed; /* K as last confirmed by Kafka, for pruning and progress */
};

struct assignment {
    uint64_t number;                              /* 1, 2, … in this process */
    rd_kafka_consumer_group_metadata_t *metadata; /* frozen inside the assign callback (delivery rule 1) */
    struct partition *partitions;
    size_t count;
};

/* The partition, or NULL when the assignment does not hold it. */
struct partition *assignment_find(const struct assignment *assignment, const char *topic, int32_t number);

struct assignment *assignment_free(struct assignment *assignment);

#endif
