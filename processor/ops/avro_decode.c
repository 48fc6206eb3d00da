#include <sodium.h>
#include <stdlib.h>

#include "base/rfc3339.h"
#include "decode/guard.h"
#include "ops/avro_type.h"

/* Bytes here have passed the guard: lengths, counts and indexes are within them, nesting is bounded. A cursor that
 * fails all the same gives NULL, as a text that is not UTF-8 does. */
static json_t *decode(const struct avro_json *avro, struct type type, struct cursor *cursor);

static json_t *decode_whole(struct type type, struct cursor *cursor)
{
    int64_t value;
    char text[RFC3339_SIZE];
    if (!cursor_long(cursor, &value))
        return NULL;
    return type_is_instant(type) ? json_string(rfc3339_format(value, text)) : json_integer(value);
}

static json_t *decode_real(struct cursor *cursor, size_t size)
{
    float narrow;
    double wide;
    const uint8_t *at = cursor->at;
    if (!cursor_skip(cursor, size))
        return NULL;
    if (size == sizeof narrow) {
        memcpy(&narrow, at, sizeof narrow); /* little-endian, as the machines we build for */
        wide = (double)narrow;
    } else {
        memcpy(&wide, at, sizeof wide);
    }
    json_t *number = json_real(wide);
    return number ? number : json_null(); /* JSON has neither infinities nor NaN */
}

json_t *avro_json_base64(struct bytes bytes)
{
    size_t size = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    if (!text)
        abort();
    sodium_bin2base64(text, size, bytes.at, bytes.len, sodium_base64_VARIANT_ORIGINAL);
    json_t *json = json_string(text);
    free(text);
    return json;
}

static json_t *decode_bytes(const struct schema_node *node, struct cursor *cursor)
{
    struct text view = {(const char *)cursor->at, node->size};
    bool read = node->type == NODE_FIXED ? cursor_skip(cursor, node->size) : cursor_text(cursor, &view);
    return read ? avro_json_base64((struct bytes){(const uint8_t *)view.at, view.len}) : NULL;
}

static json_t *decode_text(struct cursor *cursor)
{
    struct text text;
    return cursor_text(cursor, &text) ? json_stringn(text.at ? text.at : "", text.len) : NULL;
}

static json_t *decode_enum(const struct avro_json *avro, const struct schema_node *node, struct cursor *cursor)
{
    uint32_t index;
    if (!cursor_index(cursor, node->count, &index))
        return NULL;
    struct text name = schema_parts(avro->schema, node)[index].name;
    return json_stringn(name.at, name.len);
}

static bool add_item(const struct avro_json *avro, struct type type, struct cursor *cursor, json_t *list)
{
    struct text key;
    bool keyed = json_is_object(list);
    if (keyed && !cursor_text(cursor, &key))
        return false;
    json_t *item = decode(avro, type_part(avro, type, 0), cursor);
    if (!item)
        return false;
    return (keyed ? json_object_setn_new(list, key.at, key.len, item) : json_array_append_new(list, item)) == 0;
}

/* Arrays and maps. */
static json_t *decode_list(const struct avro_json *avro, struct type type, struct cursor *cursor)
{
    json_t *list = type_node(avro, type)->type == NODE_MAP ? json_object() : json_array();
    struct cursor_block block;
    do {
        if (!cursor_block(cursor, 0, &block))
            goto failed;
        for (uint64_t i = 0; i < block.count; i++)
            if (!add_item(avro, type, cursor, list))
                goto failed;
    } while (block.count);
    return list;
failed:
    json_decref(list);
    return NULL;
}

static json_t *decode_union(const struct avro_json *avro, struct type type, struct cursor *cursor)
{
    uint32_t index;
    if (!cursor_index(cursor, type_node(avro, type)->count, &index))
        return NULL;
    return decode(avro, type_part(avro, type, index), cursor);
}

static json_t *decode_record(const struct avro_json *avro, struct type type, struct cursor *cursor)
{
    const struct schema_node *node = type_node(avro, type);
    json_t *record = json_object();
    for (uint32_t i = 0; i < node->count; i++) {
        struct text name = schema_parts(avro->schema, node)[i].name;
        json_t *value = decode(avro, type_part(avro, type, i), cursor);
        if (!value || json_object_setn_new(record, name.at, name.len, value) != 0) {
            json_decref(record);
            return NULL;
        }
    }
    return record;
}

static json_t *decode(const struct avro_json *avro, struct type type, struct cursor *cursor)
{
    const struct schema_node *node = type_node(avro, type);
    bool truth;
    switch (node->type) {
    case NODE_NULL:
        return json_null();
    case NODE_BOOLEAN:
        return cursor_bool(cursor, &truth) ? json_boolean(truth) : NULL;
    case NODE_INT:
    case NODE_LONG:
        return decode_whole(type, cursor);
    case NODE_FLOAT:
        return decode_real(cursor, sizeof(float));
    case NODE_DOUBLE:
        return decode_real(cursor, sizeof(double));
    case NODE_BYTES:
    case NODE_FIXED:
        return decode_bytes(node, cursor);
    case NODE_STRING:
        return decode_text(cursor);
    case NODE_ENUM:
        return decode_enum(avro, node, cursor);
    case NODE_ARRAY:
    case NODE_MAP:
        return decode_list(avro, type, cursor);
    case NODE_UNION:
        return decode_union(avro, type, cursor);
    case NODE_RECORD:
        return decode_record(avro, type, cursor);
    }
    return NULL;
}

enum err_code avro_json_decode(const struct avro_json *avro, struct bytes bytes, json_t **out, struct err *err)
{
    const char *wrong = guard_check(avro->schema, bytes);
    if (wrong)
        return err_set(err, ERR_BAD_BYTES, "%s", wrong);
    struct cursor cursor = {bytes.at, bytes.at + bytes.len};
    json_t *value = decode(avro, type_root(avro), &cursor);
    if (!value)
        return err_set(err, ERR_BAD_BYTES, "a text in it is not UTF-8");
    *out = value;
    return ERR_NONE;
}
