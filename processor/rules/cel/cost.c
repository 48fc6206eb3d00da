#include "rules/cel/check.h"
#include "rules/cel/run.h"

/* Cost and size go together: a shape bounds how large a node's value can be, a cost how many steps it takes to get it.
 * All sums saturate. */

struct shape {
    uint64_t size;               /* bytes of a text, elements of a list or map */
    const struct shape *element; /* of a list; of a map, its values; NULL: as the type says */
    const struct shape *key;
};

struct costing {
    const struct cel_env *env;
    struct arena *arena;
    uint64_t cost;
    struct shape locals[CEL_LOCALS_MAX];
};

enum { SMALL = 64, TEXT_BOUND = 4096, LIST_BOUND = 1000 };

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static struct shape visit(struct costing *costing, const struct cel_node *node);

/* What the environment bounds a value of that type to; bound as of a field. */
static struct shape shape_of_type(const struct costing *costing, const struct cel_type *type, uint32_t bound)
{
    uint32_t texts = costing->env->text_bound ? costing->env->text_bound : TEXT_BOUND;
    uint32_t lists = costing->env->list_bound ? costing->env->list_bound : LIST_BOUND;
    if (type->kind == CEL_LIST || type->kind == CEL_MAP)
        return (struct shape){.size = bound ? bound : lists};
    if (type->kind == CEL_STRING || type->kind == CEL_BYTES)
        return (struct shape){.size = bound ? bound : texts};
    if (type->kind == CEL_DYN)
        return (struct shape){.size = texts > lists ? texts : lists};
    return (struct shape){.size = 1};
}

static struct shape element_shape(const struct costing *costing, const struct shape *shape, const struct cel_type *type)
{
    if (shape->element)
        return *shape->element;
    return shape_of_type(costing, type->element ? type->element : &cel_type_dyn, 0);
}

static struct shape key_shape(const struct costing *costing, const struct shape *shape, const struct cel_type *type)
{
    if (shape->key)
        return *shape->key;
    return shape_of_type(costing, type->key ? type->key : &cel_type_dyn, 0);
}

static const struct shape *keep(struct costing *costing, struct shape shape)
{
    struct shape *kept = arena_alloc(costing->arena, sizeof *kept);
    *kept = shape;
    return kept;
}

/* The larger in everything. Depth is bounded by the types' or literals'. */
static struct shape larger(struct costing *costing, struct shape a, struct shape b)
{
    struct shape result = {.size = a.size > b.size ? a.size : b.size};
    if (a.element && b.element)
        result.element = keep(costing, larger(costing, *a.element, *b.element));
    if (a.key && b.key)
        result.key = keep(costing, larger(costing, *a.key, *b.key));
    return result;
}

/* Steps to look at all of it: of nested values, their elements too. */
static uint64_t extent(const struct costing *costing, const struct shape *shape, const struct cel_type *type)
{
    if (type->kind != CEL_LIST && type->kind != CEL_MAP)
        return plus(shape->size, 1);
    struct shape element = element_shape(costing, shape, type);
    uint64_t each = extent(costing, &element, type->element ? type->element : &cel_type_dyn);
    return plus(times(shape->size, plus(each, 1)), 1);
}

static struct shape visit_children(struct costing *costing, const struct cel_node *node, size_t first, size_t step)
{
    struct shape most = {.size = 0};
    for (size_t i = first; i < node->count; i += step) {
        struct shape shape = visit(costing, node->children[i]);
        most = i == first ? shape : larger(costing, most, shape);
    }
    return most;
}

static struct shape visit_map(struct costing *costing, const struct cel_node *node)
{
    uint64_t count = node->count / 2;
    struct shape keys = visit_children(costing, node, 0, 2), values = visit_children(costing, node, 1, 2);
    costing->cost = plus(costing->cost, times(times(count, count), plus(keys.size, 1))); /* keys are compared */
    return (struct shape){.size = count, .element = keep(costing, values), .key = keep(costing, keys)};
}

static struct shape join_shapes(struct costing *costing, struct shape a, struct shape b)
{
    struct shape result = larger(costing, a, b);
    result.size = plus(a.size, b.size);
    return result;
}

/* Elements of a list, or keys of a map, each compared up to the shorter length. */
static uint64_t cost_of_members(const struct costing *costing, const struct cel_node *node, const struct shape *shapes)
{
    const struct cel_type *type = node->children[1]->type;
    bool is_map = type->kind == CEL_MAP;
    struct shape member = is_map ? key_shape(costing, &shapes[1], type) : element_shape(costing, &shapes[1], type);
    const struct cel_type *of = is_map ? type->key : type->element;
    uint64_t sought = extent(costing, &shapes[0], node->children[0]->type);
    uint64_t each = extent(costing, &member, of ? of : &cel_type_dyn);
    return plus(times(shapes[1].size, plus(sought < each ? sought : each, 1)), 1);
}

/* For matches: what a byte of the text may take, of the most that a pattern's program may be; and its memory. */
enum { PATTERN_STEPS = 200, PATTERN_MEMORY = 3000 };

