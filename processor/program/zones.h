#ifndef POINTS_PROGRAM_ZONES_H
#define POINTS_PROGRAM_ZONES_H

#include "base/arena.h"
#include "base/err.h"
#include "rules/zones.h"

/* The time zones of this machine (package tzdata), read once, so that the rules look them up in memory. */

#define ZONES_FOLDER "/usr/share/zoneinfo"

/* Reads every TZif file below the folder; *out is the arena's. ERR_FILE when UTC is not among them. */
enum err_code zones_load(const char *folder, struct arena *arena, const struct zones **out, struct err *err);

/* All names and files in one piece, as PostgreSQL keeps them; the arena's. */
struct bytes zones_pack(const struct zones *zones, struct arena *arena);

/* What was packed. ERR_DATABASE on any other bytes; *out is the arena's. */
enum err_code zones_unpack(struct bytes packed, struct arena *arena, const struct zones **out, struct err *err);

#endif
