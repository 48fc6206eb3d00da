#ifndef POINTS_RULES_PENDING_H
#define POINTS_RULES_PENDING_H

#include "rules/event.h"
#include "rules/scratch.h"

struct reader; /* rules/codec.h */
struct writer;

/* Points that were granted and are not available yet: they wait for a time, or for an event of their order and a time
 * after it. They do not spend, and nothing counts them. */

/* How long what a rule grants is pending. */
struct pending_terms {
    enum event_kind awaits; /* of an order: shipped or completed; KIND_UNKNOWN: nothing but time */
    int64_t delay;          /* µs after that or, where nothing is awaited, after what granted occurred */
};

struct pending_credit {
    struct hash16 subject_key; /* what they were granted for, by which rule of which version: one credit each */
    int64_t version;
    size_t rule; /* its place in that version's file */
    struct text subject;
    struct text currency;
    struct text partner_id;
    int64_t due;            /* µs UTC; INT64_MAX while they wait for an event */
    enum event_kind awaits; /* that event */
    int64_t amount;         /* minor units, > 0 */
};

struct pending {
    struct pending_credit *items; /* sorted by due, subject key, version, rule */
    size_t count;
    size_t capacity;
};

/* Section of the state: count credits: 16 bytes subject key, natural version, natural rule, text subject, text
 * currency, text partner, natural awaited (0 nothing, 1 shipped, 2 completed), signed due where nothing is, natural
 * amount. */
void pending_read(struct reader *reader, struct scratch *scratch, struct pending *out);
size_t pending_size_max(const struct pending *pending);
void pending_write(struct writer *writer, const struct pending *pending);

/* All that is pending of the currency. */
int64_t pending_sum(const struct pending *pending, struct text currency);

/* Adds the credit, to one that is the same but for the amount where there is one. False where the sum of its currency
 * does not fit. */
bool pending_add(struct pending *pending, const struct pending_credit *credit, struct scratch *scratch);

/* The newest due of what that rule granted for the subject; NULL where nothing is pending. Good until the next change.
 */
const struct pending_credit *pending_of(const struct pending *pending, struct hash16 subject_key, int64_t version,
                                        size_t rule);

/* The next of the subject that waits for that event; NULL where none does. */
const struct pending_credit *pending_awaiting(const struct pending *pending, struct hash16 subject_key,
                                              enum event_kind kind);

/* Takes so much (at most all) out of the credit at that place; one that is empty is gone. */
void pending_take(struct pending *pending, size_t at, int64_t amount);

/* When the next falls due; INT64_MAX where none does. */
int64_t pending_next_due(const struct pending *pending);

/* Adds all that the other has; false where a sum does not fit. */
bool pending_merge(struct pending *pending, const struct pending *other, struct scratch *scratch);

#endif
