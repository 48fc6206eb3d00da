#include "rules/expiry.h"

#include <assert.h>

#include "base/checked.h"

enum { DAY = 86400, SECOND = 1000000 };

static int64_t floor_seconds(int64_t at)
{
    return at / SECOND - (at % SECOND < 0);
}

/* The instant at which that local day begins; NEVER where no time reaches so far. */
static int64_t day_begins(const struct zone *zone, int64_t days)
{
    int64_t at;
    return checked_mul(zone_instant(zone, days * DAY), SECOND, &at) ? at : NEVER;
}

/* Local days since 1970 of the day so many months and days after that one. */
static int64_t days_after(struct civil day, int months, int days)
{
    struct civil later = civil_add_months(day, months);
    return civil_days(later.year, later.month, later.day) + days;
}

/* The day behind the period of so many months that holds the day: a first, which no adding of months clamps. */
static struct civil day_behind_period(struct civil day, int period)
{
    day.day = 1;
    return civil_add_months(day, period - (day.month - 1) % period);
}

int64_t expiry_end(const struct expiry *expiry, const struct zone *zone, int64_t at)
{
    if (expiry->form == EXPIRY_NEVER)
        return NEVER;
    struct civil day = zone_local(zone, floor_seconds(at));
    day.hour = day.minute = day.second = 0;
    if (expiry->form != EXPIRY_PERIOD)
        return day_begins(zone, days_after(day, expiry->months, expiry->days) + 1);
    return day_begins(zone, days_after(day_behind_period(day, expiry->period), expiry->months, expiry->days));
}

int64_t warnings_next(const struct warnings *warnings, int64_t end, int64_t after)
{
    assert(warnings->count <= EXPIRY_WARNINGS_MAX);
    for (size_t i = 0; i < warnings->count && end != NEVER; i++)
        if (end - warnings->distances[i] * SECOND > after)
            return end - warnings->distances[i] * SECOND;
    return NEVER;
}
