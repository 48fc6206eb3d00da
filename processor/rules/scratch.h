#ifndef POINTS_RULES_SCRATCH_H
#define POINTS_RULES_SCRATCH_H

#include <assert.h>

#include "base/arena.h"

/* Memory for the length of one step: room on the step's stack, still in the cache from the step before, and the arena
 * for what does not fit. No decision may point into it. */

enum { SCRATCH_SIZE = 8 * 1024, SCRATCH_ALIGNMENT = 16 };

struct scratch {
    struct arena *arena;
    size_t used;
    _Alignas(SCRATCH_ALIGNMENT) uint8_t room[SCRATCH_SIZE];
};

static inline void scratch_open(struct scratch *scratch, struct arena *arena)
{
    scratch->arena = arena;
    scratch->used = 0;
}

/* Not zeroed. */
static inline void *scratch_raw(struct scratch *scratch, size_t size)
{
    assert(scratch->used <= SCRATCH_SIZE);
    if (size > SCRATCH_SIZE - scratch->used)
        return arena_raw(scratch->arena, size);
    uint8_t *at = scratch->room + scratch->used;
    size_t rounded = (size + SCRATCH_ALIGNMENT - 1) & ~(size_t)(SCRATCH_ALIGNMENT - 1);
    scratch->used += rounded <= SCRATCH_SIZE - scratch->used ? rounded : SCRATCH_SIZE - scratch->used;
    return at;
}

#endif
