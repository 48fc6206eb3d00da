#include "program/node.h"

#include <assert.h>
#include <stdlib.h>
#include <yaml.h>

#include "program/bundle.h"

/* ---- errors */

void errors_add(struct program_errors *errors, struct arena *arena, int line, int column, struct text message)
{
    if (errors->count == PROGRAM_ERRORS_MAX)
        return;
    if (errors->count == errors->capacity) {
        errors->capacity = errors->capacity > 0 ? 2 * errors->capacity : 8;
        struct program_error *larger = arena_array(arena, errors->capacity, sizeof *larger);
        if (errors->count > 0)
            memcpy(larger, errors->items, errors->count * sizeof *larger);
        errors->items = larger;
    }
    errors->items[errors->count++] = (struct program_error){line, column, message};
}

static int error_compare(const void *left, const void *right)
{
    const struct program_error *a = left;
    const struct program_error *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

void errors_sort(struct program_errors *errors)
{
    if (errors->count > 1)
        qsort(errors->items, errors->count, sizeof *errors->items, error_compare);
}

/* ---- the tree */

struct builder {
    yaml_parser_t parser;
    struct arena *arena;
    struct program_errors *errors;
    struct node *open[NODE_DEPTH_MAX]; /* lists and maps that have not ended */
    struct node *last[NODE_DEPTH_MAX]; /* the newest item or key of each */
    bool wants_value[NODE_DEPTH_MAX];  /* a map whose newest key has no value yet */
    size_t depth;
    size_t count;
    struct node *root;
    bool failed;
};

static void fail(struct builder *builder, yaml_mark_t mark, struct text message)
{
    errors_add(builder->errors, builder->arena, (int)mark.line + 1, (int)mark.column + 1, message);
    builder->failed = true;
}

/* Hangs the node where the next one belongs. */
static void attach(struct builder *builder, struct node *node, yaml_mark_t mark)
{
    if (builder->depth == 0) {
        assert(!builder->root);
        builder->root = node;
        return;
    }
    size_t top = builder->depth - 1;
    struct node *open = builder->open[top];
    if (open->kind == NODE_MAP && builder->wants_value[top]) {
        builder->last[top]->value = node;
        builder->wants_value[top] = false;
        return;
    }
    if (open->kind == NODE_MAP && node->kind != NODE_SCALAR) {
        fail(builder, mark, TEXT("a key must be a word, not a list or a map"));
        return;
    }
    if (builder->last[top])
        builder->last[top]->next = node;
    else
        open->first = node;
    builder->last[top] = node;
    builder->wants_value[top] = open->kind == NODE_MAP;
    open->count++;
}

static struct node *add_node(struct builder *builder, enum node_kind kind, const yaml_event_t *event)
{
    if (++builder->count > NODE_COUNT_MAX) {
        fail(builder, event->start_mark, TEXT("the file has too many values"));
        return NULL;
    }
    struct node *node = arena_alloc(builder->arena, sizeof *node);
    node->kind = kind;
    node->line = (int)event->start_mark.line + 1;
    node->column = (int)event->start_mark.column + 1;
    attach(builder, node, event->start_mark);
    return node;
}

static void open_node(struct builder *builder, enum node_kind kind, const yaml_event_t *event)
{
    struct node *node = add_node(builder, kind, event);
    if (!node || builder->failed)
        return;
    if (builder->depth == NODE_DEPTH_MAX) {
        fail(builder, event->start_mark, TEXT("lists and maps are nested too deeply"));
        return;
    }
    builder->open[builder->depth] = node;
    builder->last[builder->depth] = NULL;
    builder->wants_value[builder->depth] = false;
    builder->depth++;
}

static void refuse_extras(struct builder *builder, const yaml_event_t *event, const yaml_char_t *anchor,
                          const yaml_char_t *tag)
{
    if (anchor)
        fail(builder, event->start_mark, TEXT("anchors (&name) are not used in program files; write the value out"));
    if (tag)
        fail(builder, event->start_mark, TEXT("tags (!name) are not used in program files"));
}

static void take_scalar(struct builder *builder, const yaml_event_t *event)
{
    refuse_extras(builder, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (builder->failed)
        return;
    struct node *node = add_node(builder, NODE_SCALAR, event);
    if (node)
        node->text = arena_text(builder->arena,
                                (struct text){(const char *)event->data.scalar.value, event->data.scalar.length});
}

static void take_event(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (builder->root)
            fail(builder, event->start_mark, TEXT("a second document begins here; a program file has one"));
        break;
    case YAML_ALIAS_EVENT:
        fail(builder, event->start_mark, TEXT("aliases (*name) are not used in program files; write the value out"));
        break;
    case YAML_SCALAR_EVENT:
        take_scalar(builder, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_extras(builder, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        open_node(builder, NODE_LIST, event);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_extras(builder, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        open_node(builder, NODE_MAP, event);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        assert(builder->depth > 0);
        builder->depth--;
        break;
    default:
        break;
    }
}

static void fail_parse(struct builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    bool read = parser->error == YAML_READER_ERROR; /* has no mark: the text up to there is not UTF-8 */
    struct text message = read ? arena_printf(builder->arena, "not readable as UTF-8 at byte %zu: %s",
                                              parser->problem_offset, parser->problem)
                               : arena_printf(builder->arena, "not readable as YAML: %s%s%s", parser->problem,
                                              parser->context ? ", " : "", parser->context ? parser->context : "");
    fail(builder, read ? parser->mark : parser->problem_mark, message);
}

static void build(struct builder *builder)
{
    for (bool ended = false; !ended && !builder->failed;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&builder->parser, &event)) {
            fail_parse(builder);
            return;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        take_event(builder, &event);
        yaml_event_delete(&event);
    }
}

const struct node *node_read(struct text source, struct arena *arena, struct program_errors *errors)
{
    if (source.len > PROGRAM_FILE_MAX) {
        errors_add(errors, arena, 1, 1, TEXT("the file is larger than 4 MiB"));
        return NULL;
    }
    struct builder builder = {.arena = arena, .errors = errors};
    if (!yaml_parser_initialize(&builder.parser))
        abort();
    yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)source.at, source.len);
    build(&builder);
    yaml_parser_delete(&builder.parser);
    if (builder.failed)
        return NULL;
    if (!builder.root)
        errors_add(errors, arena, 1, 1, TEXT("the file is empty; a program begins with `program: <id>`"));
    return builder.root;
}
