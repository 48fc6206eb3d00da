#include <assert.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "base/rfc3339.h"
#include "ops/avro_type.h"

/* Where in the value we are: from the inside out. */
struct place {
    const struct place *up;
    struct text name; /* of a field or key; at NULL: an index */
    size_t index;
};

struct encoder {
    const struct avro_json *avro;
    struct buffer *out;
    struct avro_json_problem *problem;
};

static size_t put_place(const struct place *place, char *out, size_t size)
{
    if (!place)
        return 0;
    size_t len = put_place(place->up, out, size);
    if (len >= size)
        return len;
    int more = place->name.at ? snprintf(out + len, size - len, "%s%.*s", len ? "." : "",
                                         (int)(place->name.len < 64 ? place->name.len : 64), place->name.at)
                              : snprintf(out + len, size - len, "[%zu]", place->index);
    return len + (size_t)more;
}

static bool refuse(struct encoder *encoder, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool refuse(struct encoder *encoder, const struct place *place, const char *format, ...)
{
    struct avro_json_problem *problem = encoder->problem;
    problem->path[0] = 0;
    put_place(place, problem->path, sizeof problem->path);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return false;
}

/* What a JSON value is, in the words of a message. */
static const char *kind_of(const json_t *value)
{
    static const char *const kinds[] = {
        [JSON_OBJECT] = "an object",
        [JSON_ARRAY] = "a list",
        [JSON_STRING] = "a text",
        [JSON_INTEGER] = "a whole number",
        [JSON_REAL] = "a number with a decimal point",
        [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",
        [JSON_NULL] = "null",
    };
    return kinds[json_typeof(value)];
}

static void put_long(struct buffer *out, int64_t value)
{
    buffer_put_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void put_text(struct buffer *out, struct text text)
{
    put_long(out, (int64_t)text.len);
    buffer_put(out, text.at, text.len);
}

static struct text text_of_json(const json_t *value)
{
    return (struct text){json_string_value(value), json_string_length(value)};
}

static bool encode(struct encoder *encoder, struct type type, const json_t *value, const struct place *place);

static bool encode_instant(struct encoder *encoder, const json_t *value, const struct place *place)
{
    int64_t us = json_integer_value(value);
    if (json_is_string(value) && !rfc3339_parse(text_of_json(value), &us))
        return refuse(encoder, place, "\"%.60s\" is no instant; write 2026-03-01T10:00:00Z, with Z or an offset",
                      json_string_value(value));
    if (!json_is_string(value) && !json_is_integer(value))
        return refuse(encoder, place, "is %s; it must be an instant: 2026-03-01T10:00:00Z or whole microseconds",
                      kind_of(value));
    put_long(encoder->out, us);
    return true;
}

static bool encode_whole(struct encoder *encoder, struct type type, const json_t *value, const struct place *place)
{
    if (type_is_instant(type))
        return encode_instant(encoder, value, place);
    if (!json_is_integer(value))
        return refuse(encoder, place, "is %s; it must be a whole number%s", kind_of(value),
                      json_is_real(value) ? " (amounts are minor units: 19.99 is 1999)" : ", without quotes");
    int64_t number = json_integer_value(value);
    if (type.node == NODE_INT && (number < INT32_MIN || number > INT32_MAX))
        return refuse(encoder, place, "is %lld; it must fit 32 bits", (long long)number);
    put_long(encoder->out, number);
    return true;
}

static bool encode_real(struct encoder *encoder, struct type type, const json_t *value, const struct place *place)
{
    if (!json_is_number(value))
        return refuse(encoder, place, "is %s; it must be a number", kind_of(value));
    double number = json_number_value(value);
    float narrow = (float)number;
    if (type.node == NODE_FLOAT)
        buffer_put(encoder->out, &narrow, sizeof narrow); /* little-endian, as the machines we build for */
    else
        buffer_put(encoder->out, &number, sizeof number);
    return true;
}

static bool encode_boolean(struct encoder *encoder, const json_t *value, const struct place *place)
{
    if (!json_is_boolean(value))
        return refuse(encoder, place, "is %s; it must be true or false", kind_of(value));
    buffer_put_u8(encoder->out, json_is_true(value));
    return true;
}

/* Bytes and fixed, from base64. */
static bool encode_bytes(struct encoder *encoder, struct type type, const json_t *value, const struct place *place)
{
    struct text text = json_is_string(value) ? text_of_json(value) : (struct text){NULL, 0};
    uint8_t *bytes = malloc(text.len + 1);
    size_t len = 0;
    if (!bytes)
        abort();
    bool read = text.at && sodium_base642bin(bytes, text.len, text.at, text.len, NULL, &len, NULL,
                                             sodium_base64_VARIANT_ORIGINAL) == 0;
    const struct schema_node *node = type_node(encoder->avro, type);
    bool fits = read && (node->type == NODE_BYTES || len == node->size);
    if (fits && node->type == NODE_BYTES)
        put_long(encoder->out, (int64_t)len);
    if (fits)
        buffer_put(encoder->out, bytes, len);
    free(bytes);
    return fits ||
           refuse(encoder, place, "is %s; it must be bytes in base64", read ? "of the wrong length" : kind_of(value));
}

static bool encode_text(struct encoder *encoder, const json_t *value, const struct place *place)
{
    if (!json_is_string(value))
        return refuse(encoder, place, "is %s; it must be a text%s", kind_of(value),
                      json_is_number(value) ? ", in double quotes" : "");
    put_text(encoder->out, text_of_json(value));
    return true;
}

static bool refuse_name(struct encoder *encoder, const struct place *place, const struct schema_node *node,
                        const char *what, struct text given)
{
    enum { MOST = 256 };
    char texts[MOST][64];
    const char *names[MOST] = {NULL};
    const struct schema_part *parts = schema_parts(encoder->avro->schema, node);
    size_t count = node->count < MOST ? node->count : MOST;
    for (size_t i = 0; i < count; i++) {
        snprintf(texts[i], sizeof texts[i], "%.*s", (int)parts[i].name.len, parts[i].name.at);
        names[i] = texts[i];
    }
    const char *hint = nearest_name(given, names, count);
    char all[200] = "";
    for (size_t i = 0, len = 0; i < count && len < sizeof all - 1; i++)
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", i ? ", " : "", names[i]);
    return refuse(encoder, place, "%s \"%.*s\"; %s%s%s", what, (int)(given.len < 60 ? given.len : 60), given.at,
                  hint ? "did you mean " : "known are: ", hint ? hint : all, hint ? "?" : "");
}

static bool encode_enum(struct encoder *encoder, struct type type, const json_t *value, const struct place *place)
{
    const struct schema_node *node = type_node(encoder->avro, type);
    if (!json_is_string(value))
        return refuse(encoder, place, "is %s; it must be a text", kind_of(value));
    const struct schema_part *part = schema_part_named(encoder->avro->schema, node, text_of_json(value));
    if (!part)
        return refuse_name(encoder, place, node, "there is no", text_of_json(value));
    put_long(encoder->out, part - schema_parts(encoder->avro->schema, node));
    return true;
}

static bool encode_array(struct encoder *encoder, struct type type, const json_t *value, const struct place *place)
{
    if (!json_is_array(value))
        return refuse(encoder, place, "is %s; it must be a list", kind_of(value));
    struct type item = type_part(encoder->avro, type, 0);
    size_t count = json_array_size(value);
    if (count)
        put_long(encoder->out, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        if (!encode(encoder, item, json_array_get(value, i), &(struct place){place, {NULL, 0}, i}))
            return false;
    put_long(encoder->out, 0);
    return true;
}

static bool encode_map(struct encoder *encoder, struct type type, const json_t *value, const struct place *place)
{
    if (!json_is_object(value))
        return refuse(encoder, place, "is %s; it must be an object", kind_of(value));
    struct type item = type_part(encoder->avro, type, 0);
    if (json_object_size(value))
        put_long(encoder->out, (int64_t)json_object_size(value));
    const char *key;
    json_t *each;
    json_object_foreach((json_t *)value, key, each)
    {
        put_text(encoder->out, text_of(key));
        if (!encode(encoder, item, each, &(struct place){place, text_of(key), 0}))
            return false;
    }
    put_long(encoder->out, 0);
    return true;
}

/* Null, or the first branch that the value fits; what is wrong is said of the last one. */
static bool encode_union(struct encoder *encoder, struct type type, const json_t *value, const struct place *place)
{
    const struct schema_node *node = type_node(encoder->avro, type);
    size_t before = encoder->out->len;
    refuse(encoder, place, "is %s, which fits none of the types allowed here", kind_of(value));
    for (uint32_t i = 0; i < node->count; i++) {
        struct type branch = type_part(encoder->avro, type, i);
        if (branch.node == NODE_NULL && !json_is_null(value))
            continue;
        put_long(encoder->out, i);
        if (encode(encoder, branch, value, place))
            return true;
        encoder->out->len = before;
    }
    return false;
}

static bool encode_field(struct encoder *encoder, struct type record, uint32_t index, const json_t *value,
                         const struct place *place)
{
    const struct schema_part *part = &schema_parts(encoder->avro->schema, type_node(encoder->avro, record))[index];
    const json_t *field = json_array_get(json_object_get(record.text, "fields"), index);
    const json_t *standard = json_object_get(field, "default");
    const struct place here = {place, part->name, 0};
    if (!value && !standard) {
        const char *doc = json_string_value(json_object_get(field, "doc"));
        return refuse(encoder, &here, "is missing%s%.200s", doc ? ": " : "", doc ? doc : "");
    }
    return encode(encoder, type_part(encoder->avro, record, index), value ? value : standard, &here);
}

static bool encode_record(struct encoder *encoder, struct type type, const json_t *value, const struct place *place)
{
    const struct schema_node *node = type_node(encoder->avro, type);
    if (!json_is_object(value))
        return refuse(encoder, place, "is %s; it must be an object", kind_of(value));
    const char *key;
    json_t *each;
    json_object_foreach((json_t *)value, key,
                        each) if (!schema_part_named(encoder->avro->schema, node,
                                                     text_of(key))) return refuse_name(encoder, place, node,
                                                                                       "has no field", text_of(key));
    for (uint32_t i = 0; i < node->count; i++) {
        struct text name = schema_parts(encoder->avro->schema, node)[i].name;
        if (!encode_field(encoder, type, i, json_object_getn(value, name.at, name.len), place))
            return false;
    }
    return true;
}

static bool encode(struct encoder *encoder, struct type type, const json_t *value, const struct place *place)
{
    switch (type_node(encoder->avro, type)->type) {
    case NODE_NULL:
        return json_is_null(value) || refuse(encoder, place, "is %s; it must be null", kind_of(value));
    case NODE_BOOLEAN:
        return encode_boolean(encoder, value, place);
    case NODE_INT:
    case NODE_LONG:
        return encode_whole(encoder, type, value, place);
    case NODE_FLOAT:
    case NODE_DOUBLE:
        return encode_real(encoder, type, value, place);
    case NODE_BYTES:
    case NODE_FIXED:
        return encode_bytes(encoder, type, value, place);
    case NODE_STRING:
        return encode_text(encoder, value, place);
    case NODE_ENUM:
        return encode_enum(encoder, type, value, place);
    case NODE_ARRAY:
        return encode_array(encoder, type, value, place);
    case NODE_MAP:
        return encode_map(encoder, type, value, place);
    case NODE_UNION:
        return encode_union(encoder, type, value, place);
    case NODE_RECORD:
        return encode_record(encoder, type, value, place);
    }
    return false;
}

bool avro_json_encode(const struct avro_json *avro, const json_t *value, struct buffer *out,
                      struct avro_json_problem *problem)
{
    size_t before = out->len;
    struct encoder encoder = {avro, out, problem};
    if (encode(&encoder, type_root(avro), value, NULL))
        return true;
    out->len = before;
    return false;
}
