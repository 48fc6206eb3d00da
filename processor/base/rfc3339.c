#include "base/rfc3339.h"

#include <ctype.h>
#include <stdio.h>

#define SECOND_US INT64_C(1000000)
#define DAY_US    (INT64_C(86400) * SECOND_US)

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar. Years begin in March here, so that the leap day
 * comes last. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Reads exactly `digits` digits that make a number from least to most. */
static bool take_number(struct text *text, size_t digits, int64_t least, int64_t most, int64_t *out)
{
    int64_t number = 0;
    if (text->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)text->at[i]))
            return false;
        number = number * 10 + (text->at[i] - '0');
    }
    text->at += digits;
    text->len -= digits;
    *out = number;
    return number >= least && number <= most;
}

static bool take(struct text *text, char c)
{
    if (text->len == 0 || toupper((unsigned char)text->at[0]) != c)
        return false;
    text->at++;
    text->len--;
    return true;
}

/* ".25" -> 250,000; nothing -> 0. */
static bool take_fraction(struct text *text, int64_t *us)
{
    *us = 0;
    if (!take(text, '.'))
        return true;
    int64_t unit = SECOND_US / 10;
    size_t digits = 0;
    for (; text->len && isdigit((unsigned char)text->at[0]); digits++) {
        *us += (text->at[0] - '0') * unit;
        unit /= 10;
        text->at++;
        text->len--;
    }
    return digits >= 1 && digits <= 6;
}

/* "Z" or "+01:00", as µs to subtract. */
static bool take_offset(struct text *text, int64_t *us)
{
    *us = 0;
    if (take(text, 'Z'))
        return true;
    int64_t hours, minutes;
    bool east = take(text, '+');
    if (!east && !take(text, '-'))
        return false;
    if (!take_number(text, 2, 0, 23, &hours) || !take(text, ':') || !take_number(text, 2, 0, 59, &minutes))
        return false;
    *us = (hours * 3600 + minutes * 60) * SECOND_US * (east ? 1 : -1);
    return true;
}

bool rfc3339_parse(struct text text, int64_t *out)
{
    int64_t year, month, day, hour, minute, second, fraction, offset;
    if (!take_number(&text, 4, 1, 9999, &year) || !take(&text, '-') || !take_number(&text, 2, 1, 12, &month) ||
        !take(&text, '-') || !take_number(&text, 2, 1, days_in_month(year, month), &day))
        return false;
    if (!take(&text, 'T') || !take_number(&text, 2, 0, 23, &hour) || !take(&text, ':') ||
        !take_number(&text, 2, 0, 59, &minute) || !take(&text, ':') || !take_number(&text, 2, 0, 59, &second))
        return false;
    if (!take_fraction(&text, &fraction) || !take_offset(&text, &offset) || text.len)
        return false;
    int64_t seconds = hour * 3600 + minute * 60 + second;
    *out = days_from_date(year, month, day) * DAY_US + seconds * SECOND_US + fraction - offset;
    return true;
}

/* The inverse of days_from_date. */
static void date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    days += 719468;
    int64_t era = days / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

static char *put_mark(char *at, char mark)
{
    *at = mark;
    return at + 1;
}

/* By hand, since each reward's header has such a time and printf takes as long as deciding does. */
static char *put_digits(char *at, int64_t number, int count)
{
    for (int i = count; i-- > 0; number /= 10)
        at[i] = (char)('0' + number % 10);
    return at + count;
}

const char *rfc3339_format(int64_t us, char out[RFC3339_SIZE])
{
    const int64_t first = days_from_date(1, 1, 1) * DAY_US;
    const int64_t end = days_from_date(10000, 1, 1) * DAY_US;
    if (us < first || us >= end) {
        snprintf(out, RFC3339_SIZE, "%lld", (long long)us);
        return out;
    }
    int64_t rest = (us - first) % DAY_US;
    int64_t year, month, day;
    date_from_days((us - first) / DAY_US + first / DAY_US, &year, &month, &day);
    int64_t second = rest / SECOND_US;
    char *at = put_digits(out, year, 4);
    at = put_digits(put_mark(at, '-'), month, 2);
    at = put_digits(put_mark(at, '-'), day, 2);
    at = put_digits(put_mark(at, 'T'), second / 3600, 2);
    at = put_digits(put_mark(at, ':'), second / 60 % 60, 2);
    at = put_digits(put_mark(at, ':'), second % 60, 2);
    if (rest % SECOND_US)
        at = put_digits(put_mark(at, '.'), rest % SECOND_US, 6);
    *put_mark(at, 'Z') = '\0';
    return out;
}
