#ifndef POINTS_TIMERS_DUE_H
#define POINTS_TIMERS_DUE_H

#include "base/arena.h"
#include "ledger/exchange.h"

/* Members who owe something, in the ledger. Those whose timer was refused are left out until the programs change, or a
 * day has passed. */

struct due_member {
    struct hash16 key;
    int64_t version; /* of the state that owes it */
    int64_t due_at;  /* µs UTC */
    struct text program_id;
    struct text member_id;
};

struct due_members {
    struct due_member *items;
    size_t count;
    int64_t revision; /* of the programs */
};

/* Prepares this file's statements on a fresh connection. */
enum err_code due_prepare(struct exchange *ledger, struct err *err);

/* The first time at or before `until` at which something falls due; INT64_MAX: there is none. */
enum err_code due_first(struct exchange *ledger, int64_t until, int64_t *out, struct err *err);

/* Members due at or before `until`, by the time due, at most `limit`. All is the arena's. */
enum err_code due_read(struct exchange *ledger, int64_t until, int64_t limit, struct arena *arena,
                       struct due_members *out, struct err *err);

/* Of these members, whose timers were consumed, notes those that are due at the same time still, though nothing but the
 * timer came between. *in_vain: how many. */
enum err_code due_settle(struct exchange *ledger, const struct due_members *sent, int64_t *in_vain, struct err *err);

/* For people: how many members owe something. */
struct due_counts {
    int64_t due;     /* at or before `until` */
    int64_t in_vain; /* of these: those whose timer was refused */
    int64_t later;
    int64_t next_due_at; /* of those later, µs UTC; INT64_MAX: there are none */
};

/* Needs nothing prepared, and no more than to read. */
enum err_code due_count(struct exchange *ledger, int64_t until, struct due_counts *out, struct err *err);

#endif
