#ifndef POINTS_BASE_TABLE_H
#define POINTS_BASE_TABLE_H

#include <assert.h>

#include "base/arena.h"
#include "base/text.h"

/* A map from hash16 to an index (open addressing, linear probing; the keys are uniform already, so their first bytes
 * are the hash). Memory is the arena's; made for a known most number of keys. */
struct table {
    struct table_slot *slots;
    size_t mask;
    size_t count;
};

struct table_slot {
    struct hash16 key;
    uint32_t index; /* plus one; 0: free */
};

static inline struct table table_make(struct arena *arena, size_t most)
{
    size_t size = 16;
    while (size < most * 2)
        size *= 2;
    return (struct table){arena_array(arena, size, sizeof(struct table_slot)), size - 1, 0};
}

/* The slot's index for the key, or `fresh` after storing it where the key was not there yet. */
static inline uint32_t table_intern(struct table *table, struct hash16 key, uint32_t fresh)
{
    uint64_t at;
    memcpy(&at, key.bytes, sizeof at);
    assert(table->count <= table->mask);
    for (size_t i = at & table->mask;; i = (i + 1) & table->mask) {
        struct table_slot *slot = &table->slots[i];
        if (slot->index == 0) {
            *slot = (struct table_slot){key, fresh + 1};
            table->count++;
            return fresh;
        }
        if (hash16_equal(slot->key, key))
            return slot->index - 1;
    }
}

#define TABLE_NONE UINT32_MAX

/* The key's index, or TABLE_NONE. */
static inline uint32_t table_find(const struct table *table, struct hash16 key)
{
    uint64_t at;
    memcpy(&at, key.bytes, sizeof at);
    for (size_t i = at & table->mask;; i = (i + 1) & table->mask) {
        const struct table_slot *slot = &table->slots[i];
        if (slot->index == 0)
            return TABLE_NONE;
        if (hash16_equal(slot->key, key))
            return slot->index - 1;
    }
}

#endif
