#include <assert.h>

#include "rules/cel/parse.h"
#include "rules/cel/program.h"
#include "rules/cel/regex.h"

struct planner {
    const struct cel_env *env;
    struct text source;
    struct arena *arena;
    struct cel_fault *fault;
    bool failed;
};

static const struct cel_op *plan(struct planner *planner, const struct cel_node *node);

static struct cel_op *new_op(struct planner *planner, cel_op_run *run, const struct cel_node *node)
{
    struct cel_op *op = arena_alloc(planner->arena, sizeof *op);
    op->run = run;
    op->at = node->at;
    op->slot = node->slot;
    return op;
}

static const struct cel_op *constant(struct planner *planner, const struct cel_node *node, struct cel_value value)
{
    struct cel_op *op = new_op(planner, cel_op_constant, node);
    op->value = value;
    return op;
}

static struct cel_op *with_children(struct planner *planner, cel_op_run *run, const struct cel_node *node)
{
    struct cel_op *op = new_op(planner, run, node);
    const struct cel_op **children = arena_array(planner->arena, node->count, sizeof(const struct cel_op *));
    for (size_t i = 0; i < node->count; i++)
        children[i] = plan(planner, node->children[i]);
    op->children = children;
    op->count = (uint32_t)node->count;
    return op;
}

static bool is_constant(const struct cel_op *op)
{
    return op->run == cel_op_constant;
}

static bool all_constant(const struct cel_op *op)
{
    for (size_t i = 0; i < op->count; i++)
        if (!is_constant(op->children[i]))
            return false;
    return true;
}

/* What depends on constants alone is computed now; but an error is left to happen when it is asked for. */
static const struct cel_op *folded(struct planner *planner, const struct cel_node *node, struct cel_op *op)
{
    struct cel_value value;
    if (!all_constant(op))
        return op;
    struct cel_run run = {.arena = planner->arena, .env = planner->env, .left = 4 * CEL_SOURCE_MAX};
    cel_run_op(op, &run, &value);
    return value.kind == CEL_ERROR ? op : constant(planner, node, value);
}

static void fail(struct planner *planner, uint32_t at, struct text message)
{
    if (!planner->failed)
        cel_fault_at(planner->source, at, message, planner->fault);
    planner->failed = true;
}

static const struct cel_op *plan_matches(struct planner *planner, struct cel_op *op)
{
    struct cel_regex *regex;
    const char *wrong;
    if (!is_constant(op->children[1]) || op->children[1]->value.kind != CEL_STRING)
        return op;
    if (cel_regex_compile(op->children[1]->value.text, planner->arena, &regex, &wrong)) {
        op->run = cel_op_matches;
        op->regex = regex;
    } else if (!planner->env->lenient) {
        fail(planner, op->children[1]->at, text_of(wrong));
    }
    return op;
}

/* A getter's zone, when it is a constant, must be known now. */
static void check_zone(struct planner *planner, const struct cel_op *op)
{
    struct cel_run run = {.arena = planner->arena, .env = planner->env, .left = 1000};
    struct cel_value arguments[CEL_ARGUMENTS_MAX] = {cel_timestamp(0, 0), op->children[1]->value}, out;
    op->call(&run, arguments, &out);
    if (out.kind == CEL_ERROR && out.error == CEL_BAD_ZONE && !planner->env->lenient)
        fail(planner, op->children[1]->at, TEXT("unknown time zone"));
}

