#include "decode/plan.h"

#include <assert.h>
#include <stdlib.h>

#include "decode/plan_steps.h"

struct compiler {
    struct plan *plan;
    const struct schema *writer;
    const struct schema *reader;
    struct err *err;
};

static bool compile_value(struct compiler *compiler, const struct field *field, uint32_t writer, uint32_t reader,
                          struct step *out);
static enum err_code compile_record(struct compiler *compiler, const struct schema_node *writer,
                                    const struct schema_node *reader, struct fields fields, struct steps *out);

static const struct schema_node *node_of(const struct schema *schema, uint32_t index)
{
    assert(index < schema->node_count);
    return &schema->nodes[index];
}

static uint32_t item_of(const struct schema *schema, const struct schema_node *list)
{
    assert(list->type == NODE_ARRAY || list->type == NODE_MAP);
    return schema_parts(schema, list)[0].node;
}

static bool same_short_name(const struct schema_node *a, const struct schema_node *b)
{
    return text_equal(schema_short_name(a->name), schema_short_name(b->name));
}

static struct step *new_steps(struct compiler *compiler, size_t count)
{
    return arena_array(compiler->plan->arena, count, sizeof(struct step));
}

/* Each of the writer's symbols becomes ours of the same name. One that we lack becomes our default, which is the zero
 * of the enum: unknown, other. */
static bool compile_enum(struct compiler *compiler, const struct field *field, const struct schema_node *writer,
                         const struct schema_node *reader, struct step *out)
{
    if (writer->type != NODE_ENUM || reader->type != NODE_ENUM || !same_short_name(writer, reader))
        return false;
    uint8_t *values = arena_array(compiler->plan->arena, writer->count, sizeof *values);
    for (uint32_t i = 0; i < writer->count; i++) {
        struct text symbol = schema_parts(compiler->writer, writer)[i].name;
        values[i] = field->slot == SLOT_KIND ? (uint8_t)fields_kind(compiler->plan->type, symbol)
                                             : (uint8_t)fields_network(symbol);
    }
    out->code = field->slot == SLOT_KIND ? STEP_KIND : STEP_NETWORK;
    out->values = values;
    out->count = writer->count;
    return true;
}

/* A line is read where it lies, so the record is no step of its own unless it is a branch of a union. */
static bool compile_line(struct compiler *compiler, const struct schema_node *writer, const struct schema_node *reader,
                         struct step *out)
{
    struct steps *record = arena_alloc(compiler->plan->arena, sizeof *record);
    out->code = STEP_RECORD;
    out->record = record;
    return writer->type == NODE_RECORD && same_short_name(writer, reader) &&
           !compile_record(compiler, writer, reader, fields_of_line(), record);
}

static size_t item_size(enum slot list)
{
    switch (list) {
    case SLOT_TEXTS:
        return sizeof(struct text);
    case SLOT_LINES:
        return sizeof(struct order_line);
    default:
        assert(list == SLOT_ATTRIBUTES);
        return sizeof(struct attribute);
    }
}

/* The steps of one item: of an array of texts, a text; of a map, key and value; of lines, their fields. */
static bool compile_item(struct compiler *compiler, const struct field *field, uint32_t writer, uint32_t reader,
                         struct step_list *list)
{
    bool map = field->slot == SLOT_ATTRIBUTES;
    struct field item = {.name = field->name, .slot = field->slot == SLOT_LINES ? SLOT_LINE : SLOT_TEXT};
    list->item_size = item_size(field->slot);
    list->item = (struct steps){new_steps(compiler, 2), map ? 2 : 1};
    struct step *value = list->item.at;
    if (map) {
        *value++ = (struct step){.code = STEP_TEXT, .at = offsetof(struct attribute, name), .name = field->name};
        item.at = offsetof(struct attribute, value);
    }
    if (!compile_value(compiler, &item, writer, reader, value))
        return false;
    if (value->code == STEP_RECORD)
        list->item = *value->record;
    return true;
}

static bool compile_list(struct compiler *compiler, const struct field *field, const struct schema_node *writer,
                         const struct schema_node *reader, struct step *out)
{
    enum node_type wanted = field->slot == SLOT_ATTRIBUTES ? NODE_MAP : NODE_ARRAY;
    if (writer->type != wanted || reader->type != wanted)
        return false;
    struct step_list *list = arena_alloc(compiler->plan->arena, sizeof *list);
    uint32_t item = item_of(compiler->writer, writer);
    list->least = node_of(compiler->writer, item)->least + (wanted == NODE_MAP);
    list->count_at = field->count_at;
    list->lines = field->slot == SLOT_LINES;
    out->code = STEP_LIST;
    out->list = list;
    return compile_item(compiler, field, item, item_of(compiler->reader, reader), list);
}

