#include "decode/schema.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

struct parser {
    struct schema *schema;
    struct err *err;
};

static const struct text primitives[NODE_PRIMITIVE_COUNT] = {
    [NODE_NULL] = {"null", 4},   [NODE_BOOLEAN] = {"boolean", 7}, [NODE_INT] = {"int", 3},
    [NODE_LONG] = {"long", 4},   [NODE_FLOAT] = {"float", 5},     [NODE_DOUBLE] = {"double", 6},
    [NODE_BYTES] = {"bytes", 5}, [NODE_STRING] = {"string", 6},
};

static enum err_code parse_type(struct parser *parser, const json_t *json, struct text space, uint32_t *out);

#define REFUSE(parser, ...) err_set((parser)->err, ERR_BAD_SCHEMA, __VA_ARGS__)

static struct text json_text(const json_t *json)
{
    return json_is_string(json) ? (struct text){json_string_value(json), json_string_length(json)} : (struct text){0};
}

static enum err_code add_node(struct parser *parser, enum node_type type, uint32_t *out)
{
    struct schema *schema = parser->schema;
    if (schema->node_count == SCHEMA_NODES_MAX)
        return REFUSE(parser, "more than %d types", SCHEMA_NODES_MAX);
    schema->nodes[schema->node_count] = (struct schema_node){.type = type};
    *out = schema->node_count++;
    return ERR_NONE;
}

/* Adjacent parts, to be filled in by the caller: types nested in them take theirs from behind. */
static enum err_code add_parts(struct parser *parser, size_t count, uint32_t node)
{
    struct schema *schema = parser->schema;
    if (count > SCHEMA_PARTS_MAX - schema->part_count)
        return REFUSE(parser, "more than %d fields, symbols and branches", SCHEMA_PARTS_MAX);
    schema->nodes[node].first = schema->part_count;
    schema->nodes[node].count = (uint32_t)count;
    memset(schema->parts + schema->part_count, 0, count * sizeof *schema->parts);
    schema->part_count += (uint32_t)count;
    return ERR_NONE;
}

static struct schema_part *part_at(struct parser *parser, uint32_t node, size_t index)
{
    assert(index < parser->schema->nodes[node].count);
    return &parser->schema->parts[parser->schema->nodes[node].first + index];
}

/* [A-Za-z_][A-Za-z0-9_]*, with dots between such where `dotted`. */
static bool is_name(struct text name, bool dotted)
{
    bool begins = true;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool digit = c >= '0' && c <= '9';
        if (dotted && c == '.' && !begins)
            begins = true;
        else if (letter || (digit && !begins))
            begins = false;
        else
            return false;
    }
    return name.len > 0 && !begins;
}

static struct text space_of(struct text full_name)
{
    struct text last = schema_short_name(full_name);
    return last.len == full_name.len ? (struct text){0} : (struct text){full_name.at, full_name.len - last.len - 1};
}

static struct text qualify(struct parser *parser, struct text name, struct text space)
{
    if (space.len == 0 || memchr(name.at, '.', name.len))
        return arena_text(parser->schema->arena, name);
    return arena_printf(parser->schema->arena, "%.*s.%.*s", (int)space.len, space.at, (int)name.len, name.at);
}

static bool find_named(const struct schema *schema, struct text full_name, uint32_t *out)
{
    for (uint32_t i = NODE_PRIMITIVE_COUNT; i < schema->node_count; i++)
        if (schema->nodes[i].name.len && text_equal(schema->nodes[i].name, full_name)) {
            *out = i;
            return true;
        }
    return false;
}

/* A type given by its name alone: a primitive, or one defined before. */
static enum err_code parse_reference(struct parser *parser, struct text name, struct text space, uint32_t *out)
{
    for (uint32_t i = 0; i < NODE_PRIMITIVE_COUNT; i++)
        if (text_equal(primitives[i], name)) {
            *out = i;
            return ERR_NONE;
        }
    if (!is_name(name, true))
        return REFUSE(parser, "a type's name is malformed");
    if (!find_named(parser->schema, qualify(parser, name, space), out))
        return REFUSE(parser, "no type %.*s", (int)name.len, name.at);
    return ERR_NONE;
}

