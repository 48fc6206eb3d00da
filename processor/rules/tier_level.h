#ifndef POINTS_RULES_TIER_LEVEL_H
#define POINTS_RULES_TIER_LEVEL_H

#include "rules/program_model.h"
#include "rules/tier_state.h"

/* Which level a member holds at a time: it follows from what counted, what was bought and the program alone. Levels are
 * numbered from 1, the lowest; 0 is none.
 *
 * A day is one of the program's zone. Over a lifetime a level, once reached, is left by refunds alone. Over calendar
 * years the level of a year is held through the year after it, at whose end (and after the grace) the member goes down
 * to what that year reached, or by one step. Over a rolling year the last twelve months count, today included, and a
 * level is held for as long as they reach it, and the grace. What was bought is held to the end of its last day; bought
 * again, it lasts as long from there. */

/* The program's day that holds the time (µs UTC). */
int64_t tier_day_of(const struct program *program, int64_t at);

/* The day under which what counts on that day is kept: over calendar years the first of January, over a lifetime 0. */
int64_t tier_day_kept(const struct tiers *tiers, int64_t day);

/* Takes calendar years as far as the day: what is older than the year before can change nothing any more. */
void tier_roll(const struct program *program, struct tier_state *tier, int64_t day);

/* The level at that time; not before the years that the state was taken to. */
size_t tier_level_at(const struct program *program, const struct tier_state *tier, int64_t at);

/* What counts towards levels at that time: of a currency or, where the key is empty, of orders. */
int64_t tier_counted_at(const struct program *program, const struct tier_state *tier, struct text key, int64_t at);

/* When the level may fall next after that time, if nothing else counts, µs UTC; INT64_MAX: never. */
int64_t tier_due_after(const struct program *program, const struct tier_state *tier, int64_t at);

/* The level of that id; 0: the program has none. */
size_t tier_numbered(const struct tiers *tiers, struct text id);

/* The id of a level; empty for 0. */
struct text tier_name(const struct tiers *tiers, size_t level);

/* The birthday's first instant after that time, in the zone, in a year after that one; 29 February is the 28th in other
 * years. INT64_MAX where the birthday is no day. */
int64_t tier_next_birthday(const struct zone *zone, struct text birthday, int64_t after, int64_t year);

/* The zone's year that holds the time. */
int64_t tier_year_of(const struct zone *zone, int64_t at);

#endif
