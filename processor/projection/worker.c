#include "projection/worker.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/machine.h"
#include "ledger/postgres.h"
#include "projection/rebuild.h"
#include "projection/redis.h"
#include "projection/store.h"

enum {
    SECOND = 1000 * 1000,
    FIRST_PAUSE = SECOND / 10,
    LONGEST_PAUSE = 2 * SECOND,
    CHECK_EVERY = SECOND,
    GIVE_UP_AFTER = 10 * SECOND, /* longer, and the outbox's rows that wait for us would pile up */
    SPOIL_EVERY = SECOND,
    LONGEST_REBUILD_PAUSE = 30 * SECOND,
    LOAD_AT_ONCE = 4096
};

static const uint32_t transitions[PROJECTION_STATE_COUNT] = {
    [PROJECTION_OFF] = 0,
    [PROJECTION_AWAY] = MACHINE_BIT(PROJECTION_CHECKING),
    [PROJECTION_CHECKING] = MACHINE_BIT(PROJECTION_AWAY) | MACHINE_BIT(PROJECTION_CHECKING) |
                            MACHINE_BIT(PROJECTION_REBUILDING) | MACHINE_BIT(PROJECTION_CURRENT),
    [PROJECTION_REBUILDING] =
        MACHINE_BIT(PROJECTION_AWAY) | MACHINE_BIT(PROJECTION_CHECKING) | MACHINE_BIT(PROJECTION_CURRENT),
    [PROJECTION_CURRENT] =
        MACHINE_BIT(PROJECTION_AWAY) | MACHINE_BIT(PROJECTION_CHECKING) | MACHINE_BIT(PROJECTION_CURRENT),
};

struct worker {
    struct config config; /* a copy */
    struct machine machine;
    struct redis *redis;     /* set but in OFF and AWAY */
    struct rebuild *rebuild; /* set in REBUILDING */
    PGconn *ledger;          /* NULL: not connected */
    struct arena *arena;     /* of one turn */

    struct worker_load load; /* the queue is always there; empty while the worker is free */
    bool has_load;
    int64_t done;

    /* monotonic µs */
    int64_t connect_at;
    int64_t check_at;
    int64_t settle_at; /* not before, after a failure */
    int64_t ledger_at;
    int64_t rebuild_at;
    int64_t spoil_at;
    int64_t trouble_since; /* Redis' first failure since it last took something; 0: none */

    int64_t connect_pause;
    int64_t rebuild_pause;
    struct projection_status status;
};

static char *copy_text(const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        abort();
    return copy;
}

static void copy_config(struct config *to, const struct config *from)
{
    *to = *from;
#define X(field, ...) to->field = copy_text(from->field);
    SETTINGS_TEXT(X)
    SETTINGS_CHOICE(X)
#undef X
}

struct worker *worker_new(const struct config *config, struct queue *spare)
{
    assert(config && spare && queue_count(spare) == 0);
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        abort();
    copy_config(&worker->config, config);
    bool off = config->redis_host[0] == '\0';
    worker->machine =
        (struct machine){"projection", transitions, PROJECTION_STATE_COUNT, off ? PROJECTION_OFF : PROJECTION_AWAY};
    worker->arena = arena_new(4 << 20);
    worker->load.queue = spare;
    worker->connect_pause = FIRST_PAUSE;
    worker->rebuild_pause = SECOND;
    return worker;
}

struct worker *worker_free(struct worker *worker)
{
    if (!worker)
        return NULL;
    rebuild_free(worker->rebuild);
    redis_close(worker->redis);
    postgres_close(worker->ledger);
    queue_free(worker->load.queue);
    arena_free(worker->arena);
    config_release(&worker->config);
    free(worker);
    return NULL;
}

bool worker_is_free(const struct worker *worker)
{
    return !worker->has_load;
}