static const struct cel_op *plan_call(struct planner *planner, const struct cel_node *node)
{
    static const struct {
        cel_call *call;
        cel_op_run *run;
    } short_ways[] = {{cel_call_equal, cel_op_equal}, {cel_call_unequal, cel_op_unequal},
                      {cel_call_less, cel_op_less},   {cel_call_less_equal, cel_op_less_equal},
                      {cel_call_more, cel_op_more},   {cel_call_more_equal, cel_op_more_equal}};
    assert(node->count <= CEL_ARGUMENTS_MAX);
    struct cel_op *op = with_children(planner, cel_op_call, node);
    op->call = node->function->call;
    bool getter = node->member && node->count == 2 && node->function->signatures[0].arguments[0] == CEL_TIMESTAMP;
    if (getter && is_constant(op->children[1]))
        check_zone(planner, op);
    for (size_t i = 0; i < sizeof short_ways / sizeof *short_ways; i++)
        if (op->call == short_ways[i].call)
            op->run = short_ways[i].run;
    if (op->call == cel_call_matches && !all_constant(op))
        return plan_matches(planner, op);
    if (op->call == cel_call_matches)
        plan_matches(planner, op);
    return planner->failed ? op : folded(planner, node, op);
}

static const struct cel_op *plan_selection(struct planner *planner, const struct cel_node *node, bool has)
{
    struct cel_op *op = with_children(planner, has ? cel_op_has_key : cel_op_select, node);
    if (node->field) {
        op->run = has ? cel_op_has_field : cel_op_field;
        op->object = node->children[0]->type->object;
        op->field = node->field;
    } else {
        op->value = cel_string(node->name);
    }
    return op;
}

static const struct cel_op *plan_fold(struct planner *planner, const struct cel_node *node)
{
    static cel_op_run *const runs[] = {
        [CEL_FOLD_ALL] = cel_op_all,       [CEL_FOLD_EXISTS] = cel_op_exists, [CEL_FOLD_EXISTS_ONE] = cel_op_exists_one,
        [CEL_FOLD_FILTER] = cel_op_filter, [CEL_FOLD_MAP] = cel_op_transform,
    };
    return with_children(planner, runs[node->fold], node);
}

static const struct cel_op *plan_by_kind(struct planner *planner, const struct cel_node *node)
{
    switch (node->kind) {
    case CEL_NODE_SELECT:
        return plan_selection(planner, node, false);
    case CEL_NODE_HAS:
        return plan_selection(planner, node, true);
    case CEL_NODE_CALL:
        return plan_call(planner, node);
    case CEL_NODE_LIST:
        return folded(planner, node, with_children(planner, cel_op_list, node));
    case CEL_NODE_MAP:
        return folded(planner, node, with_children(planner, cel_op_map, node));
    case CEL_NODE_STRUCT:
        return plan(planner, node->children[0]);
    case CEL_NODE_FOLD:
        return plan_fold(planner, node);
    case CEL_NODE_AND:
        return with_children(planner, cel_op_and, node);
    case CEL_NODE_OR:
        return with_children(planner, cel_op_or, node);
    case CEL_NODE_CONDITIONAL:
        return with_children(planner, cel_op_conditional, node);
    case CEL_NODE_CONSTANT:
    case CEL_NODE_IDENT:
        break;
    }
    return constant(planner, node, node->value);
}

static const struct cel_op *plan(struct planner *planner, const struct cel_node *node)
{
    bool complained = node->value.kind == CEL_ERROR && node->meaning == CEL_MEANS_NOTHING;
    if (node->meaning == CEL_MEANS_VARIABLE)
        return new_op(planner, cel_op_variable, node);
    if (node->meaning == CEL_MEANS_LOCAL)
        return new_op(planner, cel_op_local, node);
    if (node->meaning == CEL_MEANS_CONSTANT)
        return constant(planner, node, node->value);
    return complained ? constant(planner, node, node->value) : plan_by_kind(planner, node);
}

enum err_code cel_plan(const struct cel_env *env, struct text source, const struct cel_node *root, struct arena *arena,
                       const struct cel_op **out, struct cel_fault *fault)
{
    struct planner planner = {env, source, arena, fault, false};
    const struct cel_op *op = plan(&planner, root);
    if (planner.failed)
        return ERR_PROGRAM;
    *out = op;
    return ERR_NONE;
}
