#include <criterion/criterion.h>

#include "fold/cache.h"

static struct hash16 key_of(uint64_t number)
{
    struct hash16 key = {{0}};
    uint64_t mixed = number * 0x9E3779B97F4A7C15u;
    memcpy(key.bytes, &mixed, sizeof mixed);
    memcpy(key.bytes + 8, &number, sizeof number);
    return key;
}

static struct bytes state_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

Test(cache, gives_the_newest_version)
{
    struct cache *cache = cache_new(1 << 20);
    int64_t version = -1;
    struct bytes state;
    cr_assert_not(cache_get(cache, key_of(1), &version, &state));
    cache_put(cache, key_of(1), 1, state_of("one"));
    cache_put(cache, key_of(1), 2, state_of("second"));
    cr_assert(cache_get(cache, key_of(1), &version, &state));
    cr_assert_eq(version, 2);
    cr_assert_eq(state.len, 6);
    cache_free(cache);
}

Test(cache, forgets_what_is_dropped_also_from_the_old_generation)
{
    struct cache *cache = cache_new(1 << 18);
    int64_t version;
    struct bytes state;
    cache_put(cache, key_of(0), 1, state_of("first"));
    for (uint64_t i = 1; i < 1500; i++)
        cache_put(cache, key_of(i), 1, state_of("some hundred bytes of state, so that the first one grows old"));
    cache_drop(cache, key_of(0));
    cr_assert_not(cache_get(cache, key_of(0), &version, &state));
    cache_put(cache, key_of(0), 5, state_of("again"));
    cr_assert(cache_get(cache, key_of(0), &version, &state));
    cr_assert_eq(version, 5);
    cache_free(cache);
}

Test(cache, keeps_what_is_used_and_stays_within_its_memory)
{
    struct cache *cache = cache_new(1 << 20);
    int64_t version;
    struct bytes state;
    size_t kept = 0;
    cache_put(cache, key_of(0), 9, state_of("used"));
    for (uint64_t i = 1; i < 200000; i++) {
        cache_put(cache, key_of(i), 1, state_of("a state of a member that never comes again"));
        cr_assert(cache_get(cache, key_of(0), &version, &state), "lost after %llu", (unsigned long long)i);
    }
    for (uint64_t i = 1; i < 200000; i++)
        kept += cache_get(cache, key_of(i), &version, &state);
    cr_assert_gt(kept, 1000);
    cr_assert_lt(kept, 20000);
    cache_free(cache);
}
