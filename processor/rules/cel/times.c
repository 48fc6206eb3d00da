#include "base/checked.h"
#include "rules/cel/run.h"
#include "rules/zone.h"

/* Timestamps and durations: their texts, and the getters with and without a zone. */

enum { SECOND_NANOS = 1000000000 };

struct cursor {
    struct text text;
    size_t at;
};

static bool digits(struct cursor *cursor, size_t count, int *out)
{
    int value = 0;
    for (size_t i = 0; i < count; i++, cursor->at++) {
        if (cursor->at >= cursor->text.len || cursor->text.at[cursor->at] < '0' || cursor->text.at[cursor->at] > '9')
            return false;
        value = value * 10 + cursor->text.at[cursor->at] - '0';
    }
    *out = value;
    return true;
}

static bool one_of(struct cursor *cursor, const char *letters)
{
    if (cursor->at >= cursor->text.len || !strchr(letters, cursor->text.at[cursor->at]) ||
        cursor->text.at[cursor->at] == '\0')
        return false;
    cursor->at++;
    return true;
}

/* 1 to 9 digits after a point, if there is one. */
static bool fraction(struct cursor *cursor, int32_t *nanos)
{
    int32_t value = 0, unit = SECOND_NANOS;
    *nanos = 0;
    if (!one_of(cursor, "."))
        return true;
    for (; unit > 1; unit /= 10) {
        int digit;
        if (!digits(cursor, 1, &digit))
            break;
        value = value * 10 + digit;
    }
    *nanos = value * unit;
    return unit < SECOND_NANOS;
}

static bool date(struct cursor *cursor, struct civil *civil)
{
    int year;
    if (!digits(cursor, 4, &year) || !one_of(cursor, "-") || !digits(cursor, 2, &civil->month) ||
        !one_of(cursor, "-") || !digits(cursor, 2, &civil->day))
        return false;
    civil->year = year;
    return civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
           civil->day <= civil_month_length(year, civil->month);
}

static bool time_of_day(struct cursor *cursor, struct civil *civil)
{
    return digits(cursor, 2, &civil->hour) && one_of(cursor, ":") && digits(cursor, 2, &civil->minute) &&
           one_of(cursor, ":") && digits(cursor, 2, &civil->second) && civil->hour <= 23 && civil->minute <= 59 &&
           civil->second <= 59;
}

static bool offset(struct cursor *cursor, int32_t *out)
{
    struct text rest = {cursor->text.at + cursor->at, cursor->text.len - cursor->at};
    *out = 0;
    if (rest.len == 1)
        return (rest.at[0] | 0x20) == 'z';
    return rest.len == 6 && zone_fixed_offset(rest, out);
}

bool cel_instant_parse(struct text text, struct cel_instant *out)
{
    struct cursor cursor = {text, 0};
    struct civil civil;
    int32_t nanos, east;
    if (!date(&cursor, &civil) || !one_of(&cursor, "Tt ") || !time_of_day(&cursor, &civil) ||
        !fraction(&cursor, &nanos) || !offset(&cursor, &east))
        return false;
    *out = (struct cel_instant){civil_seconds(&civil) - east, nanos};
    return cel_in_range(*out);
}

/* ".5", ".000000001": the fraction without zeros at its end; empty for none. */
static struct text fraction_text(int32_t nanos, struct arena *arena)
{
    if (nanos == 0)
        return (struct text){"", 0};
    struct text text = arena_printf(arena, ".%09d", nanos);
    while (text.at[text.len - 1] == '0')
        text.len--;
    return text;
}

struct text cel_instant_text(struct cel_instant instant, struct arena *arena)
{
    struct civil at = civil_at(instant.seconds);
    struct text part = fraction_text(instant.nanos, arena);
    return arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d%.*sZ", (int)at.year, at.month, at.day, at.hour, at.minute,
                        at.second, (int)part.len, part.at);
}

struct text cel_duration_text(int64_t nanos, struct arena *arena)
{
    uint64_t size = nanos < 0 ? 0 - (uint64_t)nanos : (uint64_t)nanos;
    struct text part = fraction_text((int32_t)(size % SECOND_NANOS), arena);
    return arena_printf(arena, "%s%llu%.*ss", nanos < 0 ? "-" : "", (unsigned long long)(size / SECOND_NANOS),
                        (int)part.len, part.at);
}

static bool unit(struct cursor *cursor, int64_t *out)
{
    static const struct {
        const char *name;
        int64_t nanos;
    } units[] = {{"ns", 1},
                 {"us", 1000},
                 {"\xc2\xb5s", 1000},
                 {"\xce\xbcs", 1000},
                 {"ms", 1000000},
                 {"s", SECOND_NANOS},
                 {"m", INT64_C(60) * SECOND_NANOS},
                 {"h", INT64_C(3600) * SECOND_NANOS}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t len = strlen(units[i].name);
        if (cursor->text.len - cursor->at >= len && memcmp(cursor->text.at + cursor->at, units[i].name, len) == 0) {
            cursor->at += len;
            *out = units[i].nanos;
            return true;
        }
    }
    return false;
}

