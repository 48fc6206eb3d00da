#ifndef POINTS_RULES_WORK_H
#define POINTS_RULES_WORK_H

#include "rules/cel/value.h"
#include "rules/member_fields.h"
#include "rules/program_model.h"
#include "rules/record.h"
#include "rules/shown.h"
#include "rules/state.h"
#include "rules/step.h"
#include "rules/trace.h"

/* A decision in the making: what step() opens, the deciders of each event type fill, and step() closes. */

/* Points of all currencies together, modulo 2^64: what entries must account for. */
struct sums {
    uint64_t available;
    uint64_t lifetime;
    uint64_t pending;
};

struct member_work {
    struct member_state state;
    struct sums before; /* the event */
    int64_t entries_before;
    uint8_t party;
    bool changed;
    bool tier_moved;  /* something counted for tiers since the level was judged */
    bool tier_lost;   /* something that had counted was undone */
    struct text tier; /* held before the event */
};

struct work {
    const struct step_input *input;
    const struct program *program; /* in force when the event occurred or, while settling, when that fell due */
    const struct event *event;
    struct arena *arena;     /* what the decision is made of */
    struct scratch *scratch; /* what the step needs meanwhile */
    struct err *err;
    struct member_work *members; /* room for STEP_PARTIES_MAX */
    size_t member_count;
    int64_t now;                         /* µs: when the event occurred or, while settling, when that fell due */
    bool waiting;                        /* an undoing was kept for what it undoes */
    const struct settlement *settlement; /* what is being settled; NULL: the event is decided */
    struct entry *entries;
    size_t entry_count;
    size_t entry_capacity;
    struct reward *rewards;
    size_t reward_count;
    size_t reward_capacity;
    struct draw *draws;
    size_t draw_count;
    size_t draw_capacity;
    struct budget *lacks;
    size_t lack_count;
    size_t lack_capacity;
    struct spill *spills;
    size_t spill_count;
    size_t spill_capacity;
    bool erases;
    const struct text *merged; /* ids of accounts that are erased with the member's own */
    size_t merged_count;
};

/* Why points move: whose terms, at which partner, about what. */
struct cause {
    const struct program *terms;
    struct text partner_id;
    struct text subject;
    struct hash16 subject_key;
    int64_t granted_at;  /* µs: when the event occurred that granted, whose windows limits count in */
    uint32_t network;    /* of shares: 1 + the network that earns; else 0 */
    int64_t standing;    /* points of the grant so far: 0 where there are none */
    int64_t released_at; /* of orders: when what its rule waits for occurred; INT64_MAX: not yet */
};

/* The partner of what is decided: the event's; what a member owes is nobody's. */
static inline struct text work_partner(const struct work *work)
{
    return work->settlement ? (struct text){NULL, 0} : work->event->partner_id;
}

/* The version of this program under which something was granted. ERR_BAD_STATE when the set does not hold it. */
enum err_code work_terms(struct work *work, int64_t version, const struct program **out);

/* The rule that granted, with its version. ERR_BAD_STATE when there is none of that type. */
enum err_code work_granting_rule(struct work *work, const struct grant *grant, const struct program **terms,
                                 const struct rule **rule);

/* The record of the event's subject: inline, or as the caller loaded it; {NULL, 0} when there is none. */
struct bytes work_record(const struct work *work, const struct member_work *member, size_t subject);

/* Keeps the record; it becomes the member's newest. */
void work_put_record(struct work *work, struct member_work *member, size_t subject, struct bytes record);

/* Puts the record into the member's side table. */
void work_spill(struct work *work, struct member_work *member, struct hash16 key, struct bytes record);

/* Makes room for so many more calls of work_spill. */
void work_reserve_spills(struct work *work, size_t more);

/* Appends an output for the member with what the balance (NULL: none) is now; the caller fills in the rest, which is
 * zero. Earlier pointers are void. */
struct reward *work_add_reward(struct work *work, struct member_work *member, enum reward_type type,
                               const struct balance *balance);

/* A transfer between two accounts, of which one is the member's available or pending one, with its entry. balance: the
 * member's, of that currency; it follows. ERR_OVERFLOW. */
struct transfer {
    enum entry_kind kind;
    enum account from;
    enum account to;
    int64_t amount; /* > 0 */
    int64_t wanted;
    struct text currency; /* lives as long as the decision */
    struct text rule_id;
    const struct lot *lot;   /* what is added becomes part of it, what is taken comes from it first; NULL: no lot */
    struct lot_draws *draws; /* says which lots were taken from; NULL: nobody asks */
};
enum err_code work_post(struct work *work, struct member_work *member, struct balance *balance,
                        const struct transfer *transfer, const struct cause *cause);

/* The lot of points that come at that time at the partner: by a rule of these terms or, where rule is NULL, otherwise.
 * left is 0. */
struct lot work_lot(const struct program *terms, const struct rule *rule, size_t currency, struct text partner_id,
                    int64_t at);

/* The member earned or spent: points of the currency that end when the member is idle live on. */
void work_touch(struct work *work, struct member_work *member, const struct program *terms, size_t currency);
/* The variables of every expression: the event, the member that it is about, the program. */
enum { VARIABLE_EVENT, VARIABLE_MEMBER, VARIABLE_PROGRAM, VARIABLE_COUNT };

/* What an expression of terms gives for the event and the member; *out may refer to both and to the arena. An error
 * (an absent key, an overflow) is a value. */
void work_evaluate(const struct work *work, const struct member_work *member, const struct program *terms,
                   const struct cel_program *expression, const struct event *event, struct cel_value *out);

/* Whether the condition holds; NULL always does, one that ends in an error does not. */
bool work_condition_holds(const struct work *work, const struct member_work *member, const struct program *terms,
                          const struct cel_program *condition, const struct event *event);

/* Makes points of a rule of cause->terms available: entry, lot, lifetime, output. kind: ENTRY_ACCRUAL; ENTRY_POSTING
 * for what was pending. */
enum err_code work_credit(struct work *work, struct member_work *member, const struct rule *rule, enum entry_kind kind,
                          int64_t amount, int64_t wanted, const struct cause *cause);

/* Grants points by a rule of cause->terms, as many as its limits leave: entry, lifetime, output. wanted > 0. *granted
 * is 0 to wanted; nothing granted leaves no entry. */
enum err_code work_accrue(struct work *work, struct member_work *member, const struct rule *rule, int64_t wanted,
                          const struct cause *cause, int64_t *granted);

/* Takes back what a rule of cause->terms granted, as far as the policy for refunds allows, after voiding automatic
 * rewards that the points were turned into. What is pending of it goes first. Limits get back all of it. amount > 0, at
 * most cause->standing. */
enum err_code work_take_back(struct work *work, struct member_work *member, const struct rule *rule, int64_t amount,
                             const struct cause *cause);

#endif
