#ifndef POINTS_RULES_STEP_H
#define POINTS_RULES_STEP_H

#include "base/arena.h"
#include "base/err.h"
#include "rules/event.h"
#include "rules/limits.h"
#include "rules/program.h"

/* The pure step: (program, members' states, event) -> decision. No I/O, clock, globals; all memory is the arena's.
 * Same input, same bytes out, on any machine. */

enum {
    STEP_PARTIES_MAX = 2,  /* a referral rewards two members */
    STEP_SUBJECTS_MAX = 4, /* things that one event can count once or take back */
    STEP_SPILLS_MAX = 4,   /* records that one event other than a merge can move to the side table, per party */
};

/* Accounts between which an entry transfers. The programme's own accounts belong to (program, partner, currency); the
 * member's to (program, partner, currency, member). Stored as smallint: never renumber. */
enum account {
    ACCOUNT_PROGRAMME = 1,        /* issuer: goes negative as points are issued */
    ACCOUNT_MEMBER_AVAILABLE = 2, /* spendable */
    ACCOUNT_MEMBER_PENDING = 3,
    ACCOUNT_REDEEMED = 4,  /* spent by members */
    ACCOUNT_BREAKAGE = 5,  /* expired */
    ACCOUNT_CONVERTED = 6, /* turned into automatic rewards */
    ACCOUNT_MERGED = 7,    /* on the way from a member to the one that it is merged into: zero after each merge */
    ACCOUNT_LAST = ACCOUNT_MERGED
};

/* Why an entry exists. Stored as smallint: never renumber. */
enum entry_kind {
    ENTRY_ACCRUAL = 1,
    ENTRY_TAKE_BACK = 2,         /* refund, cancellation, removal, withdrawal */
    ENTRY_CONVERSION = 3,        /* a threshold turned points into a reward */
    ENTRY_CONVERSION_VOIDED = 4, /* its points returned */
    ENTRY_REDEMPTION = 5,
    ENTRY_ADJUSTMENT = 6,
    ENTRY_MERGED_EARNED = 7,        /* what a member ever earned goes along into the member that it is merged into */
    ENTRY_MERGED = 8,               /* and so does what it spent, converted or was adjusted by */
    ENTRY_EXPIRY = 9,               /* points ended */
    ENTRY_POSTING = 10,             /* pending points became available */
    ENTRY_REDEMPTION_RETURNED = 11, /* a redemption was cancelled */
    ENTRY_ERASED = 12               /* what was pending of a member who was erased never becomes available */
};

/* What a member owed by itself, at a time, and settled: the cause of what it led to, whichever event came first, and so
 * the same whether an event of the member settled it or a timer. */
struct settlement {
    struct text obligation; /* "expiry", "posting", "warning" */
    int64_t due;            /* µs UTC */
    int64_t after;          /* entries that the member had before: tells apart two that fell due at once */
};

/* One transfer: amount > 0 moves from one account to the other. */
struct entry {
    uint8_t party;
    enum entry_kind kind;
    enum account from;
    enum account to;
    int64_t sequence; /* 1, 2, … per member: the entry's place among the member's entries */
    int64_t amount;   /* minor units of currency, > 0 */
    int64_t wanted;   /* before clamps; equals amount where nothing was cut */
    struct text currency;
    struct text partner_id;
    struct text rule_id;
    struct text subject;                 /* order id, sku, content … that it is about; may be empty */
    struct hash16 subject_key;           /* zero where there is none */
    int64_t program_version;             /* whose terms were used: a refund's are those of the grant */
    const struct settlement *settlement; /* its cause; NULL: the event */
};

/* What an entry of that kind between those accounts changes in the points ever earned and not taken back. Conversions
 * and support's corrections are apart from that. */
int64_t entry_lifetime_effect(int kind, int from, int to, int64_t amount);

