#ifndef POINTS_OPS_AVRO_TYPE_H
#define POINTS_OPS_AVRO_TYPE_H

#include "decode/schema.h"
#include "ops/avro_json.h"

/* A schema as avro_json reads and writes by it. The table of nodes says what bytes look like; the schema's JSON text
 * says what nodes leave out: defaults, logical types, explanations. Both are walked side by side. */
struct avro_json {
    struct schema *schema;
    json_t *text;
    const json_t **definitions; /* per node: the JSON text of a named type */
};

/* A type while both are walked. */
struct type {
    uint32_t node;
    const json_t *text;
};

struct type type_root(const struct avro_json *avro);

/* The index-th field of a record or branch of a union; of an array or map, with index 0, what it holds. */
struct type type_part(const struct avro_json *avro, struct type type, size_t index);

const struct schema_node *type_node(const struct avro_json *avro, struct type type);

/* A long of logical type timestamp-micros. */
bool type_is_instant(struct type type);

#endif
