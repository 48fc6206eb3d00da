#ifndef POINTS_PROJECTION_WORKER_H
#define POINTS_PROJECTION_WORKER_H

#include "projection/projection.h"
#include "projection/queue.h"

/* What the projection's thread does, in turns that each block for one exchange with Redis or PostgreSQL: connect, see
 * whether Redis is complete, write what was offered, rebuild a page. Owned by one thread. */
struct worker;

/* What was offered up to a ticket; dropped: so many more members found no room. */
struct worker_load {
    struct queue *queue;
    int64_t ticket;
    size_t dropped;
};

/* spare: an empty queue, owned by the worker from now on. */
struct worker *worker_new(const struct config *config, struct queue *spare);

/* Takes NULL; returns NULL. */
struct worker *worker_free(struct worker *worker);

/* True when it has no load in hand. */
bool worker_is_free(const struct worker *worker);

/* Gives it a load; it must be free. Returns the empty queue that it had. */
struct queue *worker_take(struct worker *worker, const struct worker_load *load);

/* When the next turn is due, monotonic µs. waits: there is a load to take. */
int64_t worker_due(const struct worker *worker, bool waits);

/* One turn. Returns the ticket up to which offers are shown, or dropped with the ledger's knowledge. */
int64_t worker_turn(struct worker *worker);

/* Fills all but `waiting`. */
void worker_status(const struct worker *worker, struct projection_status *out);

#endif
