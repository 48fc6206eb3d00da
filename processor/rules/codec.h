#ifndef POINTS_RULES_CODEC_H
#define POINTS_RULES_CODEC_H

#include <assert.h>

#include "base/text.h"

/* How states and records are written: LEB128 integers in their shortest form, texts as length and bytes. A reader may
 * be given any bytes: the first thing that is not well-formed makes it bad, and a bad reader yields zeros from then on,
 * so that callers check once at the end. */

enum { CODEC_VARINT_MAX = 10 };

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static inline struct reader reader_of(struct bytes bytes)
{
    return (struct reader){.at = bytes.at, .end = bytes.len > 0 ? bytes.at + bytes.len : bytes.at};
}

static inline size_t reader_left(const struct reader *reader)
{
    assert(reader->at == reader->end || reader->at < reader->end);
    return (size_t)(reader->end - reader->at);
}

static inline uint64_t reader_fail(struct reader *reader)
{
    reader->bad = true;
    reader->at = reader->end;
    return 0;
}

/* The slow half of read_varint: more than one byte. */
uint64_t read_long_varint(struct reader *reader);

static inline uint64_t read_varint(struct reader *reader)
{
    if (reader->at < reader->end && *reader->at < 0x80)
        return *reader->at++;
    return read_long_varint(reader);
}

/* An integer >= 0 that fits int64. */
static inline int64_t read_natural(struct reader *reader)
{
    uint64_t value = read_varint(reader);
    return value <= INT64_MAX ? (int64_t)value : (int64_t)reader_fail(reader);
}

/* Any int64, written zigzag: small magnitudes are short. */
static inline int64_t read_signed(struct reader *reader)
{
    uint64_t value = read_varint(reader);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* The number of items that follow, each of at least item_min bytes: never more than the bytes left can hold, so that a
 * count can be trusted for allocation. */
static inline size_t read_count(struct reader *reader, size_t item_min)
{
    assert(item_min > 0);
    uint64_t count = read_varint(reader);
    return count <= reader_left(reader) / item_min ? (size_t)count : (size_t)reader_fail(reader);
}

/* A view into the bytes read. */
static inline struct bytes read_bytes(struct reader *reader)
{
    size_t len = read_count(reader, 1);
    struct bytes view = {reader->at, len};
    if (len > 0)
        reader->at += len;
    return view;
}

static inline struct text read_text(struct reader *reader)
{
    struct bytes view = read_bytes(reader);
    return (struct text){(const char *)view.at, view.len};
}

static inline struct hash16 read_hash16(struct reader *reader)
{
    struct hash16 hash = {{0}};
    if (reader_left(reader) < sizeof hash.bytes) {
        reader_fail(reader);
        return hash;
    }
    memcpy(hash.bytes, reader->at, sizeof hash.bytes);
    reader->at += sizeof hash.bytes;
    return hash;
}

/* A writer never runs out: its caller sizes the buffer for the worst case. */
struct writer {
    uint8_t *at;
    uint8_t *end;
};

static inline void write_varint(struct writer *writer, uint64_t value)
{
    uint8_t *at = writer->at; /* the bytes written might be the writer's own, for all that the compiler knows */
    assert(writer->end - at >= CODEC_VARINT_MAX);
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    writer->at = at;
}

static inline void write_natural(struct writer *writer, int64_t value)
{
    assert(value >= 0);
    write_varint(writer, (uint64_t)value);
}

static inline void write_signed(struct writer *writer, int64_t value)
{
    write_varint(writer, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static inline void write_raw(struct writer *writer, const void *at, size_t len)
{
    uint8_t *to = writer->at;
    assert((size_t)(writer->end - to) >= len);
    bytes_copy(to, at, len);
    writer->at = to + len;
}

static inline void write_text(struct writer *writer, struct text text)
{
    write_varint(writer, text.len);
    write_raw(writer, text.at, text.len);
}

#endif
