#include "decode/content.h"

#include <assert.h>
#include <sodium.h>

#include "decode/fields.h"

/* The hashed form: the type's name; each field that is not zero as its tag and its value; tag 0 ends a struct. Texts
 * and lists come after their length; numbers are zigzag varints; kinds and networks stand under their names. */

enum { TAG_END = 0, BUFFER = 1024, NUMBER_MAX = 10 };

struct content {
    uint8_t buffer[BUFFER];
    size_t len;
    bool streaming;
    crypto_generichash_blake2b_state state;
};

static void flush(struct content *content)
{
    if (!content->streaming)
        crypto_generichash_blake2b_init(&content->state, NULL, 0, sizeof(struct hash16));
    content->streaming = true;
    crypto_generichash_blake2b_update(&content->state, content->buffer, content->len);
    content->len = 0;
}

/* Where the next bytes go; at least `len` of them fit. */
static inline uint8_t *room(struct content *content, size_t len)
{
    assert(len <= BUFFER);
    if (len > BUFFER - content->len)
        flush(content);
    return content->buffer + content->len;
}

static inline void wrote(struct content *content, const uint8_t *end)
{
    content->len = (size_t)(end - content->buffer);
}

static inline uint8_t *write_number(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static inline void put_tag(struct content *content, uint8_t tag)
{
    *room(content, 1) = tag;
    content->len++;
}

static inline void put_count(struct content *content, uint64_t value)
{
    wrote(content, write_number(room(content, NUMBER_MAX), value));
}

static void put_long_text(struct content *content, struct text text)
{
    put_count(content, text.len);
    flush(content);
    crypto_generichash_blake2b_update(&content->state, (const uint8_t *)text.at, text.len);
}

static inline void put_text(struct content *content, struct text text)
{
    if (text.len > BUFFER - NUMBER_MAX) {
        put_long_text(content, text);
        return;
    }
    uint8_t *at = write_number(room(content, NUMBER_MAX + text.len), text.len);
    if (text.len)
        memcpy(at, text.at, text.len);
    wrote(content, at + text.len);
}

static void put_fields(struct content *content, struct fields fields, const void *base);

static void put_texts(struct content *content, const struct field *field, const void *base)
{
    const struct text *texts = FIELD_OF(const struct text *, base, field->at);
    size_t count = FIELD_OF(size_t, base, field->count_at);
    if (count == 0)
        return;
    put_tag(content, field->tag);
    put_count(content, count);
    for (size_t i = 0; i < count; i++)
        put_text(content, texts[i]);
}

static void put_lines(struct content *content, const struct field *field, const void *base)
{
    const struct order_line *lines = FIELD_OF(const struct order_line *, base, field->at);
    size_t count = FIELD_OF(size_t, base, field->count_at);
    if (count == 0)
        return;
    put_tag(content, field->tag);
    put_count(content, count);
    for (size_t i = 0; i < count; i++)
        put_fields(content, fields_of_line(), &lines[i]);
}

static void put_attributes(struct content *content, const struct field *field, const void *base)
{
    const struct attribute *attributes = FIELD_OF(const struct attribute *, base, field->at);
    size_t count = FIELD_OF(size_t, base, field->count_at);
    if (count == 0)
        return;
    put_tag(content, field->tag);
    put_count(content, count);
    for (size_t i = 0; i < count; i++) {
        put_text(content, attributes[i].name);
        put_text(content, attributes[i].value);
    }
}

static inline void put_tagged_text(struct content *content, const struct field *field, struct text text)
{
    if (text.len == 0)
        return;
    put_tag(content, field->tag);
    put_text(content, text);
}

static inline void put_tagged_long(struct content *content, const struct field *field, int64_t value)
{
    if (value == 0)
        return;
    uint8_t *at = room(content, 1 + NUMBER_MAX);
    *at++ = field->tag;
    wrote(content, write_number(at, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63)));
}

static inline void put_kind(struct content *content, const struct field *field, enum event_kind kind)
{
    if (kind != KIND_UNKNOWN)
        put_tagged_text(content, field, text_of(event_kind_name(kind)));
}

static inline void put_network(struct content *content, const struct field *field, enum share_network network)
{
    if (network != NETWORK_OTHER)
        put_tagged_text(content, field, text_of(share_network_name(network)));
}

static inline void put_field(struct content *content, const struct field *field, const void *base)
{
    switch (field->slot) {
    case SLOT_TEXT:
        put_tagged_text(content, field, FIELD_OF(struct text, base, field->at));
        break;
    case SLOT_LONG:
        put_tagged_long(content, field, FIELD_OF(int64_t, base, field->at));
        break;
    case SLOT_BOOL:
        put_tagged_long(content, field, FIELD_OF(bool, base, field->at));
        break;
    case SLOT_KIND:
        put_kind(content, field, FIELD_OF(enum event_kind, base, field->at));
        break;
    case SLOT_NETWORK:
        put_network(content, field, FIELD_OF(enum share_network, base, field->at));
        break;
    case SLOT_TEXTS:
        put_texts(content, field, base);
        break;
    case SLOT_LINES:
        put_lines(content, field, base);
        break;
    case SLOT_ATTRIBUTES:
        put_attributes(content, field, base);
        break;
    case SLOT_LINE:
        put_fields(content, fields_of_line(), base);
        break;
    }
}

static void put_fields(struct content *content, struct fields fields, const void *base)
{
    for (size_t i = 0; i < fields.count; i++)
        if (fields.at[i].tag != TAG_NONE)
            put_field(content, &fields.at[i], base);
    put_tag(content, TAG_END);
}

struct hash16 content_hash(const struct event *event)
{
    struct content content;
    struct hash16 hash;
    content.len = 0;
    content.streaming = false;
    put_text(&content, text_of(event_type_name(event->type)));
    put_fields(&content, fields_of_event(event->type), event);
    if (!content.streaming) {
        crypto_generichash_blake2b(hash.bytes, sizeof hash.bytes, content.buffer, content.len, NULL, 0);
        return hash;
    }
    flush(&content);
    crypto_generichash_blake2b_final(&content.state, hash.bytes, sizeof hash.bytes);
    return hash;
}
