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

/* memcmp() == 0 and memcpy() without their calls where there are few bytes, as in names and ids: the first and the last
 * word of them, which may overlap. */
static inline bool bytes_match(const void *a, const void *b, size_t len)
{
    const uint8_t *left = a, *right = b;
    uint64_t words[4];
    uint32_t halves[4];
    if (len > sizeof(uint64_t[2]))
        return memcmp(a, b, len) == 0;
    if (len >= sizeof *words) {
        memcpy(&words[0], left, sizeof *words);
        memcpy(&words[1], left + len - sizeof *words, sizeof *words);
        memcpy(&words[2], right, sizeof *words);
        memcpy(&words[3], right + len - sizeof *words, sizeof *words);
        return words[0] == words[2] && words[1] == words[3];
    }
    if (len >= sizeof *halves) {
        memcpy(&halves[0], left, sizeof *halves);
        memcpy(&halves[1], left + len - sizeof *halves, sizeof *halves);
        memcpy(&halves[2], right, sizeof *halves);
        memcpy(&halves[3], right + len - sizeof *halves, sizeof *halves);
        return halves[0] == halves[2] && halves[1] == halves[3];
    }
    size_t at = 0;
    while (at < len && left[at] == right[at])
        at++;
    return at == len;
}

static inline void bytes_copy(void *to, const void *from, size_t len)
{
    const uint8_t *source = from;
    uint8_t *target = to;
    uint64_t words[2];
    uint32_t halves[2];
    if (len > sizeof words) {
        memcpy(to, from, len);
    } else if (len >= sizeof *words) {
        memcpy(&words[0], source, sizeof *words);
        memcpy(&words[1], source + len - sizeof *words, sizeof *words);
        memcpy(target, &words[0], sizeof *words);
        memcpy(target + len - sizeof *words, &words[1], sizeof *words);
    } else if (len >= sizeof *halves) {
        memcpy(&halves[0], source, sizeof *halves);
        memcpy(&halves[1], source + len - sizeof *halves, sizeof *halves);
        memcpy(target, &halves[0], sizeof *halves);
        memcpy(target + len - sizeof *halves, &halves[1], sizeof *halves);
    } else {
        for (size_t at = 0; at < len; at++)
            target[at] = source[at];
    }
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.len == b.len && bytes_match(a.at, b.at, a.len);
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
