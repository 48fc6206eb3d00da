#ifndef POINTS_RULES_TEXT_HASH_H
#define POINTS_RULES_TEXT_HASH_H

#include <stdint.h>

#include "base/text.h"

/* FNV-1a (Fowler, Noll, Vo), 64 bits, for tables of texts that come from program files, which are trusted not to
 * collide on purpose; who asks may be anybody. */
static inline uint64_t text_hash(struct text text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (uint8_t)text.at[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

#endif
