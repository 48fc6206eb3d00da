#ifndef POINTS_PROGRAM_ZONES_H
#define POINTS_PROGRAM_ZONES_H

#include "base/arena.h"
#include "base/err.h"
#include "rules/zone.h"

/* The time zones of this machine (package tzdata), read once, so that the rules look them up in memory. */
struct zones;

#define ZONES_FOLDER "/usr/share/zoneinfo"

/* Reads every TZif file below the folder; *out is the arena's. ERR_FILE when the folder holds none. */
enum err_code zones_load(const char *folder, struct arena *arena, struct zones **out, struct err *err);

/* Reads one zone, of an IANA name; what is made is the arena's. ERR_FILE when the folder has none of that name. */
enum err_code zone_read(const char *folder, struct text name, struct arena *arena, const struct zone **out,
                        struct err *err);

/* The zone of that IANA name ("Europe/Berlin"), NULL when there is none. */
const struct zone *zones_find(const struct zones *zones, struct text name);

size_t zones_count(const struct zones *zones);

/* Of all names and files: instances with the same hash decide alike. */
struct hash16 zones_hash(const struct zones *zones);

#endif
