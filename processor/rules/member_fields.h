#ifndef POINTS_RULES_MEMBER_FIELDS_H
#define POINTS_RULES_MEMBER_FIELDS_H

#include "rules/cel/type.h"
#include "rules/program_model.h"
#include "rules/state.h"

/* The member as conditions see it, by what was in force at the time of what is decided: zone (the program's where the
 * member's is not known), language, birthday, segments, consent, chosen_currency, attributes, tier (empty: none).
 * Nothing is decoded before a field is read. */

struct member_view {
    const struct program *program;
    const struct member_state *state;
    struct scratch *scratch;
    int64_t at;                /* µs UTC */
    struct text tier;          /* held before what is decided */
    bool opened;               /* known is filled */
    struct member_event known; /* in force at that time */
};

/* Constant. */
extern const struct cel_type member_fields_type;

/* A view of the view, which outlives it and is not moved. */
struct cel_value member_fields_value(struct member_view *view);

/* The program as conditions see it: its zone. */
extern const struct cel_type program_fields_type;
struct cel_value program_fields_value(const struct program *program);

#endif
