#ifndef POINTS_RULES_STATE_H
#define POINTS_RULES_STATE_H

#include "base/err.h"
#include "rules/identity.h"
#include "rules/limits.h"
#include "rules/lots.h"
#include "rules/pending.h"
#include "rules/profile.h"
#include "rules/scratch.h"
#include "rules/tier_state.h"
#include "rules/waiting.h"

/* A member's state: what the rules know of the member between events. Bytes, version 2:
 *
 *   u8      2, the version of this form
 *   u8      flags: 1 = the side table may hold records of this member, 2 = the account ended
 *   natural entries so far
 *   count   sections, each: natural number, bytes. In order of their numbers; empty ones are left out:
 *     1  count balances, sorted by currency: text currency, signed available, signed lifetime
 *     2  count tallies of automatic rewards, sorted by (id, version): text id, natural version, natural count, signed
 *        carry
 *     3  lots: rules/lots.h
 *     4  pending points: rules/pending.h
 *     5  the profile, as profile.h has it
 *     6  what tiers go by, as tier_state.h has it
 *     7  what was used of limits, as limits.h has it
 *     8  whether the account goes on: see identity.h
 *     9  natural orders
 *    10  refunds that wait for their orders: see waiting.h
 *    15  count records, newest last: 16 bytes subject key, bytes record
 *
 * Names and not places stand in it, so that it can be read without the program. Any bytes can be offered for reading.
 */

enum {
    STATE_RECORDS_MAX = 12,        /* kept inline */
    STATE_RECORD_BYTES_MAX = 1536, /* of all inline records together */
};

/* Points of one currency. */
struct balance {
    struct text currency;
    int64_t available;
    int64_t lifetime; /* ever earned and not taken back */
    bool accrued;     /* by the event being decided; not written */
};

/* How often an automatic reward was given under the terms that a version of the program had first. The newest tally
 * carries what was spent towards the next reward. */
struct tally {
    struct text reward_id;
    int64_t version;
    int64_t count;
    int64_t carry; /* minor units of money; 0 for rewards that points turn into */
};

struct inline_record {
    struct hash16 key;
    struct bytes bytes;
};

struct member_state {
    bool has_spilled;
    int64_t entry_count;
    int64_t order_count; /* orders that were decided and not wholly undone */
    struct balance *balances;
    size_t balance_count;
    size_t balance_capacity;
    struct tally *tallies;
    size_t tally_count;
    size_t tally_capacity;
    struct lots lots; /* points that end */
    struct pending pending;
    struct limits limits;
    struct identity identity;
    struct profile *profile; /* NULL: nothing is known of the member */
    struct tier_state *tier; /* NULL: no tier was ever counted */
    struct waiting waiting;
    struct inline_record *records; /* room for STATE_RECORDS_MAX + 1 */
    size_t record_count;
};

/* {NULL, 0} is a member never seen. Texts and records are views into the bytes. ERR_BAD_STATE, *out void, on bytes that
 * no version of ours wrote. */
enum err_code state_decode(struct bytes bytes, struct scratch *scratch, struct member_state *out, struct err *err);

/* The bytes are scratch; at most STATE_RECORDS_MAX records. */
struct bytes state_encode(const struct member_state *state, struct scratch *scratch);

/* The currency's balance; NULL where there is none. */
const struct balance *state_find_balance(const struct member_state *state, struct text currency);

/* The currency's balance; made, with zeros, where there is none. Other balances move: earlier pointers are void. */
struct balance *state_balance(struct member_state *state, struct text currency, struct scratch *scratch);

/* The reward's tally for that version; made where there is none. Other tallies move: earlier pointers are void. */
struct tally *state_tally(struct member_state *state, struct text reward_id, int64_t version, struct scratch *scratch);

/* True where no currency has more in its lots than its balance. */
bool state_lots_agree(const struct member_state *state);

/* The inline record; {NULL, 0} where there is none. */
struct bytes state_record(const struct member_state *state, struct hash16 key);

/* Makes the record the newest, in place of the one that its key had. */
void state_put_record(struct member_state *state, struct hash16 key, struct bytes bytes);

/* True while the inline records are more than fit. */
bool state_is_crowded(const struct member_state *state);

/* Replaces the record that its key has inline, at its place. False where there is none. */
bool state_replace_record(struct member_state *state, struct hash16 key, struct bytes bytes);

/* Empties what an ended account keeps no longer: all but its entries' number and its balances. */
void state_clear(struct member_state *state);

/* The id of the member that a state says its own was merged into; empty where it was not. Any bytes are safe. */
struct text state_merged_into(struct bytes state);

/* Takes out the record at that place (0 is the oldest) and notes that the side table holds records. */
struct inline_record state_spill(struct member_state *state, size_t at);

#endif
