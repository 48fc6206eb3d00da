#ifndef POINTS_AUDIT_LEDGER_CHECK_H
#define POINTS_AUDIT_LEDGER_CHECK_H

#include "audit/findings.h"
#include "base/arena.h"
#include "rules/step.h"

/* Whether the ledger agrees with itself: each member's state with the member's entries, and all accounts with one
 * another. Pure. */

/* A row of the ledger. */
struct ledger_row {
    struct hash16 member_key;
    int64_t sequence;
    struct hash16 event_key;
    int64_t amount;
    int64_t occurred_at;
    int64_t offset;
    int32_t topic_no;
    int32_t partition;
    int32_t program_version;
    int kind; /* enum entry_kind, enum account: as stored, so perhaps none of them */
    int from;
    int to;
    struct text program_id;
    struct text partner_id;
    struct text currency;
    struct text rule_id;
    struct text subject;
};

/* A row of the table of members. */
struct ledger_member {
    struct hash16 key;
    struct text program_id;
    struct text member_id;
    int64_t version;
    int64_t due_at; /* µs UTC; INT64_MAX where the row has none */
    struct bytes state;
};

enum { CHECK_CURRENCIES_MAX = 64 };

/* What the entries of one member add up to. */
struct member_sums {
    int64_t entries;
    int64_t bad_sequence; /* the first place in the sequence that is wrong; 0: none */
    bool too_much;        /* does not fit, or more currencies than a program can have */
    struct currency_sum {
        struct text currency; /* the arena's */
        int64_t available;
        int64_t lifetime;
        int64_t pending;
    } sums[CHECK_CURRENCIES_MAX];
    size_t count;
};

/* Adds the member's next entry, in order of sequence. */
void member_sums_add(struct member_sums *sums, const struct ledger_row *row, struct arena *arena);

/* Available, lifetime and pending points in that currency; zeros where there are none. */
struct currency_sum member_sums_of(const struct member_sums *sums, struct text currency);

/* Compares with the state; true where they agree, else *out says how they do not. */
bool member_sums_agree(const struct member_sums *sums, const struct ledger_member *member, struct arena *arena,
                       struct finding *out);

/* Whether the row says when the member falls due next as its state does; also true of a state that cannot be read. */
bool member_due_agrees(const struct ledger_member *member, struct arena *arena, struct finding *out);

/* All accounts of one (program, partner, currency). */
struct account_totals {
    struct text program_id;
    struct text partner_id;
    struct text currency;
    uint64_t sums[ACCOUNT_LAST + 1]; /* by enum account, modulo 2^64 */
};

struct accounts {
    struct account_totals *items;
    size_t count;
    size_t capacity;
    size_t last; /* where the last entry went */
};

/* Names are copied into the arena. An account that does not exist gets nothing, so that the rest is out of balance. */
void accounts_add(struct accounts *accounts, const struct ledger_row *row, struct arena *arena);

/* Zero where everything that left an account reached another. */
uint64_t accounts_sum(const struct account_totals *totals);

void accounts_release(struct accounts *accounts);

#endif
