#ifndef POINTS_BASE_ARENA_H
#define POINTS_BASE_ARENA_H

#include "base/text.h"

/* Memory that lives as long as one batch: allocation bumps a pointer, arena_reset gives all of it back at once and
 * keeps up to `keep` bytes of blocks for the next batch. Not thread-safe; one owner at a time. */
struct arena;

/* keep: bytes retained over a reset. Aborts the process when memory is exhausted, as every allocation of ours does. */
struct arena *arena_new(size_t keep);

/* Takes NULL; returns NULL. */
struct arena *arena_free(struct arena *arena);

/* Zeroed, aligned for any type; never NULL; size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);

/* As arena_alloc for count items of size; aborts on overflow of the product. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* Not zeroed: for buffers that are written at once. */
void *arena_raw(struct arena *arena, size_t size);

/* A copy of the view's bytes (text copies are not terminated). */
struct text arena_text(struct arena *arena, struct text text);
struct bytes arena_bytes(struct arena *arena, struct bytes bytes);

/* printf into the arena; the result is terminated beyond its length. */
struct text arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

void arena_reset(struct arena *arena);

/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);

#endif
