#include <criterion/criterion.h>

#include "program/store.h"
#include "program/versions.h"
#include "rules/program_model.h"

static const struct stored_program two[] = {
    {.program_id = {"shop", 4}, .version = 1, .effective_at = 1000, .source = {"one", 3}},
    {.program_id = {"shop", 4}, .version = 2, .effective_at = 2000, .source = {"two", 3}},
};
static const struct stored_programs stored = {two, 2};
static const struct stored_programs none = {NULL, 0};

static enum err_code check(struct stored_programs in, int64_t version, int64_t effective_at, const char *source,
                           int64_t decided_until, enum program_fate *fate, struct err *err)
{
    struct stored_program wanted = {
        .program_id = TEXT("shop"), .version = version, .effective_at = effective_at, .source = text_of(source)};
    return program_store_check(in, &wanted, decided_until, fate, err);
}

static void expect(struct stored_programs in, int64_t version, int64_t effective_at, const char *source,
                   int64_t decided_until, enum program_fate expected)
{
    enum program_fate fate;
    struct err err = {.code = ERR_NONE};
    cr_assert_eq(check(in, version, effective_at, source, decided_until, &fate, &err), ERR_NONE, "%s", err.text);
    cr_assert_eq(fate, expected);
}

static void refuse(struct stored_programs in, int64_t version, int64_t effective_at, int64_t decided_until,
                   const char *part)
{
    enum program_fate fate;
    struct err err;
    cr_assert_eq(check(in, version, effective_at, "other", decided_until, &fate, &err), ERR_PROGRAM);
    cr_assert(strstr(err.text, part), "%s", err.text);
}

Test(program_store, first_version_may_take_effect_at_any_time)
{
    expect(none, 7, -5, "x", 9000, PROGRAM_ADDED);
}

Test(program_store, later_version_with_a_later_date_is_accepted)
{
    expect(stored, 3, 2001, "three", 9000, PROGRAM_ADDED);
    expect(stored, 10, 2001, "ten", 9000, PROGRAM_ADDED);
}

Test(program_store, same_content_again_is_present)
{
    expect(stored, 1, 1000, "one", 9000, PROGRAM_PRESENT);
    expect(stored, 2, 2000, "two", 500, PROGRAM_PRESENT);
}

Test(program_store, version_in_effect_is_not_rewritten)
{
    refuse(stored, 1, 1000, 1999, "`version: 3`");
    refuse(stored, 2, 2000, 2000, "in effect since 1970-01-01T00:00:00.002000Z");
}

Test(program_store, version_that_is_not_yet_in_effect_is_replaced)
{
    expect(stored, 2, 3000, "other", 1999, PROGRAM_REPLACES);
    expect(stored, 2, 1001, "other", 1999, PROGRAM_REPLACES);
    expect(stored, 1, 1999, "other", 999, PROGRAM_REPLACES);
}

Test(program_store, replacement_keeps_its_place_among_the_versions)
{
    refuse(stored, 2, 1000, 1999, "must take effect after version 1");
    refuse(stored, 1, 2000, 999, "must take effect before version 2");
}

Test(program_store, older_version_is_refused)
{
    struct stored_programs second_only = {two + 1, 1};
    refuse(second_only, 1, 3000, 0, "older than version 2");
}

/* Two versions from one instant would overlap; one that began earlier than the version before it would as well. */
Test(program_store, date_not_after_all_stored_ones_is_refused)
{
    refuse(stored, 3, 2000, 0, "`effective:`");
    refuse(stored, 3, 1500, 0, "must take effect after version 2");
}

Test(program_store, version_that_a_ledger_row_cannot_hold_is_refused)
{
    refuse(none, 0, 1, 0, "from 1 to");
    refuse(none, INT64_C(2147483648), 1, 0, "from 1 to");
}

Test(program_versions, follow_each_other_without_overlap)
{
    struct err err;
    struct program first = {.id = TEXT("shop"), .version = 1, .effective_at = 1000};
    struct program second = {.id = TEXT("shop"), .version = 2, .effective_at = 1001};
    struct program other = {.id = TEXT("tea"), .version = 1, .effective_at = 5};
    cr_assert(versions_compare(&first, &second) < 0 && versions_compare(&other, &second) > 0);
    cr_assert_eq(versions_follow(&first, &second, &err), ERR_NONE);
    cr_assert_eq(versions_follow(&second, &other, &err), ERR_NONE);
    second.effective_at = 1000;
    cr_assert_eq(versions_follow(&first, &second, &err), ERR_PROGRAM);
    cr_assert(strstr(err.text, "version 2 of program shop overlaps version 1"), "%s", err.text);
    second.version = 1;
    cr_assert_eq(versions_follow(&first, &second, &err), ERR_PROGRAM);
    cr_assert(strstr(err.text, "a second time"), "%s", err.text);
}
