#ifndef POINTS_BASE_BUFFER_H
#define POINTS_BASE_BUFFER_H

#include <assert.h>
#include <stdlib.h>

#include "base/text.h"

/* Bytes that grow. Zero-initialise; buffer_release frees. Aborts when memory is exhausted. */
struct buffer {
    uint8_t *at;
    size_t len;
    size_t capacity;
};

/* Room for `more` bytes after len; returns where they go. The caller adds to len. */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->capacity - buffer->len < more) {
        size_t capacity = buffer->capacity ? buffer->capacity : 256;
        while (capacity - buffer->len < more)
            capacity *= 2;
        buffer->at = realloc(buffer->at, capacity);
        if (!buffer->at)
            abort();
        buffer->capacity = capacity;
    }
    return buffer->at + buffer->len;
}

static inline void buffer_put(struct buffer *buffer, const void *from, size_t len)
{
    if (len == 0)
        return;
    memcpy(buffer_reserve(buffer, len), from, len);
    buffer->len += len;
}

static inline void buffer_put_u8(struct buffer *buffer, uint8_t value)
{
    *buffer_reserve(buffer, 1) = value;
    buffer->len++;
}

/* Big-endian, as PostgreSQL's binary format wants it. */
static inline void buffer_put_be16(struct buffer *buffer, uint16_t value)
{
    uint16_t be = __builtin_bswap16(value);
    buffer_put(buffer, &be, sizeof be);
}

static inline void buffer_put_be32(struct buffer *buffer, uint32_t value)
{
    uint32_t be = __builtin_bswap32(value);
    buffer_put(buffer, &be, sizeof be);
}

static inline void buffer_put_be64(struct buffer *buffer, uint64_t value)
{
    uint64_t be = __builtin_bswap64(value);
    buffer_put(buffer, &be, sizeof be);
}

/* LEB128. */
static inline void buffer_put_varint(struct buffer *buffer, uint64_t value)
{
    uint8_t *to = buffer_reserve(buffer, 10);
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    buffer->len = (size_t)(to - buffer->at);
}

static inline void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
}

static inline void buffer_release(struct buffer *buffer)
{
    free(buffer->at);
    *buffer = (struct buffer){0};
}

static inline struct bytes buffer_view(const struct buffer *buffer)
{
    return (struct bytes){buffer->at, buffer->len};
}

#endif
