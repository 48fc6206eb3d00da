#ifndef POINTS_SINK_PRODUCER_H
#define POINTS_SINK_PRODUCER_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "base/config.h"
#include "base/machine.h"
#include "sink/frames.h"

/* The transactional producer as an explicit state machine. Owned by the publisher's thread. */

enum producer_state {
    PRODUCER_NONE,   /* destroyed; producer_open makes a new one with the same transactional.id */
    PRODUCER_READY,  /* initialised, no transaction */
    PRODUCER_OPEN,   /* a transaction is open */
    PRODUCER_ENDING, /* EndTxn is on its way */
    PRODUCER_STATE_COUNT
};

enum { PRODUCER_TOPICS = 2 }; /* rewards, dead letters */

struct producer {
    const struct config *config;
    atomic_bool *cancel; /* set: calls end as soon as they can */
    rd_kafka_t *handle;
    rd_kafka_topic_t *topics[PRODUCER_TOPICS]; /* known for as long as the handle */
    struct machine machine;
    int64_t committed_at; /* µs, monotonic; when the last commit was answered */
    const char *mark;     /* value of the header points.republished that each record gets; NULL: none gets it */
};

/* How a transaction ended. */
enum producer_end {
    PRODUCER_COMMITTED,
    PRODUCER_UNKNOWN, /* delivery rule 4: the handle is destroyed; read K before anything else */
    PRODUCER_ABORTED, /* nothing of it is visible; the handle is destroyed (rule 3) */
    PRODUCER_REFUSED, /* aborted because the group metadata is not current: the assignment is over */
    PRODUCER_FATAL    /* err says which: ERR_FENCED or ERR_KAFKA_FATAL */
};

void producer_init(struct producer *producer, const struct config *config, atomic_bool *cancel);

/* NONE -> READY: a new producer, transactions initialised, which ends what an earlier one with this id left open.
 * ERR_KAFKA: try again. ERR_FENCED, ERR_KAFKA_FATAL: stop. */
enum err_code producer_open(struct producer *producer, struct err *err);

/* READY -> OPEN. */
enum err_code producer_begin(struct producer *producer, struct err *err);

/* Adds a frame's record to the open transaction; id: (topic_no, partition, offset, index) of the input. */
enum err_code producer_send(struct producer *producer, const struct frame *frame, const char *input_topic,
                            int32_t topic_no, int32_t partition, struct err *err);

/* Offsets, then end. Never ends a transaction whose offsets were not accepted (rule 2). A commit that took half a
 * second or more may have been retried inside the client, so the handle is destroyed after it (rule 3). */
enum producer_end producer_end(struct producer *producer, const rd_kafka_topic_partition_list_t *offsets,
                               const rd_kafka_consumer_group_metadata_t *metadata, struct err *err);

/* Ends a transaction that moves no offsets: not the publisher's, which are bound by rule 2. */
enum producer_end producer_end_without_offsets(struct producer *producer, struct err *err);

/* Aborts what is open and destroys the handle. */
void producer_abandon(struct producer *producer);

#endif
