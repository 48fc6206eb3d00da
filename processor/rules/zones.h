#ifndef POINTS_RULES_ZONES_H
#define POINTS_RULES_ZONES_H

#include "base/text.h"
#include "rules/zone.h"

/* A time-zone database: zones by their IANA names. Immutable; program/zones.h reads one. */

struct named_zone {
    struct text name;
    struct bytes file; /* TZif, as it was read */
    const struct zone *zone;
};

struct zones {
    const struct named_zone *items; /* by name, bytewise */
    size_t count;
    struct hash16 hash; /* of all names and files: programs under the same one decide alike */
};

/* The zone of that name ("Europe/Berlin"), NULL when there is none. */
const struct zone *zones_find(const struct zones *zones, struct text name);

#endif
