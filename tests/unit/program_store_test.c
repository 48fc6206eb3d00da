#include <criterion/criterion.h>

#include "program/store.h"

static const struct stored_program two[] = {
    {.program_id = {"shop", 4}, .version = 1, .effective_at = 1000, .source = {"one", 3}},
    {.program_id = {"shop", 4}, .version = 2, .effective_at = 2000, .source = {"two", 3}},
};
static const struct stored_programs stored = {two, 2};
static const struct stored_programs none = {NULL, 0};

static enum err_code check(struct stored_programs in, int64_t version, int64_t effective_at, const char *source,
                           bool *present, struct err *err)
{
    struct stored_program wanted = {
        .program_id = TEXT("shop"), .version = version, .effective_at = effective_at, .source = text_of(source)};
    return program_store_check(in, &wanted, present, err);
}

Test(program_store, first_version_may_take_effect_at_any_time)
{
    bool present = true;
    cr_assert_eq(check(none, 7, -5, "x", &present, NULL), ERR_NONE);
    cr_assert_not(present);
}

Test(program_store, later_version_with_a_later_date_is_accepted)
{
    bool present = true;
    cr_assert_eq(check(stored, 3, 2001, "three", &present, NULL), ERR_NONE);
    cr_assert_not(present);
    cr_assert_eq(check(stored, 10, 2001, "ten", &present, NULL), ERR_NONE);
}

Test(program_store, same_content_again_is_present)
{
    bool present = false;
    cr_assert_eq(check(stored, 1, 1000, "one", &present, NULL), ERR_NONE);
    cr_assert(present);
}

Test(program_store, stored_version_is_not_rewritten)
{
    bool present = false;
    struct err err;
    cr_assert_eq(check(stored, 1, 1000, "other", &present, &err), ERR_PROGRAM);
    cr_assert(strstr(err.text, "`version: 3`"), "%s", err.text);
    cr_assert_not(present);
}

Test(program_store, older_version_is_refused)
{
    bool present;
    struct err err;
    struct stored_programs second_only = {two + 1, 1};
    cr_assert_eq(check(second_only, 1, 3000, "one", &present, &err), ERR_PROGRAM);
    cr_assert(strstr(err.text, "older than version 2"), "%s", err.text);
}

Test(program_store, date_not_after_all_stored_ones_is_refused)
{
    bool present;
    struct err err;
    cr_assert_eq(check(stored, 3, 2000, "three", &present, &err), ERR_PROGRAM);
    cr_assert_eq(check(stored, 3, 1500, "three", &present, &err), ERR_PROGRAM);
    cr_assert(strstr(err.text, "`effective:`"), "%s", err.text);
}

Test(program_store, version_that_a_ledger_row_cannot_hold_is_refused)
{
    bool present;
    cr_assert_eq(check(none, 0, 1, "x", &present, NULL), ERR_PROGRAM);
    cr_assert_eq(check(none, INT64_C(2147483648), 1, "x", &present, NULL), ERR_PROGRAM);
}
