#include "projection/projection.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "projection/queue.h"
#include "projection/worker.h"

enum { QUEUE_MEMBERS = 131072, QUEUE_BYTES = 12 << 20, STOP_LIMIT_US = 1000 * 1000 };

struct projection {
    pthread_mutex_t mutex;
    pthread_cond_t work;    /* something to do, or stop */
    pthread_cond_t stopped; /* the thread has ended */
    pthread_t thread;
    struct worker *worker; /* the thread's */

    /* under the mutex */
    struct queue *queue;
    int64_t tickets; /* given so far */
    int64_t handed;  /* of these, given to the worker */
    int64_t done;    /* see projection_done_up_to */
    size_t dropped;  /* from the queue, since it was last taken */
    size_t in_hand;  /* members that the worker has taken */
    int64_t stop_at; /* monotonic µs; 0: goes on */
    bool has_stopped;
    bool is_abandoned; /* the thread frees everything when it ends */
    struct projection_status status;
};

static void *must(void *pointer)
{
    if (!pointer)
        abort();
    return pointer;
}

static struct projection *release(struct projection *projection)
{
    worker_free(projection->worker);
    queue_free(projection->queue);
    pthread_cond_destroy(&projection->work);
    pthread_cond_destroy(&projection->stopped);
    pthread_mutex_destroy(&projection->mutex);
    free(projection);
    return NULL;
}

static void wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t at)
{
    struct timespec time = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};
    int status = pthread_cond_timedwait(condition, mutex, &time);
    assert(status == 0 || status == ETIMEDOUT);
}

/* Gives what waits to the worker in exchange for its empty queue. Under the mutex. */
static void hand_over(struct projection *projection)
{
    struct worker_load load = {projection->queue, projection->tickets, projection->dropped};
    projection->in_hand = queue_count(projection->queue);
    projection->queue = worker_take(projection->worker, &load);
    projection->dropped = 0;
    projection->handed = projection->tickets;
}

/* False when it is time to end: asked to, and all is shown or the time for it is up. Under the mutex. */
static bool wait_for_work(struct projection *projection)
{
    for (;;) {
        int64_t now = clock_monotonic_us();
        bool idle = projection->done == projection->tickets;
        if (projection->stop_at && (idle || now >= projection->stop_at))
            return false;
        int64_t due = worker_due(projection->worker, projection->tickets > projection->handed);
        if (due <= now)
            return true;
        if (projection->stop_at && projection->stop_at < due)
            due = projection->stop_at;
        wait_until(&projection->work, &projection->mutex, due);
    }
}

static void *run(void *context)
{
    struct projection *projection = context;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_mutex_lock(&projection->mutex);
    while (wait_for_work(projection)) {
        if (worker_is_free(projection->worker))
            hand_over(projection);
        pthread_mutex_unlock(&projection->mutex);
        int64_t done = worker_turn(projection->worker);
        pthread_mutex_lock(&projection->mutex);
        assert(done >= projection->done && done <= projection->tickets);
        projection->done = done;
        if (worker_is_free(projection->worker))
            projection->in_hand = 0;
        worker_status(projection->worker, &projection->status);
    }
    projection->has_stopped = true;
    bool is_abandoned = projection->is_abandoned;
    pthread_cond_signal(&projection->stopped);
    pthread_mutex_unlock(&projection->mutex);
    if (is_abandoned)
        release(projection);
    return NULL;
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

enum err_code projection_new(const struct config *config, struct projection **out, struct err *err)
{
    assert(config && out);
    struct queue_limits limits = {QUEUE_MEMBERS, QUEUE_BYTES};
    struct projection *projection = must(calloc(1, sizeof *projection));
    pthread_mutex_init(&projection->mutex, NULL);
    init_condition(&projection->work);
    init_condition(&projection->stopped);
    projection->queue = queue_new(limits);
    projection->worker = worker_new(config, queue_new(limits));
    worker_status(projection->worker, &projection->status);
    int status = pthread_create(&projection->thread, NULL, run, projection);
    if (status) {
        release(projection);
        return err_set(err, ERR_MEMORY, "no thread for the projection: %s", strerror(status));
    }
    *out = projection;
    return ERR_NONE;
}

int64_t projection_offer(struct projection *projection, const struct projection_item *items, size_t count)
{
    assert(projection && (items || count == 0));
    pthread_mutex_lock(&projection->mutex);
    for (size_t i = 0; i < count; i++)
        projection->dropped += queue_put(projection->queue, &items[i]) ? 0 : 1;
    int64_t ticket = ++projection->tickets;
    pthread_cond_signal(&projection->work);
    pthread_mutex_unlock(&projection->mutex);
    return ticket;
}

int64_t projection_reload(struct projection *projection, const struct hash16 *member_keys, size_t count)
{
    assert(projection && (member_keys || count == 0));
    pthread_mutex_lock(&projection->mutex);
    for (size_t i = 0; i < count; i++)
        projection->dropped += queue_put_key(projection->queue, member_keys[i]) ? 0 : 1;
    int64_t ticket = ++projection->tickets;
    pthread_cond_signal(&projection->work);
    pthread_mutex_unlock(&projection->mutex);
    return ticket;
}

int64_t projection_done_up_to(const struct projection *projection)
{
    struct projection *shared = (struct projection *)projection;
    pthread_mutex_lock(&shared->mutex);
    int64_t done = shared->done;
    pthread_mutex_unlock(&shared->mutex);
    return done;
}

void projection_status(const struct projection *projection, struct projection_status *out)
{
    struct projection *shared = (struct projection *)projection;
    pthread_mutex_lock(&shared->mutex);
    *out = shared->status;
    out->waiting = queue_count(shared->queue) + shared->in_hand;
    pthread_mutex_unlock(&shared->mutex);
}

const char *projection_state_name(enum projection_state state)
{
    static const char *const names[PROJECTION_STATE_COUNT] = {"off", "away", "checking", "rebuilding", "current"};
    assert(state < PROJECTION_STATE_COUNT);
    return names[state];
}

struct projection *projection_free(struct projection *projection)
{
    if (!projection)
        return NULL;
    pthread_mutex_lock(&projection->mutex);
    projection->stop_at = clock_monotonic_us() + STOP_LIMIT_US;
    int64_t limit = projection->stop_at + STOP_LIMIT_US / 10;
    pthread_cond_signal(&projection->work);
    while (!projection->has_stopped && clock_monotonic_us() < limit)
        wait_until(&projection->stopped, &projection->mutex, limit);
    bool has_stopped = projection->has_stopped;
    projection->is_abandoned = !has_stopped;
    pthread_t thread = projection->thread;
    pthread_mutex_unlock(&projection->mutex);
    if (!has_stopped) {
        pthread_detach(thread);
        return NULL;
    }
    pthread_join(thread, NULL);
    return release(projection);
}
