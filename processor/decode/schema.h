#ifndef POINTS_DECODE_SCHEMA_H
#define POINTS_DECODE_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"

/* An Avro schema as a table of nodes: what the guard walks and the plan is compiled from. Schemas may come from a
 * registry, so size, nesting and number of nodes are bounded before anything is built. */

enum {
    SCHEMA_BYTES_MAX = 256 * 1024,
    SCHEMA_DEPTH_MAX = 64, /* nested brackets of the JSON text */
    SCHEMA_NODES_MAX = 8192,
    SCHEMA_PARTS_MAX = 8192,
};

/* The first eight are also the nodes' numbers: every schema's table begins with one node per primitive type. */
enum node_type {
    NODE_NULL,
    NODE_BOOLEAN,
    NODE_INT,
    NODE_LONG,
    NODE_FLOAT,
    NODE_DOUBLE,
    NODE_BYTES,
    NODE_STRING,
    NODE_FIXED,
    NODE_ENUM,
    NODE_ARRAY,
    NODE_MAP,
    NODE_UNION,
    NODE_RECORD,
};

#define NODE_PRIMITIVE_COUNT NODE_FIXED

#define SCHEMA_ENDLESS UINT32_MAX

struct schema_node {
    enum node_type type;
    struct text name; /* full name of a record, enum or fixed */
    uint32_t first;   /* its parts: fields, symbols, branches; the one item or value type of an array or map */
    uint32_t count;
    uint32_t size;     /* fixed: bytes */
    uint32_t fallback; /* enum: index of the default symbol; count: none */
    uint32_t least;    /* fewest bytes that a value takes; SCHEMA_ENDLESS: no value is finite */
};

struct schema_part {
    struct text name; /* of a field or symbol */
    uint32_t node;    /* type of a field, branch or item */
    bool has_default;
};

struct schema {
    struct arena *arena; /* names */
    struct schema_node *nodes;
    struct schema_part *parts;
    uint32_t node_count;
    uint32_t part_count;
    uint32_t root;
    uint64_t fingerprint; /* CRC-64-AVRO of the parsing canonical form */
};

/* ERR_BAD_SCHEMA says what is wrong with the text. The schema keeps nothing of json. */
enum err_code schema_parse(struct text json, struct schema **out, struct err *err);
struct schema *schema_free(struct schema *schema);

/* The parsing canonical form, in the arena. */
struct text schema_canonical(const struct schema *schema, struct arena *arena);

/* CRC-64-AVRO (Rabin). */
uint64_t schema_rabin(struct text text);

/* The name after the last dot. */
struct text schema_short_name(struct text full_name);

/* The part of that name, or NULL. */
const struct schema_part *schema_part_named(const struct schema *schema, const struct schema_node *node,
                                            struct text name);

static inline const struct schema_node *schema_root(const struct schema *schema)
{
    return &schema->nodes[schema->root];
}

static inline const struct schema_part *schema_parts(const struct schema *schema, const struct schema_node *node)
{
    return schema->parts + node->first;
}

#endif
