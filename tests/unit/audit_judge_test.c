#include <criterion/criterion.h>

#include "audit/judge.h"
#include "audit/retention.h"
#include "audit/sorter.h"

static struct hash16 says(uint8_t what)
{
    return (struct hash16){{what}};
}

static struct evidence row(int64_t sequence, uint8_t what)
{
    return (struct evidence){.origin = FROM_LEDGER, .place = sequence, .content = says(what), .out_partition = 0};
}

static struct evidence output(uint32_t index, uint8_t what)
{
    return (struct evidence){.origin = FROM_TOPIC, .index = index, .content = says(what), .needs_entry = true};
}

static struct evidence without_row(uint32_t index, uint8_t what)
{
    struct evidence evidence = output(index, what);
    evidence.needs_entry = false;
    return evidence;
}

static void expect(const struct evidence *group, size_t count, size_t missing, size_t duplicates, size_t altered,
                   size_t unexplained)
{
    struct verdict verdict = judge(group, count, true);
    cr_expect_eq(verdict.missing, missing);
    cr_expect_eq(verdict.duplicates, duplicates);
    cr_expect_eq(verdict.altered, altered);
    cr_expect_eq(verdict.unexplained, unexplained);
}

Test(judge, each_row_has_its_output)
{
    const struct evidence group[] = {row(4, 1), row(5, 2), output(0, 1), output(1, 2)};
    expect(group, 4, 0, 0, 0, 0);
}

Test(judge, two_rows_alike_need_two_outputs)
{
    const struct evidence group[] = {row(4, 1), row(5, 1), output(0, 1)};
    expect(group, 3, 1, 0, 0, 0);
    struct verdict verdict = judge(group, 3, true);
    cr_assert_eq(verdict.unmatched_count, 1);
    cr_assert_eq(verdict.unmatched[0]->place, 5);
    cr_assert_eq(verdict.traceless, 0);
}

Test(judge, an_output_that_stands_again_does_not_stand_for_another)
{
    const struct evidence group[] = {row(4, 1), row(5, 1), output(0, 1), output(0, 1)};
    expect(group, 4, 1, 1, 0, 0);
}

Test(judge, a_hole_tells_of_an_output_without_a_row)
{
    const struct evidence group[] = {row(4, 1), output(0, 1), without_row(2, 9)};
    expect(group, 3, 1, 0, 0, 0);
    struct verdict verdict = judge(group, 3, true);
    cr_assert_eq(verdict.traceless, 1);
    cr_assert_eq(verdict.untraced, 1);
}

Test(judge, a_hole_and_a_row_without_output_are_one_missing_output)
{
    const struct evidence group[] = {row(4, 1), row(5, 2), output(1, 2)};
    expect(group, 3, 1, 0, 0, 0);
}

Test(judge, a_row_and_an_output_that_differ_are_one_alteration)
{
    const struct evidence group[] = {row(4, 1), output(0, 2)};
    expect(group, 2, 0, 0, 1, 0);
}

Test(judge, an_output_that_needs_a_row_and_has_none_is_unexplained)
{
    const struct evidence group[] = {output(0, 2), without_row(1, 3)};
    expect(group, 2, 0, 0, 0, 1);
}

Test(judge, above_k_only_duplicates_are_wrong)
{
    const struct evidence group[] = {output(1, 2), output(1, 2)};
    struct verdict verdict = judge(group, 2, false);
    cr_assert_eq(verdict.duplicates, 1);
    cr_assert_eq(verdict.missing, 0);
    cr_assert_eq(verdict.unexplained, 0);
}

Test(retention, a_topic_with_its_beginning_has_lost_nothing)
{
    struct retention *retention = retention_new(1, 2);
    retention_see(retention, 0, 1, 50);
    cr_assert_not(retention_may_be_gone(retention, 0, 1, 10));
    cr_assert_not(retention_may_be_gone(retention, 0, -1, 10));
    retention_free(retention);
}

Test(retention, what_stood_before_the_first_one_left_may_be_gone)
{
    struct retention *retention = retention_new(2, 2);
    retention_cut(retention, 1);
    retention_see(retention, 0, 1, 50);
    retention_see(retention, 0, 1, 60);
    cr_assert(retention_may_be_gone(retention, 0, 1, 49));
    cr_assert(retention_may_be_gone(retention, 0, 1, 50), "another output of that input may have stood before it");
    cr_assert_not(retention_may_be_gone(retention, 0, 1, 51));
    cr_assert(retention_may_be_gone(retention, 0, 0, 49), "its member may have moved when partitions were added");
    cr_assert_not(retention_may_be_gone(retention, 1, 0, 49));
    cr_assert(retention_may_be_gone(retention, 1, 1, 1000), "nothing of that input is left there");
    cr_assert(retention_may_be_gone(retention, 1, -1, 1000));
    retention_free(retention);
}

/* More than one chunk, so that runs are written and merged. */
static void sort_and_check(size_t chunk, int64_t count)
{
    struct sorter *sorter;
    struct evidence next;
    bool found;
    int64_t read = 0;
    cr_assert_eq(sorter_new(chunk, &sorter, NULL), ERR_NONE);
    for (int64_t i = 0; i < count; i++) {
        struct evidence evidence = output(0, 0);
        evidence.offset = i * 7919 % count;
        cr_assert_eq(sorter_add(sorter, &evidence, NULL), ERR_NONE);
    }
    cr_assert_eq(sorter_finish(sorter, NULL), ERR_NONE);
    while (!sorter_next(sorter, &next, &found, NULL) && found)
        cr_assert_eq(next.offset, read++);
    cr_assert_eq(read, count);
    cr_assert_eq(sorter_count(sorter), count);
    sorter_free(sorter);
}

Test(sorter, sorts_what_memory_holds)
{
    sort_and_check(100, 0);
    sort_and_check(100, 1);
    sort_and_check(100, 100);
}

Test(sorter, sorts_what_memory_does_not_hold)
{
    sort_and_check(100, 101);
    sort_and_check(1000, 10000);
    sort_and_check(1, 50);
}
