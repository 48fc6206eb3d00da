#include <criterion/criterion.h>

#include "rules/codec.h"
#include "rules/limits.h"
#include "rules/state.h"

static struct arena *arena;
static struct scratch *scratch;

static void setup(void)
{
    arena = arena_new(0);
    scratch = arena_alloc(arena, sizeof *scratch);
    scratch_open(scratch, arena);
}

static void teardown(void)
{
    arena = arena_free(arena);
}

TestSuite(limits, .init = setup, .fini = teardown);

static struct limit_key key_of(const char *id, enum window_form form)
{
    return (struct limit_key){.id = text_of(id), .form = form, .length = form == WINDOW_FIXED ? 60 : 0};
}

static struct span day(int64_t number)
{
    return (struct span){number * 86400, (number + 1) * 86400};
}

static int64_t used_on(const struct limits *limits, const char *id, int64_t number)
{
    struct limit_key key = key_of(id, WINDOW_DAY);
    return limits_used(limits, &key, day(number));
}

static void use_on(struct limits *limits, const char *id, int64_t number, int64_t amount)
{
    struct limit_key key = key_of(id, WINDOW_DAY);
    limits_use(limits, &key, day(number), amount, scratch);
}

Test(limits, count_each_key_and_window_apart)
{
    struct limits limits = {0};
    struct limit_key times = key_of("walk", WINDOW_DAY), network = times, week = key_of("walk", WINDOW_WEEK);
    times.unit = LIMIT_TIMES;
    network.network = 3;
    use_on(&limits, "walk", 10, 7);
    use_on(&limits, "walk", 10, 8);
    use_on(&limits, "walk", 12, 1);
    use_on(&limits, "run", 10, 100);
    cr_assert(used_on(&limits, "walk", 10) == 15 && used_on(&limits, "walk", 12) == 1);
    cr_assert(used_on(&limits, "walk", 11) == 0 && used_on(&limits, "run", 10) == 100);
    cr_assert(limits_used(&limits, &times, day(10)) == 0 && limits_used(&limits, &network, day(10)) == 0);
    cr_assert_eq(limits_used(&limits, &week, day(10)), 0);
}

Test(limits, close_what_they_forget)
{
    struct limits limits = {0};
    for (int64_t i = 0; i <= LIMIT_WINDOWS_KEPT; i++)
        use_on(&limits, "walk", 2 * i, 5);
    cr_assert_eq(used_on(&limits, "walk", 0), INT64_MAX);
    cr_assert_eq(used_on(&limits, "walk", -1), INT64_MAX);
    cr_assert(used_on(&limits, "walk", 1) == 0 && used_on(&limits, "walk", 2) == 5);
    use_on(&limits, "walk", 1, 3); /* forgotten at once, being the oldest */
    cr_assert(used_on(&limits, "walk", 1) == INT64_MAX && used_on(&limits, "walk", 2) == 5);
}

/* Somebody flies west, and the day begins again there: what was used since counts. */
Test(limits, reopen_no_period_when_the_zone_changes)
{
    struct limits limits = {0};
    struct limit_key key = key_of("walk", WINDOW_DAY);
    struct span berlin = day(10), there = {berlin.begins + 9 * 3600, berlin.ends + 9 * 3600};
    limits_use(&limits, &key, berlin, 20, scratch);
    cr_assert_eq(limits_used(&limits, &key, there), 20);
    limits_use(&limits, &key, there, 5, scratch);
    cr_assert_eq(limits_used(&limits, &key, there), 25);
    cr_assert_eq(limits_used(&limits, &key, berlin), 25);
    cr_assert_eq(limits_used(&limits, &key, (struct span){there.ends, there.ends + 86400}), 0);
}

Test(limits, get_back_what_was_used_at_an_instant)
{
    struct limits limits = {0};
    struct limit_key key = key_of("walk", WINDOW_DAY);
    use_on(&limits, "walk", 10, 20);
    use_on(&limits, "walk", 11, 30);
    limits_give_back(&limits, &key, day(10).ends - 1, 5);
    cr_assert(used_on(&limits, "walk", 10) == 15 && used_on(&limits, "walk", 11) == 30);
    limits_give_back(&limits, &key, day(10).begins, 99);
    limits_give_back(&limits, &key, day(20).begins, 99);
    cr_assert(used_on(&limits, "walk", 10) == 0 && used_on(&limits, "walk", 11) == 30);
    limits_give_back(&limits, &key, day(11).begins, 30);
    cr_assert_eq(limits.count, 0);
}

