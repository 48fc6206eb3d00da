#include <criterion/criterion.h>

#include "program/load.h"
#include "rules/codec.h"
#include "rules/program_model.h"
#include "rules/state.h"
#include "zones.h"

static struct arena *arena;
static struct scratch *scratch;
static struct err err;

static void setup(void)
{
    arena = arena_new(0);
    scratch = arena_alloc(arena, sizeof *scratch);
    scratch_open(scratch, arena);
}

static void teardown(void)
{
    arena = arena_free(arena);
}

TestSuite(profile, .init = setup, .fini = teardown);

static struct member_state empty_state(void)
{
    struct member_state state;
    cr_assert_eq(state_decode((struct bytes){NULL, 0}, scratch, &state, &err), ERR_NONE, "%s", err.text);
    return state;
}

static struct event told(enum event_kind kind, int64_t at, const char *zone)
{
    return (struct event){.type = EVENT_MEMBER,
                          .kind = kind,
                          .occurred_at = at,
                          .member = {.zone = text_of(zone), .consent = at % 2 == 0}};
}

static bool take(struct member_state *state, const struct event *event)
{
    bool changed = false;
    cr_assert_eq(profile_take(state, event, scratch, &changed, &err), ERR_NONE, "%s", err.text);
    return changed;
}

static void expect_zone(const struct member_state *state, int64_t at, const char *zone)
{
    struct member_event known;
    profile_at(state, at, scratch, &known);
    cr_assert(text_equal(known.zone, text_of(zone)), "at %lld: %.*s", (long long)at, (int)known.zone.len,
              known.zone.at);
    cr_assert(text_equal(profile_zone_name_at(state, at), text_of(zone)));
}

Test(profile, decides_a_late_event_by_what_was_in_force)
{
    struct member_state state = empty_state();
    struct event first = told(MEMBER_ENROLLED, 100, "Europe/Berlin"), second = told(MEMBER_UPDATED, 200, "Asia/Tokyo");
    cr_assert(take(&state, &second) && take(&state, &first) && !take(&state, &first));
    expect_zone(&state, 99, "");
    expect_zone(&state, 100, "Europe/Berlin");
    expect_zone(&state, 199, "Europe/Berlin");
    expect_zone(&state, 200, "Asia/Tokyo");
    cr_assert_eq(profile_standing_at(&state, 99), STANDING_NEVER);
    cr_assert_eq(profile_standing_at(&state, 100), STANDING_ENROLLED);
    struct event left = told(MEMBER_LEFT, 150, "UTC");
    cr_assert(take(&state, &left));
    expect_zone(&state, 199, "Europe/Berlin");
    cr_assert_eq(profile_standing_at(&state, 149), STANDING_ENROLLED);
    cr_assert_eq(profile_standing_at(&state, 150), STANDING_LEFT);
}

Test(profile, keeps_all_that_an_event_says)
{
    const struct text segments[] = {TEXT("new"), TEXT("vip")};
    const struct attribute attributes[] = {{TEXT("shoe"), TEXT("44")}, {TEXT("tea"), TEXT("")}};
    struct event event = told(MEMBER_UPDATED, 10, "");
    event.member = (struct member_event){.language = TEXT("de-AT"),
                                         .birthday = TEXT("1990-02-28"),
                                         .segments = segments,
                                         .segment_count = 2,
                                         .consent = true,
                                         .chosen_currency = TEXT("miles"),
                                         .attributes = attributes,
                                         .attribute_count = 2};
    struct member_state state = empty_state(), read;
    struct member_event known;
    take(&state, &event);
    cr_assert_eq(state_decode(state_encode(&state, scratch), scratch, &read, &err), ERR_NONE, "%s", err.text);
    profile_at(&read, 10, scratch, &known);
    cr_assert(text_equal(known.language, TEXT("de-AT")) && text_equal(known.birthday, TEXT("1990-02-28")));
    cr_assert(known.segment_count == 2 && text_equal(known.segments[1], TEXT("vip")) && known.consent);
    cr_assert(text_equal(known.chosen_currency, TEXT("miles")) && known.attribute_count == 2);
    cr_assert(text_equal(known.attributes[0].name, TEXT("shoe")) && text_equal(known.attributes[0].value, TEXT("44")));
}

enum { EVENTS = 7 };

static void swap(struct event *a, struct event *b)
{
    struct event kept = *a;
    *a = *b;
    *b = kept;
}

/* Heap's way through all orders of the first `count`; every one ends in the same bytes. */
static void permute(struct event *events, size_t count, struct bytes *expected)
{
    if (count > 1) {
        for (size_t i = 0; i < count; i++) {
            permute(events, count - 1, expected);
            swap(&events[count % 2 == 0 ? i : 0], &events[count - 1]);
        }
        return;
    }
    scratch_open(scratch, arena);
    struct member_state state = empty_state(), read;
    for (size_t i = 0; i < EVENTS; i++) {
        take(&state, &events[i]);
        cr_assert_eq(state_decode(state_encode(&state, scratch), scratch, &read, &err), ERR_NONE, "%s", err.text);
        state = read;
    }
    struct bytes bytes = state_encode(&state, scratch);
    if (expected->len == 0)
        *expected = arena_bytes(arena, bytes);
    cr_assert(bytes.len == expected->len && memcmp(bytes.at, expected->at, bytes.len) == 0);
}

