#ifndef POINTS_FOLD_CACHE_H
#define POINTS_FOLD_CACHE_H

#include "base/text.h"

/* Members' states as last committed: a speed-up, never the truth, since the version that the ledger compares decides.
 * Two generations: new entries go to the young one; when it has filled half the memory the old one is thrown away and
 * the young one grows old. An entry used while old moves to the young one, so what is used stays. */
struct cache;

struct cache *cache_new(size_t most_bytes);
struct cache *cache_free(struct cache *cache);

/* version 0 with an empty state: known not to exist. The bytes stay valid until the next cache_put. */
bool cache_get(struct cache *cache, struct hash16 key, int64_t *version, struct bytes *state);

void cache_put(struct cache *cache, struct hash16 key, int64_t version, struct bytes state);

void cache_drop(struct cache *cache, struct hash16 key);

void cache_clear(struct cache *cache);

#endif
