#ifndef POINTS_METER_H
#define POINTS_METER_H

#include "ledger/stage.h"

/* A line on standard error that says how far the processor is. */
struct meter {
    bool wanted;
    bool terminal; /* one line that is written over; otherwise a line now and then */
    int64_t started_at;
    int64_t next_at; /* µs, monotonic */
    uint64_t shown_events;
    int64_t shown_at;
};

void meter_start(struct meter *meter, bool wanted);
bool meter_due(const struct meter *meter);
void meter_show(struct meter *meter, struct ledger_counts applied, struct publisher_counts published);
void meter_end(struct meter *meter, struct ledger_counts applied, struct publisher_counts published);

#endif
