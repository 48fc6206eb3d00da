#ifndef POINTS_RULES_TIER_STATE_H
#define POINTS_RULES_TIER_STATE_H

#include "base/err.h"
#include "rules/scratch.h"

/* What tiers go by: a section of a member's state. Sums of what counted, by the local day or the year's first day on
 * which it did, so that a level follows from them and the time alone, in whatever order things came.
 *
 *   natural flags: 1 = an end is due, 2 = a birthday is
 *   text level; signed clock; natural version; where due: signed time; where a birthday is: signed time
 *   natural birthday year; signed year; text base
 *   count measures, sorted by key: text key, count days in their order: signed days since the day before (the first:
 *         since 1970), signed amount
 *   count purchases, sorted: text level, signed at, natural months, natural days, 16 bytes key
 *   count entries, sorted by level: text level, natural version, natural points
 */

enum { TIER_DAYS_MAX = 1024, TIER_PURCHASES_MAX = 16, TIER_ENTRIES_MAX = 32 };

/* What counted on a day. */
struct tier_day {
    struct text key; /* a currency; empty: orders */
    int64_t day;     /* since 1970, by the program's calendar */
    int64_t amount;
};

/* A level that was bought. */
struct tier_purchase {
    struct text level;
    int64_t at; /* µs UTC */
    int64_t months;
    int64_t days;
    struct hash16 key; /* of the order that bought it; zero: of an activity */
};

/* A level that was entered, with what that gave, which stays to be taken back; once only. */
struct tier_entry {
    struct text level;
    int64_t version;
    int64_t points;
};

struct tier_state {
    struct text level;     /* held; empty: none */
    int64_t clock;         /* newest time at which it was judged, µs UTC */
    int64_t version;       /* under which it was */
    int64_t due_at;        /* when it may go down; INT64_MAX: never */
    int64_t birthday_at;   /* when a gift falls due; INT64_MAX: never */
    int64_t birthday_year; /* of the last gift; 0: none */
    int64_t year;          /* of calendar years: the newest that counted */
    struct text base;      /* held when the year before it began */
    struct tier_day *days; /* sorted by key and day */
    size_t day_count;
    size_t day_capacity;
    struct tier_purchase *purchases; /* sorted by level, at, key; room for TIER_PURCHASES_MAX + 1 */
    size_t purchase_count;
    struct tier_entry *entries; /* sorted by level; room for TIER_ENTRIES_MAX + 1 */
    size_t entry_count;
};

struct reader;
struct writer;
struct member_state;

/* The section, for state.c. The tier is NULL where there is none. */
void tier_decode(struct reader *reader, struct scratch *scratch, struct member_state *state);
size_t tier_size_max(const struct member_state *state);
void tier_encode(struct writer *writer, const struct member_state *state);

/* The member's, made where there is none. */
struct tier_state *tier_open(struct member_state *state, struct scratch *scratch);

/* Adds to what counted on that day; what comes to nothing goes, and of too many days the oldest. False when it does not
 * fit. */
bool tier_add(struct tier_state *tier, struct text key, int64_t day, int64_t amount, struct scratch *scratch);

/* Forgets all days of all keys before that one. */
void tier_forget_days(struct tier_state *tier, int64_t before);

/* What counted from that day on, before the other; saturates. */
int64_t tier_sum(const struct tier_state *tier, struct text key, int64_t from, int64_t before);

/* Notes a purchase, once; the oldest goes where there are too many. */
void tier_buy(struct tier_state *tier, const struct tier_purchase *purchase);

/* Forgets that the order bought that level; true where it had. */
bool tier_unbuy(struct tier_state *tier, struct text level, struct hash16 key);

/* The entry of that level; NULL: never entered. */
struct tier_entry *tier_entered(const struct tier_state *tier, struct text level);

/* Notes that a level was entered, which it was not; the first of all goes where there are too many. */
void tier_enter(struct tier_state *tier, const struct tier_entry *entry);

/* Forgets that it was. */
void tier_unenter(struct tier_state *tier, struct tier_entry *entry);

#endif
