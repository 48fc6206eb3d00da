#ifndef POINTS_TIMERS_WATERMARK_H
#define POINTS_TIMERS_WATERMARK_H

#include "base/text.h"

/* How far the events seen have come in time: what fell due before is due for members without events too. Pure; the
 * clock is an argument. */

/* A partition of an input topic. */
struct watermark_input {
    struct text topic;
    int32_t partition;
    bool is_timers;          /* of the timers' own topic, which says nothing about time */
    bool is_history;         /* of a topic that tells of the past */
    bool rest_is_empty;      /* what stands from `applied` to `high` is no record: markers, aborted ones */
    int64_t low;             /* the first record */
    int64_t high;            /* the end */
    int64_t applied;         /* P; 0 where nothing was applied */
    int64_t newest_event_at; /* the newest occurred_at applied, µs UTC; 0: none */
};

/* True where everything that the partition holds is applied. */
bool watermark_is_read(const struct watermark_input *input);

/* What the partition allows, µs UTC. Read to its end, it is `now`; while it is being read, and always for history, it
 * is the newest event seen, though never later than now; INT64_MIN before any was seen. A partition that never held
 * a record holds nothing back. */
int64_t watermark_part(const struct watermark_input *input, int64_t now);

/* The least part of all but the timers' own partitions; `now` where there are none. *holder (may be NULL): whose part
 * it is, or NULL where nothing holds it back. */
int64_t watermark_of(const struct watermark_input *inputs, size_t count, int64_t now,
                     const struct watermark_input **holder);

/* True where it is worth to look whether the partition's rest is empty: what is due at that time is held back by this
 * partition, which would let it pass if it were read. */
bool watermark_is_in_doubt(const struct watermark_input *input, int64_t due, int64_t now);

#endif
