#include <criterion/criterion.h>
#include <stdio.h>

#include "avroc.h"
#include "decode/readers.h"
#include "values.h"
#include "writers.h"

static const struct decode_limits limits = {.lines = 1000, .string_bytes = 4096};

/* How two readings of the same bytes compare. A map that names an entry twice reads differently in avro-c, which keeps
 * the last, so there our refusal of any entry stands. */
static bool agree(const struct writer *writer, const struct avroc *avroc, struct bytes body, struct arena *arena,
                  bool *read)
{
    struct event ours, theirs;
    struct err err;
    bool map = writer->type == EVENT_ACTIVITY || writer->type == EVENT_MEMBER;
    *read = plan_read(writer->plan, &limits, body, arena, &ours, &err) == ERR_NONE;
    bool other = avroc_read(avroc, &limits, body, arena, &theirs);
    if (*read != other)
        return map && other;
    return !*read || events_equal(&ours, &theirs);
}

static void mutate(struct values *values, struct buffer *bytes)
{
    uint64_t at = bytes->len ? values_random(values, bytes->len) : 0;
    if (bytes->len == 0)
        return;
    switch (values_random(values, 3)) {
    case 0:
        bytes->at[at] = (uint8_t)values_random(values, 256);
        break;
    case 1:
        bytes->at[at] ^= (uint8_t)(1 << values_random(values, 8));
        break;
    default:
        bytes->len = at;
        break;
    }
}

static size_t compare_readings(const struct writer *writer, bool spoil, uint64_t seeds)
{
    struct avroc avroc;
    struct arena *arena = arena_new(0);
    size_t good = 0;
    avroc_open(&avroc, text_of(writer->json), writer->schema, writer->type);
    for (uint64_t seed = 0; seed < seeds; seed++) {
        struct values values = {.seed = seed * 7919 + spoil, .hostile = true};
        struct buffer bytes = {0};
        bool read;
        values_write(&values, writer->schema, writer->schema->root, &bytes);
        if (spoil)
            mutate(&values, &bytes);
        cr_assert(agree(writer, &avroc, buffer_view(&bytes), arena, &read), "%s, seed %llu", writer->name,
                  (unsigned long long)seed);
        good += read;
        buffer_release(&bytes);
        arena_reset(arena);
    }
    avroc_close(&avroc);
    arena_free(arena);
    return good;
}

Test(plan, reads_every_writer_as_avro_c_does)
{
    struct writers *writers = writers_open();
    cr_assert_geq(writers->count, 16);
    for (size_t i = 0; i < writers->count; i++)
        cr_assert_gt(compare_readings(&writers->at[i], false, 300), 0, "%s is never read", writers->at[i].name);
    writers_close(writers);
}

Test(plan, reads_spoilt_bytes_as_avro_c_does)
{
    struct writers *writers = writers_open();
    for (size_t i = 0; i < writers->count; i++)
        compare_readings(&writers->at[i], true, 600);
    writers_close(writers);
}

/* ---- What does not resolve. ---- */

static void unreadable(enum event_type type, const char *writer_json, const char *why)
{
    char name[64];
    struct schema *writer, *reader;
    struct plan *plan;
    struct err err = {0};
    snprintf(name, sizeof name, "avro/%s.avsc", event_type_name(type));
    cr_assert_eq(schema_parse(readers_file(name), &reader, NULL), ERR_NONE);
    cr_assert_eq(schema_parse(text_of(writer_json), &writer, &err), ERR_NONE, "%s", err.text);
    cr_assert_eq(plan_compile(writer, reader, type, &plan, &err), ERR_BAD_SCHEMA);
    cr_assert(strstr(err.text, why), "\"%s\" does not say \"%s\"", err.text, why);
    schema_free(writer);
    schema_free(reader);
}

#define SHARE(fields) "{\"type\": \"record\", \"name\": \"Share\", \"fields\": [" fields "]}"
#define NAMES                                                                                                          \
    "{\"name\": \"id\", \"type\": \"string\"}, {\"name\": \"source\", \"type\": \"string\"}, "                         \
    "{\"name\": \"member_id\", \"type\": \"string\"}, {\"name\": \"content\", \"type\": \"string\"}, "