enum reward_type {
    REWARD_POINTS_GRANTED,
    REWARD_POINTS_TAKEN_BACK,
    REWARD_POINTS_SPENT,
    REWARD_GRANTED, /* an automatic reward: a note, a free item */
    REWARD_VOIDED,
    REWARD_REFERRAL_ACCEPTED,
    REWARD_REFERRAL_REFUSED,
    REWARD_MEMBER_MERGED,   /* subject: the other account */
    REWARD_REFUND_DROPPED,  /* its order did not come */
    REWARD_POINTS_PENDING,  /* granted, and available later */
    REWARD_POINTS_EXPIRING, /* will end: a warning */
    REWARD_POINTS_EXPIRED,
    REWARD_POINTS_RETURNED, /* a redemption was cancelled */
    REWARD_TIER_CHANGED,    /* benefit: the level now, empty for none; subject: the one before */
    REWARD_TYPE_COUNT
};

/* One event out. Encoded by sink/, identified by the input's coordinates and its index in the decision or, where it
 * was owed, by the settlement and its index among the outputs of that. */
struct reward {
    enum reward_type type;
    uint8_t party;
    int64_t amount;        /* points, or the reward's worth in minor units of its currency */
    int64_t balance_after; /* available, of `currency` where that is a point currency, else of the currency converted */
    int64_t lifetime_after; /* points ever earned and not taken back */
    struct text currency;
    struct text rule_id;
    struct text partner_id;
    struct text subject;
    struct text benefit; /* what REWARD_GRANTED gives: the program's name for it */
    struct text reason;  /* words fit for a message: "20 points for order 1001" */
    int64_t program_version;
    const struct settlement *settlement; /* its cause; NULL: the event */
};

/* A record that left the member's state for the side table, or is put there. */
struct spill {
    uint8_t party;
    struct hash16 key;
    struct bytes record;
};

/* A budget in one of its windows: what rules have granted of it to all members of a program together. */
struct budget {
    struct limit_key key;
    struct span period;
    int64_t used;
};

/* What a decision takes from a budget. It holds whenever `used` is, before it, from least to most: only a grant that
 * the budget cut rests on one number alone. */
struct draw {
    struct limit_key key; /* texts live as long as the program */
    struct span period;
    int64_t amount; /* below 0: given back */
    int64_t least;
    int64_t most;
};

enum outcome {
    OUTCOME_APPLIED,   /* entries or outputs exist, or the member was erased */
    OUTCOME_NO_EFFECT, /* counted as seen; no rule matched */
    OUTCOME_WAITING,   /* a refund waits for its order */
    OUTCOME_REFUSED    /* dead letter: see err */
};

/* What one event does. Its effects become durable in this order, all in the batch's transaction: event key, entries,
 * spills, states, draws; then outbox; then Kafka; then Redis. */
struct decision {
    enum outcome outcome;
    const struct entry *entries;
    size_t entry_count;
    const struct reward *rewards;
    size_t reward_count;
    const struct spill *spills;
    size_t spill_count;
    const struct draw *draws;
    size_t draw_count;
    const struct budget *lacks; /* budgets that the input did not hold: it must, and all else here is void, as is an
                                 * error */
    size_t lack_count;
    struct bytes states[STEP_PARTIES_MAX]; /* new state bytes; {NULL, 0}: unchanged */
    bool erases; /* party 0 is a tombstone now: its id is to be forgotten, and so are the accounts merged into it */
    const struct text *merged; /* their ids: step_erased makes their tombstones */
    size_t merged_count;
    /* Of each party whose state changed: when its next obligation falls due, µs UTC; INT64_MAX: none does. */
    int64_t due_at[STEP_PARTIES_MAX];
};

/* A member that the event touches, by id; party 0 is the event's own member. */
struct party_name {
    struct text member_id;
};

/* A thing of a party that the event refers to. The caller turns (kind, name) into a key with hash_subject. */
struct subject {
    uint8_t party;
    struct text kind;
    struct text name;
};

/* What a party brings: its state's bytes ({NULL,0} when never seen) and, per subject of the event that belongs to it,
 * the record from the side table ({NULL,0} when there is none or step_needs said that it isn't wanted). */
