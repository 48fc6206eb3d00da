#ifndef POINTS_RULES_CEL_PROGRAM_H
#define POINTS_RULES_CEL_PROGRAM_H

#include "rules/cel/cel.h"
#include "rules/cel/run.h"

/* The form that is evaluated: a tree of operations, each with the function that performs it, so that nothing is looked
 * up or decided twice. */

struct cel_op;
struct cel_regex;

typedef void cel_op_run(const struct cel_op *op, struct cel_run *run, struct cel_value *out);

struct cel_op {
    cel_op_run *run;
    uint32_t at;   /* for errors */
    uint32_t slot; /* of a variable */
    uint32_t count;
    enum cel_fold fold;
    const struct cel_op *const *children;
    union {
        struct cel_value value; /* a constant; a key */
        struct {
            const struct cel_struct *object;
            const struct cel_field *field;
        };
        cel_call *call;
        const struct cel_regex *regex;
    };
};

struct cel_program {
    const struct cel_op *root;
    const struct cel_env *env;
    const struct cel_type *type;
    struct text source;
    uint64_t cost;
    uint64_t allowance;
};

static inline void cel_run_op(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    op->run(op, run, out);
}

cel_op_run cel_op_constant, cel_op_variable, cel_op_local, cel_op_field, cel_op_select, cel_op_has_field,
    cel_op_has_key, cel_op_call, cel_op_list, cel_op_map, cel_op_and, cel_op_or, cel_op_conditional, cel_op_matches,
    cel_op_equal, cel_op_unequal, cel_op_less, cel_op_less_equal, cel_op_more, cel_op_more_equal;

/* What the operation gives: where it stands already if it is a constant, a local or a variable without an error, else
 * in the room. */
static inline const struct cel_value *cel_operand(const struct cel_op *op, struct cel_run *run, struct cel_value *room)
{
    if (op->run == cel_op_constant)
        return &op->value;
    if (op->run == cel_op_local)
        return &run->locals[op->slot];
    if (op->run == cel_op_variable && run->variables[op->slot].kind != CEL_ERROR)
        return &run->variables[op->slot];
    cel_run_op(op, run, room);
    return room;
}

/* The macros: children[0] is the range. */
cel_op_run cel_op_all, cel_op_exists, cel_op_exists_one, cel_op_filter, cel_op_transform;

/* The checked tree as operations in the arena. ERR_PROGRAM with *fault: a constant that cannot be: a pattern that is
 * none, a zone that is unknown. */
enum err_code cel_plan(const struct cel_env *env, struct text source, const struct cel_node *root, struct arena *arena,
                       const struct cel_op **out, struct cel_fault *fault);

#endif
