#include "rules/civil.h"

#include <assert.h>

enum { DAY = 86400, ERA_DAYS = 146097 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years begin in March, so that the leap day ends them. */
int64_t civil_days(int64_t year, int month, int day)
{
    assert(month >= 1 && month <= 12);
    int64_t y = year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void set_date(int64_t days, struct civil *civil)
{
    int64_t z = days + 719468, era = floor_div(z, ERA_DAYS), day = z - era * ERA_DAYS;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
    int month = (int)((5 * day_of_year + 2) / 153);
    civil->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    civil->month = month < 10 ? month + 3 : month - 9;
    civil->year = year + era * 400 + (civil->month <= 2);
    civil->weekday = civil_weekday(days);
    civil->year_day = (int)(days - civil_days(civil->year, 1, 1));
}

struct civil civil_at(int64_t seconds)
{
    struct civil civil;
    int64_t days = floor_div(seconds, DAY);
    int rest = (int)(seconds - days * DAY);
    set_date(days, &civil);
    civil.hour = rest / 3600;
    civil.minute = rest / 60 % 60;
    civil.second = rest % 60;
    return civil;
}

int64_t civil_seconds(const struct civil *civil)
{
    return civil_days(civil->year, civil->month, civil->day) * DAY + civil->hour * 3600 + civil->minute * 60 +
           civil->second;
}

int civil_month_length(int64_t year, int month)
{
    int64_t next = month == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, month + 1, 1);
    return (int)(next - civil_days(year, month, 1));
}

int civil_weekday(int64_t days)
{
    return (int)(days + 4 - floor_div(days + 4, 7) * 7);
}

struct civil civil_add_months(struct civil civil, int64_t months)
{
    int64_t count = civil.year * 12 + civil.month - 1 + months;
    int64_t year = floor_div(count, 12);
    int month = (int)(count - year * 12) + 1, length = civil_month_length(year, month);
    civil.year = year;
    civil.month = month;
    civil.day = civil.day < length ? civil.day : length;
    return civil_at(civil_seconds(&civil));
}