struct party {
    struct bytes state;
    struct bytes records[STEP_SUBJECTS_MAX];
};

/* Of a merge: a subject that party 0 has something of, and the side table's rows about it: of party 0 where its state
 * does not hold the record, of party 1 where it has one. */
struct moved {
    struct hash16 subject_key;
    struct bytes from;
    struct bytes into;
};

struct step_input {
    const struct program *program;      /* in force when the event occurred */
    const struct program_set *programs; /* for terms frozen under older versions */
    const struct event *event;
    struct hash16 subject_keys[STEP_SUBJECTS_MAX]; /* aligned with step_subjects */
    struct party parties[STEP_PARTIES_MAX];
    const struct budget *budgets; /* of this program, sorted by budget_compare */
    size_t budget_count;
    const struct moved *moved; /* of a merge: all that party 0 has records of */
    size_t moved_count;
    struct trace *trace; /* NULL: nobody asks why (rules/trace.h) */
};

/* Orders budgets by key, then window. */
int budget_compare(const struct limit_key *a, struct span a_period, const struct limit_key *b, struct span b_period);

/* Events of a member that was merged into another count for that one. Where the party's state says so, the event is
 * changed to name the other, and true returned: its parties must be asked for again. The account that a merge ends is
 * not followed, nor is the one that goes on where that would lead back to it. The name is a view into the state. */
bool step_follow(const struct program *program, struct event *event, size_t party, struct bytes state);

/* The members that the event touches: 1 or 2; never twice the same. */
size_t step_parties(const struct program *program, const struct event *event, struct party_name out[STEP_PARTIES_MAX]);

/* The subjects that the event refers to: 0 to STEP_SUBJECTS_MAX. */
size_t step_subjects(const struct program *program, const struct event *event, struct subject out[STEP_SUBJECTS_MAX]);

/* True where the party's state does not hold the subject's record and the side table may: the caller must load it. */
bool step_needs(struct bytes state, struct hash16 subject_key);

/* True where the side table may hold records of the member. */
bool step_has_spilled(struct bytes state);

/* The subjects of which the state holds something: records, and refunds that wait for their orders. One may stand
 * twice. Returns how many. */
size_t step_record_keys(struct bytes state, struct arena *arena, struct hash16 **out);

/* The tombstone of a member: what keeps the ledger's sums, and nothing else. ERR_BAD_STATE. */
enum err_code step_erased(struct bytes state, struct arena *arena, struct bytes *out, struct err *err);

/* Decide. ERR_NONE fills *out (OUTCOME_REFUSED never with ERR_NONE); a poison code says why the event is refused and
 * leaves *out zero; ERR_BAD_STATE when state bytes cannot be read. */
enum err_code step(const struct step_input *input, struct arena *arena, struct decision *out, struct err *err);

/* For readers of states: the projection and `member show`. */
struct state_balance {
    struct text currency; /* a view into the state's bytes */
    int64_t available;
    int64_t lifetime;
    int64_t pending; /* granted, and not available yet */
};

struct state_tier {
    struct text level; /* held; empty: none */
    int64_t ends_at;   /* when it ends if nothing else counts, µs UTC; INT64_MAX: it does not */
};

struct state_summary {
    const struct state_balance *balances; /* in the arena, sorted by currency */
    size_t balance_count;
    int64_t entry_count;           /* the last entry's sequence */
    int64_t due_at;                /* when the next obligation falls due, µs UTC; INT64_MAX: none does */
    const struct state_tier *tier; /* NULL: nothing ever counted towards one */
    bool erased;
    struct text merged_into; /* the member whose account this one went up in; empty: it did not */
};

/* ERR_BAD_STATE on bytes that no version of ours wrote; any bytes are safe. {NULL,0} reads as a member without
 * balances. */
enum err_code state_summarise(struct bytes state, struct arena *arena, struct state_summary *out, struct err *err);

#endif