Test(limits, add_up_when_members_are_merged)
{
    struct limits a = {0}, b = {0};
    struct limit_key key = key_of("walk", WINDOW_DAY);
    use_on(&a, "walk", 10, 20);
    use_on(&b, "walk", 10, 5);
    use_on(&b, "walk", 11, 6);
    use_on(&b, "run", 10, 7);
    cr_assert(limits_unite(&a, &b, scratch));
    cr_assert(used_on(&a, "walk", 10) == 25 && used_on(&a, "walk", 11) == 6 && used_on(&a, "run", 10) == 7);
    for (int64_t i = 0; i < 2 * LIMIT_WINDOWS_KEPT; i++)
        use_on(&b, "walk", 20 + i, 1);
    cr_assert(limits_unite(&a, &b, scratch));
    cr_assert_eq(used_on(&a, "walk", 11), INT64_MAX);
    cr_assert_eq(used_on(&a, "walk", 20 + 2 * LIMIT_WINDOWS_KEPT - 1), 1);
    limits_use(&a, &key, day(99), INT64_MAX, scratch);
    limits_use(&b, &key, day(99), 1, scratch);
    cr_assert_not(limits_unite(&a, &b, scratch));
}

static struct bytes written(struct limits limits)
{
    struct member_state state;
    struct err err;
    cr_assert_eq(state_decode((struct bytes){NULL, 0}, scratch, &state, &err), ERR_NONE);
    state.limits = limits;
    return state_encode(&state, scratch);
}

Test(limits, read_back_what_was_written)
{
    struct limits limits = {0};
    struct limit_key fixed = key_of("tea", WINDOW_FIXED), ever = key_of("post", WINDOW_EVER);
    struct member_state read;
    struct err err;
    ever.network = 9;
    ever.unit = LIMIT_TIMES;
    for (int64_t i = 0; i < 2 * LIMIT_WINDOWS_KEPT; i++)
        use_on(&limits, "walk", i - 2 * LIMIT_WINDOWS_KEPT + 1, 2 * LIMIT_WINDOWS_KEPT - i);
    limits_use(&limits, &fixed, (struct span){-60, 0}, INT64_MAX, scratch);
    limits_use(&limits, &ever, SPAN_EVER, 4, scratch);
    struct bytes bytes = written(limits);
    cr_assert_eq(state_decode(bytes, scratch, &read, &err), ERR_NONE, "%s", err.text);
    cr_assert_eq(limits_used(&read.limits, &fixed, (struct span){-60, 0}), INT64_MAX);
    cr_assert_eq(limits_used(&read.limits, &ever, SPAN_EVER), 4);
    cr_assert(used_on(&read.limits, "walk", 0) == 1 && used_on(&read.limits, "walk", -8) == INT64_MAX);
    struct bytes again = state_encode(&read, scratch);
    cr_assert(again.len == bytes.len && memcmp(again.at, bytes.at, again.len) == 0);
}

/* A state of that section alone. */
static enum err_code decode(const uint8_t *section, size_t len, struct err *err)
{
    uint8_t bytes[64] = {2, 0, 0, 1, 7, (uint8_t)len};
    struct member_state state;
    memcpy(bytes + 6, section, len);
    return state_decode((struct bytes){bytes, len + 6}, scratch, &state, err);
}

Test(limits, refuse_bytes_that_are_not_theirs)
{
    static const uint8_t good[] = {1, 1, 'a', 6, 1, 2, 3, 4};
    static const uint8_t nothing[] = {0}, unused[] = {1, 1, 'a', 6, 1, 2, 3, 0}, empty[] = {1, 1, 'a', 6, 1, 2, 0, 4};
    static const uint8_t no_windows[] = {1, 1, 'a', 6, 0}, network[] = {1, 1, 'a', 0xc6, 2, 1, 2, 3, 4};
    static const uint8_t twice[] = {2, 1, 'a', 6, 1, 2, 3, 4, 1, 'a', 6, 1, 2, 3, 4},
                         length[] = {1, 1, 'a', 2, 0, 1, 2, 3, 4};
    static const uint8_t unsorted[] = {1, 1, 'a', 6, 2, 2, 3, 4, 0, 3, 4}, closed_ever[] = {1, 1, 'a', 16, 2, 4};
    struct err err;
    cr_assert_eq(decode(good, sizeof good, &err), ERR_NONE, "%s", err.text);
    cr_assert_eq(decode(good, sizeof good - 1, &err), ERR_BAD_STATE);
    cr_assert_eq(decode(nothing, sizeof nothing, &err), ERR_BAD_STATE);
    cr_assert_eq(decode(unused, sizeof unused, &err), ERR_BAD_STATE);
    cr_assert_eq(decode(empty, sizeof empty, &err), ERR_BAD_STATE);
    cr_assert_eq(decode(no_windows, sizeof no_windows, &err), ERR_BAD_STATE);
    cr_assert_eq(decode(network, sizeof network, &err), ERR_BAD_STATE);
    cr_assert_eq(decode(twice, sizeof twice, &err), ERR_BAD_STATE);
    cr_assert_eq(decode(length, sizeof length, &err), ERR_BAD_STATE);
    cr_assert_eq(decode(unsorted, sizeof unsorted, &err), ERR_BAD_STATE);
    cr_assert_eq(decode(closed_ever, sizeof closed_ever, &err), ERR_BAD_STATE);
}
