#ifndef POINTS_OPS_MEMBER_READ_H
#define POINTS_OPS_MEMBER_READ_H

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/err.h"
#include "rules/step.h"

/* One member as the ledger holds it, for people who ask where the points are. */

/* A row of the ledger. */
struct member_entry {
    int64_t sequence;
    int64_t occurred_at; /* µs UTC */
    enum entry_kind kind;
    enum account from;
    enum account to;
    int64_t amount; /* minor units */
    int64_t wanted;
    int64_t program_version;
    struct text program_hash; /* sha256 of that version's file, hexadecimal */
    struct text zones_hash;   /* of the time zones that it decides by, hexadecimal; empty: none were kept */
    struct text currency;
    struct text rule_id;
    struct text subject;
    struct text partner_id;
    struct text topic; /* the input's coordinates */
    int64_t partition;
    int64_t offset;
};

struct member_view {
    struct text program_id;
    struct text member_id;
    int64_t version;
    struct state_summary summary;
    struct bytes state;                 /* of which the summary is made */
    const struct member_entry *entries; /* all, by sequence */
    size_t entry_count;
};

/* Reads the member's state and entries in one snapshot. *found is false, and *out untouched, where there is none. All
 * memory is the arena's. */
enum err_code member_read(PGconn *connection, struct text program_id, struct text member_id, struct arena *arena,
                          struct member_view *out, bool *found, struct err *err);

/* What the entry does to the member's available points; 0: nothing. */
int64_t member_entry_effect(const struct member_entry *entry);

/* The sum of all effects in that currency; false where it overflows. Pure. */
bool member_sum(const struct member_view *view, struct text currency, int64_t *out);

/* ERR_BAD_STATE, saying which, where the balances of the state are not the sums of the entries, or the entries have
 * gaps. Pure. */
enum err_code member_verify(const struct member_view *view, struct err *err);

#endif
