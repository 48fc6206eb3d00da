#include <criterion/criterion.h>

#include "base/nearest.h"

static const char *const names[] = {"placed", "paid", "amended", "shipped", "completed", "cancelled", "refunded"};

static const char *nearest(const char *given)
{
    return nearest_name(text_of(given), names, sizeof names / sizeof *names);
}

Test(nearest, slips_of_the_keyboard_find_the_name)
{
    cr_assert_str_eq(nearest("shiped"), "shipped");
    cr_assert_str_eq(nearest("shippped"), "shipped");
    cr_assert_str_eq(nearest("shopped"), "shipped");
    cr_assert_str_eq(nearest("hsipped"), "shipped");
    cr_assert_str_eq(nearest("SHIPPED"), "shipped");
    cr_assert_str_eq(nearest("refund"), "refunded");
}

Test(nearest, of_two_as_close_the_one_that_begins_alike_wins)
{
    cr_assert_str_eq(nearest("payed"), "paid");
}

Test(nearest, what_is_far_from_all_gets_no_hint)
{
    cr_assert_null(nearest("xyzzy"));
    cr_assert_null(nearest(""));
    cr_assert_null(nearest_name(TEXT("paid"), names, 0));
}

Test(nearest, longer_words_than_any_name_are_safe)
{
    char wide[500];
    memset(wide, 'p', sizeof wide);
    cr_assert_null(nearest_name((struct text){wide, sizeof wide}, names, 7));
    cr_assert_null(nearest_name((struct text){wide, 64}, names, 7));
    cr_assert_null(nearest_name((struct text){wide, 65}, names, 7));
}
