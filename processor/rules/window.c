#include "rules/window.h"

#include <assert.h>

enum { HOUR = 3600, DAY = 86400 };

static int64_t floor_to(int64_t value, int64_t step)
{
    int64_t rest = value % step;
    return value - rest - (rest < 0 ? step : 0);
}

static struct span fixed_span(int64_t seconds, int64_t length)
{
    assert(length > 0);
    int64_t begins = floor_to(seconds, length);
    return (struct span){begins, begins + length};
}

static struct span hour_span(const struct zone *zone, int64_t seconds)
{
    int64_t offset = zone_offset(zone, seconds);
    int64_t begins = floor_to(seconds + offset, HOUR) - offset;
    return (struct span){begins, begins + HOUR};
}

/* From the first of a month until that of another. */
static struct span months_span(const struct zone *zone, int64_t year, int month, int months)
{
    int ends = month - 1 + months;
    int64_t first = civil_days(year, month, 1);
    int64_t next = civil_days(year + ends / 12, ends % 12 + 1, 1);
    return (struct span){zone_instant(zone, first * DAY), zone_instant(zone, next * DAY)};
}

static struct span days_span(const struct zone *zone, int64_t first, int64_t days)
{
    return (struct span){zone_instant(zone, first * DAY), zone_instant(zone, (first + days) * DAY)};
}

static struct span calendar_span(const struct window *window, const struct zone *zone, int64_t seconds)
{
    struct civil civil = zone_local(zone, seconds);
    int64_t today = civil_days(civil.year, civil.month, civil.day);
    switch (window->form) {
    case WINDOW_DAY:
        return days_span(zone, today, 1);
    case WINDOW_WEEK:
        return days_span(zone, today - (civil.weekday - window->week_begins + 7) % 7, 7);
    case WINDOW_MONTH:
        return months_span(zone, civil.year, civil.month, 1);
    case WINDOW_QUARTER:
        return months_span(zone, civil.year, (civil.month - 1) / 3 * 3 + 1, 3);
    default:
        assert(window->form == WINDOW_YEAR);
        return months_span(zone, civil.year, 1, 12);
    }
}

struct span window_at(const struct window *window, const struct zone *zone, int64_t seconds)
{
    struct span span = SPAN_EVER;
    if (window->form == WINDOW_FIXED)
        span = fixed_span(seconds, window->length);
    else if (window->form == WINDOW_HOUR)
        span = hour_span(zone, seconds);
    else if (window->form != WINDOW_EVER)
        span = calendar_span(window, zone, seconds);
    assert(span.begins <= seconds && seconds < span.ends);
    return span;
}
