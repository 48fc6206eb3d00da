#include "avroc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "decode/guard.h"
#include "decode/utf8.h"

struct copying {
    enum event_type type;
    const struct decode_limits *limits;
    struct arena *arena;
};

static bool copy_field(struct copying *copying, const struct field *field, avro_value_t *value, void *base);
static bool copy_record(struct copying *copying, struct fields fields, avro_value_t *value, void *base);

void avroc_open(struct avroc *avroc, struct text json, const struct schema *guarded, enum event_type type)
{
    if (avro_schema_from_json_length(json.at, json.len, &avroc->writer)) {
        fprintf(stderr, "avro-c: %s\n", avro_strerror());
        abort();
    }
    avroc->class = avro_generic_class_from_schema(avroc->writer);
    assert(avroc->class);
    avroc->guarded = guarded;
    avroc->type = type;
}

void avroc_close(struct avroc *avroc)
{
    avro_value_iface_decref(avroc->class);
    avro_schema_decref(avroc->writer);
}

static bool get_text(const avro_value_t *value, struct text *out)
{
    const void *bytes;
    const char *string;
    size_t size;
    if (avro_value_get_type(value) == AVRO_BYTES) {
        assert(!avro_value_get_bytes(value, &bytes, &size));
        *out = (struct text){bytes, size};
        return true;
    }
    if (avro_value_get_type(value) != AVRO_STRING)
        return false;
    assert(!avro_value_get_string(value, &string, &size));
    *out = (struct text){string, size - 1};
    return true;
}

static bool copy_bytes(struct copying *copying, struct text text, struct text *out)
{
    if (text.len > copying->limits->string_bytes || !utf8_is_clean(text))
        return false;
    *out = arena_text(copying->arena, text);
    return true;
}

static bool copy_text(struct copying *copying, const avro_value_t *value, struct text *out)
{
    struct text text;
    return get_text(value, &text) && copy_bytes(copying, text, out);
}

static bool copy_long(const avro_value_t *value, int64_t *out)
{
    int32_t number;
    if (avro_value_get_type(value) == AVRO_INT64)
        return !avro_value_get_long(value, out);
    if (avro_value_get_type(value) != AVRO_INT32)
        return false;
    assert(!avro_value_get_int(value, &number));
    *out = number;
    return true;
}

static bool copy_bool(const avro_value_t *value, bool *out)
{
    int truth;
    if (avro_value_get_type(value) != AVRO_BOOLEAN)
        return false;
    assert(!avro_value_get_boolean(value, &truth));
    *out = truth;
    return true;
}

static bool copy_enum(struct copying *copying, const struct field *field, const avro_value_t *value, void *base)
{
    int index;
    if (avro_value_get_type(value) != AVRO_ENUM)
        return false;
    assert(!avro_value_get_enum(value, &index));
    struct text symbol = text_of(avro_schema_enum_get(avro_value_get_schema(value), index));
    if (field->slot == SLOT_KIND)
        FIELD_AT(enum event_kind, base, field->at) = fields_kind(copying->type, symbol);
    else
        FIELD_AT(enum share_network, base, field->at) = fields_network(symbol);
    return true;
}

static avro_value_t chosen_branch(const avro_value_t *value)
{
    avro_value_t chosen = *value;
    if (avro_value_get_type(value) == AVRO_UNION)
        assert(!avro_value_get_current_branch(value, &chosen));
    return chosen;
}

static bool copy_item(struct copying *copying, const struct field *field, avro_value_t *value, const char *key,
                      char *item)
{
    struct field text = {.name = field->name, .slot = SLOT_TEXT};
    if (field->slot == SLOT_LINES) {
        avro_value_t line = chosen_branch(value);
        return avro_value_get_type(&line) == AVRO_RECORD && copy_record(copying, fields_of_line(), &line, item);
    }
    if (field->slot == SLOT_ATTRIBUTES) {
        text.at = offsetof(struct attribute, value);
        if (!copy_bytes(copying, text_of(key), &((struct attribute *)(void *)item)->name))
            return false;
    }
    return copy_field(copying, &text, value, item);
}

static bool copy_list(struct copying *copying, const struct field *field, const avro_value_t *value, void *base)
{
    static const size_t sizes[] = {[SLOT_TEXTS] = sizeof(struct text),
                                   [SLOT_LINES] = sizeof(struct order_line),
                                   [SLOT_ATTRIBUTES] = sizeof(struct attribute)};
    size_t count;
    if (avro_value_get_type(value) != (field->slot == SLOT_ATTRIBUTES ? AVRO_MAP : AVRO_ARRAY))
        return false;
    assert(!avro_value_get_size(value, &count));
    if (count > (field->slot == SLOT_LINES ? copying->limits->lines : PLAN_ITEMS_MAX))
        return false;
    char *items = arena_array(copying->arena, count, sizes[field->slot]);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;
        const char *key = NULL;
        assert(!avro_value_get_by_index(value, i, &item, &key));
        if (!copy_item(copying, field, &item, key, items + i * sizes[field->slot]))
            return false;
    }
    FIELD_AT(const void *, base, field->at) = items;
    FIELD_AT(size_t, base, field->count_at) = count;
    return true;
}

