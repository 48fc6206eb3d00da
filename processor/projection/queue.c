#include "projection/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/table.h"

enum { FIRST_CAPACITY = 1024 };

struct queue {
    struct queue_limits limits;
    struct arena *arena; /* names, states, the index */
    struct table index;  /* member's key -> place */
    size_t index_room;   /* keys that the index was made for */
    size_t bytes;
    struct projection_item *items;
    size_t count;
    size_t capacity;
};

static void grow_items(struct queue *queue)
{
    queue->capacity = queue->capacity ? queue->capacity * 2 : FIRST_CAPACITY;
    queue->items = realloc(queue->items, queue->capacity * sizeof *queue->items);
    if (!queue->items)
        abort();
}

/* A new index of twice the room; the old one stays in the arena until the queue is cleared. */
static void grow_index(struct queue *queue)
{
    queue->index_room = queue->index_room ? queue->index_room * 2 : FIRST_CAPACITY;
    queue->index = table_make(queue->arena, queue->index_room);
    for (size_t i = 0; i < queue->count; i++)
        table_intern(&queue->index, queue->items[i].member_key, (uint32_t)i);
}

struct queue *queue_new(struct queue_limits limits)
{
    assert(limits.members > 0 && limits.members < UINT32_MAX);
    struct queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        abort();
    queue->limits = limits;
    queue->arena = arena_new(limits.bytes);
    grow_index(queue);
    return queue;
}

struct queue *queue_free(struct queue *queue)
{
    if (!queue)
        return NULL;
    arena_free(queue->arena);
    free(queue->items);
    free(queue);
    return NULL;
}

/* The member's place, a new one (with version -1) where it has none; NULL when the queue is full. */
static struct projection_item *place_of(struct queue *queue, struct hash16 key)
{
    if (queue->count == queue->limits.members) {
        uint32_t at = table_find(&queue->index, key);
        return at == TABLE_NONE ? NULL : &queue->items[at];
    }
    if (queue->count == queue->index_room)
        grow_index(queue);
    uint32_t at = table_intern(&queue->index, key, (uint32_t)queue->count);
    if (at < queue->count)
        return &queue->items[at];
    if (queue->count == queue->capacity)
        grow_items(queue);
    queue->items[queue->count] = (struct projection_item){.member_key = key, .version = -1};
    return &queue->items[queue->count++];
}

static void forget_state(struct projection_item *item)
{
    *item = (struct projection_item){.member_key = item->member_key, .version = 0};
}

bool queue_put(struct queue *queue, const struct projection_item *item)
{
    assert(queue && item && item->version > 0);
    struct projection_item *place = place_of(queue, item->member_key);
    if (!place)
        return false;
    if (place->version == 0 || place->version >= item->version)
        return true;
    size_t size = item->state.len + item->program_id.len + item->member_id.len;
    if (size > queue->limits.bytes - queue->bytes) {
        forget_state(place);
        return true;
    }
    queue->bytes += size;
    if (place->version < 0) {
        place->program_id = arena_text(queue->arena, item->program_id);
        place->member_id = arena_text(queue->arena, item->member_id);
    }
    place->state = arena_bytes(queue->arena, item->state);
    place->version = item->version;
    return true;
}

bool queue_put_key(struct queue *queue, struct hash16 member_key)
{
    assert(queue);
    struct projection_item *place = place_of(queue, member_key);
    if (!place)
        return false;
    forget_state(place);
    return true;
}

size_t queue_count(const struct queue *queue)
{
    return queue->count;
}

const struct projection_item *queue_items(const struct queue *queue)
{
    return queue->items;
}

void queue_clear(struct queue *queue)
{
    assert(queue);
    arena_reset(queue->arena);
    queue->count = 0;
    queue->bytes = 0;
    queue->index_room = 0;
    grow_index(queue);
}
