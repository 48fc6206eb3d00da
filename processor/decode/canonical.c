#include <assert.h>
#include <stdio.h>

#include "base/buffer.h"
#include "decode/schema.h"

/* The parsing canonical form (Avro specification): full names, no attributes but those that matter to a reader, in a
 * fixed order, no blanks. Names hold letters, digits, dots and underscores only, so nothing needs escaping. */

struct printer {
    const struct schema *schema;
    struct buffer out;
    bool *defined; /* per node: printed in full before, so its name stands for it */
};

static void print_node(struct printer *printer, uint32_t index);

static void put(struct printer *printer, const char *words)
{
    buffer_put(&printer->out, words, strlen(words));
}

static void put_quoted(struct printer *printer, struct text text)
{
    put(printer, "\"");
    buffer_put(&printer->out, text.at, text.len);
    put(printer, "\"");
}

static void print_symbols(struct printer *printer, const struct schema_node *node)
{
    put(printer, "\"enum\",\"symbols\":[");
    for (uint32_t i = 0; i < node->count; i++) {
        put(printer, i ? "," : "");
        put_quoted(printer, schema_parts(printer->schema, node)[i].name);
    }
    put(printer, "]}");
}

static void print_fields(struct printer *printer, const struct schema_node *node)
{
    put(printer, "\"record\",\"fields\":[");
    for (uint32_t i = 0; i < node->count; i++) {
        put(printer, i ? ",{\"name\":" : "{\"name\":");
        put_quoted(printer, schema_parts(printer->schema, node)[i].name);
        put(printer, ",\"type\":");
        print_node(printer, schema_parts(printer->schema, node)[i].node);
        put(printer, "}");
    }
    put(printer, "]}");
}

static void print_named(struct printer *printer, uint32_t index)
{
    const struct schema_node *node = &printer->schema->nodes[index];
    if (printer->defined[index]) {
        put_quoted(printer, node->name);
        return;
    }
    printer->defined[index] = true;
    put(printer, "{\"name\":");
    put_quoted(printer, node->name);
    put(printer, ",\"type\":");
    if (node->type == NODE_RECORD) {
        print_fields(printer, node);
    } else if (node->type == NODE_ENUM) {
        print_symbols(printer, node);
    } else {
        char size[32];
        snprintf(size, sizeof size, "\"fixed\",\"size\":%u}", node->size);
        put(printer, size);
    }
}

static void print_list(struct printer *printer, const struct schema_node *node)
{
    put(printer, node->type == NODE_ARRAY ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"map\",\"values\":");
    print_node(printer, schema_parts(printer->schema, node)[0].node);
    put(printer, "}");
}

static void print_union(struct printer *printer, const struct schema_node *node)
{
    put(printer, "[");
    for (uint32_t i = 0; i < node->count; i++) {
        put(printer, i ? "," : "");
        print_node(printer, schema_parts(printer->schema, node)[i].node);
    }
    put(printer, "]");
}

static void print_node(struct printer *printer, uint32_t index)
{
    static const char *const primitives[NODE_PRIMITIVE_COUNT] = {
        "\"null\"", "\"boolean\"", "\"int\"", "\"long\"", "\"float\"", "\"double\"", "\"bytes\"", "\"string\"",
    };
    const struct schema_node *node = &printer->schema->nodes[index];
    if (node->type < NODE_PRIMITIVE_COUNT)
        put(printer, primitives[node->type]);
    else if (node->type == NODE_UNION)
        print_union(printer, node);
    else if (node->type == NODE_ARRAY || node->type == NODE_MAP)
        print_list(printer, node);
    else
        print_named(printer, index);
}

struct text schema_canonical(const struct schema *schema, struct arena *arena)
{
    struct printer printer = {.schema = schema};
    printer.defined = arena_array(arena, schema->node_count, sizeof *printer.defined);
    print_node(&printer, schema->root);
    struct text canonical = arena_text(arena, (struct text){(const char *)printer.out.at, printer.out.len});
    buffer_release(&printer.out);
    return canonical;
}

uint64_t schema_rabin(struct text text)
{
    const uint64_t empty = 0xc15d213aa4d7a795;
    uint64_t hash = empty;
    for (size_t i = 0; i < text.len; i++) {
        hash ^= (uint8_t)text.at[i];
        for (int bit = 0; bit < 8; bit++)
            hash = (hash >> 1) ^ (empty & (0 - (hash & 1)));
    }
    return hash;
}
