#ifndef POINTS_RULES_TEXT_MAP_H
#define POINTS_RULES_TEXT_MAP_H

#include "base/arena.h"
#include "base/text.h"

/* Which of many things a text stands for; made once, asked often. */

/* One thing under one text; the things are numbers. */
struct text_pair {
    struct text key; /* not empty */
    uint32_t value;
};

struct text_slot {
    struct text key; /* {NULL, 0}: free */
    const uint32_t *values;
    uint32_t count;
};

struct text_map {
    const struct text_slot *slots; /* a power of two of them; NULL: the map is empty */
    size_t slot_count;
};

/* Values of one key stay in the order of the pairs. */
struct text_map text_map_make(const struct text_pair *pairs, size_t count, struct arena *arena);

/* NULL where the key has none. */
const struct text_slot *text_map_look_up(const struct text_map *map, struct text key);

/* The same where map and key are mostly empty. */
static inline const struct text_slot *text_map_find(const struct text_map *map, struct text key)
{
    return map->slots && key.len > 0 ? text_map_look_up(map, key) : NULL;
}

#endif