static struct shape cost_of_call(struct costing *costing, const struct cel_node *node, const struct shape *shapes)
{
    const struct cel_function *function = node->function;
    uint64_t extents = 0, shorter = UINT64_MAX;
    struct shape result = shape_of_type(costing, node->type, 0);
    for (size_t i = 0; i < node->count; i++) {
        uint64_t last = extent(costing, &shapes[i], node->children[i]->type);
        extents = plus(extents, last);
        shorter = last < shorter ? last : shorter;
    }
    switch (function->costs) {
    case CEL_COSTS_ONE:
        return (struct shape){.size = SMALL};
    case CEL_COSTS_COPIES:
        costing->cost = plus(costing->cost, plus(extents, SMALL));
        result = shapes[0];
        result.size = result.size < SMALL ? SMALL : result.size;
        return result;
    case CEL_COSTS_JOINS:
        costing->cost = plus(costing->cost, plus(shapes[0].size, shapes[1].size));
        return join_shapes(costing, shapes[0], shapes[1]);
    case CEL_COSTS_ELEMENT:
        costing->cost = plus(costing->cost, node->children[0]->type->kind == CEL_LIST ? 1 : extents);
        return element_shape(costing, &shapes[0], node->children[0]->type);
    case CEL_COSTS_PRODUCT:
        costing->cost = plus(costing->cost, plus(times(plus(shapes[0].size, 1), PATTERN_STEPS), PATTERN_MEMORY));
        return (struct shape){.size = 1};
    case CEL_COSTS_SHORTER:
        costing->cost = plus(costing->cost, shorter);
        break;
    case CEL_COSTS_MEMBERS:
        costing->cost = plus(costing->cost, cost_of_members(costing, node, shapes));
        break;
    case CEL_COSTS_SIZES:
        costing->cost = plus(costing->cost, extents);
    }
    return result;
}

static struct shape visit_call(struct costing *costing, const struct cel_node *node)
{
    struct shape shapes[CEL_ARGUMENTS_MAX];
    if (!node->function) {
        for (size_t i = 0; i < node->count; i++)
            visit(costing, node->children[i]);
        return (struct shape){.size = 1};
    }
    for (size_t i = 0; i < node->count; i++)
        shapes[i] = visit(costing, node->children[i]);
    return cost_of_call(costing, node, shapes);
}

/* What one turn costs, times the turns. */
static struct shape visit_fold(struct costing *costing, const struct cel_node *node)
{
    const struct cel_type *type = node->children[0]->type;
    struct shape range = visit(costing, node->children[0]);
    bool is_map = type->kind == CEL_MAP;
    struct shape element = is_map ? key_shape(costing, &range, type) : element_shape(costing, &range, type);
    struct shape last = {.size = 1};
    uint64_t before = costing->cost;
    costing->locals[node->slot] = element;
    costing->cost = 2;
    for (size_t i = 1; i < node->count; i++)
        last = visit(costing, node->children[i]);
    costing->cost = plus(before, times(range.size, costing->cost));
    if (node->fold == CEL_FOLD_FILTER)
        return (struct shape){.size = range.size, .element = keep(costing, element)};
    if (node->fold == CEL_FOLD_MAP)
        return (struct shape){.size = range.size, .element = keep(costing, last)};
    return (struct shape){.size = 1};
}

static struct shape visit_constant(struct costing *costing, const struct cel_node *node)
{
    bool text = node->value.kind == CEL_STRING || node->value.kind == CEL_BYTES;
    (void)costing;
    return (struct shape){.size = text ? node->value.text.len : 1};
}

static struct shape visit_select(struct costing *costing, const struct cel_node *node)
{
    struct shape shape = visit(costing, node->children[0]);
    if (node->field)
        return shape_of_type(costing, node->type, node->bound);
    costing->cost = plus(costing->cost, shape.size);
    return element_shape(costing, &shape, node->children[0]->type);
}

static struct shape visit_by_kind(struct costing *costing, const struct cel_node *node)
{
    struct shape a, b;
    switch (node->kind) {
    case CEL_NODE_SELECT:
        return visit_select(costing, node);
    case CEL_NODE_HAS:
        visit_select(costing, node);
        return (struct shape){.size = 1};
    case CEL_NODE_CALL:
        return visit_call(costing, node);
    case CEL_NODE_LIST:
        a = visit_children(costing, node, 0, 1);
        return (struct shape){.size = node->count, .element = keep(costing, a)};
    case CEL_NODE_MAP:
        return visit_map(costing, node);
    case CEL_NODE_FOLD:
        return visit_fold(costing, node);
    case CEL_NODE_CONDITIONAL:
        visit(costing, node->children[0]);
        a = visit(costing, node->children[1]);
        b = visit(costing, node->children[2]);
        return larger(costing, a, b);
    default:
        return visit_children(costing, node, 0, 1);
    }
}

static struct shape visit(struct costing *costing, const struct cel_node *node)
{
    costing->cost = plus(costing->cost, 1);
    switch (node->meaning) {
    case CEL_MEANS_CONSTANT:
        return visit_constant(costing, node);
    case CEL_MEANS_VARIABLE:
        return shape_of_type(costing, node->type, node->bound);
    case CEL_MEANS_LOCAL:
        return costing->locals[node->slot];
    default:
        return visit_by_kind(costing, node);
    }
}

uint64_t cel_cost(const struct cel_env *env, const struct cel_node *root, struct arena *arena)
{
    struct costing costing = {.env = env, .arena = arena};
    struct shape result = visit(&costing, root);
    return plus(costing.cost, extent(&costing, &result, root->type));
}
