#ifndef POINTS_BASE_WAITING_H
#define POINTS_BASE_WAITING_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* A lock and a condition on the monotonic clock, so that a step of the wall clock delays nobody. */
struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

static inline void waiting_init(struct waiting *waiting)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&waiting->lock, NULL);
    pthread_cond_init(&waiting->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static inline void waiting_destroy(struct waiting *waiting)
{
    pthread_mutex_destroy(&waiting->lock);
    pthread_cond_destroy(&waiting->changed);
}

static inline void waiting_lock(struct waiting *waiting)
{
    pthread_mutex_lock(&waiting->lock);
}

static inline void waiting_unlock(struct waiting *waiting)
{
    pthread_mutex_unlock(&waiting->lock);
}

static inline void waiting_tell(struct waiting *waiting)
{
    pthread_cond_broadcast(&waiting->changed);
}

/* The time ms from now, for waiting_until. */
static inline struct timespec waiting_deadline(int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

/* Under the lock: waits for a change; 0 when told, otherwise the deadline has passed. */
static inline int waiting_until(struct waiting *waiting, const struct timespec *deadline)
{
    return pthread_cond_timedwait(&waiting->changed, &waiting->lock, deadline);
}

static inline void waiting_wait(struct waiting *waiting)
{
    pthread_cond_wait(&waiting->changed, &waiting->lock);
}

#endif
