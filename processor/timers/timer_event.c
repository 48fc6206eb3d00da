#include "timers/timer_event.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "decode/readers.h"
#include "decode/schema.h"
#include "decode/wire.h"

enum { KIND_DUE = 1, ID_SIZE = 80 };

/* The schema names an obligation; a timer settles whatever of its member is due by then. */
#define OBLIGATION TEXT("any")

void timer_frame_make(struct timer_frame *out)
{
    struct schema *schema;
    if (schema_parse(readers_file("avro/timer.avsc"), &schema, NULL))
        abort();
    size_t len = wire_head_single_object(schema->fingerprint, out->prefix);
    assert(len == sizeof out->prefix);
    schema_free(schema);
}

static void put_long(struct buffer *out, int64_t value)
{
    buffer_put_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void put_text(struct buffer *out, struct text text)
{
    put_long(out, (int64_t)text.len);
    buffer_put(out, text.at, text.len);
}

void timer_event_encode(const struct timer_frame *frame, const struct due_member *member, struct buffer *out)
{
    char key[33], id[ID_SIZE];
    hash16_hex(member->key, key);
    int len = snprintf(id, sizeof id, "%s-%" PRId64 "-%" PRId64, key, member->due_at, member->version);
    assert(len > 0 && len < ID_SIZE);
    buffer_put(out, frame->prefix, sizeof frame->prefix);
    put_text(out, (struct text){id, (size_t)len});
    put_text(out, TEXT(TIMER_SOURCE));
    put_text(out, member->program_id);
    put_text(out, TEXT("")); /* partner_id */
    put_text(out, member->member_id);
    put_long(out, member->due_at); /* occurred_at */
    put_long(out, KIND_DUE);
    put_text(out, OBLIGATION);
    put_long(out, member->due_at);
}
