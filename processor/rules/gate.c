#include "rules/gate.h"

#include "rules/zone.h"

enum { SECOND = 1000000, DAY_SECONDS = 86400 };

/* Towards the past: half a second before 1970 is in the second before it. */
static int64_t seconds_of(int64_t at)
{
    return at / SECOND - (at % SECOND < 0);
}

static bool is_between(const struct gate *gate, int64_t since_midnight)
{
    if (gate->opens <= gate->closes)
        return since_midnight >= gate->opens && since_midnight <= gate->closes;
    return since_midnight >= gate->opens || since_midnight <= gate->closes;
}

bool gate_is_open_by_clock(const struct gate *gate, int64_t at, const struct zone *local)
{
    int64_t seconds = seconds_of(at);
    struct civil clock = local ? zone_local(local, seconds) : civil_at(seconds);
    if (gate->days != 0 && !(gate->days >> clock.weekday & 1))
        return false;
    int64_t since_midnight =
        (clock.hour * 3600 + clock.minute * 60 + clock.second) * (int64_t)SECOND + (at - seconds * SECOND);
    return !gate->has_hours || is_between(gate, since_midnight);
}
