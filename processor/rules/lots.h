#ifndef POINTS_RULES_LOTS_H
#define POINTS_RULES_LOTS_H

#include "rules/codec.h"
#include "rules/expiry.h"
#include "rules/scratch.h"

/* What a member's points consist of: lots, each with its own end. Only lots that end are listed; what the balance holds
 * beyond them lasts for ever, and what it lacks of nothing is the member's deficit. So a member whose points never end
 * has no lots, and while there is a deficit nobody has any: spending takes the listed ones first, those that end first.
 *
 *   balance = sum of the listed lots + what lasts for ever - deficit
 *
 * Lots of the same terms are one, so that there are no more than there are ends. */

struct lot {
    struct text currency;
    struct text partner_id; /* where the points were earned */
    int64_t end;            /* µs UTC, whole seconds: from then on they are expired */
    int64_t warn_at;        /* µs UTC, whole seconds: when the member is warned next; NEVER: no more */
    /* Of points that end when the member is idle: for how long, in days * 2 or in months * 2 + 1. 0: the end is fixed.
     */
    int64_t idle;
    int64_t left; /* minor units, > 0 */
};

struct lots {
    struct lot *items; /* sorted by currency, end, partner, idle */
    size_t count;
    size_t capacity;
};

/* Taken from the lots, in order; what was taken beyond them is not listed. */
struct lot_draws {
    struct lot *items; /* left: what was taken */
    size_t count;
};

/* Section of the state: count lots: text currency, text partner, signed end, natural seconds from warning to end (0: no
 * warning), natural idle, natural left. */
void lots_read(struct reader *reader, struct scratch *scratch, struct lots *out);
size_t lots_size_max(const struct lots *lots);
void lots_write(struct writer *writer, const struct lots *lots);

/* All that is listed of the currency. */
int64_t lots_sum(const struct lots *lots, struct text currency);

/* Puts so much into the lot of these terms; lot->left is not read. Points that never end are not listed. */
void lots_put(struct lots *lots, const struct lot *lot, int64_t amount, struct scratch *scratch);

/* The lot that points of these terms would be part of: of those that end when the member is idle, the end that others
 * of them have. */
struct lot lots_placed(const struct lots *lots, const struct lot *lot);

/* Takes from the lot of these terms what it has, at most amount; gives how much. */
int64_t lots_take(struct lots *lots, const struct lot *lot, int64_t amount);

/* Takes amount from the currency's lots, those that end first before the others. draws: says from which, with memory
 * of the scratch; NULL: nobody asks. */
void lots_spend(struct lots *lots, struct text currency, int64_t amount, struct scratch *scratch,
                struct lot_draws *draws);

/* The member was active at that time: what ends when the member is idle lives on, in the zone's days. */
void lots_touch(struct lots *lots, struct text currency, int64_t at, const struct zone *zone,
                const struct warnings *warnings, struct scratch *scratch);

/* Moves all that the other member has into these. */
void lots_merge(struct lots *lots, const struct lots *other, struct scratch *scratch);

/* The next end, and the next warning; NEVER where none comes. */
int64_t lots_next_end(const struct lots *lots);
int64_t lots_next_warning(const struct lots *lots);

/* The idle of that policy, 0 where it is not about idleness, and the policy of that idle. */
int64_t idle_of(const struct expiry *expiry);
struct expiry expiry_of_idle(int64_t idle);

#endif
