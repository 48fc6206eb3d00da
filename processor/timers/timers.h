#ifndef POINTS_TIMERS_TIMERS_H
#define POINTS_TIMERS_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/err.h"

/* The timers of an instance: a thread that wakes quiet members (rounds.h) while it is this instance's turn, which is
 * while it owns partition 0 of the timers' topic: the group decides who does it, and a dead instance's turn passes on
 * with its partitions. */
struct timers;

/* ERR_CONFIG: see inputs_check. */
enum err_code timers_new(const struct config *config, struct timers **out, struct err *err);

/* Whether it is this instance's turn. Does not wait. */
void timers_turn(struct timers *timers, bool ours);

/* True where a round that began after `since` (monotonic µs) found nothing that can be woken, or where it is not this
 * instance's turn. */
bool timers_are_idle(struct timers *timers, int64_t since);

/* Takes NULL; returns NULL. */
struct timers *timers_free(struct timers *timers);

#endif
