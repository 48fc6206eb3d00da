#include "rules/cel/explain.h"

#include <assert.h>

#include "rules/cel/check.h"
#include "rules/cel/parse.h"
#include "rules/cel/program.h"

enum { TEXT_SHOWN = 80, VALUES_SHOWN = 10, VALUE_DEPTH = 3 };

/* ---- values as literals */

static struct text value_text(const struct cel_value *value, int depth, struct arena *arena);

static struct text list_text(const struct cel_value *list, int depth, struct arena *arena)
{
    struct text text = TEXT("[");
    for (uint32_t i = 0; i < list->count && i < VALUES_SHOWN; i++) {
        struct cel_value element;
        list->list.get(list->list.object, i, &element);
        struct text inner = value_text(&element, depth + 1, arena);
        text = arena_printf(arena, "%.*s%s%.*s", (int)text.len, text.at, i > 0 ? ", " : "", (int)inner.len, inner.at);
    }
    return arena_printf(arena, "%.*s%s]", (int)text.len, text.at, list->count > VALUES_SHOWN ? ", …" : "");
}

static struct text map_text(const struct cel_value *map, int depth, struct arena *arena)
{
    struct text text = TEXT("{");
    for (uint32_t i = 0; i < map->count && i < VALUES_SHOWN; i++) {
        struct cel_value key, value;
        map->map.get(map->map.object, i, &key, &value);
        struct text name = value_text(&key, depth + 1, arena), inner = value_text(&value, depth + 1, arena);
        text = arena_printf(arena, "%.*s%s%.*s: %.*s", (int)text.len, text.at, i > 0 ? ", " : "", (int)name.len,
                            name.at, (int)inner.len, inner.at);
    }
    return arena_printf(arena, "%.*s%s}", (int)text.len, text.at, map->count > VALUES_SHOWN ? ", …" : "");
}

static size_t shown_bytes(struct text text)
{
    size_t len = text.len <= TEXT_SHOWN ? text.len : TEXT_SHOWN;
    while (len < text.len && len > 0 && ((unsigned char)text.at[len] & 0xC0) == 0x80)
        len--;
    return len;
}

static struct text quoted(struct text text, const char *prefix, struct arena *arena)
{
    size_t len = shown_bytes(text);
    return arena_printf(arena, "%s\"%.*s%s\"", prefix, (int)len, len > 0 ? text.at : "", len < text.len ? "…" : "");
}

static struct text time_text(const char *what, struct text text, struct arena *arena)
{
    return arena_printf(arena, "%s(\"%.*s\")", what, (int)text.len, text.at);
}

static struct text value_text(const struct cel_value *value, int depth, struct arena *arena)
{
    struct text name;
    switch (value->kind) {
    case CEL_NULL:
        return TEXT("null");
    case CEL_BOOL:
        return value->boolean ? TEXT("true") : TEXT("false");
    case CEL_INT:
        return arena_printf(arena, "%lld", (long long)value->integer);
    case CEL_UINT:
        return arena_printf(arena, "%lluu", (unsigned long long)value->natural);
    case CEL_DOUBLE:
        return arena_printf(arena, "%.17g", value->real);
    case CEL_STRING:
        return quoted(value->text, "", arena);
    case CEL_BYTES:
        return arena_printf(arena, "%zu bytes", value->text.len);
    case CEL_TIMESTAMP:
        return time_text("timestamp", cel_instant_text(value->instant, arena), arena);
    case CEL_DURATION:
        return time_text("duration", cel_duration_text(value->nanos, arena), arena);
    case CEL_LIST:
        return depth < VALUE_DEPTH ? list_text(value, depth, arena) : TEXT("[…]");
    case CEL_MAP:
        return depth < VALUE_DEPTH ? map_text(value, depth, arena) : TEXT("{…}");
    case CEL_ERROR:
        return arena_printf(arena, "error: %s", cel_error_name(value->error));
    default:
        name = cel_type_name_of(value);
        return arena_printf(arena, "%.*s%s", (int)name.len, name.at, value->kind == CEL_OBJECT ? " {…}" : "");
    }
}