Test(profile, is_the_same_whatever_the_order_of_arrival)
{
    struct event events[EVENTS] = {told(MEMBER_ENROLLED, 100, "A"), told(MEMBER_UPDATED, 200, "B"),
                                   told(MEMBER_UPDATED, 200, "C"),  told(MEMBER_LEFT, 300, ""),
                                   told(MEMBER_ENROLLED, 300, "D"), told(MEMBER_UPDATED, 400, "A"),
                                   told(MEMBER_UPDATED, 50, "E")};
    struct bytes expected = {NULL, 0};
    permute(events, EVENTS, &expected);
    struct member_state state;
    cr_assert_eq(state_decode(expected, scratch, &state, &err), ERR_NONE);
    cr_assert(state.profile->forgot_versions && state.profile->version_count == PROFILE_VERSIONS_MAX);
    expect_zone(&state, 0, "B"); /* older ones are forgotten */
    expect_zone(&state, 250, "C");
    expect_zone(&state, 500, "A");
    cr_assert_eq(profile_standing_at(&state, 300), STANDING_LEFT);
}

static void expect_refused(struct event event, const char *words)
{
    struct member_state state = empty_state();
    bool changed = true;
    cr_assert_eq(profile_take(&state, &event, scratch, &changed, &err), ERR_BAD_EVENT);
    cr_assert_str_eq(err.text, words);
    cr_assert(!changed);
}

Test(profile, refuses_what_is_above_its_bounds)
{
    char long_text[PROFILE_BYTES_MAX + 1];
    memset(long_text, 'x', sizeof long_text);
    const struct text whole = {long_text, PROFILE_BYTES_MAX};
    const struct text segments[PROFILE_SEGMENTS_MAX + 1] = {{NULL, 0}};
    const struct attribute attributes[PROFILE_ATTRIBUTES_MAX + 1] = {{TEXT("name"), whole}};
    struct event event = told(MEMBER_UPDATED, 1, "");
    event.member = (struct member_event){.zone = {long_text, PROFILE_NAME_MAX + 1}};
    expect_refused(event, "member.zone has 65 bytes; the most is 64");
    event.member = (struct member_event){.segments = segments, .segment_count = PROFILE_SEGMENTS_MAX + 1};
    expect_refused(event, "member.segments has 33 entries; the most is 32");
    event.member = (struct member_event){.attributes = attributes, .attribute_count = PROFILE_ATTRIBUTES_MAX + 1};
    expect_refused(event, "member.attributes has 33 entries; the most is 32");
    event.member = (struct member_event){.attributes = attributes, .attribute_count = 1};
    expect_refused(event, "what the event says of the member takes 1038 bytes; the most is 1024");
}

Test(profile, takes_the_programs_zone_where_the_members_is_not_known)
{
    struct member_state state = empty_state();
    struct event tokyo = told(MEMBER_UPDATED, 100, "Asia/Tokyo"), nowhere = told(MEMBER_UPDATED, 200, "Mars/Base");
    struct event utc = told(MEMBER_UPDATED, 300, "UTC");
    cr_assert(take(&state, &tokyo) && take(&state, &nowhere) && take(&state, &utc));
    struct program_errors errors = {0};
    struct program *program = NULL;
    cr_assert_eq(program_load(TEXT("program: p\nversion: 1\neffective: 2026-01-01T00:00:00Z\nzone: Europe/Berlin\n"
                                   "points: {points: {}}\nrules:\n"
                                   "  - {id: a, on: activity.a, earn: {fixed: 1},\n"
                                   "     when: 'event.occurred_at.getHours(member.zone) > 6'}\n"),
                              machine_zones(arena), arena, &program, &errors, &err),
                 ERR_NONE, "%s", err.text);
    cr_assert_eq(zone_offset(profile_zone_at(program, &state, 99), 0), 3600);
    cr_assert_eq(zone_offset(profile_zone_at(program, &state, 100), 0), 32400);
    cr_assert_eq(zone_offset(profile_zone_at(program, &state, 200), 0), 3600);
    cr_assert_eq(zone_offset(profile_zone_at(program, &state, 300), 0), 0);
}

Test(profile, unites_two_as_if_they_had_been_one)
{
    struct event events[] = {told(MEMBER_ENROLLED, 100, "A"), told(MEMBER_UPDATED, 200, "B"),
                             told(MEMBER_LEFT, 250, ""), told(MEMBER_UPDATED, 300, "C")};
    struct member_state one = empty_state(), left = empty_state(), right = empty_state();
    for (size_t i = 0; i < 4; i++) {
        take(&one, &events[i]);
        take(i % 2 ? &left : &right, &events[i]);
    }
    profile_unite(&left, &right, scratch);
    struct bytes expected = state_encode(&one, scratch), got = state_encode(&left, scratch);
    cr_assert(got.len == expected.len && memcmp(got.at, expected.at, got.len) == 0);
}
