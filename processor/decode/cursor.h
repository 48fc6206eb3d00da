#ifndef POINTS_DECODE_CURSOR_H
#define POINTS_DECODE_CURSOR_H

#include "base/text.h"

/* Reading Avro's primitives from bytes that nobody has vouched for. Each function returns false, and leaves the cursor
 * anywhere within the bytes, where they do not hold such a value. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static inline size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* A zigzag varint of at most ten bytes whose value fits 64 bits; padded ones are let through, as other readers do. */
static inline bool cursor_long(struct cursor *cursor, int64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (cursor->at == cursor->end)
            return false;
        uint8_t byte = *cursor->at++;
        if (shift == 63 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
            return true;
        }
    }
    return false;
}

static inline bool cursor_int(struct cursor *cursor, int64_t *out)
{
    int64_t value;
    if (!cursor_long(cursor, &value) || value < INT32_MIN || value > INT32_MAX)
        return false;
    *out = value;
    return true;
}

static inline bool cursor_bool(struct cursor *cursor, bool *out)
{
    if (cursor->at == cursor->end || *cursor->at > 1)
        return false;
    *out = *cursor->at++ == 1;
    return true;
}

static inline bool cursor_skip(struct cursor *cursor, uint64_t len)
{
    if (len > cursor_left(cursor))
        return false;
    cursor->at += len;
    return true;
}

/* A length and that many bytes, as a view. */
static inline bool cursor_text(struct cursor *cursor, struct text *out)
{
    int64_t len;
    if (!cursor_long(cursor, &len) || len < 0 || (uint64_t)len > cursor_left(cursor))
        return false;
    *out = (struct text){(const char *)cursor->at, (size_t)len};
    cursor->at += len;
    return true;
}

/* An index below count. */
static inline bool cursor_index(struct cursor *cursor, uint32_t count, uint32_t *out)
{
    int64_t index;
    if (!cursor_long(cursor, &index) || index < 0 || index >= count)
        return false;
    *out = (uint32_t)index;
    return true;
}

/* One block of an array or map. */
struct cursor_block {
    uint64_t count;     /* items; 0: the list ends here */
    const uint8_t *end; /* where the block says that it ends; NULL where it does not say */
};

/* A block's head. least: the fewest bytes that an item takes; a count that the remaining bytes cannot hold is refused
 * here, before anything is sized by it. */
static inline bool cursor_block(struct cursor *cursor, uint64_t least, struct cursor_block *out)
{
    int64_t count;
    int64_t size;
    const uint8_t *end = NULL;
    if (!cursor_long(cursor, &count) || count == INT64_MIN)
        return false;
    if (count < 0) {
        if (!cursor_long(cursor, &size) || size < 0 || (uint64_t)size > cursor_left(cursor))
            return false;
        count = -count;
        end = cursor->at + size;
    }
    if (least > 0 && (uint64_t)count > cursor_left(cursor) / least)
        return false;
    *out = (struct cursor_block){(uint64_t)count, end};
    return true;
}

/* Whether the items read fill the block as its head said. */
static inline bool cursor_block_ends(const struct cursor *cursor, const struct cursor_block *block)
{
    return !block->end || cursor->at == block->end;
}

#endif
