#include <stdlib.h>

#include "decode/content.h"
#include "decode/decode.h"

/* A record's value from frame to validated event. What is accepted must keep what the rules rest on. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct decode_limits limits = {
    .message_bytes = 65536,
    .lines = 100,
    .string_bytes = 1000,
    .member_id_bytes = 128,
    .future_us = INT64_MAX,
    .past_us = INT64_MAX,
};

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_event(const struct event *event, struct hash16 content)
{
    check(event->id.len > 0 && event->source.len > 0 && event->program_id.len > 0);
    check(event->member_id.len > 0 && event->member_id.len <= limits.member_id_bytes);
    check(hash16_equal(content, content_hash(event)));
    if (event->type != EVENT_ORDER)
        return;
    for (size_t i = 0; i < event->order.line_count; i++) {
        const struct order_line *line = &event->order.lines[i];
        int64_t price;
        check(line->quantity >= 1 && line->unit_price >= 0 && line->discount >= 0);
        check(!__builtin_mul_overflow(line->quantity, line->unit_price, &price) && line->discount <= price);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoder *decoder;
    static struct arena *arena;
    struct event event;
    struct hash16 content;
    struct err err;
    if (!decoder) {
        check(decoder_new(&limits, NULL, &decoder, &err) == ERR_NONE);
        arena = arena_new(1024 * 1024);
    }
    enum err_code code = decoder_decode(decoder, (struct bytes){data, size}, 0, arena, &event, &content, &err);
    if (code == ERR_NONE)
        check_event(&event, content);
    else
        check(err_class(code) == ERR_CLASS_POISON);
    arena_reset(arena);
    return 0;
}
