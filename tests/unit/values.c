#include "values.h"

enum { DEPTH_MAX = 12, ITEMS = 4 };

static void write_value(struct values *values, const struct schema *schema, uint32_t node, unsigned depth,
                        struct buffer *out);

/* splitmix64 */
uint64_t values_random(struct values *values, uint64_t below)
{
    uint64_t z = values->seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % below;
}

void values_put_long(struct buffer *out, int64_t value)
{
    buffer_put_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

void values_put_text(struct buffer *out, struct text text)
{
    values_put_long(out, (int64_t)text.len);
    buffer_put(out, text.at, text.len);
}

static int64_t random_number(struct values *values, int64_t least, int64_t most)
{
    switch (values_random(values, 8)) {
    case 0:
        return least;
    case 1:
        return most;
    case 2:
        return 0;
    case 3:
        return -(int64_t)values_random(values, 100000);
    default:
        return (int64_t)values_random(values, 100000);
    }
}

static void write_text(struct values *values, struct buffer *out)
{
    static const struct text letters[] = {{"a", 1}, {"Z", 1}, {"-", 1}, {"7", 1}, {"ä", 2}, {"€", 3}, {"😀", 4}};
    static const struct text poison[] = {{"\0", 1}, {"\xff", 1}, {"\xc3", 1}, {"\xed\xa0\x80", 3}, {"\xc0\xaf", 2}};
    struct buffer text = {0};
    uint64_t count = values_random(values, 4) ? values_random(values, 12) : 0;
    for (uint64_t i = 0; i < count; i++) {
        struct text letter = letters[values_random(values, values_random(values, 3) ? 4 : 7)];
        buffer_put(&text, letter.at, letter.len);
    }
    if (values->hostile && values_random(values, 300) == 0) {
        struct text letter = poison[values_random(values, 5)];
        buffer_put(&text, letter.at, letter.len);
    }
    values_put_text(out, (struct text){(const char *)text.at, text.len});
    buffer_release(&text);
}

/* A list in up to three blocks, some of which say their size. */
static void write_list(struct values *values, const struct schema *schema, const struct schema_node *node,
                       unsigned depth, struct buffer *out)
{
    uint64_t blocks = depth > DEPTH_MAX ? 0 : values_random(values, 4);
    for (uint64_t i = 0; i < blocks; i++) {
        struct buffer items = {0};
        uint64_t count = 1 + values_random(values, ITEMS);
        for (uint64_t j = 0; j < count; j++) {
            if (node->type == NODE_MAP)
                write_text(values, &items);
            write_value(values, schema, schema_parts(schema, node)[0].node, depth + 1, &items);
        }
        bool sized = values_random(values, 2);
        values_put_long(out, sized ? -(int64_t)count : (int64_t)count);
        if (sized)
            values_put_long(out, (int64_t)items.len);
        buffer_put(out, items.at, items.len);
        buffer_release(&items);
    }
    values_put_long(out, 0);
}

/* Deep down, the branch that ends soonest. */
static void write_union(struct values *values, const struct schema *schema, const struct schema_node *node,
                        unsigned depth, struct buffer *out)
{
    const struct schema_part *branches = schema_parts(schema, node);
    uint32_t branch = (uint32_t)values_random(values, node->count);
    for (uint32_t i = 0; depth > DEPTH_MAX && i < node->count; i++)
        if (schema->nodes[branches[i].node].least < schema->nodes[branches[branch].node].least)
            branch = i;
    values_put_long(out, branch);
    write_value(values, schema, branches[branch].node, depth + 1, out);
}

static void write_raw(struct values *values, size_t len, struct buffer *out)
{
    for (size_t i = 0; i < len; i++)
        buffer_put_u8(out, (uint8_t)values_random(values, 256));
}

static void write_record(struct values *values, const struct schema *schema, const struct schema_node *node,
                         unsigned depth, struct buffer *out)
{
    for (uint32_t i = 0; i < node->count; i++)
        write_value(values, schema, schema_parts(schema, node)[i].node, depth + 1, out);
}

static void write_value(struct values *values, const struct schema *schema, uint32_t index, unsigned depth,
                        struct buffer *out)
{
    const struct schema_node *node = &schema->nodes[index];
    switch (node->type) {
    case NODE_NULL:
        break;
    case NODE_BOOLEAN:
        buffer_put_u8(out, (uint8_t)values_random(values, 2));
        break;
    case NODE_INT:
        values_put_long(out, random_number(values, INT32_MIN, INT32_MAX));
        break;
    case NODE_LONG:
        values_put_long(out, random_number(values, INT64_MIN, INT64_MAX));
        break;
    case NODE_FLOAT:
        write_raw(values, 4, out);
        break;
    case NODE_DOUBLE:
        write_raw(values, 8, out);
        break;
    case NODE_BYTES:
    case NODE_STRING:
        write_text(values, out);
        break;
    case NODE_ENUM:
        values_put_long(out, (int64_t)values_random(values, node->count));
        break;
    case NODE_ARRAY:
    case NODE_MAP:
        write_list(values, schema, node, depth, out);
        break;
    case NODE_UNION:
        write_union(values, schema, node, depth, out);
        break;
    case NODE_RECORD:
        write_record(values, schema, node, depth, out);
        break;
    case NODE_FIXED:
        write_raw(values, node->size, out);
        break;
    }
}

void values_write(struct values *values, const struct schema *schema, uint32_t node, struct buffer *out)
{
    write_value(values, schema, node, 0, out);
}
