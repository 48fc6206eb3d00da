#ifndef POINTS_PROGRESS_H
#define POINTS_PROGRESS_H

#include "ledger/stage.h"

/* A line on standard error that says how far the processor is. */
struct progress {
    bool wanted;
    bool terminal; /* one line that is written over; otherwise a line now and then */
    int64_t started_at;
    int64_t next_at; /* µs, monotonic */
    uint64_t shown_events;
    int64_t shown_at;
};

void progress_start(struct progress *progress, bool wanted);
bool progress_due(const struct progress *progress);
void progress_show(struct progress *progress, struct ledger_counts applied, struct publisher_counts published);
void progress_end(struct progress *progress, struct ledger_counts applied, struct publisher_counts published);

#endif
