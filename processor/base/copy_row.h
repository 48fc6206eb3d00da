#ifndef POINTS_BASE_COPY_ROW_H
#define POINTS_BASE_COPY_ROW_H

#include "base/buffer.h"

/* Fields and rows in the binary form of PostgreSQL's COPY (documentation, COPY, "Binary Format"). */

static inline void copy_row(struct buffer *rows, uint16_t fields)
{
    buffer_put_be16(rows, fields);
}

static inline void copy_bytes(struct buffer *rows, const void *at, size_t len)
{
    buffer_put_be32(rows, (uint32_t)len);
    buffer_put(rows, at, len);
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
    buffer_put_be32(rows, 8);
    buffer_put_be64(rows, (uint64_t)value);
}

static inline void copy_i32(struct buffer *rows, int32_t value)
{
    buffer_put_be32(rows, 4);
    buffer_put_be32(rows, (uint32_t)value);
}

static inline void copy_i16(struct buffer *rows, int16_t value)
{
    buffer_put_be32(rows, 2);
    buffer_put_be16(rows, (uint16_t)value);
}

static inline void copy_null(struct buffer *rows)
{
    buffer_put_be32(rows, UINT32_MAX);
}

#endif
