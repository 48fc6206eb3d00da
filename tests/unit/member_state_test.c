#include "ops/member_state.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "cases/store.h"
#include "cli.h"
#include "zones.h"

static const char text[] = "program\n"
                           "  program: p\n"
                           "  version: 1\n"
                           "  effective: 2026-01-01\n"
                           "  points: {points: {expire: 10 days}}\n"
                           "  money: {EUR: 2}\n"
                           "  rules:\n"
                           "    - {id: base, on: order.paid, earn: {rate: 1 per 1.00}}\n"
                           "    - {id: later, on: order.paid, earn: {fixed: 3}, pending: 14 days}\n"
                           "    - {id: once, on: order.paid, earn: {fixed: 2}, pending: until shipped}\n"
                           "    - {id: post, on: share.shared, earn: {fixed: 4}, limit: 5 times per network and day}\n"
                           "  tiers:\n"
                           "    by: spend\n"
                           "    over: calendar_year\n"
                           "    levels:\n"
                           "      - {id: basic, at: 0}\n"
                           "      - {id: silver, at: {EUR: 350.00}}\n"
                           "\n"
                           "case one\n"
                           "> order.paid o1 EUR tea=1x20.00\n"
                           "> share.shared x c1\n";

/* What ann has after the events. */
static void read_ann(struct arena *arena, struct member_holdings *out)
{
    char path[64];
    struct case_file *file = arena_alloc(arena, sizeof *file);
    struct case_faults faults = {0};
    struct happened happened;
    struct err err;
    enum err_code code = cases_read(cli_temporary_file(text, path), machine_zones(arena), arena, file, &faults);
    remove(path);
    cr_assert_eq(code, ERR_NONE, "%s", faults.count ? faults.items[0].message.at : "");
    struct store *store = store_new(&file->set, arena);
    const struct test_case *test = &file->cases[0];
    for (size_t i = 0; i < test->event_count; i++)
        store_apply(store, &test->events[i], NULL, &happened);
    struct bytes state = store_state(store, &test->events[0].event);
    cr_assert_eq(
        member_holdings_read(state, &file->set, TEXT("p"), test->events[1].event.occurred_at, arena, out, &err),
        ERR_NONE);
}

Test(member_state, is_told_to_people)
{
    struct arena *arena = arena_new(0);
    struct member_holdings holdings;
    char *printed = NULL;
    size_t size;
    read_ann(arena, &holdings);
    FILE *out = open_memstream(&printed, &size);
    member_holdings_print(out, &holdings);
    fclose(out);
    cr_assert_str_eq(printed, "  lot: 24 points, until 2026-03-12T00:00:00Z\n"
                              "  pending: 3 points for o1, until 2026-03-15T12:00:00Z\n"
                              "  pending: 2 points for o1, once it is shipped\n"
                              "  tier: basic\n"
                              "    to silver: 20.00 EUR of 350.00 EUR, 330.00 EUR to go\n"
                              "  limit post on x: 1 of 5 times used, from 2026-03-01T00:00:00Z to "
                              "2026-03-02T00:00:00Z\n");
    free(printed);
    arena_free(arena);
}

Test(member_state, is_told_to_scripts)
{
    struct arena *arena = arena_new(0);
    struct member_holdings holdings;
    json_t *object = json_object(), *expected;
    read_ann(arena, &holdings);
    member_holdings_json(object, &holdings);
    expected = json_loads(
        "{\"lots\": [{\"currency\": \"points\", \"left\": 24, \"ends_at\": \"2026-03-12T00:00:00Z\", \"warns_at\": "
        "null,"
        " \"when_idle\": false, \"partner\": \"\"}],"
        " \"pending\": [{\"currency\": \"points\", \"amount\": 3, \"subject\": \"o1\", \"due_at\": "
        "\"2026-03-15T12:00:00Z\","
        " \"awaits\": null, \"program_version\": 1},"
        " {\"currency\": \"points\", \"amount\": 2, \"subject\": \"o1\", \"due_at\": null, \"awaits\": \"shipped\","
        " \"program_version\": 1}],"
        " \"tier\": {\"level\": \"basic\", \"ends_at\": null, \"next\": \"silver\","
        " \"ways\": [{\"currency\": \"EUR\", \"counted\": 2000, \"threshold\": 35000}]},"
        " \"limits\": [{\"id\": \"post\", \"unit\": \"times\", \"network\": \"x\", \"used\": 1, \"most\": 5,"
        " \"from\": \"2026-03-01T00:00:00Z\", \"until\": \"2026-03-02T00:00:00Z\"}]}",
        0, NULL);
    cr_assert(json_equal(object, expected), "%s", json_dumps(object, JSON_COMPACT));
    json_decref(object);
    json_decref(expected);
    arena_free(arena);
}
