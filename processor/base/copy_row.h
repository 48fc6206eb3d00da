#ifndef POINTS_BASE_COPY_ROW_H
#define POINTS_BASE_COPY_ROW_H

#include "base/buffer.h"

/* Fields and rows in the binary form of PostgreSQL's COPY (documentation, COPY, "Binary Format"). */

static inline void copy_row(struct buffer *rows, uint16_t fields)
{
    buffer_put_be16(rows, fields);
}

/* The field's length and its bytes, with room made for both at once. */
static inline void copy_bytes(struct buffer *rows, const void *at, size_t len)
{
    uint32_t be = __builtin_bswap32((uint32_t)len);
    uint8_t *to = buffer_reserve(rows, sizeof be + len);
    memcpy(to, &be, sizeof be);
    bytes_copy(to + sizeof be, at, len);
    rows->len += sizeof be + len;
}

static inline void copy_hash(struct buffer *rows, struct hash16 hash)
{
    copy_bytes(rows, hash.bytes, sizeof hash.bytes);
}

static inline void copy_text(struct buffer *rows, struct text text)
{
    copy_bytes(rows, text.at, text.len);
}

static inline void copy_i64(struct buffer *rows, int64_t value)
{
    uint64_t be = __builtin_bswap64((uint64_t)value);
    copy_bytes(rows, &be, sizeof be);
}

static inline void copy_i32(struct buffer *rows, int32_t value)
{
    uint32_t be = __builtin_bswap32((uint32_t)value);
    copy_bytes(rows, &be, sizeof be);
}

static inline void copy_i16(struct buffer *rows, int16_t value)
{
    uint16_t be = __builtin_bswap16((uint16_t)value);
    copy_bytes(rows, &be, sizeof be);
}

static inline void copy_null(struct buffer *rows)
{
    buffer_put_be32(rows, UINT32_MAX);
}

#endif
