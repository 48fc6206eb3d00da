#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "decode/content.h"
#include "decode/readers.h"

/* schema-dump WRITER.avsc: reads bodies from standard input, each behind its length as four little-endian bytes; writes
 * what the decoder makes of each as one line of JSON: the event's fields by name, and its content's hash; or {"error":
 * …}. */

static const struct decode_limits limits = {.lines = 1000, .string_bytes = 100000};

static json_t *dump_fields(struct fields fields, const void *base);

static json_t *dump_text(struct text text)
{
    return json_stringn(text.at ? text.at : "", text.len);
}

static json_t *dump_texts(const struct text *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, dump_text(texts[i]));
    return list;
}

static json_t *dump_lines(const struct order_line *lines, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, dump_fields(fields_of_line(), &lines[i]));
    return list;
}

static json_t *dump_attributes(const struct attribute *attributes, size_t count)
{
    json_t *map = json_object();
    for (size_t i = 0; i < count; i++) {
        char *name = strndup(attributes[i].name.at, attributes[i].name.len);
        json_object_set_new(map, name, dump_text(attributes[i].value));
        free(name);
    }
    return map;
}

static json_t *dump_field(const struct field *field, const void *base)
{
    size_t count = field->count_at ? FIELD_OF(size_t, base, field->count_at) : 0;
    switch (field->slot) {
    case SLOT_TEXT:
        return dump_text(FIELD_OF(struct text, base, field->at));
    case SLOT_LONG:
        return json_integer(FIELD_OF(int64_t, base, field->at));
    case SLOT_BOOL:
        return json_boolean(FIELD_OF(bool, base, field->at));
    case SLOT_KIND:
        return json_string(event_kind_name(FIELD_OF(enum event_kind, base, field->at)));
    case SLOT_NETWORK:
        return json_string(share_network_name(FIELD_OF(enum share_network, base, field->at)));
    case SLOT_TEXTS:
        return dump_texts(FIELD_OF(const struct text *, base, field->at), count);
    case SLOT_LINES:
        return dump_lines(FIELD_OF(const struct order_line *, base, field->at), count);
    case SLOT_ATTRIBUTES:
        return dump_attributes(FIELD_OF(const struct attribute *, base, field->at), count);
    case SLOT_LINE:
        break;
    }
    abort();
}

static json_t *dump_fields(struct fields fields, const void *base)
{
    json_t *object = json_object();
    for (size_t i = 0; i < fields.count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)fields.at[i].name.len, fields.at[i].name.at);
        json_object_set_new(object, name, dump_field(&fields.at[i], base));
    }
    return object;
}

static json_t *dump_event(const struct event *event)
{
    char hex[33];
    hash16_hex(content_hash(event), hex);
    return json_pack("{s:o, s:s}", "event", dump_fields(fields_of_event(event->type), event), "content", hex);
}

static void dump_body(const struct plan *plan, struct bytes body, struct arena *arena)
{
    struct event event;
    struct err err;
    json_t *line;
    if (plan_read(plan, &limits, body, arena, &event, &err))
        line = json_pack("{s:s, s:s}", "error", err_name(err.code), "text", err.text);
    else
        line = dump_event(&event);
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
    arena_reset(arena);
}

/* The next body into `at`; false at the end of the input. */
static bool next_body(uint8_t *at, size_t capacity, struct bytes *out)
{
    uint8_t head[4];
    if (fread(head, 1, sizeof head, stdin) != sizeof head)
        return false;
    size_t len = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    if (len > capacity || fread(at, 1, len, stdin) != len)
        return false;
    *out = (struct bytes){at, len};
    return true;
}

static struct text file_text(const char *path)
{
    static char json[SCHEMA_BYTES_MAX];
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(2);
    }
    struct text text = {json, fread(json, 1, sizeof json, file)};
    fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    static uint8_t buffer[1024 * 1024];
    struct readers *readers;
    struct schema *schema;
    struct plan *plan;
    struct bytes body;
    struct err err = {0};
    if (argc != 2)
        return 2;
    if (readers_new(&readers, &err) || schema_parse(file_text(argv[1]), &schema, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    printf("{\"fingerprint\": \"%016" PRIx64 "\"}\n", schema->fingerprint);
    struct arena *arena = arena_new(1024 * 1024);
    if (readers_resolve(readers, schema, &plan, &err)) {
        printf("{\"error\": \"%s\", \"text\": \"%s\"}\n", err_name(err.code), err.text);
    } else {
        while (next_body(buffer, sizeof buffer, &body))
            dump_body(plan, body, arena);
        plan_free(plan);
    }
    schema_free(schema);
    readers_free(readers);
    arena_free(arena);
    return 0;
}
