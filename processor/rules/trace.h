#ifndef POINTS_RULES_TRACE_H
#define POINTS_RULES_TRACE_H

#include "rules/cel/explain.h"
#include "rules/program_model.h"
#include "rules/window.h"

/* Why a decision is what it is: facts that the deciders note where they decide, in that order. Nobody asks when history
 * is read: step_input's trace is NULL then, and a note costs a comparison. */

enum fact_kind {
    FACT_ASKED,      /* rule: the facts behind it are about it */
    FACT_SKIPPED,    /* it does not apply: why; of a rule that another beat: other */
    FACT_EXPRESSION, /* its condition or amount: parts */
    FACT_MEASURED,   /* what it counts of an order: basis, basket, items, least */
    FACT_MULTIPLIER, /* multiplier, and whether it applied */
    FACT_TIER,       /* of the member: source is its name, factor what it multiplies by */
    FACT_COMPUTED,   /* form, amount, basis, rate, factor, and the points that came of them */
    FACT_LIMIT,      /* limit, used before, of `wanted` points left */
    FACT_STANDING,   /* granted before, and due now */
    FACT_GRANTED,    /* granted of wanted */
    FACT_PENDING,    /* what was granted, until due */
    FACT_TAKEN_BACK, /* granted of wanted; pending: of what was so */
    FACT_OUTSIDE     /* of no rule: a party left, or never enrolled where that is asked for; nothing is earned */
};

enum skip {
    SKIP_CLOSED,    /* not at this time */
    SKIP_CONDITION, /* `when` does not hold */
    SKIP_NETWORK,   /* not on this network */
    SKIP_NTH,       /* not the member's nth order */
    SKIP_ITEMS,     /* no line is one that it counts */
    SKIP_MINIMUM,   /* the basket is below the least amount */
    SKIP_ONCE,      /* it granted already what counts once */
    SKIP_UNDONE,    /* what it would grant for was taken back for ever */
    SKIP_BEATEN,    /* another rule stands before it */
    SKIP_SELF       /* a referral of oneself */
};

struct fact {
    enum fact_kind kind;
    const struct program *terms; /* whose rule it is */
    const struct rule *rule;
    uint8_t party;
    enum skip why;
    const struct rule *other;
    struct text source; /* of an expression; a tier's name */
    struct cel_parts parts;
    int64_t basis, basket, items, least; /* of orders in minor units of money */
    struct text money;                   /* the currency of those; empty: they are no money */
    const struct multiplier *multiplier;
    bool applied;
    const struct rate *rate;
    int64_t amount; /* that is multiplied: fixed, per item or by expression, in minor units */
    struct fraction factor;
    int64_t points; /* minor units of the rule's point currency */
    const struct limit *limit;
    bool budget;
    struct span period;
    int64_t used; /* INT64_MAX: the window is closed */
    int64_t left;
    int64_t wanted;
    int64_t granted;
    int64_t due; /* µs UTC; INT64_MAX: the event that the rule's points wait for */
    bool pending;
};

struct trace {
    struct arena *arena; /* what the facts refer to lives there, in the program or in the states */
    struct fact *items;
    size_t count;
    size_t capacity;
    const struct rule *rule; /* asked last */
    const struct program *terms;
    struct text money; /* of what was measured last */
};

/* Appends a fact about the rule of terms, for the caller to fill in. NULL: that which was asked last.
 * cold: so the compiler keeps the notes out of the deciders' way. */
struct fact *trace_add(struct trace *trace, enum fact_kind kind, const struct program *terms, const struct rule *rule)
    __attribute__((cold));

/* Notes a fact about the rule where somebody asks: TRACE_RULE(work, FACT_ASKED, terms, rule, fact->party = 1). What
 * stands behind the rule is done to the fact. Nothing is evaluated where nobody asks. */
#define TRACE_RULE(work, kind, terms, rule, ...)                                                                       \
    do {                                                                                                               \
        if (__builtin_expect((work)->input->trace != NULL, 0)) {                                                       \
            struct fact *fact = trace_add((work)->input->trace, kind, terms, rule);                                    \
            (void)fact;                                                                                                \
            __VA_ARGS__;                                                                                               \
        }                                                                                                              \
    } while (0)

/* The same about the rule asked last. */
#define TRACE(work, kind, ...) TRACE_RULE(work, kind, NULL, NULL, __VA_ARGS__)

#endif
