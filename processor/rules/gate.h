#ifndef POINTS_RULES_GATE_H
#define POINTS_RULES_GATE_H

#include "rules/program_model.h"

/* Days and hours alone, by the clock of that zone. */
bool gate_is_open_by_clock(const struct gate *gate, int64_t at, const struct zone *local);

/* True where days or hours matter, and so whose clock tells them. */
static inline bool gate_has_clock(const struct gate *gate)
{
    return gate->days != 0 || gate->has_hours;
}

/* True when what has that gate counts what occurred at that time (µs). local: whose clock tells days and hours. */
static inline bool gate_is_open(const struct gate *gate, int64_t at, const struct zone *local)
{
    return at >= gate->from && at < gate->until && (!gate_has_clock(gate) || gate_is_open_by_clock(gate, at, local));
}

#endif
