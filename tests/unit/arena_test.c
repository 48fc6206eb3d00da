#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

Test(arena, allocations_are_zeroed_aligned_and_do_not_overlap)
{
    enum { COUNT = 5000 };
    struct arena *arena = arena_new(1 << 20);
    uint8_t *all[COUNT];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            size_t size = i % 97 + 1;
            all[i] = arena_alloc(arena, size);
            cr_assert_eq((uintptr_t)all[i] % 16, 0);
            for (size_t j = 0; j < size; j++)
                cr_assert_eq(all[i][j], 0);
            memset(all[i], (int)(i % 251 + 1), size);
        }
        for (size_t i = 0; i < COUNT; i++)
            for (size_t j = 0; j < i % 97 + 1; j++)
                cr_assert_eq(all[i][j], i % 251 + 1);
        arena_reset(arena);
    }
    arena_free(arena);
}

Test(arena, size_zero_gives_a_valid_pointer)
{
    struct arena *arena = arena_new(0);
    cr_assert_not_null(arena_alloc(arena, 0));
    cr_assert_not_null(arena_raw(arena, 0));
    cr_assert_not_null(arena_array(arena, 0, 8));
    arena_free(arena);
}

Test(arena, one_allocation_may_be_larger_than_any_block)
{
    enum { LARGE = 32 << 20 };
    struct arena *arena = arena_new(1 << 20);
    uint8_t *small = arena_alloc(arena, 1);
    uint8_t *large = arena_alloc(arena, LARGE);
    large[0] = large[LARGE - 1] = 1;
    cr_assert_eq(*small, 0);
    cr_assert_geq(arena_used(arena), (size_t)LARGE + 1);
    arena_reset(arena);
    cr_assert_eq(arena_used(arena), 0);
    arena_free(arena);
}

Test(arena, a_reset_gives_the_kept_blocks_to_the_next_batch)
{
    struct arena *arena = arena_new(1 << 20);
    void *first = arena_raw(arena, 100);
    arena_reset(arena);
    cr_assert_eq(arena_raw(arena, 100), first);
    arena_free(arena);
}

Test(arena, used_counts_what_was_handed_out)
{
    struct arena *arena = arena_new(0);
    cr_assert_eq(arena_used(arena), 0);
    arena_raw(arena, 16);
    cr_assert_eq(arena_used(arena), 16);
    arena_raw(arena, 32);
    cr_assert_eq(arena_used(arena), 48);
    arena_free(arena);
}

Test(arena, copies_of_texts_and_bytes_are_equal_and_elsewhere)
{
    struct arena *arena = arena_new(0);
    struct text text = arena_text(arena, TEXT("hello"));
    cr_assert(text_equal(text, TEXT("hello")));
    const uint8_t raw[] = {1, 0, 2};
    struct bytes bytes = arena_bytes(arena, (struct bytes){raw, sizeof raw});
    cr_assert_eq(bytes.len, sizeof raw);
    cr_assert_neq(bytes.at, raw);
    cr_assert_eq(memcmp(bytes.at, raw, sizeof raw), 0);
    cr_assert_eq(arena_text(arena, (struct text){NULL, 0}).len, 0);
    arena_free(arena);
}

Test(arena, printf_fits_the_rest_of_a_block_or_takes_a_new_one)
{
    struct arena *arena = arena_new(0);
    char expected[32];
    for (int i = 0; i < 20000; i++) {
        struct text text = arena_printf(arena, "number %d", i);
        int len = snprintf(expected, sizeof expected, "number %d", i);
        cr_assert_eq(text.len, (size_t)len);
        cr_assert_str_eq(text.at, expected);
    }
    char *wide = malloc(200001);
    memset(wide, 'w', 200000);
    wide[200000] = 0;
    cr_assert_str_eq(arena_printf(arena, "%s", wide).at, wide);
    free(wide);
    arena_free(arena);
}

Test(arena, a_product_that_overflows_ends_the_process, .signal = SIGABRT)
{
    arena_array(arena_new(0), SIZE_MAX / 2, 3);
}

Test(arena, free_takes_null)
{
    cr_assert_null(arena_free(NULL));
}
