#include "decode/guard.h"

#include <assert.h>

static const char *skip_plain(const struct schema_node *node, struct cursor *cursor)
{
    int64_t number;
    bool truth;
    uint32_t index;
    struct text text;
    switch (node->type) {
    case NODE_NULL:
        return NULL;
    case NODE_BOOLEAN:
        return cursor_bool(cursor, &truth) ? NULL : "a boolean is neither 0 nor 1, or missing";
    case NODE_INT:
        return cursor_int(cursor, &number) ? NULL : "an int is malformed, out of range or cut short";
    case NODE_LONG:
        return cursor_long(cursor, &number) ? NULL : "a long is malformed, out of range or cut short";
    case NODE_FLOAT:
        return cursor_skip(cursor, 4) ? NULL : "a float is cut short";
    case NODE_DOUBLE:
        return cursor_skip(cursor, 8) ? NULL : "a double is cut short";
    case NODE_BYTES:
    case NODE_STRING:
        return cursor_text(cursor, &text) ? NULL : "a text's length is negative or beyond the end";
    case NODE_FIXED:
        return cursor_skip(cursor, node->size) ? NULL : "a fixed value is cut short";
    default:
        assert(node->type == NODE_ENUM);
        return cursor_index(cursor, node->count, &index) ? NULL : "an enum's index is out of range";
    }
}

static const char *skip_record(struct guard *guard, const struct schema_node *node, struct cursor *cursor)
{
    const struct schema_part *parts = schema_parts(guard->schema, node);
    for (uint32_t i = 0; i < node->count; i++) {
        const char *wrong = guard_skip(guard, parts[i].node, cursor);
        if (wrong)
            return wrong;
    }
    return NULL;
}

static const char *skip_items(struct guard *guard, const struct schema_node *node, struct cursor *cursor,
                              const struct cursor_block *block)
{
    uint32_t item = schema_parts(guard->schema, node)[0].node;
    for (uint64_t i = 0; i < block->count; i++) {
        const char *wrong = node->type == NODE_MAP ? guard_skip(guard, NODE_STRING, cursor) : NULL;
        if (!wrong)
            wrong = guard_skip(guard, item, cursor);
        if (wrong)
            return wrong;
    }
    return cursor_block_ends(cursor, block) ? NULL : "a block does not end where it says";
}

static const char *skip_list(struct guard *guard, const struct schema_node *node, struct cursor *cursor)
{
    uint32_t least = guard->schema->nodes[schema_parts(guard->schema, node)[0].node].least;
    struct cursor_block block;
    if (node->type == NODE_MAP && least < SCHEMA_ENDLESS)
        least++;
    do {
        if (!cursor_block(cursor, least, &block))
            return "a list's count or size is more than the bytes can hold";
        if (block.count > guard->values)
            return "a list has more items than a message may hold";
        const char *wrong = skip_items(guard, node, cursor, &block);
        if (wrong)
            return wrong;
    } while (block.count > 0);
    return NULL;
}

static const char *skip_union(struct guard *guard, const struct schema_node *node, struct cursor *cursor)
{
    uint32_t branch;
    if (!cursor_index(cursor, node->count, &branch))
        return "a union's branch is out of range";
    return guard_skip(guard, schema_parts(guard->schema, node)[branch].node, cursor);
}

static const char *skip_compound(struct guard *guard, const struct schema_node *node, struct cursor *cursor)
{
    if (node->type == NODE_RECORD)
        return skip_record(guard, node, cursor);
    if (node->type == NODE_UNION)
        return skip_union(guard, node, cursor);
    return skip_list(guard, node, cursor);
}

const char *guard_skip(struct guard *guard, uint32_t index, struct cursor *cursor)
{
    const struct schema_node *node = &guard->schema->nodes[index];
    if (guard->values == 0)
        return "more values than a message may hold";
    guard->values--;
    if (node->type <= NODE_ENUM)
        return skip_plain(node, cursor);
    if (guard->depth == GUARD_DEPTH_MAX)
        return "nested too deep";
    guard->depth++;
    const char *wrong = skip_compound(guard, node, cursor);
    guard->depth--;
    return wrong;
}

const char *guard_check(const struct schema *schema, struct bytes bytes)
{
    struct guard guard = guard_for(schema, bytes.len);
    struct cursor cursor = {bytes.at, bytes.at + bytes.len};
    const char *wrong = guard_skip(&guard, schema->root, &cursor);
    if (!wrong && cursor.at != cursor.end)
        wrong = "bytes are left over after the value";
    return wrong;
}
