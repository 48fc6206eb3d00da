#include "values.h"

#include "rules/cel/number.h"
#include "rules/cel/run.h"

static bool read_list(const struct message *message, struct arena *arena, struct cel_value *out)
{
    struct cel_value *items = arena_array(arena, 64, sizeof *items);
    size_t count = 0;
    for (const struct field *field = field_named(message, "values"); field; field = field_next(field))
        if (count == 64 || !value_read(field->message, arena, &items[count++]))
            return false;
    *out = cel_list_of(items, count);
    return true;
}

static bool read_map(const struct message *message, struct arena *arena, struct cel_value *out)
{
    struct cel_value *pairs = arena_array(arena, 128, sizeof *pairs);
    size_t count = 0;
    for (const struct field *field = field_named(message, "entries"); field; field = field_next(field), count++) {
        if (count == 64 || !value_read(field_message(field->message, "key"), arena, &pairs[2 * count]) ||
            !value_read(field_message(field->message, "value"), arena, &pairs[2 * count + 1]))
            return false;
    }
    *out = cel_map_of(pairs, count);
    return true;
}

static bool read_object(const struct message *message, struct cel_value *out)
{
    const struct field *field = message->first;
    int64_t seconds = 0, nanos = 0;
    if (!field || !field->message)
        return false;
    cel_parse_int(field_text(field->message, "seconds"), false, &seconds);
    cel_parse_int(field_text(field->message, "nanos"), false, &nanos);
    if (text_equal(field->name, TEXT("type.googleapis.com/google.protobuf.Duration")))
        *out = cel_duration(seconds * 1000000000 + nanos);
    else if (text_equal(field->name, TEXT("type.googleapis.com/google.protobuf.Timestamp")))
        *out = cel_timestamp(seconds, (int32_t)nanos);
    else
        return false;
    return true;
}

bool value_read(const struct message *message, struct arena *arena, struct cel_value *out)
{
    const struct field *field = message ? message->first : NULL;
    if (!field)
        return false;
    *out = (struct cel_value){.kind = CEL_NULL};
    if (text_equal(field->name, TEXT("bool_value")))
        *out = cel_bool(text_equal(field->scalar, TEXT("true")));
    else if (text_equal(field->name, TEXT("string_value")))
        *out = cel_string(field->scalar);
    else if (text_equal(field->name, TEXT("bytes_value")))
        *out = cel_bytes(field->scalar);
    else if (text_equal(field->name, TEXT("type_value")))
        *out = (struct cel_value){.kind = CEL_TYPE, .text = field->scalar};
    else if (text_equal(field->name, TEXT("int64_value")))
        return out->kind = CEL_INT, cel_parse_int(field->scalar, false, &out->integer);
    else if (text_equal(field->name, TEXT("uint64_value")))
        return out->kind = CEL_UINT, cel_parse_uint(field->scalar, false, &out->natural);
    else if (text_equal(field->name, TEXT("double_value")))
        return out->kind = CEL_DOUBLE, cel_parse_double(field->scalar, &out->real);
    else if (text_equal(field->name, TEXT("list_value")))
        return read_list(field->message, arena, out);
    else if (text_equal(field->name, TEXT("map_value")))
        return read_map(field->message, arena, out);
    else if (text_equal(field->name, TEXT("object_value")))
        return read_object(field->message, out);
    else
        return text_equal(field->name, TEXT("null_value"));
    return true;
}

static const struct cel_type *read_primitive(struct text name)
{
    static const struct {
        const char *name;
        const struct cel_type *type;
    } types[] = {{"BOOL", &cel_type_bool},     {"INT64", &cel_type_int},     {"UINT64", &cel_type_uint},
                 {"DOUBLE", &cel_type_double}, {"STRING", &cel_type_string}, {"BYTES", &cel_type_bytes}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_equal(name, text_of(types[i].name)))
            return types[i].type;
    return &cel_type_dyn;
}

const struct cel_type *type_read(const struct message *message, struct arena *arena)
{
    const struct message *list = field_message(message, "list_type"), *map = field_message(message, "map_type");
    struct text named = field_text(message, "message_type");
    if (list)
        return cel_list_type(arena, type_read(field_message(list, "elem_type"), arena));
    if (map)
        return cel_map_type(arena, type_read(field_message(map, "key_type"), arena),
                            type_read(field_message(map, "value_type"), arena));
    if (field_named(message, "null"))
        return &cel_type_null;
    if (text_equal(named, TEXT("google.protobuf.Duration")))
        return &cel_type_duration;
    if (text_equal(named, TEXT("google.protobuf.Timestamp")))
        return &cel_type_timestamp;
    return read_primitive(field_text(message, "primitive"));
}

static bool same_lists(const struct cel_value *a, const struct cel_value *b)
{
    for (size_t i = 0; i < a->count; i++) {
        struct cel_value left, right;
        a->list.get(a->list.object, i, &left);
        b->list.get(b->list.object, i, &right);
        if (!value_same(&left, &right))
            return false;
    }
    return a->count == b->count;
}

static bool same_maps(const struct cel_value *a, const struct cel_value *b)
{
    for (size_t i = 0; i < a->count; i++) {
        struct cel_value key, left, right;
        a->map.get(a->map.object, i, &key, &left);
        if (!cel_map_find(b, &key, &right) || !value_same(&left, &right))
            return false;
    }
    return a->count == b->count;
}

bool value_same(const struct cel_value *a, const struct cel_value *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == CEL_LIST)
        return a->count == b->count && same_lists(a, b);
    if (a->kind == CEL_MAP)
        return a->count == b->count && same_maps(a, b);
    if (a->kind == CEL_DOUBLE && a->real != a->real)
        return b->real != b->real;
    return cel_equal(a, b);
}

struct text value_text(const struct cel_value *value, struct arena *arena)
{
    struct cel_run run = {.arena = arena, .left = 1000};
    struct cel_value text;
    struct text kind = cel_type_name_of(value);
    if (value->kind == CEL_ERROR)
        return arena_printf(arena, "error: %s", cel_error_name(value->error));
    if (value->kind == CEL_TYPE)
        return value->text;
    cel_call_string(&run, value, &text);
    if (text.kind == CEL_ERROR)
        return arena_printf(arena, "a %.*s", (int)kind.len, kind.at);
    return arena_printf(arena, "%.*s %.*s", (int)kind.len, kind.at, (int)text.text.len, text.text.at);
}
