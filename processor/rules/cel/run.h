#ifndef POINTS_RULES_CEL_RUN_H
#define POINTS_RULES_CEL_RUN_H

#include "rules/cel/ast.h"
#include "rules/cel/cel.h"

/* The evaluator's insides: what operators and functions share. */

struct cel_run {
    const struct cel_value *variables;
    struct arena *arena;
    const struct cel_env *env; /* zones */
    uint64_t left;             /* steps and bytes that it may still take; the static bound makes running out rare */
    struct cel_value locals[CEL_LOCALS_MAX];
};

/* A function or operator over its arguments, none of which is an error. */
typedef void cel_call(struct cel_run *run, const struct cel_value *arguments, struct cel_value *out);

/* How the result's type follows from the arguments' beyond the signature. */
enum cel_refine {
    CEL_REFINE_NONE,
    CEL_REFINE_SAME,  /* both arguments of one type: == */
    CEL_REFINE_ADD,   /* lists of one type: + */
    CEL_REFINE_INDEX, /* the element: [] */
    CEL_REFINE_IN,    /* the element's type before the list */
};

/* What a call costs beside 1, and how large its result can be. */
enum cel_costs {
    CEL_COSTS_ONE,     /* small result */
    CEL_COSTS_SIZES,   /* as long as its arguments together */
    CEL_COSTS_SHORTER, /* as long as the shorter of two: comparisons */
    CEL_COSTS_MEMBERS, /* the first is compared with each element of the second, up to the shorter's length */
    CEL_COSTS_COPIES,  /* the same, and the result is as large as the first argument */
    CEL_COSTS_JOINS,   /* the result is as large as both */
    CEL_COSTS_ELEMENT, /* the result is an element of the first; as many steps as that has */
    CEL_COSTS_PRODUCT, /* matches: length times the pattern's */
};

struct cel_signature {
    uint8_t arguments[CEL_ARGUMENTS_MAX]; /* enum cel_kind; CEL_DYN is any */
    uint8_t result;
};

struct cel_function {
    const char *name;
    bool member, global;
    uint8_t arity; /* of a member: with its receiver */
    uint8_t signature_count;
    const struct cel_signature *signatures;
    cel_call *call;
    enum cel_refine refine;
    enum cel_costs costs;
};

/* The next function of that name and form after `after` (NULL: the first); NULL when there is none. */
const struct cel_function *cel_function_next(struct text name, const struct cel_function *after);

/* Takes that much from what a run may take; false, and a too-large error in *out, when it runs out. */
bool cel_spend(struct cel_run *run, uint64_t amount, struct cel_value *out);

cel_call cel_call_add, cel_call_subtract, cel_call_multiply, cel_call_divide, cel_call_modulo, cel_call_negate;
cel_call cel_call_equal, cel_call_unequal, cel_call_less, cel_call_less_equal, cel_call_more, cel_call_more_equal;
cel_call cel_call_not, cel_call_index, cel_call_in, cel_call_size, cel_call_contains, cel_call_starts_with,
    cel_call_ends_with, cel_call_matches;
cel_call cel_call_bool, cel_call_int, cel_call_uint, cel_call_double, cel_call_string, cel_call_bytes, cel_call_type,
    cel_call_dyn, cel_call_timestamp, cel_call_duration;
cel_call cel_call_full_year, cel_call_month, cel_call_date, cel_call_day_of_month, cel_call_day_of_week,
    cel_call_day_of_year, cel_call_hours, cel_call_minutes, cel_call_seconds, cel_call_milliseconds;

/* RFC 3339 text of an instant; a duration as "1.5s". The arena's. */
struct text cel_instant_text(struct cel_instant instant, struct arena *arena);
struct text cel_duration_text(int64_t nanos, struct arena *arena);

/* False when malformed or out of range. */
bool cel_instant_parse(struct text text, struct cel_instant *out);
bool cel_duration_parse(struct text text, int64_t *out);

#endif
