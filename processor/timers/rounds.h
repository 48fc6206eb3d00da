#ifndef POINTS_TIMERS_ROUNDS_H
#define POINTS_TIMERS_ROUNDS_H

#include <stdatomic.h>

#include "base/config.h"
#include "base/err.h"

/* Wakes quiet members, round by round: finds those whose next obligation is due before the watermark and sends each a
 * timer, an event like any other. Nothing is sent before all timers are consumed, so no member has two on the way; what
 * is lost in a crash is found again by the next round, and what is sent twice counts once. So two instances that both
 * think it is their turn do no harm. */

enum round {
    ROUND_REST, /* nothing is due */
    ROUND_WAIT, /* timers on the way are not consumed yet */
    ROUND_HELD, /* the first thing due lies behind the watermark */
    ROUND_SEND,
};

struct round_facts {
    int64_t first_due; /* at or before now, µs UTC; INT64_MAX: nothing is */
    bool consumed;     /* every timer on the topic is */
    int64_t watermark; /* µs UTC */
};

/* What a round does. Pure. */
enum round round_choose(const struct round_facts *facts);

/* What the rounds of one instance keep: connections, and the last round's timers. One thread's. */
struct rounds;

/* cancel: borrowed; when set, waits end soon. */
struct rounds *rounds_new(const struct config *config, atomic_bool *cancel);
struct rounds *rounds_free(struct rounds *rounds);

/* One round. On an error, connections are made anew by the next. now: the wall clock, µs UTC. */
enum err_code rounds_run(struct rounds *rounds, int64_t now, enum round *out, struct err *err);

/* The turn is over: closes the connections and forgets what the last round sent, since another instance may send now.
 */
void rounds_end(struct rounds *rounds);

#endif