/* Makes the node of a record, enum or fixed, under its full name, before what it is made of: it may name itself. */
static enum err_code add_named(struct parser *parser, const json_t *json, enum node_type type, struct text space,
                               uint32_t *out)
{
    struct text name = json_text(json_object_get(json, "name"));
    const json_t *own_space = json_object_get(json, "namespace");
    if (!is_name(name, true))
        return REFUSE(parser, "a type has no name, or a malformed one");
    if (own_space)
        space = json_text(own_space);
    if (space.len && !is_name(space, true))
        return REFUSE(parser, "the namespace of %.*s is malformed", (int)name.len, name.at);
    struct text full_name = qualify(parser, name, space);
    uint32_t other;
    if (find_named(parser->schema, full_name, &other))
        return REFUSE(parser, "%.*s is defined twice", (int)full_name.len, full_name.at);
    enum err_code code = add_node(parser, type, out);
    if (!code)
        parser->schema->nodes[*out].name = full_name;
    return code;
}

/* The name of the index-th part; refuses a name that an earlier part has. */
static enum err_code name_part(struct parser *parser, uint32_t node, size_t index, struct text name)
{
    struct text of = parser->schema->nodes[node].name;
    if (!is_name(name, false))
        return REFUSE(parser, "%.*s has a part without a name, or with a malformed one", (int)of.len, of.at);
    for (size_t i = 0; i < index; i++)
        if (text_equal(part_at(parser, node, i)->name, name))
            return REFUSE(parser, "%.*s has %.*s twice", (int)of.len, of.at, (int)name.len, name.at);
    part_at(parser, node, index)->name = arena_text(parser->schema->arena, name);
    return ERR_NONE;
}

static enum err_code parse_field(struct parser *parser, const json_t *json, uint32_t record, size_t index)
{
    struct text space = space_of(parser->schema->nodes[record].name);
    uint32_t type;
    enum err_code code = name_part(parser, record, index, json_text(json_object_get(json, "name")));
    if (code)
        return code;
    if ((code = parse_type(parser, json_object_get(json, "type"), space, &type)))
        return code;
    part_at(parser, record, index)->node = type;
    part_at(parser, record, index)->has_default = json_object_get(json, "default") != NULL;
    return ERR_NONE;
}

static enum err_code parse_record(struct parser *parser, const json_t *json, struct text space, uint32_t *out)
{
    const json_t *fields = json_object_get(json, "fields");
    enum err_code code = add_named(parser, json, NODE_RECORD, space, out);
    if (code)
        return code;
    if (!json_is_array(fields))
        return REFUSE(parser, "a record has no fields");
    code = add_parts(parser, json_array_size(fields), *out);
    for (size_t i = 0; !code && i < json_array_size(fields); i++)
        code = parse_field(parser, json_array_get(fields, i), *out, i);
    return code;
}

static enum err_code parse_enum(struct parser *parser, const json_t *json, struct text space, uint32_t *out)
{
    const json_t *symbols = json_object_get(json, "symbols");
    struct text fallback = json_text(json_object_get(json, "default"));
    enum err_code code = add_named(parser, json, NODE_ENUM, space, out);
    if (code)
        return code;
    if (json_array_size(symbols) == 0)
        return REFUSE(parser, "an enum has no symbols");
    if ((code = add_parts(parser, json_array_size(symbols), *out)))
        return code;
    struct schema_node *node = &parser->schema->nodes[*out];
    node->fallback = node->count;
    for (uint32_t i = 0; !code && i < node->count; i++) {
        struct text symbol = json_text(json_array_get(symbols, i));
        code = name_part(parser, *out, i, symbol);
        if (text_equal(symbol, fallback))
            node->fallback = i;
    }
    if (!code && fallback.len && node->fallback == node->count)
        return REFUSE(parser, "the default of an enum is none of its symbols");
    return code;
}

static enum err_code parse_fixed(struct parser *parser, const json_t *json, struct text space, uint32_t *out)
{
    const json_t *size = json_object_get(json, "size");
    enum err_code code = add_named(parser, json, NODE_FIXED, space, out);
    if (code)
        return code;
    if (!json_is_integer(size) || json_integer_value(size) < 0 || json_integer_value(size) > INT32_MAX)
        return REFUSE(parser, "a fixed type has no size, or an impossible one");
    parser->schema->nodes[*out].size = (uint32_t)json_integer_value(size);
    return ERR_NONE;
}

