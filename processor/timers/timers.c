#include "timers/timers.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/waiting.h"
#include "timers/inputs.h"
#include "timers/rounds.h"

enum {
    REST_MS = 1000, /* how late a timer may be when there was nothing to do */
    BUSY_MS = 50,   /* until timers on the way are looked for again */
};

struct timers {
    pthread_t thread;
    atomic_bool quit;
    struct rounds *rounds; /* the thread's */
    struct waiting waiting;
    /* under the lock */
    bool ours;
    int64_t idle_since; /* monotonic µs: when the last round began that found nothing to do; 0: it did not */
};

static int64_t pause_ms(enum round round)
{
    return round == ROUND_REST || round == ROUND_HELD ? REST_MS : BUSY_MS;
}

/* Says once that timers wait for something, until they go on. */
static void tell(enum err_code code, const struct err *err, bool *told)
{
    if (code && !*told)
        log_event(LOG_WARN, "timers.wait", "error=%s detail=%s", err_name(code), log_quote(err->text));
    if (!code && *told)
        log_event(LOG_INFO, "timers.go_on", "error=none");
    *told = code != ERR_NONE;
}

/* Under the lock, but for the round itself. */
static void one_round(struct timers *timers, bool *told)
{
    struct err err = {0};
    enum round round = ROUND_REST;
    int64_t began = clock_monotonic_us();
    waiting_unlock(&timers->waiting);
    enum err_code code = rounds_run(timers->rounds, clock_utc_us(), &round, &err);
    if (!atomic_load(&timers->quit))
        tell(code, &err, told);
    waiting_lock(&timers->waiting);
    bool idle = !code && (round == ROUND_REST || round == ROUND_HELD);
    timers->idle_since = idle ? began : 0;
    struct timespec until = waiting_deadline(code ? REST_MS : pause_ms(round));
    while (timers->ours && !atomic_load(&timers->quit) && waiting_until(&timers->waiting, &until) == 0)
        continue;
}

/* Under the lock, but for closing connections, which may take long. */
static void rest(struct timers *timers)
{
    waiting_unlock(&timers->waiting);
    rounds_end(timers->rounds);
    waiting_lock(&timers->waiting);
    while (!timers->ours && !atomic_load(&timers->quit))
        waiting_wait(&timers->waiting);
}

static void *run(void *context)
{
    struct timers *timers = context;
    bool told = false;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    waiting_lock(&timers->waiting);
    while (!atomic_load(&timers->quit)) {
        if (timers->ours)
            one_round(timers, &told);
        else
            rest(timers);
    }
    waiting_unlock(&timers->waiting);
    return NULL;
}

enum err_code timers_new(const struct config *config, struct timers **out, struct err *err)
{
    enum err_code code = inputs_check(config, err);
    if (code)
        return code;
    if (!inputs_have_timers(config))
        log_event(LOG_INFO, "timers.off", "detail=%s", log_quote("kafka.topics does not name kafka.timers_topic"));
    struct timers *timers = calloc(1, sizeof *timers);
    if (!timers)
        abort();
    atomic_init(&timers->quit, false);
    waiting_init(&timers->waiting);
    timers->rounds = rounds_new(config, &timers->quit);
    int status = pthread_create(&timers->thread, NULL, run, timers);
    if (status) {
        rounds_free(timers->rounds);
        waiting_destroy(&timers->waiting);
        free(timers);
        return err_set(err, ERR_MEMORY, "no thread for the timers: %s", strerror(status));
    }
    *out = timers;
    return ERR_NONE;
}

void timers_turn(struct timers *timers, bool ours)
{
    waiting_lock(&timers->waiting);
    timers->ours = ours;
    timers->idle_since = 0;
    waiting_tell(&timers->waiting);
    waiting_unlock(&timers->waiting);
}

bool timers_are_idle(struct timers *timers, int64_t since)
{
    waiting_lock(&timers->waiting);
    bool idle = !timers->ours || (timers->idle_since > 0 && timers->idle_since >= since);
    waiting_unlock(&timers->waiting);
    return idle;
}

struct timers *timers_free(struct timers *timers)
{
    if (!timers)
        return NULL;
    waiting_lock(&timers->waiting);
    atomic_store(&timers->quit, true);
    waiting_tell(&timers->waiting);
    waiting_unlock(&timers->waiting);
    pthread_join(timers->thread, NULL);
    rounds_free(timers->rounds);
    waiting_destroy(&timers->waiting);
    free(timers);
    return NULL;
}
