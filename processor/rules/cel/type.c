#include "rules/cel/type.h"

#include <assert.h>

const struct cel_type cel_type_null = {.kind = CEL_NULL}, cel_type_bool = {.kind = CEL_BOOL},
                      cel_type_int = {.kind = CEL_INT}, cel_type_uint = {.kind = CEL_UINT},
                      cel_type_double = {.kind = CEL_DOUBLE}, cel_type_string = {.kind = CEL_STRING},
                      cel_type_bytes = {.kind = CEL_BYTES}, cel_type_timestamp = {.kind = CEL_TIMESTAMP},
                      cel_type_duration = {.kind = CEL_DURATION}, cel_type_type = {.kind = CEL_TYPE},
                      cel_type_dyn = {.kind = CEL_DYN}, cel_type_never = {.kind = CEL_NEVER},
                      cel_type_list_dyn = {.kind = CEL_LIST, .element = &cel_type_dyn},
                      cel_type_map_dyn = {.kind = CEL_MAP, .key = &cel_type_dyn, .element = &cel_type_dyn},
                      cel_type_list_string = {.kind = CEL_LIST, .element = &cel_type_string},
                      cel_type_map_string = {.kind = CEL_MAP, .key = &cel_type_string, .element = &cel_type_string};

const struct cel_type *cel_type_of_kind(enum cel_kind kind)
{
    static const struct cel_type *const types[] = {
        [CEL_NULL] = &cel_type_null,     [CEL_BOOL] = &cel_type_bool,           [CEL_INT] = &cel_type_int,
        [CEL_UINT] = &cel_type_uint,     [CEL_DOUBLE] = &cel_type_double,       [CEL_STRING] = &cel_type_string,
        [CEL_BYTES] = &cel_type_bytes,   [CEL_TIMESTAMP] = &cel_type_timestamp, [CEL_DURATION] = &cel_type_duration,
        [CEL_LIST] = &cel_type_list_dyn, [CEL_MAP] = &cel_type_map_dyn,         [CEL_OBJECT] = &cel_type_dyn,
        [CEL_TYPE] = &cel_type_type,     [CEL_ERROR] = &cel_type_dyn,           [CEL_DYN] = &cel_type_dyn,
        [CEL_NEVER] = &cel_type_never,
    };
    assert((unsigned)kind < sizeof types / sizeof *types);
    return types[kind];
}

const struct cel_type *cel_list_type(struct arena *arena, const struct cel_type *element)
{
    struct cel_type *type = arena_alloc(arena, sizeof *type);
    *type = (struct cel_type){.kind = CEL_LIST, .element = element};
    return type;
}

const struct cel_type *cel_map_type(struct arena *arena, const struct cel_type *key, const struct cel_type *value)
{
    struct cel_type *type = arena_alloc(arena, sizeof *type);
    *type = (struct cel_type){.kind = CEL_MAP, .key = key, .element = value};
    return type;
}

const char *cel_kind_name(enum cel_kind kind)
{
    static const char *const names[] = {
        [CEL_NULL] = "null_type",
        [CEL_BOOL] = "bool",
        [CEL_INT] = "int",
        [CEL_UINT] = "uint",
        [CEL_DOUBLE] = "double",
        [CEL_STRING] = "string",
        [CEL_BYTES] = "bytes",
        [CEL_TIMESTAMP] = "google.protobuf.Timestamp",
        [CEL_DURATION] = "google.protobuf.Duration",
        [CEL_LIST] = "list",
        [CEL_MAP] = "map",
        [CEL_OBJECT] = "object",
        [CEL_TYPE] = "type",
        [CEL_ERROR] = "error",
        [CEL_DYN] = "dyn",
        [CEL_NEVER] = "nothing",
    };
    assert((unsigned)kind < sizeof names / sizeof *names);
    return names[kind];
}

struct text cel_type_text(struct arena *arena, const struct cel_type *type)
{
    if (type->kind == CEL_LIST) {
        struct text element = cel_type_text(arena, type->element);
        return arena_printf(arena, "list(%.*s)", (int)element.len, element.at);
    }
    if (type->kind == CEL_MAP) {
        struct text key = cel_type_text(arena, type->key), value = cel_type_text(arena, type->element);
        return arena_printf(arena, "map(%.*s, %.*s)", (int)key.len, key.at, (int)value.len, value.at);
    }
    if (type->kind == CEL_OBJECT)
        return text_of(type->object->name);
    if (type->kind == CEL_TIMESTAMP || type->kind == CEL_DURATION)
        return type->kind == CEL_TIMESTAMP ? TEXT("timestamp") : TEXT("duration");
    return text_of(cel_kind_name(type->kind));
}

static bool is_open(const struct cel_type *type)
{
    return type->kind == CEL_DYN || type->kind == CEL_NEVER;
}

static bool takes_null(const struct cel_type *type)
{
    return type->nullable || type->kind == CEL_OBJECT || type->kind == CEL_TIMESTAMP || type->kind == CEL_DURATION;
}

bool cel_types_agree(const struct cel_type *a, const struct cel_type *b)
{
    if (a == b || is_open(a) || is_open(b))
        return true;
    if (a->kind == CEL_NULL || b->kind == CEL_NULL)
        return a->kind == b->kind || takes_null(a) || takes_null(b);
    if (a->kind != b->kind)
        return false;
    if (a->kind == CEL_LIST)
        return cel_types_agree(a->element, b->element);
    if (a->kind == CEL_MAP)
        return cel_types_agree(a->key, b->key) && cel_types_agree(a->element, b->element);
    return a->kind != CEL_OBJECT || a->object == b->object;
}

const struct cel_type *cel_type_join(struct arena *arena, const struct cel_type *a, const struct cel_type *b)
{
    if (a == b || b->kind == CEL_NEVER)
        return a;
    if (a->kind == CEL_NEVER)
        return b;
    if (a->kind == CEL_NULL && b->nullable)
        return b;
    if (b->kind == CEL_NULL && a->nullable)
        return a;
    if (a->kind != b->kind)
        return &cel_type_dyn;
    if (a->kind == CEL_LIST)
        return cel_list_type(arena, cel_type_join(arena, a->element, b->element));
    if (a->kind == CEL_MAP)
        return cel_map_type(arena, cel_type_join(arena, a->key, b->key), cel_type_join(arena, a->element, b->element));
    if (a->kind == CEL_OBJECT && a->object != b->object)
        return &cel_type_dyn;
    return a->nullable ? a : b;
}

const struct cel_field *cel_field_named(const struct cel_struct *object, struct text name)
{
    for (size_t i = 0; i < object->count; i++)
        if (text_equal(text_of(object->fields[i].name), name))
            return &object->fields[i];
    return NULL;
}
