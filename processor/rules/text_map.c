#include "rules/text_map.h"

#include <assert.h>

#include "rules/text_hash.h"

static size_t slot_of(const struct text_slot *slots, size_t slot_count, struct text key)
{
    size_t at = (size_t)text_hash(key) & (slot_count - 1);
    while (slots[at].key.len > 0 && !text_equal(slots[at].key, key))
        at = (at + 1) & (slot_count - 1);
    return at;
}

struct text_map text_map_make(const struct text_pair *pairs, size_t count, struct arena *arena)
{
    if (count == 0)
        return (struct text_map){NULL, 0};
    size_t slot_count = 8;
    while (slot_count < 2 * count)
        slot_count *= 2;
    struct text_slot *slots = arena_array(arena, slot_count, sizeof *slots);
    for (size_t i = 0; i < count; i++) {
        assert(pairs[i].key.len > 0);
        struct text_slot *slot = &slots[slot_of(slots, slot_count, pairs[i].key)];
        slot->key = pairs[i].key;
        slot->count++;
    }
    uint32_t *values = arena_array(arena, count, sizeof *values), *end = values;
    uint32_t **ends = arena_array(arena, slot_count, sizeof *ends); /* of each slot's share of them, while it fills */
    for (size_t i = 0; i < slot_count; i++) {
        slots[i].values = ends[i] = end;
        end += slots[i].count;
    }
    for (size_t i = 0; i < count; i++)
        *ends[slot_of(slots, slot_count, pairs[i].key)]++ = pairs[i].value;
    return (struct text_map){slots, slot_count};
}

const struct text_slot *text_map_look_up(const struct text_map *map, struct text key)
{
    assert(map->slots && key.len > 0);
    const struct text_slot *slot = &map->slots[slot_of(map->slots, map->slot_count, key)];
    return slot->key.len > 0 ? slot : NULL;
}
