#include "sink/frames.h"

/* How a reward with an id of its own is written. */
enum { REWARD_WITH_ID = 3 };

static void put_bytes(struct buffer *out, const void *at, size_t len)
{
    buffer_put_varint(out, len);
    buffer_put(out, at, len);
}

static void put_nullable(struct buffer *out, struct bytes value)
{
    buffer_put_varint(out, value.at ? value.len + 1 : 0);
    if (value.at)
        buffer_put(out, value.at, value.len);
}

static void put_text(struct buffer *out, struct text text)
{
    put_bytes(out, text.at, text.len);
}

static void put_headers(struct buffer *out, const struct frame *frame)
{
    assert(frame->header_count <= FRAME_HEADERS_MAX);
    buffer_put_varint(out, frame->header_count);
    for (size_t i = 0; i < frame->header_count; i++) {
        put_text(out, frame->headers[i].name);
        put_nullable(out, frame->headers[i].value);
    }
}

void frame_append(struct buffer *frames, const struct frame *frame)
{
    bool has_id = frame->kind == FRAME_REWARD && frame->id.len > 0;
    buffer_put_u8(frames, has_id ? REWARD_WITH_ID : (uint8_t)frame->kind);
    buffer_put_varint(frames, (uint64_t)frame->offset);
    buffer_put_varint(frames, frame->index);
    buffer_put_be64(frames, (uint64_t)frame->time);
    put_nullable(frames, frame->key);
    put_nullable(frames, frame->value);
    if (frame->kind == FRAME_REWARD) {
        put_text(frames, frame->type);
        put_text(frames, frame->program_id);
        if (has_id)
            put_text(frames, frame->id);
        return;
    }
    put_text(frames, frame->reason);
    put_text(frames, frame->stage);
    put_text(frames, frame->detail);
    put_headers(frames, frame);
}

/* A reader that remembers that it failed, so that callers check once at the end. */
struct reader {
    struct bytes from;
    size_t at;
    bool failed;
};

static uint64_t get_varint(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->from.len; shift += 7) {
        uint8_t byte = reader->from.at[reader->at++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader->failed = true;
    return 0;
}

static struct bytes get_run(struct reader *reader, uint64_t len)
{
    if (reader->failed || len > reader->from.len - reader->at) {
        reader->failed = true;
        return (struct bytes){0};
    }
    struct bytes run = {reader->from.at + reader->at, (size_t)len};
    reader->at += (size_t)len;
    return run;
}

static struct text get_text(struct reader *reader)
{
    struct bytes run = get_run(reader, get_varint(reader));
    return (struct text){(const char *)run.at, run.len};
}

static struct bytes get_nullable(struct reader *reader)
{
    uint64_t tag = get_varint(reader);
    return tag == 0 ? (struct bytes){0} : get_run(reader, tag - 1);
}

static int64_t get_be64(struct reader *reader)
{
    struct bytes run = get_run(reader, 8);
    uint64_t be = 0;
    if (run.at)
        memcpy(&be, run.at, sizeof be);
    return (int64_t)__builtin_bswap64(be);
}

static void get_headers(struct reader *reader, struct frame *out, struct frame_header *headers)
{
    uint64_t count = get_varint(reader);
    if (count > FRAME_HEADERS_MAX) {
        reader->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        headers[i].name = get_text(reader);
        headers[i].value = get_nullable(reader);
    }
    out->headers = headers;
    out->header_count = (size_t)count;
}

static void get_dead_letter(struct reader *reader, struct frame *out, struct frame_header *headers)
{
    out->reason = get_text(reader);
    out->stage = get_text(reader);
    out->detail = get_text(reader);
    get_headers(reader, out, headers);
}

enum err_code frame_next(struct bytes frames, size_t *at, struct frame *out, struct frame_header *headers,
                         struct err *err)
{
    struct reader reader = {frames, *at, *at >= frames.len};
    struct frame frame = {0};
    int kind = 0;
    if (!reader.failed)
        kind = frames.at[reader.at++];
    frame.offset = (int64_t)get_varint(&reader);
    frame.index = (uint32_t)get_varint(&reader);
    frame.time = get_be64(&reader);
    frame.key = get_nullable(&reader);
    frame.value = get_nullable(&reader);
    if (kind == FRAME_REWARD || kind == REWARD_WITH_ID) {
        frame.kind = FRAME_REWARD;
        frame.type = get_text(&reader);
        frame.program_id = get_text(&reader);
        if (kind == REWARD_WITH_ID)
            frame.id = get_text(&reader);
    } else if (kind == FRAME_DEAD_LETTER) {
        frame.kind = FRAME_DEAD_LETTER;
        get_dead_letter(&reader, &frame, headers);
    } else {
        reader.failed = true;
    }
    if (reader.failed)
        return err_set(err, ERR_OUTBOX_GAP, "outbox frame at byte %zu of %zu cannot be read", *at, frames.len);
    *at = reader.at;
    *out = frame;
    return ERR_NONE;
}
