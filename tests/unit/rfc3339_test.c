#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#include "base/rfc3339.h"

static void expect(const char *text, int64_t us)
{
    int64_t found = -1;
    cr_assert(rfc3339_parse(text_of(text), &found), "refused: %s", text);
    cr_assert_eq(found, us, "%s gave %lld", text, (long long)found);
}

Test(rfc3339, instants_are_read_to_the_microsecond)
{
    expect("1970-01-01T00:00:00Z", 0);
    expect("1970-01-01T00:00:00.000001Z", 1);
    expect("1970-01-01t00:00:01.5z", 1500000);
    expect("1969-12-31T23:59:59.999999Z", -1);
    expect("2026-03-01T10:00:00Z", 1772359200000000);
    expect("2000-02-29T12:00:00Z", 951825600000000);
}

Test(rfc3339, offsets_are_taken_off)
{
    expect("2026-03-01T11:00:00+01:00", 1772359200000000);
    expect("2026-03-01T04:30:00-05:30", 1772359200000000);
    expect("2026-03-01T10:00:00-00:00", 1772359200000000);
}

Test(rfc3339, what_is_no_instant_is_refused)
{
    static const char *const bad[] = {
        "",
        "2026-03-01",
        "2026-03-01T10:00:00",
        "2026-03-01 10:00:00Z",
        "2026-03-01T10:00Z",
        "2026-13-01T10:00:00Z",
        "2026-00-01T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2100-02-29T10:00:00Z",
        "2026-04-31T10:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T10:60:00Z",
        "2026-03-01T10:00:60Z",
        "2026-03-01T10:00:00.Z",
        "2026-03-01T10:00:00.1234567Z",
        "2026-03-01T10:00:00+1:00",
        "2026-03-01T10:00:00+24:00",
        "2026-03-01T10:00:00+0100",
        "2026-03-01T10:00:00Zjunk",
        "0000-01-01T00:00:00Z",
        "-026-03-01T10:00:00Z",
        " 2026-03-01T10:00:00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t us = 42;
        cr_assert_not(rfc3339_parse(text_of(bad[i]), &us), "accepted: %s", bad[i]);
        cr_assert_eq(us, 42);
    }
}

Test(rfc3339, every_day_of_nine_thousand_years_agrees_with_the_c_library)
{
    char ours[RFC3339_SIZE];
    char theirs[64];
    for (int64_t day = -700000; day < 2900000; day += 3) {
        time_t seconds = (time_t)(day * 86400 + day % 86400);
        struct tm tm;
        int64_t back;
        gmtime_r(&seconds, &tm);
        if (tm.tm_year + 1900 < 1 || tm.tm_year + 1900 > 9999)
            continue;
        snprintf(theirs, sizeof theirs, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                 tm.tm_hour, tm.tm_min, tm.tm_sec);
        cr_assert_str_eq(rfc3339_format((int64_t)seconds * 1000000, ours), theirs);
        cr_assert(rfc3339_parse(text_of(ours), &back));
        cr_assert_eq(back, (int64_t)seconds * 1000000);
    }
}

Test(rfc3339, fractions_are_written_in_six_digits_or_not_at_all)
{
    char text[RFC3339_SIZE];
    cr_assert_str_eq(rfc3339_format(1, text), "1970-01-01T00:00:00.000001Z");
    cr_assert_str_eq(rfc3339_format(-1, text), "1969-12-31T23:59:59.999999Z");
    cr_assert_str_eq(rfc3339_format(1000000, text), "1970-01-01T00:00:01Z");
}

Test(rfc3339, both_ends_of_the_calendar_and_what_lies_beyond)
{
    char text[RFC3339_SIZE];
    int64_t last;
    cr_assert(rfc3339_parse(TEXT("9999-12-31T23:59:59.999999Z"), &last));
    cr_assert_str_eq(rfc3339_format(last, text), "9999-12-31T23:59:59.999999Z");
    cr_assert_str_eq(rfc3339_format(last + 1, text), "253402300800000000");
    cr_assert_str_eq(rfc3339_format(INT64_MIN, text), "-9223372036854775808");
    cr_assert_str_eq(rfc3339_format(INT64_MAX, text), "9223372036854775807");
}
