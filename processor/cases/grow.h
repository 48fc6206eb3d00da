#ifndef POINTS_CASES_GROW_H
#define POINTS_CASES_GROW_H

#include "base/arena.h"

enum { GROW_FIRST = 8 };

/* Room for one more item behind `count`: the items themselves, or a copy of twice the capacity in the arena. */
static inline void *grown(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : GROW_FIRST;
    void *more = arena_array(arena, *capacity, size);
    if (count > 0)
        memcpy(more, items, count * size);
    return more;
}

#endif
