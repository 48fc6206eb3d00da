#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ALIGNMENT = 16,
    FIRST_BLOCK = 64 * 1024,
    LARGEST_GROWTH = 4 * 1024 * 1024,
};

struct block {
    struct block *next; /* older */
    size_t size;        /* of `data` */
    _Alignas(ALIGNMENT) uint8_t data[];
};

struct arena {
    uint8_t *at;          /* next free byte of the newest block */
    uint8_t *end;         /* its end */
    struct block *blocks; /* newest first; never empty once something was allocated */
    struct block *spare;  /* kept over a reset, in no order */
    size_t next_size;
    size_t keep;
    size_t used; /* in all blocks but the newest */
};

struct arena *arena_new(size_t keep)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        abort();
    arena->keep = keep;
    arena->next_size = FIRST_BLOCK;
    return arena;
}

static void free_blocks(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

struct arena *arena_free(struct arena *arena)
{
    if (!arena)
        return NULL;
    free_blocks(arena->blocks);
    free_blocks(arena->spare);
    free(arena);
    return NULL;
}

static struct block *take_spare(struct arena *arena, size_t size)
{
    for (struct block **link = &arena->spare; *link; link = &(*link)->next) {
        struct block *block = *link;
        if (block->size >= size) {
            *link = block->next;
            return block;
        }
    }
    return NULL;
}

static struct block *new_block(struct arena *arena, size_t size)
{
    if (size < arena->next_size)
        size = arena->next_size;
    if (size > SIZE_MAX - sizeof(struct block))
        abort();
    struct block *block = malloc(sizeof *block + size);
    if (!block)
        abort();
    block->size = size;
    if (arena->next_size < LARGEST_GROWTH)
        arena->next_size *= 2;
    return block;
}

static size_t used_of_newest(const struct arena *arena)
{
    return arena->blocks ? (size_t)(arena->at - arena->blocks->data) : 0;
}

/* Makes a block with at least size free bytes the newest. */
static void grow(struct arena *arena, size_t size)
{
    struct block *block = take_spare(arena, size);
    if (!block)
        block = new_block(arena, size);
    arena->used += used_of_newest(arena);
    block->next = arena->blocks;
    arena->blocks = block;
    arena->at = block->data;
    arena->end = block->data + block->size;
}

static inline uint8_t *bump(struct arena *arena, size_t size, size_t alignment)
{
    size_t skip = (size_t)(-(uintptr_t)arena->at & (alignment - 1));
    size_t room = (size_t)(arena->end - arena->at);
    if (!arena->at || room < skip || room - skip < size) {
        grow(arena, size);
        skip = 0;
    }
    uint8_t *result = arena->at + skip;
    arena->at = result + size;
    assert(arena->at <= arena->end);
    return result;
}

void *arena_raw(struct arena *arena, size_t size)
{
    return bump(arena, size, ALIGNMENT);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(bump(arena, size, ALIGNMENT), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t product;
    if (__builtin_mul_overflow(count, size, &product))
        abort();
    return arena_alloc(arena, product);
}

struct text arena_text(struct arena *arena, struct text text)
{
    if (text.len == 0)
        return (struct text){NULL, 0};
    char *copy = (char *)bump(arena, text.len, 1);
    memcpy(copy, text.at, text.len);
    return (struct text){copy, text.len};
}

struct bytes arena_bytes(struct arena *arena, struct bytes bytes)
{
    if (bytes.len == 0)
        return (struct bytes){NULL, 0};
    uint8_t *copy = bump(arena, bytes.len, ALIGNMENT);
    memcpy(copy, bytes.at, bytes.len);
    return (struct bytes){copy, bytes.len};
}

struct text arena_printf(struct arena *arena, const char *format, ...)
{
    size_t room = (size_t)(arena->end - arena->at);
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf((char *)arena->at, room, format, arguments);
    va_end(arguments);
    assert(len >= 0);
    char *result = (char *)bump(arena, (size_t)len + 1, 1);
    if ((size_t)len >= room) {
        va_start(arguments, format);
        vsnprintf(result, (size_t)len + 1, format, arguments);
        va_end(arguments);
    }
    return (struct text){result, (size_t)len};
}

void arena_reset(struct arena *arena)
{
    size_t kept = 0;
    for (struct block *block = arena->spare; block; block = block->next)
        kept += block->size;
    while (arena->blocks) {
        struct block *block = arena->blocks;
        arena->blocks = block->next;
        if (block->size <= arena->keep && kept <= arena->keep - block->size) {
            kept += block->size;
            block->next = arena->spare;
            arena->spare = block;
        } else {
            free(block);
        }
    }
    arena->at = arena->end = NULL;
    arena->used = 0;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used + used_of_newest(arena);
}