static enum err_code parse_list(struct parser *parser, const json_t *items, enum node_type type, struct text space,
                                uint32_t *out)
{
    uint32_t item;
    enum err_code code = add_node(parser, type, out);
    if (code || (code = add_parts(parser, 1, *out)) || (code = parse_type(parser, items, space, &item)))
        return code;
    part_at(parser, *out, 0)->node = item;
    return ERR_NONE;
}

/* Whether two branches could not be told apart: the same type, or of unnamed types the same sort. */
static bool same_branch(const struct schema *schema, uint32_t a, uint32_t b)
{
    return a == b || (schema->nodes[a].type == schema->nodes[b].type && schema->nodes[a].name.len == 0);
}

static enum err_code parse_union(struct parser *parser, const json_t *json, struct text space, uint32_t *out)
{
    enum err_code code = add_node(parser, NODE_UNION, out);
    if (code || (code = add_parts(parser, json_array_size(json), *out)))
        return code;
    if (json_array_size(json) == 0)
        return REFUSE(parser, "a union has no branches");
    for (size_t i = 0; i < json_array_size(json); i++) {
        uint32_t branch;
        if ((code = parse_type(parser, json_array_get(json, i), space, &branch)))
            return code;
        if (parser->schema->nodes[branch].type == NODE_UNION)
            return REFUSE(parser, "a union stands directly in a union");
        for (size_t j = 0; j < i; j++)
            if (same_branch(parser->schema, part_at(parser, *out, j)->node, branch))
                return REFUSE(parser, "a union has the same type twice");
        part_at(parser, *out, i)->node = branch;
    }
    return ERR_NONE;
}

static enum err_code parse_object(struct parser *parser, const json_t *json, struct text space, uint32_t *out)
{
    struct text type = json_text(json_object_get(json, "type"));
    if (text_equal(type, TEXT("record")) || text_equal(type, TEXT("error")))
        return parse_record(parser, json, space, out);
    if (text_equal(type, TEXT("enum")))
        return parse_enum(parser, json, space, out);
    if (text_equal(type, TEXT("fixed")))
        return parse_fixed(parser, json, space, out);
    if (text_equal(type, TEXT("array")))
        return parse_list(parser, json_object_get(json, "items"), NODE_ARRAY, space, out);
    if (text_equal(type, TEXT("map")))
        return parse_list(parser, json_object_get(json, "values"), NODE_MAP, space, out);
    return parse_reference(parser, type, space, out);
}

/* Recursion is bounded by the nesting of the text, which is bounded before. */
static enum err_code parse_type(struct parser *parser, const json_t *json, struct text space, uint32_t *out)
{
    if (json_is_string(json))
        return parse_reference(parser, json_text(json), space, out);
    if (json_is_array(json))
        return parse_union(parser, json, space, out);
    if (json_is_object(json))
        return parse_object(parser, json, space, out);
    return REFUSE(parser, "a type is missing");
}