/* "1.5h": digits, at most nine of a fraction count, and a unit. */
static bool amount(struct cursor *cursor, int64_t *total)
{
    int64_t whole = 0, part = 0, scale = 1, nanos, sum;
    int digit;
    size_t from = cursor->at, points;
    while (digits(cursor, 1, &digit))
        if (!checked_mul(whole, 10, &whole) || !checked_add(whole, digit, &whole))
            return false;
    points = one_of(cursor, ".");
    while (points && digits(cursor, 1, &digit)) {
        if (scale < SECOND_NANOS) {
            part = part * 10 + digit;
            scale *= 10;
        }
    }
    if (cursor->at == from + points || !unit(cursor, &nanos) || !checked_mul(whole, nanos, &sum))
        return false;
    int64_t rest = nanos >= SECOND_NANOS ? part * (nanos / scale) : part * nanos / scale;
    return checked_add(sum, rest, &sum) && checked_add(*total, sum, total);
}

bool cel_duration_parse(struct text text, int64_t *out)
{
    struct cursor cursor = {text, 0};
    int64_t total = 0;
    bool negative = one_of(&cursor, "-");
    if (!negative)
        one_of(&cursor, "+");
    struct text rest = {text.at + cursor.at, text.len - cursor.at};
    if (rest.len == 0)
        return false;
    if (rest.len == 1 && rest.at[0] == '0') {
        *out = 0;
        return true;
    }
    while (cursor.at < text.len)
        if (!amount(&cursor, &total))
            return false;
    *out = negative ? -total : total;
    return true;
}

/* The offset of the zone that the text names at that instant. */
static bool zone_at(const struct cel_env *env, struct text name, int64_t seconds, int32_t *out)
{
    *out = 0;
    if (text_equal(name, TEXT("UTC")) || zone_fixed_offset(name, out))
        return true;
    const struct zone *zone = env->zone ? env->zone(env->zone_context, name) : NULL;
    if (zone)
        *out = zone_offset(zone, seconds);
    return zone != NULL;
}

/* The civil time of a timestamp, in a zone when a second argument names one. False with an error in *out. */
static bool local(struct cel_run *run, const struct cel_value *a, struct civil *civil, struct cel_value *out)
{
    int32_t east = 0;
    *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    if (a[0].kind != CEL_TIMESTAMP)
        return false;
    if (a[1].kind == CEL_STRING && !zone_at(run->env, a[1].text, a[0].instant.seconds, &east)) {
        *out = cel_error(CEL_BAD_ZONE);
        return false;
    }
    if (a[1].kind != CEL_STRING && a[1].kind != CEL_NULL) /* one argument has a null behind it */
        return false;
    *civil = civil_at(a[0].instant.seconds + east);
    return true;
}

#define GETTER(name, expression)                                                                                       \
    void name(struct cel_run *run, const struct cel_value *a, struct cel_value *out)                                   \
    {                                                                                                                  \
        struct civil civil;                                                                                            \
        if (local(run, a, &civil, out))                                                                                \
            *out = cel_int(expression);                                                                                \
    }

GETTER(cel_call_full_year, civil.year)
GETTER(cel_call_month, civil.month - 1)
GETTER(cel_call_date, civil.day)
GETTER(cel_call_day_of_month, civil.day - 1)
GETTER(cel_call_day_of_week, civil.weekday)
GETTER(cel_call_day_of_year, civil.year_day)

/* Of a duration: the whole of it in that unit, but milliseconds, which are those within the second. */
#define GETTER_OF_BOTH(name, of_duration, of_timestamp)                                                                \
    void name(struct cel_run *run, const struct cel_value *a, struct cel_value *out)                                   \
    {                                                                                                                  \
        struct civil civil;                                                                                            \
        if (a[0].kind == CEL_DURATION && a[1].kind == CEL_NULL)                                                        \
            *out = cel_int(of_duration);                                                                               \
        else if (local(run, a, &civil, out))                                                                           \
            *out = cel_int(of_timestamp);                                                                              \
    }

GETTER_OF_BOTH(cel_call_hours, a[0].nanos / SECOND_NANOS / 3600, civil.hour)
GETTER_OF_BOTH(cel_call_minutes, a[0].nanos / SECOND_NANOS / 60, civil.minute)
GETTER_OF_BOTH(cel_call_seconds, a[0].nanos / SECOND_NANOS, civil.second)
GETTER_OF_BOTH(cel_call_milliseconds, a[0].nanos % SECOND_NANOS / 1000000, a[0].instant.nanos / 1000000)

#undef GETTER
#undef GETTER_OF_BOTH
