#include <criterion/criterion.h>

#include "rules/rate.h"

static struct decimal parsed(const char *text)
{
    struct decimal number;
    cr_assert(decimal_parse(text_of(text), RATE_DECIMALS_MAX, &number), "%s", text);
    return number;
}

static struct rate made(const char *a, const char *b, bool whole, int point_decimals, int basis_decimals)
{
    struct rate rate;
    cr_assert(rate_make(parsed(a), parsed(b), whole, point_decimals, basis_decimals, &rate), "%s per %s", a, b);
    return rate;
}

Test(rate, rounds_once_in_each_mode)
{
    static const struct {
        int64_t basis; /* of a rate of 1 per 2 */
        int64_t down, half_up, half_even, up;
    } cases[] = {
        {0, 0, 0, 0, 0}, {1, 0, 1, 0, 1}, {2, 1, 1, 1, 1}, {3, 1, 2, 2, 2},
        {4, 2, 2, 2, 2}, {5, 2, 3, 2, 3}, {7, 3, 4, 4, 4},
    };
    struct rate rate = made("1", "2", false, 0, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t expected[] = {cases[i].down, cases[i].half_up, cases[i].half_even, cases[i].up};
        for (int mode = ROUNDING_DOWN; mode <= ROUNDING_UP; mode++) {
            int64_t points;
            cr_assert(rate_points(&rate, cases[i].basis, FRACTION_ONE, (enum rounding)mode, &points));
            cr_assert_eq(points, expected[mode], "%lld in mode %d: %lld", (long long)cases[i].basis, mode,
                         (long long)points);
        }
    }
}

Test(rate, thirds_round_to_the_nearer_side)
{
    struct rate rate = made("1", "3", false, 0, 0);
    int64_t points;
    cr_assert(rate_points(&rate, 4, FRACTION_ONE, ROUNDING_HALF_UP, &points) && points == 1);
    cr_assert(rate_points(&rate, 5, FRACTION_ONE, ROUNDING_HALF_UP, &points) && points == 2);
    cr_assert(rate_points(&rate, 4, FRACTION_ONE, ROUNDING_HALF_EVEN, &points) && points == 1);
    cr_assert(rate_points(&rate, 5, FRACTION_ONE, ROUNDING_HALF_EVEN, &points) && points == 2);
}

Test(rate, is_in_lowest_terms_of_minor_units)
{
    struct rate rate = made("1", "1.00", false, 0, 2);
    cr_assert(rate.numerator == 1 && rate.denominator == 100);
    rate = made("0.25", "1.50", false, 2, 2); /* 25 hundredths of a point per 150 cents */
    cr_assert(rate.numerator == 1 && rate.denominator == 6);
    rate = made("2", "0.5", true, 0, 2);
    cr_assert(rate.step_numerator == 1 && rate.step_denominator == 50 && rate.numerator == 2 && rate.denominator == 1);
}

Test(rate, whole_steps_are_counted_before_points_are_rounded)
{
    struct rate rate = made("0.5", "10", true, 0, 2);
    int64_t points;
    cr_assert(rate_points(&rate, 2999, FRACTION_ONE, ROUNDING_DOWN, &points) && points == 1);
    cr_assert(rate_points(&rate, 2999, FRACTION_ONE, ROUNDING_UP, &points) && points == 1);
    cr_assert(rate_points(&rate, 3000, FRACTION_ONE, ROUNDING_DOWN, &points) && points == 1);
    cr_assert(rate_points(&rate, 3000, FRACTION_ONE, ROUNDING_UP, &points) && points == 2);
}

Test(rate, is_exact_up_to_the_largest_numbers)
{
    struct rate rate = made("0.999999999", "1", false, 0, 0);
    int64_t points;
    /* (2^63 - 1) * 999999999 / 10^9, from exact arithmetic elsewhere */
    cr_assert(rate_points(&rate, INT64_MAX, FRACTION_ONE, ROUNDING_DOWN, &points));
    cr_assert_eq(points, INT64_C(9223372027631403770));
    cr_assert(rate_points(&rate, INT64_MAX, FRACTION_ONE, ROUNDING_UP, &points));
    cr_assert_eq(points, INT64_C(9223372027631403771));
}

