#ifndef POINTS_RULES_CIVIL_H
#define POINTS_RULES_CIVIL_H

#include <stdint.h>

/* The proleptic Gregorian calendar. Pure arithmetic on days and seconds since 1970-01-01; no zone. */

struct civil {
    int64_t year;
    int month;    /* 1 to 12 */
    int day;      /* 1 to 31 */
    int hour;     /* 0 to 23 */
    int minute;   /* 0 to 59 */
    int second;   /* 0 to 59 */
    int weekday;  /* 0 is Sunday */
    int year_day; /* 0 is the first of January */
};

/* Days since 1970-01-01. year within ±2^31; month 1 to 12; day may lie outside of the month and then counts on. After
 * Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
int64_t civil_days(int64_t year, int month, int day);

/* The date and time of seconds since 1970-01-01T00:00:00 by the same calendar. */
struct civil civil_at(int64_t seconds);

/* Seconds since 1970-01-01T00:00:00; weekday and year_day are not read. */
int64_t civil_seconds(const struct civil *civil);

int civil_month_length(int64_t year, int month);

/* 0 is Sunday. */
int civil_weekday(int64_t days);

/* months later (or earlier, when negative), the day clamped to the month: 31 Jan + 1 month is 28 or 29 Feb. Time of day
 * stays; weekday and year_day are set. */
struct civil civil_add_months(struct civil civil, int64_t months);

#endif
