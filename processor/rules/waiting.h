#ifndef POINTS_RULES_WAITING_H
#define POINTS_RULES_WAITING_H

#include "base/err.h"
#include "rules/scratch.h"

/* Refunds that came before their orders: a section of the state. Each waits for 90 days from when it occurred. Where
 * its order does not come it is dropped, and an output says so, by which it can be found and sent again under another
 * id: `refund.dropped`, with the refund's source and id in its words.
 *
 *   count refunds, in order of the times due: signed due, 16 bytes key of the order, text order id, text source, text
 *         id, bytes order record with nothing but the refund in it
 */

#define WAITING_US (INT64_C(90) * 24 * 3600 * 1000000)

/* Of one member; what comes above is refused. */
enum { WAITING_MAX = 16, WAITING_BYTES_MAX = 2560 };

struct waiting_refund {
    int64_t due_at; /* µs UTC: when it is dropped */
    struct hash16 order_key;
    struct text order_id;
    struct text source;
    struct text id;
    struct bytes refund;
};

struct waiting {
    struct waiting_refund *items;
    size_t count;
};

struct reader;
struct writer;
struct member_state;
struct member_work;
struct work;

/* The section, for state.c. */
void waiting_decode(struct reader *reader, struct scratch *scratch, struct member_state *state);
size_t waiting_size_max(const struct member_state *state);
void waiting_encode(struct writer *writer, const struct member_state *state);

/* Lets a refund wait. ERR_REFUND_WITHOUT_ORDER where too many do. */
enum err_code waiting_add(struct member_state *state, const struct waiting_refund *refund, struct scratch *scratch,
                          struct err *err);

/* An order record with all refunds that wait for the order in it; {NULL, 0} where none does. ERR_OVERFLOW. */
enum err_code waiting_record(const struct member_state *state, struct hash16 order_key, struct scratch *scratch,
                             struct bytes *out, struct err *err);

/* The order came. */
void waiting_met(struct member_state *state, struct hash16 order_key);

/* Of a merge: what waits for the other account's orders waits here from now on. */
void waiting_take_over(struct member_state *state, const struct member_state *other, struct scratch *scratch);

/* The obligation: see obligations.c. */
int64_t waiting_next(const struct member_state *state);
enum err_code waiting_settle(struct work *work, struct member_work *member, int64_t due);

#endif