#define TIME "{\"name\": \"occurred_at\", \"type\": \"long\"}, "
#define KIND "{\"name\": \"kind\", \"type\": {\"type\": \"enum\", \"name\": \"ShareKind\", \"symbols\": [\"shared\"]}}"

Test(plan, a_writer_that_lacks_a_field_without_default_does_not_resolve)
{
    unreadable(EVENT_SHARE, SHARE(NAMES KIND), "Share lacks the field occurred_at");
    unreadable(EVENT_SHARE, SHARE(NAMES TIME "{\"name\": \"x\", \"type\": \"int\"}"), "Share lacks the field kind");
    unreadable(EVENT_SHARE, "\"string\"", "no record");
}

Test(plan, types_that_cannot_be_read_as_ours_do_not_resolve)
{
    unreadable(EVENT_SHARE, SHARE(NAMES "{\"name\": \"occurred_at\", \"type\": \"double\"}, " KIND),
               "Share.occurred_at");
    unreadable(EVENT_SHARE, SHARE(NAMES "{\"name\": \"occurred_at\", \"type\": [\"null\", \"string\"]}, " KIND),
               "Share.occurred_at");
    unreadable(EVENT_SHARE, SHARE(NAMES TIME "{\"name\": \"kind\", \"type\": \"string\"}"), "Share.kind");
    unreadable(EVENT_SHARE,
               SHARE(NAMES TIME "{\"name\": \"kind\", \"type\": {\"type\": \"enum\", \"name\": \"Other\", \"symbols\": "
                                "[\"shared\"]}}"),
               "Share.kind");
    unreadable(EVENT_SHARE,
               SHARE(NAMES TIME KIND ", {\"name\": \"network\", \"type\": {\"type\": \"array\", \"items\": \"int\"}}"),
               "Share.network");
}

static void reads_to(const char *writer_json, struct bytes body, enum err_code code, struct event *out,
                     struct arena *arena)
{
    struct schema *writer, *reader;
    struct plan *plan;
    struct err err = {0};
    cr_assert_eq(schema_parse(readers_file("avro/share.avsc"), &reader, NULL), ERR_NONE);
    cr_assert_eq(schema_parse(text_of(writer_json), &writer, &err), ERR_NONE, "%s", err.text);
    cr_assert_eq(plan_compile(writer, reader, EVENT_SHARE, &plan, &err), ERR_NONE, "%s", err.text);
    cr_assert_eq(plan_read(plan, &limits, body, arena, out, &err), code, "%s", err.text);
    plan_free(plan);
    schema_free(writer);
    schema_free(reader);
}

Test(plan, symbols_that_we_lack_read_as_unknown_and_other)
{
    struct arena *arena = arena_new(0);
    struct event event;
    const char *json =
        SHARE(NAMES TIME
              "{\"name\": \"kind\", \"type\": {\"type\": \"enum\", \"name\": \"ShareKind\", \"symbols\": [\"boosted\", "
              "\"withdrawn\"]}}, {\"name\": \"network\", \"type\": {\"type\": \"enum\", \"name\": \"Network\", "
              "\"symbols\": [\"x\", \"mastodon\"]}}");
    static const uint8_t newer[] = {2, 'i', 2, 's', 2, 'm', 2, 'c', 0, 0, 2};
    static const uint8_t known[] = {2, 'i', 2, 's', 2, 'm', 2, 'c', 0, 2, 0};
    reads_to(json, (struct bytes){newer, sizeof newer}, ERR_NONE, &event, arena);
    cr_assert_eq(event.kind, KIND_UNKNOWN);
    cr_assert_eq(event.share.network, NETWORK_OTHER);
    reads_to(json, (struct bytes){known, sizeof known}, ERR_NONE, &event, arena);
    cr_assert_eq(event.kind, SHARE_WITHDRAWN);
    cr_assert_eq(event.share.network, NETWORK_X);
    arena_free(arena);
}

Test(plan, a_branch_that_does_not_fit_is_refused_only_when_it_comes)
{
    struct arena *arena = arena_new(0);
    struct event event;
    const char *json = SHARE(NAMES "{\"name\": \"occurred_at\", \"type\": [\"null\", \"int\"]}, " KIND);
    static const uint8_t fits[] = {2, 'i', 2, 's', 2, 'm', 2, 'c', 2, 84, 0};
    static const uint8_t null[] = {2, 'i', 2, 's', 2, 'm', 2, 'c', 0, 0};
    reads_to(json, (struct bytes){fits, sizeof fits}, ERR_NONE, &event, arena);
    cr_assert_eq(event.occurred_at, 42);
    reads_to(json, (struct bytes){null, sizeof null}, ERR_BAD_BYTES, &event, arena);
    arena_free(arena);
}

