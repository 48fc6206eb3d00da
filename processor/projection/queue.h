#ifndef POINTS_PROJECTION_QUEUE_H
#define POINTS_PROJECTION_QUEUE_H

#include "projection/item.h"

/* What waits to be shown, one place per member: a newer state takes the older one's. Bounded: past so many bytes of
 * states only the members' keys are kept, to be loaded from the ledger when their turn comes; past so many members
 * nothing is. Not thread-safe. */
struct queue;

struct queue_limits {
    size_t members;
    size_t bytes; /* of states and names */
};

struct queue *queue_new(struct queue_limits limits);
struct queue *queue_free(struct queue *queue);

/* Copies the item unless a newer version or the bare key is there already. False: no room, nothing was kept. */
bool queue_put(struct queue *queue, const struct projection_item *item);

/* Keeps the key alone: whatever the ledger holds when its turn comes is at least as new as all that was put before. */
bool queue_put_key(struct queue *queue, struct hash16 member_key);

size_t queue_count(const struct queue *queue);

/* The places in order of first arrival. version 0: the bare key. Views are valid until the queue changes. */
const struct projection_item *queue_items(const struct queue *queue);

void queue_clear(struct queue *queue);

#endif