static bool compile_plain(const struct field *field, enum node_type writer, enum node_type reader, struct step *out)
{
    switch (field->slot) {
    case SLOT_TEXT:
        out->code = STEP_TEXT;
        return reader == NODE_STRING && (writer == NODE_STRING || writer == NODE_BYTES);
    case SLOT_LONG:
        out->code = writer == NODE_INT ? STEP_INT : STEP_LONG;
        return reader == NODE_LONG && (writer == NODE_INT || writer == NODE_LONG);
    default:
        assert(field->slot == SLOT_BOOL);
        out->code = STEP_BOOL;
        return reader == NODE_BOOLEAN && writer == NODE_BOOLEAN;
    }
}

/* Every branch that our field can take is read, the others are refused when they come. */
static bool compile_union(struct compiler *compiler, const struct field *field, const struct schema_node *writer,
                          uint32_t reader, struct step *out)
{
    struct step *branches = new_steps(compiler, writer->count);
    bool any = false;
    for (uint32_t i = 0; i < writer->count; i++) {
        bool fits =
            compile_value(compiler, field, schema_parts(compiler->writer, writer)[i].node, reader, &branches[i]);
        if (!fits)
            branches[i].code = STEP_REFUSE;
        any = any || fits;
    }
    out->code = STEP_UNION;
    out->branches = branches;
    out->count = writer->count;
    return any;
}

/* False where the writer's type cannot be read as ours. */
static bool compile_value(struct compiler *compiler, const struct field *field, uint32_t writer, uint32_t reader,
                          struct step *out)
{
    const struct schema_node *from = node_of(compiler->writer, writer);
    const struct schema_node *to = node_of(compiler->reader, reader);
    *out = (struct step){.at = field->at, .name = field->name};
    if (from->type == NODE_UNION)
        return compile_union(compiler, field, from, reader, out);
    switch (field->slot) {
    case SLOT_KIND:
    case SLOT_NETWORK:
        return compile_enum(compiler, field, from, to, out);
    case SLOT_TEXTS:
    case SLOT_LINES:
    case SLOT_ATTRIBUTES:
        return compile_list(compiler, field, from, to, out);
    case SLOT_LINE:
        return compile_line(compiler, from, to, out);
    default:
        return compile_plain(field, from->type, to->type, out);
    }
}

/* What the writer does not have must have a default; the tables hold it to be the zero of its type. */
static enum err_code check_missing(struct compiler *compiler, const struct schema_node *writer,
                                   const struct schema_node *reader)
{
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct schema_part *ours = &schema_parts(compiler->reader, reader)[i];
        if (!ours->has_default && !schema_part_named(compiler->writer, writer, ours->name))
            return err_set(compiler->err, ERR_BAD_SCHEMA, "%.*s lacks the field %.*s", (int)writer->name.len,
                           writer->name.at, (int)ours->name.len, ours->name.at);
    }
    return ERR_NONE;
}

static enum err_code compile_field(struct compiler *compiler, const struct schema_node *writer,
                                   const struct schema_part *theirs, const struct schema_part *ours,
                                   struct fields fields, struct step *out)
{
    if (!ours) {
        *out = (struct step){.code = STEP_SKIP, .name = theirs->name, .node = theirs->node};
        return ERR_NONE;
    }
    const struct field *field = fields_find(fields, ours->name);
    assert(field);
    if (compile_value(compiler, field, theirs->node, ours->node, out))
        return ERR_NONE;
    return err_set(compiler->err, ERR_BAD_SCHEMA, "the type of %.*s.%.*s cannot be read as ours", (int)writer->name.len,
                   writer->name.at, (int)theirs->name.len, theirs->name.at);
}

static enum err_code compile_record(struct compiler *compiler, const struct schema_node *writer,
                                    const struct schema_node *reader, struct fields fields, struct steps *out)
{
    enum err_code code = check_missing(compiler, writer, reader);
    *out = (struct steps){new_steps(compiler, writer->count), writer->count};
    for (uint32_t i = 0; !code && i < writer->count; i++) {
        const struct schema_part *theirs = &schema_parts(compiler->writer, writer)[i];
        const struct schema_part *ours = schema_part_named(compiler->reader, reader, theirs->name);
        code = compile_field(compiler, writer, theirs, ours, fields, &out->at[i]);
    }
    return code;
}

enum err_code plan_compile(const struct schema *writer, const struct schema *reader, enum event_type type,
                           struct plan **out, struct err *err)
{
    struct plan *plan = malloc(sizeof *plan);
    if (!plan)
        abort();
    *plan = (struct plan){.arena = arena_new(0), .writer = writer, .type = type};
    struct compiler compiler = {plan, writer, reader, err};
    assert(schema_root(reader)->type == NODE_RECORD);
    enum err_code code =
        schema_root(writer)->type == NODE_RECORD
            ? compile_record(&compiler, schema_root(writer), schema_root(reader), fields_of_event(type), &plan->steps)
            : err_set(err, ERR_BAD_SCHEMA, "the schema is no record");
    if (code) {
        plan_free(plan);
        return code;
    }
    *out = plan;
    return ERR_NONE;
}

struct plan *plan_free(struct plan *plan)
{
    if (!plan)
        return NULL;
    arena_free(plan->arena);
    free(plan);
    return NULL;
}