Test(plan, texts_are_not_copied)
{
    struct arena *arena = arena_new(0);
    struct event event;
    static const uint8_t bytes[] = {2, 'i', 2, 's', 2, 'm', 2, 'c', 0, 0};
    reads_to(SHARE(NAMES TIME KIND), (struct bytes){bytes, sizeof bytes}, ERR_NONE, &event, arena);
    cr_assert_eq((const void *)event.id.at, bytes + 1);
    cr_assert_eq((const void *)event.share.content.at, bytes + 7);
    cr_assert_eq(arena_used(arena), 0);
    arena_free(arena);
}

/* ---- The tables and the schemas say the same. ---- */

static enum node_type node_type_of(enum slot slot)
{
    static const enum node_type types[] = {
        [SLOT_TEXT] = NODE_STRING,  [SLOT_LONG] = NODE_LONG,   [SLOT_BOOL] = NODE_BOOLEAN, [SLOT_KIND] = NODE_ENUM,
        [SLOT_NETWORK] = NODE_ENUM, [SLOT_TEXTS] = NODE_ARRAY, [SLOT_LINES] = NODE_ARRAY,  [SLOT_ATTRIBUTES] = NODE_MAP,
    };
    return types[slot];
}

static void tags_are_unique(struct fields fields)
{
    for (size_t i = 0; i < fields.count; i++)
        for (size_t j = 0; j < i; j++)
            cr_assert(fields.at[i].tag == TAG_NONE || fields.at[i].tag != fields.at[j].tag, "tag %d", fields.at[i].tag);
}

static void same_fields(const struct schema *schema, const struct schema_node *record, struct fields fields)
{
    cr_assert_eq(record->count, fields.count);
    tags_are_unique(fields);
    for (size_t i = 0; i < fields.count; i++) {
        const struct schema_part *part = schema_part_named(schema, record, fields.at[i].name);
        cr_assert(part, "%.*s", (int)fields.at[i].name.len, fields.at[i].name.at);
        cr_assert_eq(schema->nodes[part->node].type, node_type_of(fields.at[i].slot), "%.*s",
                     (int)fields.at[i].name.len, fields.at[i].name.at);
        if (fields.at[i].slot != SLOT_LINES)
            continue;
        const struct schema_node *array = &schema->nodes[part->node];
        same_fields(schema, &schema->nodes[schema_parts(schema, array)[0].node], fields_of_line());
    }
}

Test(plan, the_tables_hold_every_field_of_our_schemas_with_its_type)
{
    struct writers *writers = writers_open();
    for (int type = 0; type < EVENT_TYPE_COUNT; type++)
        same_fields(writers->readers[type], schema_root(writers->readers[type]),
                    fields_of_event((enum event_type)type));
    writers_close(writers);
}

static void symbols_are_ours(enum event_type type, const struct schema *schema, const struct field *field)
{
    const struct schema_part *part = schema_part_named(schema, schema_root(schema), field->name);
    const struct schema_node *node = &schema->nodes[part->node];
    size_t known = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        struct text symbol = schema_parts(schema, node)[i].name;
        bool ours = field->slot == SLOT_KIND ? fields_kind(type, symbol) != KIND_UNKNOWN
                                             : fields_network(symbol) != NETWORK_OTHER;
        cr_assert(ours || i == node->fallback, "%.*s", (int)symbol.len, symbol.at);
        known += ours;
    }
    cr_assert_eq(known, node->count - 1);
    cr_assert_lt(node->fallback, node->count);
}

Test(plan, every_symbol_of_our_enums_is_known_but_the_default)
{
    struct writers *writers = writers_open();
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        struct fields fields = fields_of_event((enum event_type)type);
        for (size_t i = 0; i < fields.count; i++)
            if (fields.at[i].slot == SLOT_KIND || fields.at[i].slot == SLOT_NETWORK)
                symbols_are_ours((enum event_type)type, writers->readers[type], &fields.at[i]);
    }
    writers_close(writers);
}
