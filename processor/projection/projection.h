#ifndef POINTS_PROJECTION_PROJECTION_H
#define POINTS_PROJECTION_PROJECTION_H

#include <stdbool.h>

#include "base/config.h"
#include "base/err.h"
#include "projection/item.h"

/* Shows members' balances in Redis, on a thread of its own with connections of its own. Nothing here blocks its caller:
 * what Redis cannot take is dropped, after PostgreSQL was told that the projection is stale, and then rebuilt from the
 * ledger by itself, as it is when Redis was emptied or restarted. */
struct projection;

/* Starts the thread; connects later, so that it succeeds without Redis and PostgreSQL. An empty redis.host: nothing is
 * shown, all offers count as dropped. The configuration is copied. */
enum err_code projection_new(const struct config *config, struct projection **out, struct err *err);

/* Every call below may come from any thread. */

/* Copies the members' states, as committed. Returns the offer's ticket: 1, 2, 3 … */
int64_t projection_offer(struct projection *projection, const struct projection_item *items, size_t count);

/* The same for members known by key: the states are read from the ledger when their turn comes. */
int64_t projection_reload(struct projection *projection, const struct hash16 *member_keys, size_t count);

/* Every offer up to this ticket is in Redis, or the ledger knows that Redis is stale. */
int64_t projection_done_up_to(const struct projection *projection);

/* CURRENT: Redis shows what the ledger holds, but for offers under way. CHECKING: connected, but not known to be
 * complete (or another process rebuilds it). */
enum projection_state {
    PROJECTION_OFF,
    PROJECTION_AWAY,
    PROJECTION_CHECKING,
    PROJECTION_REBUILDING,
    PROJECTION_CURRENT,
    PROJECTION_STATE_COUNT
};

struct projection_status {
    enum projection_state state;
    size_t waiting;       /* members offered and not yet shown */
    int64_t written;      /* members written by offers since the start */
    int64_t dropped;      /* members dropped since the start */
    int64_t rebuilds;     /* rebuilds ended since the start */
    int64_t rebuilt;      /* members read by the rebuild under way */
    int64_t rebuild_size; /* of roughly so many */
};

void projection_status(const struct projection *projection, struct projection_status *out);
const char *projection_state_name(enum projection_state state);

/* Shows what waits, for at most about a second, and stops; what is left stays in the outbox's rows. Where the thread
 * hangs in a call it is left behind, with its memory. Takes NULL; returns NULL. */
struct projection *projection_free(struct projection *projection);

#endif
