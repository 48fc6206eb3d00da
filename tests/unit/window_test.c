#include <criterion/criterion.h>

#include "base/rfc3339.h"
#include "rules/window.h"
#include "zones.h"

static int64_t seconds(const char *instant)
{
    int64_t micros = 0;
    cr_assert(rfc3339_parse(text_of(instant), &micros), "%s", instant);
    return micros / 1000000;
}

static struct arena *arena;
static const struct zones *zones;

static void setup(void)
{
    arena = arena_new(0);
    zones = machine_zones(arena);
}

static void teardown(void)
{
    arena = arena_free(arena);
}

TestSuite(window, .init = setup, .fini = teardown);

static const struct zone *named(const char *name)
{
    const struct zone *zone = zones_find(zones, text_of(name));
    cr_assert_not_null(zone, "%s", name);
    return zone;
}

static void expect(struct window window, const char *zone, const char *at, const char *begins, const char *ends)
{
    struct span span = window_at(&window, named(zone), seconds(at));
    cr_assert_eq(span.begins, seconds(begins), "%s in %s: begins %lld, not %s", at, zone, (long long)span.begins,
                 begins);
    cr_assert_eq(span.ends, seconds(ends), "%s in %s: ends %lld, not %s", at, zone, (long long)span.ends, ends);
}

static struct window of(enum window_form form)
{
    return (struct window){.form = form, .week_begins = 1};
}

Test(window, is_a_period_of_the_zones_calendar)
{
    const char *berlin = "Europe/Berlin", *at = "2026-08-05T22:30:00Z"; /* Thursday 00:30 there */
    expect(of(WINDOW_HOUR), berlin, at, "2026-08-05T22:00:00Z", "2026-08-05T23:00:00Z");
    expect(of(WINDOW_DAY), berlin, at, "2026-08-05T22:00:00Z", "2026-08-06T22:00:00Z");
    expect(of(WINDOW_WEEK), berlin, at, "2026-08-02T22:00:00Z", "2026-08-09T22:00:00Z");
    expect(of(WINDOW_MONTH), berlin, at, "2026-07-31T22:00:00Z", "2026-08-31T22:00:00Z");
    expect(of(WINDOW_QUARTER), berlin, at, "2026-06-30T22:00:00Z", "2026-09-30T22:00:00Z");
    expect(of(WINDOW_YEAR), berlin, at, "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z");
}

Test(window, holds_its_first_instant_and_not_its_last)
{
    expect(of(WINDOW_YEAR), "UTC", "2025-12-31T23:59:59Z", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
    expect(of(WINDOW_YEAR), "UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    expect(of(WINDOW_QUARTER), "UTC", "2025-12-31T23:59:59Z", "2025-10-01T00:00:00Z", "2026-01-01T00:00:00Z");
    expect(of(WINDOW_MONTH), "UTC", "2024-02-29T23:59:59Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z");
    expect(of(WINDOW_MONTH), "UTC", "1969-12-31T23:59:59Z", "1969-12-01T00:00:00Z", "1970-01-01T00:00:00Z");
}

Test(window, begins_a_week_on_the_day_declared)
{
    struct window sunday = {.form = WINDOW_WEEK, .week_begins = 0}, saturday = {.form = WINDOW_WEEK, .week_begins = 6};
    expect(of(WINDOW_WEEK), "UTC", "2026-03-01T12:00:00Z", "2026-02-23T00:00:00Z",
           "2026-03-02T00:00:00Z"); /* a Sunday */
    expect(sunday, "UTC", "2026-03-01T12:00:00Z", "2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z");
    expect(saturday, "UTC", "2026-03-01T12:00:00Z", "2026-02-28T00:00:00Z", "2026-03-07T00:00:00Z");
    expect(of(WINDOW_WEEK), "UTC", "2027-01-01T00:00:00Z", "2026-12-28T00:00:00Z",
           "2027-01-04T00:00:00Z"); /* a year's end */
}

Test(window, follows_the_clocks)
{
    expect(of(WINDOW_DAY), "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    expect(of(WINDOW_DAY), "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    /* 02:30 comes twice, and each time is in an hour of its own */
    expect(of(WINDOW_HOUR), "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z");
    expect(of(WINDOW_HOUR), "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z");
    expect(of(WINDOW_HOUR), "Asia/Kathmandu", "2026-01-01T00:00:00Z", "2025-12-31T23:15:00Z", "2026-01-01T00:15:00Z");
    /* Beirut leaps over midnight; Samoa leapt over a day */
    expect(of(WINDOW_DAY), "Asia/Beirut", "2026-03-28T22:00:00Z", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z");
    expect(of(WINDOW_DAY), "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z");
    expect(of(WINDOW_DAY), "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z");
    expect(of(WINDOW_DAY), "America/Havana", "2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z");
}

Test(window, of_a_length_stands_on_the_epoch)
{
    struct window hours = {.form = WINDOW_FIXED, .length = 4 * 3600};
    expect(hours, "Europe/Berlin", "2026-03-29T05:00:00Z", "2026-03-29T04:00:00Z", "2026-03-29T08:00:00Z");
    expect(hours, "Europe/Berlin", "1969-12-31T23:59:59Z", "1969-12-31T20:00:00Z", "1970-01-01T00:00:00Z");
    struct span ever = window_at(&(struct window){.form = WINDOW_EVER}, named("UTC"), 0);
    cr_assert(ever.begins == INT64_MIN && ever.ends == INT64_MAX);
}

/* Whatever the zone, windows follow each other without gap or overlap. */
Test(window, tiles_time)
{
    static const char *const names[] = {"Europe/Berlin", "America/Havana",    "Australia/Lord_Howe", "Pacific/Apia",
                                        "Asia/Beirut",   "America/Sao_Paulo", "Africa/Casablanca",   "Asia/Tehran"};
    static const enum window_form forms[] = {WINDOW_DAY, WINDOW_WEEK, WINDOW_MONTH, WINDOW_QUARTER, WINDOW_YEAR};
    for (size_t z = 0; z < sizeof names / sizeof *names; z++)
        for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
            struct window window = of(forms[f]);
            struct span span = window_at(&window, named(names[z]), seconds("2005-01-01T00:00:00Z"));
            for (int i = 0; i < 5000 && span.ends < seconds("2040-01-01T00:00:00Z"); i++) {
                struct span next = window_at(&window, named(names[z]), span.ends);
                cr_assert_eq(next.begins, span.ends, "%s, form %d: %lld is not followed by %lld", names[z],
                             (int)forms[f], (long long)span.ends, (long long)next.begins);
                struct span last = window_at(&window, named(names[z]), span.ends - 1);
                cr_assert(last.begins == span.begins && last.ends == span.ends);
                span = next;
            }
        }
}
