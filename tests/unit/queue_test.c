#include <criterion/criterion.h>
#include <stdio.h>

#include "projection/queue.h"

static struct queue *queue;

static void make(void)
{
    queue = queue_new((struct queue_limits){.members = 4, .bytes = 64});
}

static void drop(void)
{
    queue = queue_free(queue);
}

TestSuite(queue, .init = make, .fini = drop);

static struct hash16 key_of(int member)
{
    struct hash16 key = {{0}};
    memcpy(key.bytes, &member, sizeof member);
    return key;
}

static bool put(int member, int64_t version, const char *state)
{
    struct projection_item item = {.member_key = key_of(member),
                                   .program_id = TEXT("shop"),
                                   .member_id = TEXT("m"),
                                   .version = version,
                                   .state = {(const uint8_t *)state, strlen(state)}};
    return queue_put(queue, &item);
}

static void expect(size_t at, int member, int64_t version, const char *state)
{
    const struct projection_item *item = &queue_items(queue)[at];
    cr_assert(hash16_equal(item->member_key, key_of(member)));
    cr_assert_eq(item->version, version);
    cr_assert_eq(item->state.len, strlen(state));
    cr_assert(item->state.len == 0 || memcmp(item->state.at, state, item->state.len) == 0);
}

Test(queue, newer_state_takes_the_place_of_the_older_one)
{
    put(1, 5, "five");
    put(2, 1, "one");
    put(1, 7, "seven");
    cr_assert_eq(queue_count(queue), 2);
    expect(0, 1, 7, "seven");
    expect(1, 2, 1, "one");
    cr_assert(text_equal(queue_items(queue)[0].program_id, TEXT("shop")));
}

Test(queue, older_state_changes_nothing)
{
    put(1, 5, "five");
    cr_assert(put(1, 4, "four"));
    cr_assert(put(1, 5, "FIVE"));
    expect(0, 1, 5, "five");
}

Test(queue, bare_key_stays_bare_whatever_is_put_after_it)
{
    put(1, 5, "five");
    cr_assert(queue_put_key(queue, key_of(1)));
    put(1, 9, "nine");
    cr_assert_eq(queue_count(queue), 1);
    expect(0, 1, 0, "");
}

Test(queue, past_its_bytes_it_keeps_keys_alone)
{
    cr_assert(put(1, 1, "0123456789012345678901234567890123456789"));
    cr_assert(put(2, 1, "0123456789012345678901234567890123456789"));
    expect(0, 1, 1, "0123456789012345678901234567890123456789");
    expect(1, 2, 0, "");
}

Test(queue, past_its_members_it_keeps_only_those_it_has)
{
    for (int member = 1; member <= 4; member++)
        cr_assert(put(member, 1, "a"));
    cr_assert_not(put(5, 1, "a"));
    cr_assert_not(queue_put_key(queue, key_of(6)));
    cr_assert(put(3, 2, "b"));
    cr_assert_eq(queue_count(queue), 4);
    expect(2, 3, 2, "b");
}

Test(queue, is_empty_and_has_room_after_it_was_cleared)
{
    for (int member = 1; member <= 4; member++)
        put(member, 3, "0123456789");
    queue_clear(queue);
    cr_assert_eq(queue_count(queue), 0);
    cr_assert(put(4, 1, "0123456789"));
    expect(0, 4, 1, "0123456789");
}

Test(queue, grows_past_its_first_index)
{
    enum { MEMBERS = 5000 };
    drop();
    queue = queue_new((struct queue_limits){.members = MEMBERS, .bytes = 1 << 20});
    for (int round = 1; round <= 2; round++)
        for (int member = 0; member < MEMBERS; member++)
            cr_assert(put(member, round, round == 1 ? "first" : "second"));
    cr_assert_eq(queue_count(queue), MEMBERS);
    for (int member = 0; member < MEMBERS; member++)
        expect((size_t)member, member, 2, "second");
}