static bool copy_field(struct copying *copying, const struct field *field, avro_value_t *value, void *base)
{
    avro_value_t branch = chosen_branch(value);
    switch (field->slot) {
    case SLOT_TEXT:
        return copy_text(copying, &branch, &FIELD_AT(struct text, base, field->at));
    case SLOT_LONG:
        return copy_long(&branch, &FIELD_AT(int64_t, base, field->at));
    case SLOT_BOOL:
        return copy_bool(&branch, &FIELD_AT(bool, base, field->at));
    case SLOT_KIND:
    case SLOT_NETWORK:
        return copy_enum(copying, field, &branch, base);
    default:
        return copy_list(copying, field, &branch, base);
    }
}

static bool copy_record(struct copying *copying, struct fields fields, avro_value_t *value, void *base)
{
    for (size_t i = 0; i < fields.count; i++) {
        char name[64];
        avro_value_t member;
        snprintf(name, sizeof name, "%.*s", (int)fields.at[i].name.len, fields.at[i].name.at);
        if (avro_schema_record_field_get_index(avro_value_get_schema(value), name) < 0)
            continue;
        assert(!avro_value_get_by_name(value, name, &member, NULL));
        if (!copy_field(copying, &fields.at[i], &member, base))
            return false;
    }
    return true;
}

bool avroc_read(const struct avroc *avroc, const struct decode_limits *limits, struct bytes body, struct arena *arena,
                struct event *out)
{
    struct copying copying = {avroc->type, limits, arena};
    avro_value_t value;
    if (guard_check(avroc->guarded, body))
        return false;
    avro_reader_t reader = avro_reader_memory((const char *)body.at, (int64_t)body.len);
    assert(reader && !avro_generic_value_new(avroc->class, &value));
    if (avro_value_read(reader, &value)) {
        fprintf(stderr, "avro-c fails on what the guard let through: %s\n", avro_strerror());
        abort();
    }
    *out = (struct event){.type = avroc->type};
    bool read = copy_record(&copying, fields_of_event(avroc->type), &value, out);
    avro_value_decref(&value);
    avro_reader_free(reader);
    return read;
}

static bool texts_equal(const struct text *a, const struct text *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!text_equal(a[i], b[i]))
            return false;
    return true;
}

static bool fields_equal(struct fields fields, const void *a, const void *b);

static bool lines_equal(const struct order_line *a, const struct order_line *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!fields_equal(fields_of_line(), &a[i], &b[i]))
            return false;
    return true;
}

static size_t occurrences(const struct attribute *list, size_t count, struct text name)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += text_equal(list[i].name, name);
    return found;
}

static bool entry_in(const struct attribute *list, size_t count, const struct attribute *entry)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(list[i].name, entry->name))
            return text_equal(list[i].value, entry->value);
    return false;
}

static bool has_twins(const struct attribute *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (occurrences(list, count, list[i].name) > 1)
            return true;
    return false;
}

static bool attributes_equal(const struct field *field, const void *a, const void *b)
{
    const struct attribute *x = FIELD_OF(const struct attribute *, a, field->at);
    const struct attribute *y = FIELD_OF(const struct attribute *, b, field->at);
    size_t x_count = FIELD_OF(size_t, a, field->count_at);
    size_t y_count = FIELD_OF(size_t, b, field->count_at);
    if (has_twins(x, x_count) || has_twins(y, y_count))
        return true;
    if (x_count != y_count)
        return false;
    for (size_t i = 0; i < x_count; i++)
        if (!entry_in(y, y_count, &x[i]))
            return false;
    return true;
}

static bool field_equal(const struct field *field, const void *a, const void *b)
{
    size_t count = field->count_at ? FIELD_OF(size_t, a, field->count_at) : 0;
    if (field->slot != SLOT_ATTRIBUTES && field->count_at && count != FIELD_OF(size_t, b, field->count_at))
        return false;
    switch (field->slot) {
    case SLOT_TEXT:
        return text_equal(FIELD_OF(struct text, a, field->at), FIELD_OF(struct text, b, field->at));
    case SLOT_LONG:
        return FIELD_OF(int64_t, a, field->at) == FIELD_OF(int64_t, b, field->at);
    case SLOT_BOOL:
        return FIELD_OF(bool, a, field->at) == FIELD_OF(bool, b, field->at);
    case SLOT_KIND:
        return FIELD_OF(enum event_kind, a, field->at) == FIELD_OF(enum event_kind, b, field->at);
    case SLOT_NETWORK:
        return FIELD_OF(enum share_network, a, field->at) == FIELD_OF(enum share_network, b, field->at);
    case SLOT_TEXTS:
        return texts_equal(FIELD_OF(const struct text *, a, field->at), FIELD_OF(const struct text *, b, field->at),
                           count);
    case SLOT_LINES:
        return lines_equal(FIELD_OF(const struct order_line *, a, field->at),
                           FIELD_OF(const struct order_line *, b, field->at), count);
    case SLOT_ATTRIBUTES:
        return attributes_equal(field, a, b);
    case SLOT_LINE:
        break;
    }
    return false;
}

static bool fields_equal(struct fields fields, const void *a, const void *b)
{
    for (size_t i = 0; i < fields.count; i++)
        if (!field_equal(&fields.at[i], a, b))
            return false;
    return true;
}

bool events_equal(const struct event *a, const struct event *b)
{
    return a->type == b->type && fields_equal(fields_of_event(a->type), a, b);
}
