#ifndef POINTS_SINK_PUBLISHER_H
#define POINTS_SINK_PUBLISHER_H

#include "base/config.h"
#include "fold/batch.h"
#include "source/assignment.h"

/* Publishes what the ledger applied: a thread with a queue of ranges, a transactional producer, and the rules 2 to 5 of
 * the delivery section. It is the only writer of K. */
struct publisher;

/* A range of outputs waiting. */
struct publication {
    struct partition *partition;
    int64_t from;
    int64_t to;
    struct buffer frames; /* owned by whoever holds the publication */
};

/* What the publisher asks of others. All are called from its thread. */
struct publisher_hooks {
    void *context;
    /* K of every partition of the assignment, into *published; ERR_OFFSET_UNSIGNED, ERR_OFFSET_MISSING stop. */
    enum err_code (*read_published)(void *context, const struct assignment *assignment, int64_t *published,
                                    struct err *err);
    /* Outbox rows of the partition from `published` on, as publications appended to the list. */
    enum err_code (*read_outbox)(void *context, struct partition *partition, int64_t published,
                                 struct publication **items, size_t *count, struct err *err);
    /* Something that the process cannot go on from. */
    void (*failed)(void *context, const struct err *err);
    /* The group no longer takes our offsets: the assignment is over, whatever the callbacks say so far. */
    void (*lost)(void *context);
};

struct publisher_counts {
    uint64_t transactions;
    uint64_t outputs;
    uint64_t in_doubt;
};

/* Starts the thread and initialises the producer's transactions, so that what an earlier process with this
 * transactional.id left open ends now. Retries while Kafka is away, until *stop. */
enum err_code publisher_new(const struct config *config, const struct publisher_hooks *hooks, atomic_bool *stop,
                            struct publisher **out, struct err *err);

/* A new assignment begins; only its partitions are published from here on. The queue must be empty. */
void publisher_begin(struct publisher *publisher, const struct assignment *assignment);

/* Queues the publications of one batch, taking their frames. Waits while the queue holds publish.max_behind_kib
 * of outputs; false, with nothing taken, when the assignment ended meanwhile. */
bool publisher_push(struct publisher *publisher, struct publication *items, size_t count);

/* The assignment is about to end: publisher_push waits no more, and takes only what there is room for. */
void publisher_closing(struct publisher *publisher);

/* Rule 5: drops the queue, lets what is in flight finish for at most wait_ms, then abandons it. abort: do not wait. On
 * return the publisher is idle and holds nothing of the assignment. */
void publisher_end(struct publisher *publisher, bool abort, int64_t wait_ms);

/* Waits until all that is queued is published, at most wait_ms; true when it is. */
bool publisher_drain(struct publisher *publisher, int64_t wait_ms);

struct publisher_counts publisher_counts(struct publisher *publisher);

/* Takes NULL; returns NULL. Ends the thread. */
struct publisher *publisher_free(struct publisher *publisher);

#endif
