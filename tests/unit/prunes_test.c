#include <criterion/criterion.h>

#include "ledger/prunes.h"

Test(prunes, wait_for_both_the_publisher_and_the_projection)
{
    struct prunes prunes = {0};
    struct partition a = {.number = 0}, b = {.number = 1};
    struct prune out[4];
    prunes_add(&prunes, &a, 10, 1);
    prunes_add(&prunes, &b, 5, 1);
    prunes_add(&prunes, &a, 20, 2);
    cr_assert_eq(prunes_take(&prunes, 9, out, 4), 0, "nothing is published");
    atomic_store(&a.confirmed, 20);
    cr_assert_eq(prunes_take(&prunes, 0, out, 4), 0, "nothing is projected");
    cr_assert_eq(prunes_take(&prunes, 9, out, 4), 1, "b's row stops the queue");
    cr_assert_eq(out[0].partition, &a);
    cr_assert_eq(out[0].below, 10);
    atomic_store(&b.confirmed, 5);
    cr_assert_eq(prunes_take(&prunes, 9, out, 4), 2);
    cr_assert_eq(out[1].below, 20);
    prunes_release(&prunes);
}

Test(prunes, give_one_bound_per_partition_and_keep_what_finds_no_room)
{
    struct prunes prunes = {0};
    struct partition partitions[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct prune out[2];
    for (int64_t round = 1; round <= 50; round++) {
        for (int i = 0; i < 3; i++) {
            atomic_store(&partitions[i].confirmed, round * 10);
            prunes_add(&prunes, &partitions[i], round * 10, round);
        }
    }
    cr_assert_eq(prunes_take(&prunes, 50, out, 2), 2);
    cr_assert_eq(prunes.count, 148, "only the first two rows found room");
    prunes_release(&prunes);
}
