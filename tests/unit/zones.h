#ifndef POINTS_TESTS_ZONES_H
#define POINTS_TESTS_ZONES_H

#include "base/arena.h"
#include "rules/zones.h"

/* The time zones of this machine, for programs that tests load; the arena's. */
const struct zones *machine_zones(struct arena *arena);

#endif