struct queue *worker_take(struct worker *worker, const struct worker_load *load)
{
    assert(!worker->has_load && load->queue && load->ticket >= worker->done);
    struct queue *spare = worker->load.queue;
    worker->load = *load;
    worker->has_load = load->ticket > worker->done;
    return spare;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_connected(const struct worker *worker)
{
    return worker->redis != NULL;
}

/* When the load in hand can be settled. */
static int64_t settle_due(const struct worker *worker)
{
    if (is_connected(worker))
        return worker->settle_at;
    int64_t give_up = worker->machine.state == PROJECTION_OFF ? 0 : worker->trouble_since + GIVE_UP_AFTER;
    return give_up > worker->spoil_at ? give_up : worker->spoil_at;
}

int64_t worker_due(const struct worker *worker, bool waits)
{
    int64_t due = INT64_MAX;
    if (worker->machine.state == PROJECTION_REBUILDING)
        return 0;
    if (worker->machine.state == PROJECTION_AWAY)
        due = worker->connect_at;
    else if (is_connected(worker))
        due = worker->check_at;
    if (worker->has_load)
        return earlier(due, settle_due(worker));
    return waits ? 0 : due;
}

static void go(struct worker *worker, enum projection_state state)
{
    machine_go(&worker->machine, state);
}

/* Redis failed us: leave it alone for a while. */
static void lose_redis(struct worker *worker, const struct err *err)
{
    int64_t now = clock_monotonic_us();
    if (worker->trouble_since == 0) {
        worker->trouble_since = now;
        log_event(LOG_WARN, "projection.away", "error=%s", log_quote(err->text));
    }
    worker->rebuild = rebuild_free(worker->rebuild);
    worker->redis = redis_close(worker->redis);
    if (worker->machine.state != PROJECTION_AWAY)
        go(worker, PROJECTION_AWAY);
    worker->connect_at = now + worker->connect_pause;
    worker->connect_pause = earlier(worker->connect_pause * 2, LONGEST_PAUSE);
}

/* The ledger failed us, in a rebuild or without. */
static void lose_ledger(struct worker *worker, const struct err *err)
{
    log_event(LOG_WARN, "projection.ledger_failed", "error=%s", log_quote(err->text));
    worker->ledger = postgres_close(worker->ledger);
    worker->ledger_at = clock_monotonic_us() + SECOND;
}

static bool have_ledger(struct worker *worker)
{
    struct err err;
    if (worker->ledger)
        return true;
    if (clock_monotonic_us() < worker->ledger_at)
        return false;
    if (postgres_open(&worker->config, POSTGRES_RUNTIME, &worker->ledger, &err)) {
        lose_ledger(worker, &err);
        return false;
    }
    return true;
}

static void connect_redis(struct worker *worker)
{
    struct err err;
    if (redis_open(&worker->config, &worker->redis, &err)) {
        lose_redis(worker, &err);
        return;
    }
    go(worker, PROJECTION_CHECKING);
    worker->check_at = clock_monotonic_us();
    worker->settle_at = 0;
}

static void end_load(struct worker *worker)
{
    worker->done = worker->load.ticket;
    worker->load.dropped = 0;
    queue_clear(worker->load.queue);
    worker->has_load = false;
    worker->settle_at = 0;
}

/* Tells the ledger that so many members are dropped; false where it cannot be told now. */
static bool spoil(struct worker *worker, size_t dropped, const char *reason)
{
    struct err err;
    if (!have_ledger(worker))
        return false;
    if (projection_store_spoil(worker->ledger, &err)) {
        lose_ledger(worker, &err);
        return false;
    }
    worker->status.dropped += (int64_t)dropped;
    worker->spoil_at = clock_monotonic_us() + SPOIL_EVERY;
    if (worker->machine.state != PROJECTION_OFF)
        log_event(LOG_WARN, "projection.stale", "reason=%s dropped=%zu", reason, dropped);
    return true;
}

/* Redis is away: keep the load until that takes too long, then drop it. */
static void settle_without_redis(struct worker *worker)
{
    if (clock_monotonic_us() < settle_due(worker))
        return;
    size_t dropped = queue_count(worker->load.queue) + worker->load.dropped;
    if (dropped == 0 || spoil(worker, dropped, "redis_away"))
        end_load(worker);
    else
        worker->spoil_at = clock_monotonic_us() + SPOIL_EVERY;
}

/* Reads the states of those whose keys alone were kept, and writes them. */
static enum err_code write_by_key(struct worker *worker, const struct hash16 *keys, size_t count,
                                  struct redis_written *written, struct err *err)
{
    enum err_code code = ERR_NONE;
    for (size_t at = 0; at < count && !code; at += LOAD_AT_ONCE) {
        struct projection_item *items;
        size_t found = 0, left = count - at;
        if (!have_ledger(worker))
            return err_set(err, ERR_DATABASE_AWAY, "states to be shown cannot be read");
        code = projection_store_members(worker->ledger, keys + at, left < LOAD_AT_ONCE ? left : LOAD_AT_ONCE,
                                        worker->arena, &items, &found, err);
        if (!code)
            code = redis_write(worker->redis, items, found, written, err);
    }
    return code;
}

static enum err_code write_load(struct worker *worker, struct redis_written *written, struct err *err)
{
    size_t count = queue_count(worker->load.queue), ready = 0, bare = 0;
    const struct projection_item *all = queue_items(worker->load.queue);
    struct projection_item *items = arena_array(worker->arena, count, sizeof *items);
    struct hash16 *keys = arena_array(worker->arena, count, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        if (all[i].version > 0)
            items[ready++] = all[i];
        else
            keys[bare++] = all[i].member_key;
    }
    enum err_code code = redis_write(worker->redis, items, ready, written, err);
    return code ? code : write_by_key(worker, keys, bare, written, err);
}

static void settle(struct worker *worker)
{
    struct err err;
    struct redis_written written = {0};
    if (clock_monotonic_us() < worker->settle_at)
        return;
    if (worker->load.dropped > 0) {
        if (!spoil(worker, worker->load.dropped, "queue_full")) {
            worker->settle_at = clock_monotonic_us() + SECOND;
            return;
        }
        worker->load.dropped = 0;
        worker->check_at = 0;
    }
    enum err_code code = write_load(worker, &written, &err);
    if (code == ERR_REDIS) {
        lose_redis(worker, &err);
    } else if (code) {
        lose_ledger(worker, &err);
        worker->settle_at = clock_monotonic_us() + SECOND;
    } else {
        worker->trouble_since = 0;
        worker->connect_pause = FIRST_PAUSE;
        worker->status.written += (int64_t)written.written;
        if (written.unreadable > 0)
            log_event(LOG_ERROR, "projection.unreadable_states", "members=%zu", written.unreadable);
        end_load(worker);
    }
}

static void begin_rebuild(struct worker *worker)
{
    struct err err;
    worker->check_at = clock_monotonic_us() + CHECK_EVERY;
    if (clock_monotonic_us() < worker->rebuild_at) {
        go(worker, PROJECTION_CHECKING);
        return;
    }
    enum err_code code = rebuild_start(&worker->config, worker->redis, false, &worker->rebuild, &err);
    if (code == ERR_REDIS) {
        lose_redis(worker, &err);
        return;
    }
    if (code)
        lose_ledger(worker, &err);
    go(worker, PROJECTION_CHECKING);
    if (!worker->rebuild)
        return;
    go(worker, PROJECTION_REBUILDING);
    log_event(LOG_INFO, "projection.rebuild_started", "members=%lld",
              (long long)rebuild_progress(worker->rebuild)->estimated);
}

/* Is what Redis holds complete? It is not where its marks are missing or another ledger's (it was emptied, restarted
 * from an old dump, failed over, or updates were dropped). */
static void check(struct worker *worker)
{
    struct err err;
    struct projection_identity identity;
    bool complete = false;
    worker->check_at = clock_monotonic_us() + CHECK_EVERY;
    if (!have_ledger(worker)) {
        go(worker, PROJECTION_CHECKING);
        return;
    }
    if (projection_store_identity(worker->ledger, &identity, &err)) {
        lose_ledger(worker, &err);
        go(worker, PROJECTION_CHECKING);
        return;
    }
    if (redis_is_complete(worker->redis, identity.text, &complete, &err)) {
        lose_redis(worker, &err);
        return;
    }
    if (!complete || identity.stale) {
        begin_rebuild(worker);
        return;
    }
    if (worker->machine.state != PROJECTION_CURRENT)
        log_event(LOG_INFO, "projection.current", "redis=%s:%lld", worker->config.redis_host,
                  (long long)worker->config.redis_port);
    if (!worker->has_load) {
        worker->trouble_since = 0;
        worker->connect_pause = FIRST_PAUSE;
    }
    go(worker, PROJECTION_CURRENT);
}

/* A rebuild that was in vain is repeated after a longer and longer pause. */
static void end_rebuild(struct worker *worker, bool done)
{
    int64_t now = clock_monotonic_us();
    log_event(done ? LOG_INFO : LOG_WARN, done ? "projection.rebuilt" : "projection.rebuild_in_vain",
              "members=%lld written=%zu", (long long)rebuild_progress(worker->rebuild)->read,
              rebuild_progress(worker->rebuild)->written.written);
    worker->rebuild = rebuild_free(worker->rebuild);
    worker->status.rebuilds += done ? 1 : 0;
    worker->rebuild_at = done ? now : now + worker->rebuild_pause;
    worker->rebuild_pause = done ? SECOND : earlier(worker->rebuild_pause * 2, LONGEST_REBUILD_PAUSE);
    worker->check_at = now + CHECK_EVERY;
    go(worker, done ? PROJECTION_CURRENT : PROJECTION_CHECKING);
}

static void rebuild_some(struct worker *worker)
{
    struct err err;
    bool finished = false, done = false;
    enum err_code code = rebuild_page(worker->rebuild, worker->redis, &finished, &err);
    if (!code && finished)
        code = rebuild_end(worker->rebuild, worker->redis, &done, &err);
    if (code == ERR_REDIS) {
        lose_redis(worker, &err);
    } else if (code) {
        lose_ledger(worker, &err);
        end_rebuild(worker, false);
    } else if (finished) {
        end_rebuild(worker, done);
    }
}

int64_t worker_turn(struct worker *worker)
{
    arena_reset(worker->arena);
    int64_t now = clock_monotonic_us();
    if (worker->machine.state == PROJECTION_AWAY && now >= worker->connect_at)
        connect_redis(worker);
    bool may_check = worker->machine.state == PROJECTION_CHECKING || worker->machine.state == PROJECTION_CURRENT;
    if (worker->has_load && is_connected(worker))
        settle(worker);
    else if (worker->has_load)
        settle_without_redis(worker);
    if (may_check && is_connected(worker) && now >= worker->check_at)
        check(worker);
    else if (worker->machine.state == PROJECTION_REBUILDING)
        rebuild_some(worker);
    return worker->done;
}

void worker_status(const struct worker *worker, struct projection_status *out)
{
    *out = worker->status;
    out->state = worker->machine.state;
    if (worker->rebuild) {
        out->rebuilt = rebuild_progress(worker->rebuild)->read;
        out->rebuild_size = rebuild_progress(worker->rebuild)->estimated;
    }
}