Test(rate, says_when_points_do_not_fit)
{
    struct rate rate = made("2", "1", false, 0, 0);
    int64_t points = 7;
    cr_assert_not(rate_points(&rate, INT64_MAX / 2 + 1, FRACTION_ONE, ROUNDING_DOWN, &points));
    cr_assert_not(rate_points(&rate, INT64_MAX, FRACTION_ONE, ROUNDING_UP, &points));
    cr_assert_eq(points, 7, "untouched on failure");
    cr_assert(rate_points(&rate, INT64_MAX / 2, FRACTION_ONE, ROUNDING_DOWN, &points) && points == INT64_MAX - 1);
    rate = made("1", "0.000000001", true, 0, 0);
    cr_assert_not(rate_points(&rate, INT64_MAX / 10, FRACTION_ONE, ROUNDING_DOWN, &points));
}

Test(rate, with_terms_that_do_not_fit_is_refused)
{
    struct rate rate;
    struct decimal large = {INT64_MAX, 0};
    struct decimal tiny = {1, RATE_DECIMALS_MAX};
    cr_assert_not(rate_make(large, tiny, false, DECIMALS_MAX, 0, &rate));
    cr_assert_not(rate_make(tiny, large, false, 0, DECIMALS_MAX, &rate));
    cr_assert(rate_make(large, large, false, 0, 0, &rate) && rate.numerator == 1 && rate.denominator == 1);
}

Test(decimal, is_digits_with_at_most_one_point_inside)
{
    static const char *const good[] = {"0", "7", "10.00", "0.5", "007", "9223372036854775807", "1.123456789"};
    static const char *const bad[] = {"",
                                      ".",
                                      "1.",
                                      ".5",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1e3",
                                      "1,5",
                                      "1.2.3",
                                      "0x1",
                                      "１",
                                      "9223372036854775808",
                                      "1.1234567890"};
    struct decimal number;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert(decimal_parse(text_of(good[i]), RATE_DECIMALS_MAX, &number), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(decimal_parse(text_of(bad[i]), RATE_DECIMALS_MAX, &number), "%s", bad[i]);
    cr_assert(decimal_parse(TEXT("10.50"), 2, &number) && number.digits == 1050 && number.decimals == 2);
}

Test(decimal, scales_to_minor_units_without_loss)
{
    int64_t amount = 5;
    cr_assert(decimal_scale(parsed("10.5"), 2, &amount) && amount == 1050);
    cr_assert(decimal_scale(parsed("10.500"), 2, &amount) && amount == 1050);
    cr_assert_not(decimal_scale(parsed("10.501"), 2, &amount));
    cr_assert_not(decimal_scale(parsed("9223372036854775807"), 1, &amount));
    cr_assert_eq(amount, 1050, "untouched on failure");
}

Test(amount, is_written_with_its_decimals)
{
    static const struct {
        int64_t amount;
        int decimals;
        const char *text;
    } cases[] = {
        {0, 0, "0"},
        {0, 2, "0.00"},
        {5, 2, "0.05"},
        {1050, 2, "10.50"},
        {-5, 2, "-0.05"},
        {-1050, 0, "-1050"},
        {1, 6, "0.000001"},
        {INT64_MAX, 0, "9223372036854775807"},
        {INT64_MIN, 6, "-9223372036854.775808"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char room[AMOUNT_TEXT_MAX];
        struct text written = amount_write(cases[i].amount, cases[i].decimals, room);
        cr_assert(text_equal(written, text_of(cases[i].text)), "%s, not %.*s", cases[i].text, (int)written.len,
                  written.at);
    }
}
