#ifndef POINTS_RULES_ZONE_H
#define POINTS_RULES_ZONE_H

#include "base/arena.h"
#include "base/err.h"
#include "rules/civil.h"

/* A time zone: its offsets from UTC through time, read from the bytes of a TZif file (RFC 8536) that the host gives.
 * Immutable. Leap seconds are not counted, as everywhere here. */
struct zone;

/* Bytes of a version 2 or later TZif file; a footer gives the rule for times after its table. On ERR_CONFIG *out is
 * untouched. What is made is the arena's and does not refer to the bytes. */
enum err_code zone_parse(struct bytes tzif, struct arena *arena, struct zone **out, struct err *err);

/* Seconds to add to UTC for the local time at that instant (seconds since 1970 UTC). */
int32_t zone_offset(const struct zone *zone, int64_t seconds);

/* The local date and time of an instant. */
struct civil zone_local(const struct zone *zone, int64_t seconds);

/* The instant of a local date and time (seconds since 1970 by the local calendar). A time that a change leaps over
 * counts as if the clock had gone on: it is moved by the length of the gap. Of a time that comes twice, the earlier. */
int64_t zone_instant(const struct zone *zone, int64_t local);

/* "+02:00", "-09:30", "02:00", up to a day. False when the text is not of that form. */
bool zone_fixed_offset(struct text text, int32_t *out);

#endif