struct text cel_value_text(const struct cel_value *value, struct arena *arena)
{
    return value_text(value, 0, arena);
}

/* ---- parts */

struct explaining {
    const struct cel_program *program;
    struct cel_run run;
    struct arena *arena;
    struct cel_part *items;
    size_t count;
};

static void explain(struct explaining *explaining, const struct cel_node *node, int depth, int element);

/* What the node alone gives, with the macros' variables as they stand. */
static bool evaluate(struct explaining *explaining, const struct cel_node *node, struct cel_value *out)
{
    const struct cel_op *op = NULL;
    struct cel_fault fault;
    if (cel_plan(explaining->program->env, explaining->program->source, node, explaining->arena, &op, &fault))
        return false;
    explaining->run.left = explaining->program->allowance;
    cel_run_op(op, &explaining->run, out);
    return true;
}

static bool is_bare(const struct cel_node *node)
{
    return node->kind == CEL_NODE_CONSTANT || node->kind == CEL_NODE_IDENT || node->meaning == CEL_MEANS_CONSTANT;
}

static void add(struct explaining *explaining, const struct cel_node *node, const struct cel_value *value, int depth,
                int element)
{
    struct text source = explaining->program->source;
    assert(node->from <= node->end && node->end <= source.len);
    struct text text = value->kind == CEL_ERROR ? cel_error_text(explaining->program, value, explaining->arena)
                                                : cel_value_text(value, explaining->arena);
    explaining->items[explaining->count++] = (struct cel_part){
        .source = {source.at + node->from, node->end - node->from},
        .value =
            value->kind == CEL_ERROR ? arena_printf(explaining->arena, "error: %.*s", (int)text.len, text.at) : text,
        .depth = depth,
        .element = element};
}

/* What a macro asks, of each element of its range. */
static void explain_elements(struct explaining *explaining, const struct cel_node *fold, int depth)
{
    struct cel_value range, unused;
    if (!evaluate(explaining, fold->children[0], &range) || (range.kind != CEL_LIST && range.kind != CEL_MAP))
        return;
    for (uint32_t i = 0; i < range.count && i < CEL_ELEMENTS_SHOWN; i++) {
        struct cel_value *variable = &explaining->run.locals[fold->slot];
        if (range.kind == CEL_LIST)
            range.list.get(range.list.object, i, variable);
        else
            range.map.get(range.map.object, i, variable, &unused);
        for (size_t c = 1; c < fold->count; c++)
            explain(explaining, fold->children[c], depth, (int)i);
    }
}

static void explain(struct explaining *explaining, const struct cel_node *node, int depth, int element)
{
    struct cel_value value;
    if (explaining->count == CEL_PARTS_MAX || is_bare(node) || !evaluate(explaining, node, &value))
        return;
    add(explaining, node, &value, depth, element);
    for (size_t i = 0; i < (node->kind == CEL_NODE_FOLD ? 1 : node->count); i++)
        explain(explaining, node->children[i], depth + 1, -1);
    if (node->kind == CEL_NODE_FOLD)
        explain_elements(explaining, node, depth + 1);
}

void cel_explain(const struct cel_program *program, const struct cel_value *variables, struct arena *arena,
                 struct cel_parts *out)
{
    struct cel_node *root = NULL;
    struct cel_fault fault;
    struct explaining *explaining = arena_alloc(arena, sizeof *explaining);
    *out = (struct cel_parts){NULL, 0};
    explaining->program = program;
    explaining->arena = arena;
    explaining->items = arena_array(arena, CEL_PARTS_MAX, sizeof *explaining->items);
    explaining->run.variables = variables;
    explaining->run.arena = arena;
    explaining->run.env = program->env;
    if (cel_parse(program->source, !program->env->no_macros, arena, &root, &fault) ||
        cel_check(program->env, program->source, root, arena, &fault))
        return;
    explain(explaining, root, 0, -1);
    *out = (struct cel_parts){explaining->items, explaining->count};
}
