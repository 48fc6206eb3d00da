#include <criterion/criterion.h>

#include "program/zones.h"
#include "zones.h"

static struct arena *arena;
static const struct zones *zones;

static void begin(void)
{
    arena = arena_new(0);
    zones = machine_zones(arena);
}

static void end(void)
{
    arena = arena_free(arena);
}

TestSuite(zone, .init = begin, .fini = end);

static int64_t at(int64_t year, int month, int day, int hour, int minute)
{
    struct civil civil = {.year = year, .month = month, .day = day, .hour = hour, .minute = minute};
    return civil_seconds(&civil);
}

static const struct zone *named(const char *name)
{
    const struct zone *zone = zones_find(zones, text_of(name));
    cr_assert_not_null(zone, "%s", name);
    return zone;
}

Test(zone, knows_the_offsets_of_the_past)
{
    cr_assert_eq(zone_offset(named("Europe/Berlin"), at(2024, 1, 15, 12, 0)), 3600);
    cr_assert_eq(zone_offset(named("Europe/Berlin"), at(2024, 7, 15, 12, 0)), 7200);
    cr_assert_eq(zone_offset(named("Asia/Kathmandu"), at(2009, 2, 13, 0, 0)), 20700);
    cr_assert_eq(zone_offset(named("UTC"), 0), 0);
    cr_assert_null(zones_find(zones, TEXT("Europe/Nowhere")));
}

Test(zone, follows_the_footer_into_the_far_future)
{
    cr_assert_eq(zone_offset(named("Europe/Berlin"), at(2400, 7, 1, 0, 0)), 7200);
    cr_assert_eq(zone_offset(named("Europe/Berlin"), at(2400, 12, 1, 0, 0)), 3600);
    cr_assert_eq(zone_offset(named("America/New_York"), at(3000, 1, 1, 0, 0)), -18000);
    cr_assert_eq(zone_offset(named("Australia/Sydney"), at(2500, 1, 1, 0, 0)), 39600); /* summer there */
    cr_assert_eq(zone_offset(named("Australia/Sydney"), at(2500, 6, 1, 0, 0)), 36000);
    cr_assert_eq(zone_offset(named("Europe/Berlin"), at(2100, 3, 28, 0, 59)), 3600);
    cr_assert_eq(zone_offset(named("Europe/Berlin"), at(2100, 3, 28, 1, 0)), 7200);
}

/* 31 March 2024 in Berlin: 02:00 to 03:00 does not exist. */
Test(zone, moves_what_a_gap_leaps_over_by_the_gap)
{
    const struct zone *berlin = named("Europe/Berlin");
    cr_assert_eq(zone_instant(berlin, at(2024, 3, 31, 2, 30)), at(2024, 3, 31, 1, 30)); /* 03:30 local */
    cr_assert_eq(zone_local(berlin, at(2024, 3, 31, 1, 30)).hour, 3);
    cr_assert_eq(zone_instant(berlin, at(2024, 3, 31, 1, 59)), at(2024, 3, 31, 0, 59));
    cr_assert_eq(zone_instant(berlin, at(2024, 3, 31, 3, 0)), at(2024, 3, 31, 1, 0));
}

/* 27 October 2024 in Berlin: 02:00 to 03:00 comes twice. */
Test(zone, takes_the_earlier_of_two)
{
    const struct zone *berlin = named("Europe/Berlin");
    cr_assert_eq(zone_instant(berlin, at(2024, 10, 27, 2, 30)), at(2024, 10, 27, 0, 30));
    cr_assert_eq(zone_instant(berlin, at(2024, 10, 27, 3, 0)), at(2024, 10, 27, 2, 0));
}

Test(zone, goes_back_and_forth)
{
    static const char *const names[] = {"Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Tokyo"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct zone *zone = named(names[i]);
        for (int64_t t = at(1975, 1, 1, 0, 0); t < at(2060, 1, 1, 0, 0); t += 12347) {
            int64_t back = zone_instant(zone, t + zone_offset(zone, t));
            cr_assert(back == t || (back < t && zone_offset(zone, back) > zone_offset(zone, t)), "%s at %lld", names[i],
                      (long long)t);
        }
    }
}

Test(zone, refuses_bytes_that_are_no_zone)
{
    struct zone *zone = NULL;
    struct err err;
    uint8_t bytes[200] = "TZif2";
    cr_assert_eq(zone_parse((struct bytes){NULL, 0}, arena, &zone, &err), ERR_CONFIG);
    cr_assert_eq(zone_parse((struct bytes){bytes, sizeof bytes}, arena, &zone, &err), ERR_CONFIG);
    memset(bytes + 20, 0xff, 24);
    cr_assert_eq(zone_parse((struct bytes){bytes, sizeof bytes}, arena, &zone, &err), ERR_CONFIG);
    cr_assert_null(zone);
}

Test(zone, counts_days_and_months)
{
    cr_assert_eq(civil_days(1970, 1, 1), 0);
    cr_assert_eq(civil_days(2000, 3, 1), 11017);
    cr_assert_eq(civil_weekday(0), 4);
    for (int64_t day = -800000; day < 3000000; day += 97) {
        struct civil civil = civil_at(day * 86400 + 3661);
        cr_assert(civil_days(civil.year, civil.month, civil.day) == day && civil.hour == 1 && civil.minute == 1 &&
                  civil.second == 1 && civil.weekday == civil_weekday(day));
    }
    struct civil january = {.year = 2023, .month = 1, .day = 31, .hour = 5};
    struct civil february = civil_add_months(january, 1), leap = civil_add_months(january, 13);
    struct civil december = civil_add_months(january, -1);
    cr_assert(february.month == 2 && february.day == 28 && february.hour == 5);
    cr_assert(leap.year == 2024 && leap.month == 2 && leap.day == 29);
    cr_assert(december.year == 2022 && december.month == 12 && december.day == 31);
}

Test(zone, hashes_the_database)
{
    const struct zones *again;
    struct err err;
    cr_assert_eq(zones_load(ZONES_FOLDER, arena, &again, &err), ERR_NONE);
    cr_assert(hash16_equal(zones->hash, again->hash) && zones->count > 300);
    cr_assert_eq(zones_load("/nonexistent", arena, &again, &err), ERR_FILE);
}

Test(zone, comes_back_from_one_piece)
{
    const struct zones *again = NULL;
    struct err err;
    struct bytes packed = zones_pack(zones, arena);
    cr_assert_eq(zones_unpack(packed, arena, &again, &err), ERR_NONE, "%s", err.text);
    cr_assert(hash16_equal(zones->hash, again->hash) && zones->count == again->count);
    cr_assert_eq(zone_offset(zones_find(again, TEXT("Asia/Tokyo")), 0), 32400);
    cr_assert_eq(zones_unpack((struct bytes){packed.at, packed.len - 1}, arena, &again, &err), ERR_DATABASE);
    cr_assert_eq(zones_unpack((struct bytes){packed.at + 1, packed.len - 1}, arena, &again, &err), ERR_DATABASE);
}
