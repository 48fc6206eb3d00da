#include "ops/avro_type.h"

#include <assert.h>
#include <stdlib.h>

const struct schema_node *type_node(const struct avro_json *avro, struct type type)
{
    assert(type.node < avro->schema->node_count);
    return &avro->schema->nodes[type.node];
}

/* Unwraps {"type": {...}}, and finds the definition of a type given by name. */
static struct type resolve(const struct avro_json *avro, uint32_t node, const json_t *text)
{
    while (json_is_object(text) && !json_is_string(json_object_get(text, "type")))
        text = json_object_get(text, "type");
    if (json_is_string(text) && avro->definitions[node])
        text = avro->definitions[node];
    return (struct type){node, text};
}

struct type type_part(const struct avro_json *avro, struct type type, size_t index)
{
    const struct schema_node *node = type_node(avro, type);
    uint32_t part = schema_parts(avro->schema, node)[index].node;
    switch (node->type) {
    case NODE_RECORD:
        return resolve(avro, part,
                       json_object_get(json_array_get(json_object_get(type.text, "fields"), index), "type"));
    case NODE_UNION:
        return resolve(avro, part, json_array_get(type.text, index));
    default:
        return resolve(avro, part, json_object_get(type.text, node->type == NODE_MAP ? "values" : "items"));
    }
}

struct type type_root(const struct avro_json *avro)
{
    return resolve(avro, avro->schema->root, avro->text);
}

/* Notes the definitions of named types, in the order of the text, as the parser of schemas does. */
static void note_definitions(struct avro_json *avro, struct type type)
{
    const struct schema_node *node = type_node(avro, type);
    if (type.node < NODE_PRIMITIVE_COUNT || avro->definitions[type.node])
        return;
    avro->definitions[type.node] = type.text;
    if (node->type == NODE_ENUM || node->type == NODE_FIXED)
        return;
    for (uint32_t i = 0; i < node->count; i++)
        note_definitions(avro, type_part(avro, type, i));
}

enum err_code avro_json_new(struct text text, struct avro_json **out, struct err *err)
{
    struct schema *schema = NULL;
    enum err_code code = schema_parse(text, &schema, err);
    if (code != ERR_NONE)
        return code;
    struct avro_json *avro = calloc(1, sizeof *avro);
    const json_t **definitions = calloc(schema->node_count, sizeof *definitions);
    json_t *json = json_loadb(text.at, text.len, JSON_DECODE_ANY, NULL);
    if (!avro || !definitions || !json)
        abort(); /* of memory only: schema_parse has read the same text */
    *avro = (struct avro_json){schema, json, definitions};
    note_definitions(avro, type_root(avro));
    *out = avro;
    return ERR_NONE;
}

struct avro_json *avro_json_free(struct avro_json *avro)
{
    if (!avro)
        return NULL;
    schema_free(avro->schema);
    json_decref(avro->text);
    free(avro->definitions);
    free(avro);
    return NULL;
}

uint64_t avro_json_fingerprint(const struct avro_json *avro)
{
    return avro->schema->fingerprint;
}

bool type_is_instant(struct type type)
{
    const char *logical = json_string_value(json_object_get(type.text, "logicalType"));
    return type.node == NODE_LONG && logical && strcmp(logical, "timestamp-micros") == 0;
}
