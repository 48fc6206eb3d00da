#ifndef POINTS_RULES_GATE_H
#define POINTS_RULES_GATE_H

#include "rules/program_model.h"

/* True when what has that gate counts what occurred at that time (µs). local: whose clock tells days and hours. */
bool gate_is_open(const struct gate *gate, int64_t at, const struct zone *local);

#endif
