#include "decode/utf8.h"

static const uint64_t ones = 0x0101010101010101;
static const uint64_t high_bits = 0x8080808080808080;

/* Whether all eight bytes are ASCII and none is zero. */
static inline bool is_plain_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return ((word | (word - ones)) & high_bits) == 0;
}

/* The code point's length in bytes, 0 where none begins here. */
static size_t sequence(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t first, last; /* of the lead byte */
        uint8_t least, most; /* of the byte after it */
        size_t len;
    } leads[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    if (at[0] > 0 && at[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        if (at[0] < leads[i].first || at[0] > leads[i].last)
            continue;
        if (left < leads[i].len || at[1] < leads[i].least || at[1] > leads[i].most)
            return 0;
        for (size_t j = 2; j < leads[i].len; j++)
            if (at[j] < 0x80 || at[j] > 0xbf)
                return 0;
        return leads[i].len;
    }
    return 0;
}

static bool is_clean_slowly(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        size_t len = sequence(at, (size_t)(end - at));
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

bool utf8_is_clean(struct text text)
{
    size_t i = 0;
    while (text.len - i >= sizeof(uint64_t) && is_plain_word(text.at + i))
        i += sizeof(uint64_t);
    while (i < text.len && text.at[i] > 0 && (uint8_t)text.at[i] < 0x80)
        i++;
    return i == text.len || is_clean_slowly((const uint8_t *)text.at + i, (const uint8_t *)text.at + text.len);
}
