#include "fold/cache.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

struct slot {
    struct hash16 key;
    int64_t version;
    const uint8_t *state;
    uint32_t len;
    bool used;
    bool dropped;
};

struct generation {
    struct arena *arena;
    struct slot *slots;
    size_t mask;
    size_t count;
};

struct cache {
    struct generation young;
    struct generation old;
    size_t half_bytes;
};

enum { SLOTS_FIRST = 1024 };

static void generation_start(struct generation *generation)
{
    generation->slots = calloc(SLOTS_FIRST, sizeof *generation->slots);
    if (!generation->slots)
        abort();
    generation->mask = SLOTS_FIRST - 1;
    generation->count = 0;
}

static void generation_end(struct generation *generation)
{
    free(generation->slots);
    generation->slots = NULL;
    arena_reset(generation->arena);
}

static struct slot *slot_of(const struct generation *generation, struct hash16 key)
{
    uint64_t at;
    memcpy(&at, key.bytes, sizeof at);
    for (size_t i = at & generation->mask;; i = (i + 1) & generation->mask) {
        struct slot *slot = &generation->slots[i];
        if (!slot->used || hash16_equal(slot->key, key))
            return slot;
    }
}

static void generation_grow(struct generation *generation)
{
    struct generation bigger = *generation;
    bigger.mask = generation->mask * 2 + 1;
    bigger.slots = calloc(bigger.mask + 1, sizeof *bigger.slots);
    if (!bigger.slots)
        abort();
    for (size_t i = 0; i <= generation->mask; i++)
        if (generation->slots[i].used)
            *slot_of(&bigger, generation->slots[i].key) = generation->slots[i];
    free(generation->slots);
    *generation = bigger;
}

/* At most three quarters of the slots are used. */
static bool must_grow(const struct generation *generation)
{
    return (generation->count + 1) * 4 > (generation->mask + 1) * 3;
}

/* With the slots that one more entry needs. */
static size_t generation_bytes(const struct generation *generation)
{
    size_t slots = (generation->mask + 1) << must_grow(generation);
    return arena_used(generation->arena) + slots * sizeof *generation->slots;
}

struct cache *cache_new(size_t most_bytes)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        abort();
    cache->half_bytes = most_bytes / 2;
    cache->young.arena = arena_new(0);
    cache->old.arena = arena_new(0);
    generation_start(&cache->young);
    generation_start(&cache->old);
    return cache;
}

struct cache *cache_free(struct cache *cache)
{
    if (!cache)
        return NULL;
    generation_end(&cache->young);
    generation_end(&cache->old);
    arena_free(cache->young.arena);
    arena_free(cache->old.arena);
    free(cache);
    return NULL;
}

static void turn_over(struct cache *cache)
{
    struct generation old = cache->old;
    cache->old = cache->young;
    generation_end(&old);
    generation_start(&old);
    cache->young = old;
}

void cache_put(struct cache *cache, struct hash16 key, int64_t version, struct bytes state)
{
    assert(version >= 0);
    if (generation_bytes(&cache->young) >= cache->half_bytes)
        turn_over(cache);
    if (must_grow(&cache->young))
        generation_grow(&cache->young);
    struct slot *slot = slot_of(&cache->young, key);
    if (!slot->used)
        cache->young.count++;
    struct bytes copy = arena_bytes(cache->young.arena, state);
    *slot = (struct slot){key, version, copy.at, (uint32_t)copy.len, true, false};
}

static const struct slot *live(const struct generation *generation, struct hash16 key)
{
    const struct slot *slot = slot_of(generation, key);
    return slot->used ? slot : NULL;
}

bool cache_get(struct cache *cache, struct hash16 key, int64_t *version, struct bytes *state)
{
    const struct slot *slot = live(&cache->young, key);
    if (!slot) {
        slot = live(&cache->old, key);
        if (!slot || slot->dropped)
            return false;
        /* A turn-over would free what is copied, so room is made first. */
        if (generation_bytes(&cache->young) < cache->half_bytes) {
            cache_put(cache, key, slot->version, (struct bytes){slot->state, slot->len});
            slot = live(&cache->young, key);
        }
    }
    if (slot->dropped)
        return false;
    *version = slot->version;
    *state = (struct bytes){slot->state, slot->len};
    return true;
}

void cache_drop(struct cache *cache, struct hash16 key)
{
    struct slot *young = slot_of(&cache->young, key);
    struct slot *old = slot_of(&cache->old, key);
    young->dropped = young->used;
    old->dropped = old->used;
}

void cache_clear(struct cache *cache)
{
    turn_over(cache);
    turn_over(cache);
}
