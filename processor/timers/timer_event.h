#ifndef POINTS_TIMERS_TIMER_EVENT_H
#define POINTS_TIMERS_TIMER_EVENT_H

#include "base/buffer.h"
#include "timers/due.h"

/* A timer as an event: schemas/avro/timer.avsc, single-object encoding. */

/* The event's source, the same for every timer. */
#define TIMER_SOURCE "/points/timers"

/* What every timer's value begins with: C3 01 and the schema's fingerprint. */
struct timer_frame {
    uint8_t prefix[10];
};

void timer_frame_make(struct timer_frame *out);

/* Appends the value. It occurs when it was due. Its id follows from program, member, time due and the version of the
 * member's state: sent twice for one state it counts once, and what a later state owes at the very same time has a
 * timer of its own. */
void timer_event_encode(const struct timer_frame *frame, const struct due_member *member, struct buffer *out);

#endif
