#include <criterion/criterion.h>

#include "ops/offsets_read.h"
#include "ops/offsets_reset.h"

/* Applied up to 100, published, signed, of a topic that begins at 10. */
static struct partition_offsets settled(void)
{
    return (struct partition_offsets){.topic = TEXT("loyalty.orders"),
                                      .low = 10,
                                      .high = 120,
                                      .committed = 100,
                                      .is_signed = true,
                                      .in_ledger = true,
                                      .applied = 100,
                                      .outbox_from = OFFSET_NONE};
}

static void expect(struct partition_offsets offsets, enum offsets_target target, int64_t applied, int64_t commit)
{
    struct offsets_plan plan = offsets_plan(&offsets, target);
    cr_assert(plan.changes);
    cr_assert_null(plan.refusal, "%s", plan.refusal);
    cr_assert_eq(plan.applied, applied);
    cr_assert_eq(plan.commit, commit);
}

static void expect_nothing(struct partition_offsets offsets, enum offsets_target target)
{
    cr_assert_not(offsets_plan(&offsets, target).changes);
}

static void expect_refusal(struct partition_offsets offsets, enum offsets_target target)
{
    struct offsets_plan plan = offsets_plan(&offsets, target);
    cr_assert(plan.changes);
    cr_assert_not_null(plan.refusal);
}

Test(offsets_plan, beginning_is_the_first_record_that_the_topic_has)
{
    expect(settled(), TARGET_BEGINNING, 10, 10);
}

Test(offsets_plan, partition_at_the_beginning_or_never_read_is_left_alone)
{
    struct partition_offsets offsets = settled();
    offsets.applied = offsets.committed = 10;
    expect_nothing(offsets, TARGET_BEGINNING);
    offsets = settled();
    offsets.in_ledger = false;
    offsets.committed = OFFSET_NONE;
    expect_nothing(offsets, TARGET_BEGINNING);
    expect_nothing(offsets, TARGET_LEDGER);
}

Test(offsets_plan, beginning_is_refused_while_outputs_are_not_published)
{
    struct partition_offsets offsets = settled();
    offsets.committed = 99;
    expect_refusal(offsets, TARGET_BEGINNING);
}

Test(offsets_plan, foreign_offset_hides_what_is_published_so_rows_in_the_outbox_refuse_the_beginning)
{
    struct partition_offsets offsets = settled();
    offsets.is_signed = false;
    expect(offsets, TARGET_BEGINNING, 10, 10);
    offsets.outbox_from = 90;
    offsets.outbox_rows = 1;
    expect_refusal(offsets, TARGET_BEGINNING);
}

Test(offsets_plan, ledger_leaves_alone_what_fits)
{
    struct partition_offsets offsets = settled();
    expect_nothing(offsets, TARGET_LEDGER);
    offsets.committed = 95;
    offsets.outbox_from = 90;
    offsets.outbox_rows = 2;
    expect_nothing(offsets, TARGET_LEDGER);
}

Test(offsets_plan, ledger_takes_a_lost_or_foreign_offset_to_where_publishing_is_certain)
{
    struct partition_offsets offsets = settled();
    offsets.is_signed = false;
    offsets.committed = 3;
    expect(offsets, TARGET_LEDGER, 100, 100);
    offsets.committed = OFFSET_NONE;
    expect(offsets, TARGET_LEDGER, 100, 100);
    offsets.outbox_from = 90;
    offsets.outbox_rows = 1;
    expect(offsets, TARGET_LEDGER, 100, 90);
}

Test(offsets_plan, ledger_restored_from_a_backup_brings_kafka_back_to_it)
{
    struct partition_offsets offsets = settled();
    offsets.committed = 115;
    expect(offsets, TARGET_LEDGER, 100, 100);
}

Test(offsets_plan, partition_that_the_cluster_lacks_is_refused)
{
    struct partition_offsets offsets = settled();
    offsets.low = offsets.high = OFFSET_NONE;
    offsets.is_signed = false;
    expect_refusal(offsets, TARGET_LEDGER);
    expect_refusal(offsets, TARGET_BEGINNING);
}

Test(offsets_plan, reset_has_a_step_for_each_partition_that_changes)
{
    struct partition_offsets items[] = {settled(), settled(), settled()};
    items[1].is_signed = false;
    struct arena *arena = arena_new(0);
    struct offsets offsets = {.items = items, .count = 3};
    struct reset reset = reset_plan(&offsets, TARGET_LEDGER, arena);
    cr_assert_eq(reset.count, 1);
    cr_assert_eq(reset.steps[0].from, &items[1]);
    arena_free(arena);
}
