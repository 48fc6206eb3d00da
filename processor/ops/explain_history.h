#ifndef POINTS_OPS_EXPLAIN_HISTORY_H
#define POINTS_OPS_EXPLAIN_HISTORY_H

#include "base/config.h"
#include "cases/cases.h"
#include "ops/member_read.h"

/* What topics still hold about a member: the events that could have led to its entries. */

struct history_event {
    struct case_event event; /* text: its coordinates and kind */
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t recorded_at; /* µs UTC */
    int64_t sequence;    /* of the first entry of the member that it brought; 0: none */
};

struct history {
    struct history_event *items; /* in an order in which they may have been decided */
    size_t count;
};

/* Reads all input topics to their ends: the events of the member, of the accounts merged into it, and of who was
 * referred by it or referred it. Of each partition they keep their order, and those that brought entries keep the order
 * of the entries; others stand by when they were recorded. What cannot be decoded is left out. */
enum err_code history_read(const struct config *config, const struct member_view *member, struct arena *arena,
                           struct history *out, struct err *err);

/* Reads one record and decodes it. ERR_USAGE where the topic does not have it any more. */
enum err_code history_event_at(const struct config *config, const char *topic, int32_t partition, int64_t offset,
                               struct arena *arena, struct event *out, struct err *err);

#endif
