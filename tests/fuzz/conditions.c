#include <stdlib.h>

#include "rules/cel/check.h"
#include "rules/cel/parse.h"
#include "rules/event_fields.h"
#include "walk.h"

/* First byte: whether the check is strict, usual or lenient. The rest: a condition. What compiles must evaluate within
 * its bound, and to what walking its tree gives, where the walk knows every part. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct order_line lines[] = {
    {.sku = {"a", 1}, .category = {"tea", 3}, .quantity = 2, .unit_price = 1000},
    {.sku = {"b", 1}, .category = {"coffee", 6}, .quantity = 1, .unit_price = 999, .discount = 99},
};

static bool alike(const struct cel_value *a, const struct cel_value *b)
{
    if (a->kind != b->kind || a->kind == CEL_ERROR)
        return a->kind == b->kind;
    if (a->kind == CEL_DOUBLE && a->real != a->real)
        return b->real != b->real;
    for (size_t i = 0; a->kind == CEL_LIST && i < a->count; i++) {
        struct cel_value left, right;
        if (b->count != a->count)
            return false;
        a->list.get(a->list.object, i, &left);
        b->list.get(b->list.object, i, &right);
        if (!alike(&left, &right))
            return false;
    }
    return a->kind == CEL_LIST ? a->count == b->count : a->kind > CEL_STRING || cel_equal(a, b);
}

static void compare(const struct cel_env *env, struct text source, const struct cel_value *variables,
                    const struct cel_value *result, struct arena *arena)
{
    struct walk state = {.variables = variables, .arena = arena, .left = 100000};
    struct cel_node *root;
    struct cel_fault fault;
    struct cel_value walked;
    if (cel_parse(source, true, arena, &root, &fault) || cel_check(env, source, root, arena, &fault))
        abort();
    bool ran_out = result->kind == CEL_ERROR && result->error == CEL_TOO_LARGE;
    if (walk(&state, root, &walked) && !ran_out && !alike(result, &walked))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    struct event event = {
        .type = EVENT_ORDER, .kind = ORDER_PAID, .order = {.currency = TEXT("EUR"), .lines = lines, .line_count = 2}};
    struct cel_variable names[] = {
        {"event", event_fields_type(EVENT_ORDER), 0}, {"n", &cel_type_int, 0}, {"s", &cel_type_string, 0}};
    struct cel_value variables[] = {event_fields_value(&event), cel_int(3), cel_string(TEXT("tea"))}, result;
    struct cel_env env = {
        .variables = names, .variable_count = 3, .cost_max = 100000, .list_bound = 4, .text_bound = 64};
    struct cel_program *program;
    struct cel_fault fault;
    if (size == 0)
        return 0;
    if (!arena)
        arena = arena_new(1 << 20);
    arena_reset(arena);
    env.strict = data[0] % 3 == 1;
    env.lenient = data[0] % 3 == 2;
    struct text source = {(const char *)data + 1, size - 1};
    if (cel_compile(&env, source, arena, &program, &fault)) {
        if (fault.line < 1 || fault.column < 1 || fault.message.len == 0)
            abort();
        return 0;
    }
    size_t before = arena_used(arena);
    cel_eval(program, variables, arena, &result);
    if (arena_used(arena) - before > 64 * 1024 * 1024)
        abort();
    compare(&env, source, variables, &result, arena);
    return 0;
}