/* The JSON parser recurses, so its input's nesting is measured first. */
static enum err_code check_text(struct text json, struct err *err)
{
    size_t depth = 0;
    bool quoted = false;
    if (json.len > SCHEMA_BYTES_MAX)
        return err_set(err, ERR_BAD_SCHEMA, "%zu bytes; the most is %d", json.len, SCHEMA_BYTES_MAX);
    for (size_t i = 0; i < json.len; i++) {
        char c = json.at[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted)
            i += c == '\\';
        else if ((c == '{' || c == '[') && ++depth > SCHEMA_DEPTH_MAX)
            return err_set(err, ERR_BAD_SCHEMA, "nested deeper than %d", SCHEMA_DEPTH_MAX);
        else if ((c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return ERR_NONE;
}

static uint32_t add_least(uint32_t a, uint32_t b)
{
    uint32_t sum;
    return __builtin_add_overflow(a, b, &sum) ? SCHEMA_ENDLESS : sum;
}

/* The node's fewest bytes, given those of its parts so far. */
static uint32_t least_of(const struct schema *schema, const struct schema_node *node)
{
    static const uint32_t primitive[NODE_PRIMITIVE_COUNT] = {0, 1, 1, 1, 4, 8, 1, 1};
    uint32_t sum = 0;
    uint32_t shortest = SCHEMA_ENDLESS;
    if (node->type < NODE_PRIMITIVE_COUNT)
        return primitive[node->type];
    if (node->type == NODE_FIXED)
        return node->size;
    if (node->type != NODE_RECORD && node->type != NODE_UNION)
        return 1;
    for (uint32_t i = 0; i < node->count; i++) {
        uint32_t least = schema->nodes[schema_parts(schema, node)[i].node].least;
        sum = add_least(sum, least);
        shortest = least < shortest ? least : shortest;
    }
    return node->type == NODE_RECORD ? sum : add_least(shortest, 1);
}

/* Types may name each other in circles, so the least sizes are lowered until they stand. */
static enum err_code measure(struct schema *schema, struct err *err)
{
    bool changed = true;
    for (uint32_t i = 0; i < schema->node_count; i++)
        schema->nodes[i].least = SCHEMA_ENDLESS;
    while (changed) {
        changed = false;
        for (uint32_t i = schema->node_count; i-- > 0;) {
            uint32_t least = least_of(schema, &schema->nodes[i]);
            changed = changed || least != schema->nodes[i].least;
            schema->nodes[i].least = least;
        }
    }
    if (schema_root(schema)->least == SCHEMA_ENDLESS)
        return err_set(err, ERR_BAD_SCHEMA, "no value of the schema is finite");
    return ERR_NONE;
}

static enum err_code build(struct schema *schema, const json_t *json, struct err *err)
{
    struct parser parser = {schema, err};
    for (uint32_t i = 0; i < NODE_PRIMITIVE_COUNT; i++)
        schema->nodes[schema->node_count++] = (struct schema_node){.type = (enum node_type)i};
    enum err_code code = parse_type(&parser, json, (struct text){0}, &schema->root);
    if (code || (code = measure(schema, err)))
        return code;
    struct arena *scratch = arena_new(0);
    schema->fingerprint = schema_rabin(schema_canonical(schema, scratch));
    arena_free(scratch);
    return ERR_NONE;
}

/* Gives back the room that the tables did not need. */
static void trim(struct schema *schema)
{
    void *nodes = realloc(schema->nodes, schema->node_count * sizeof *schema->nodes);
    void *parts = realloc(schema->parts, (schema->part_count + 1) * sizeof *schema->parts);
    if (!nodes || !parts)
        abort();
    schema->nodes = nodes;
    schema->parts = parts;
}

enum err_code schema_parse(struct text json, struct schema **out, struct err *err)
{
    json_error_t problem;
    enum err_code code = check_text(json, err);
    if (code)
        return code;
    json_t *parsed = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (!parsed)
        return err_set(err, ERR_BAD_SCHEMA, "line %d: %s", problem.line, problem.text);
    struct schema *schema = calloc(1, sizeof *schema);
    if (!schema || !(schema->nodes = malloc(SCHEMA_NODES_MAX * sizeof *schema->nodes)) ||
        !(schema->parts = malloc(SCHEMA_PARTS_MAX * sizeof *schema->parts)))
        abort();
    schema->arena = arena_new(0);
    code = build(schema, parsed, err);
    json_decref(parsed);
    if (code) {
        schema_free(schema);
        return code;
    }
    trim(schema);
    *out = schema;
    return ERR_NONE;
}

struct schema *schema_free(struct schema *schema)
{
    if (!schema)
        return NULL;
    arena_free(schema->arena);
    free(schema->nodes);
    free(schema->parts);
    free(schema);
    return NULL;
}

struct text schema_short_name(struct text full_name)
{
    const char *dot = full_name.len ? memrchr(full_name.at, '.', full_name.len) : NULL;
    if (!dot)
        return full_name;
    return (struct text){dot + 1, (size_t)(full_name.at + full_name.len - dot - 1)};
}

const struct schema_part *schema_part_named(const struct schema *schema, const struct schema_node *node,
                                            struct text name)
{
    for (uint32_t i = 0; i < node->count; i++)
        if (text_equal(schema_parts(schema, node)[i].name, name))
            return &schema_parts(schema, node)[i];
    return NULL;
}
