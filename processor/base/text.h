#ifndef POINTS_BASE_TEXT_H
#define POINTS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view of UTF-8 text that somebody else owns; not terminated. {NULL, 0} is the empty text. */
struct text {
    const char *at;
    size_t len;
};

/* A view of bytes that somebody else owns. */
struct bytes {
    const uint8_t *at;
    size_t len;
};

/* Sixteen bytes of BLAKE2b: an event's key, a member's key, an order's key. */
struct hash16 {
    uint8_t bytes[16];
};

/* A text literal or array as a view. */
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static inline struct text text_of(const char *c_string)
{
    return (struct text){c_string, c_string ? strlen(c_string) : 0};
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool hash16_equal(struct hash16 a, struct hash16 b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

/* The order of memcmp, which is that of PostgreSQL's uuid, without its call: sorting a batch compares often. */
static inline int hash16_compare(struct hash16 a, struct hash16 b)
{
    uint64_t left[2], right[2];
    memcpy(left, a.bytes, sizeof left);
    memcpy(right, b.bytes, sizeof right);
    int word = left[0] == right[0];
    uint64_t l = __builtin_bswap64(left[word]), r = __builtin_bswap64(right[word]);
    return (l > r) - (l < r);
}

#endif
