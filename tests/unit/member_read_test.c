#include <criterion/criterion.h>

#include "ops/member_read.h"

static const struct member_entry entries[] = {
    {.sequence = 1,
     .kind = ENTRY_ACCRUAL,
     .from = ACCOUNT_PROGRAMME,
     .to = ACCOUNT_MEMBER_AVAILABLE,
     .amount = 2500,
     .currency = {"points", 6}},
    {.sequence = 2,
     .kind = ENTRY_CONVERSION,
     .from = ACCOUNT_MEMBER_AVAILABLE,
     .to = ACCOUNT_CONVERTED,
     .amount = 2000,
     .currency = {"points", 6}},
    {.sequence = 3,
     .kind = ENTRY_ACCRUAL,
     .from = ACCOUNT_PROGRAMME,
     .to = ACCOUNT_MEMBER_AVAILABLE,
     .amount = 7,
     .currency = {"stamps", 6}},
};

static struct member_view view_of(const struct state_balance *balances, size_t count)
{
    return (struct member_view){.summary = {.balances = balances, .balance_count = count, .entry_count = 3},
                                .entries = entries,
                                .entry_count = 3};
}

static void expect_difference(struct member_view view, const char *words)
{
    struct err err;
    cr_assert_eq(member_verify(&view, &err), ERR_BAD_STATE);
    cr_assert(strstr(err.text, words), "%s", err.text);
}

Test(member_read, balance_that_is_the_sum_of_its_entries_is_verified)
{
    const struct state_balance balances[] = {{TEXT("points"), 500, 2500, 0}, {TEXT("stamps"), 7, 7, 0}};
    struct member_view view = view_of(balances, 2);
    cr_assert_eq(member_verify(&view, NULL), ERR_NONE);
}

Test(member_read, balance_that_is_not_the_sum_is_named)
{
    const struct state_balance balances[] = {{TEXT("points"), 501, 2500, 0}, {TEXT("stamps"), 7, 7, 0}};
    expect_difference(view_of(balances, 2), "points is 501, its entries sum to 500");
}

Test(member_read, entry_of_a_currency_without_balance_is_named)
{
    const struct state_balance balances[] = {{TEXT("points"), 500, 2500, 0}};
    expect_difference(view_of(balances, 1), "stamps");
}

Test(member_read, entries_that_the_state_does_not_count_are_named)
{
    const struct state_balance balances[] = {{TEXT("points"), 500, 2500, 0}, {TEXT("stamps"), 7, 7, 0}};
    struct member_view view = view_of(balances, 2);
    view.summary.entry_count = 4;
    expect_difference(view, "the state counts 4 entries, the ledger has 3");
}

Test(member_read, missing_entry_is_named)
{
    struct member_view view = view_of(NULL, 0);
    view.entries = entries + 1;
    view.entry_count = 2;
    view.summary.entry_count = 2;
    expect_difference(view, "entry 1 is missing");
}

Test(member_read, sum_that_overflows_is_no_sum)
{
    struct member_entry two[] = {entries[0], entries[0]};
    two[0].amount = INT64_MAX;
    struct member_view view = {.entries = two, .entry_count = 2};
    int64_t sum;
    cr_assert_not(member_sum(&view, TEXT("points"), &sum));
}
