#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/arena.h"
#include "decode/decode.h"
#include "decode/wire.h"
#include "ops/event_json.h"

static const char topics[] = "loyalty.orders,loyalty.reviews,loyalty.shares,loyalty.referrals,loyalty.activities,"
                             "loyalty.redemptions,loyalty.adjustments,loyalty.members,loyalty.timers";

static struct event_routes routes_for(const char *names, const char *all)
{
    struct event_routes routes;
    struct err err = {.code = ERR_NONE};
    cr_assert_eq(event_routes_new(names, all, &routes, &err), ERR_NONE, "%s", err.text);
    return routes;
}

Test(event_json, each_type_goes_to_the_topic_that_ends_with_its_plural)
{
    struct event_routes routes = routes_for(topics, NULL);
    cr_assert_str_eq(routes.topics[EVENT_ORDER], "loyalty.orders");
    cr_assert_str_eq(routes.topics[EVENT_ACTIVITY], "loyalty.activities");
    cr_assert_str_eq(routes.topics[EVENT_TIMER], "loyalty.timers");
    event_routes_release(&routes);
}

Test(event_json, a_topic_of_another_name_is_not_taken)
{
    struct event_routes routes = routes_for("reorders, members , eu-reviews", NULL);
    cr_assert_str_eq(routes.topics[EVENT_ORDER], "");
    cr_assert_str_eq(routes.topics[EVENT_MEMBER], "members");
    cr_assert_str_eq(routes.topics[EVENT_REVIEW], "eu-reviews");
    event_routes_release(&routes);
}

Test(event_json, one_topic_for_all_takes_everything)
{
    struct event_routes routes = routes_for(topics, "everything");
    for (enum event_type type = 0; type < EVENT_TYPE_COUNT; type++)
        cr_assert_str_eq(routes.topics[type], "everything");
    event_routes_release(&routes);
}

#define COMMON "\"id\":\"1\",\"source\":\"/shop\",\"member_id\":\"m-1\",\"occurred_at\":\"2026-03-01T10:00:00Z\","

/* One good event of each type. */
static const char *const good[EVENT_TYPE_COUNT] = {
    [EVENT_ORDER] = "{\"type\":\"order\"," COMMON "\"kind\":\"paid\",\"order_id\":\"o\",\"currency\":\"EUR\","
                    "\"lines\":[{\"sku\":\"a\",\"quantity\":2,\"unit_price\":1999,\"labels\":[\"sale\"]}]}",
    [EVENT_REVIEW] = "{\"type\":\"review\"," COMMON "\"kind\":\"approved\",\"sku\":\"a\"}",
    [EVENT_SHARE] = "{\"type\":\"share\"," COMMON "\"kind\":\"shared\",\"network\":\"x\",\"content\":\"c\"}",
    [EVENT_REFERRAL] =
        "{\"type\":\"referral\"," COMMON "\"kind\":\"converted\",\"referrer\":\"m-2\",\"referee\":\"m-1\"}",
    [EVENT_ACTIVITY] =
        "{\"type\":\"activity\"," COMMON "\"kind\":\"done\",\"name\":\"walk\",\"attributes\":{\"k\":\"v\"}}",
    [EVENT_REDEMPTION] = "{\"type\":\"redemption\"," COMMON "\"kind\":\"requested\",\"redemption_id\":\"r\"}",
    [EVENT_ADJUSTMENT] =
        "{\"type\":\"adjustment\"," COMMON "\"kind\":\"made\",\"points\":-5,\"reason\":\"why\",\"actor\":\"who\"}",
    [EVENT_MEMBER] = "{\"type\":\"member\"," COMMON "\"kind\":\"enrolled\",\"segments\":[\"vip\"],\"consent\":true}",
    [EVENT_TIMER] = "{\"type\":\"timer\"," COMMON "\"kind\":\"due\",\"obligation\":\"x\",\"due_at\":1772359200000000}",
};

static struct decoder *decoder(void)
{
    static const struct decode_limits limits = {1 << 20, 1000, 4096, 128, INT64_C(1) << 50, INT64_C(1) << 50};
    struct decoder *decoder = NULL;
    struct err err = {.code = ERR_NONE};
    cr_assert_eq(decoder_new(&limits, NULL, &decoder, &err), ERR_NONE, "%s", err.text);
    return decoder;
}

Test(event_json, an_event_of_each_type_is_read_and_the_processor_decodes_it)
{
    struct event_routes routes = routes_for(topics, NULL);
    struct decoder *reader = decoder();
    struct arena *arena = arena_new(1 << 20);
    struct event_record record = {0};
    for (enum event_type type = 0; type < EVENT_TYPE_COUNT; type++) {
        struct line_problem problem;
        uint8_t head[10];
        struct buffer value = {0};
        struct event event;
        struct hash16 content;
        struct err err = {.code = ERR_NONE};
        cr_assert(event_record_read(&routes, text_of(good[type]), "member_id", &record, &problem), "%s: %s",
                  problem.problem.path, problem.problem.text);
        cr_assert_eq(record.type, type);
        cr_assert_eq(record.occurred_at, 1772359200000000);
        cr_assert(text_equal((struct text){(char *)record.key.at, record.key.len}, TEXT("m-1")));
        buffer_put(&value, head, wire_head_single_object(avro_json_fingerprint(routes.schemas[type]), head));
        buffer_put(&value, record.body.at, record.body.len);
        cr_assert_eq(decoder_decode(reader, buffer_view(&value), 1772359200000000, arena, &event, &content, &err),
                     ERR_NONE, "%s: %s", event_type_name(type), err.text);
        cr_assert_eq(event.type, type);
        cr_assert(text_equal(event.source, TEXT("/shop")));
        if (type == EVENT_ORDER)
            cr_assert_eq(event.order.lines[0].unit_price, 1999);
        buffer_release(&value);
    }
    buffer_release(&record.key);
    buffer_release(&record.body);
    arena_free(arena);
    decoder_free(reader);
    event_routes_release(&routes);
}

static void expect_problem(const char *line, size_t len, const char *path, const char *part)
{
    struct event_routes routes = routes_for("loyalty.orders", NULL);
    struct event_record record = {0};
    struct line_problem problem;
    cr_assert_not(event_record_read(&routes, (struct text){line, len}, "member_id", &record, &problem), "accepted: %s",
                  line);
    cr_assert_str_eq(problem.problem.path, path, "%s: %s", line, problem.problem.text);
    cr_assert_not_null(strstr(problem.problem.text, part), "%s: %s", line, problem.problem.text);
    buffer_release(&record.key);
    buffer_release(&record.body);
    event_routes_release(&routes);
}

#define REFUSED(line, path, part) expect_problem(line, sizeof(line) - 1, path, part)

Test(event_json, hostile_and_mistaken_lines_are_refused_with_a_hint)
{
    REFUSED("", "", "no JSON");
    REFUSED("{", "", "no JSON");
    REFUSED("null", "", "JSON object");
    REFUSED("[]", "", "JSON object");
    REFUSED("{\"type\":\"order\"} trailing", "", "no JSON");
    REFUSED("{\"type\":\"order\",\"type\":\"order\"}", "", "duplicate");
    REFUSED("{\"type\":\"\xff\"}", "", "no JSON");
    REFUSED("{\"type\":\"\xed\xa0\x80\"}", "", "no JSON");
    REFUSED("{\"type\":\"a\\u0000\"}", "", "U+0000");
    REFUSED("\0", "", "no JSON");
    REFUSED("{}", "type", "is missing");
    REFUSED("{\"type\":7}", "type", "is no text");
    REFUSED("{\"type\":\"oder\"}", "type", "did you mean order?");
    REFUSED("{\"type\":\"reward\"}", "type", "reward");
    REFUSED("{\"type\":\"review\"}", "type", "--topic");
    REFUSED("{\"type\":\"order\",\"occurred_at\":1e99}", "id", "is missing");
    REFUSED("{\"type\":\"order\",\"id\":99999999999999999999}", "", "no JSON");
    REFUSED("{\"type\":\"order\",\"" COMMON, "", "no JSON");
    REFUSED("{\"type\":\"order\"," COMMON "\"kind\":\"refund\",\"order_id\":\"o\",\"currency\":\"EUR\"}", "kind",
            "did you mean refunded?");
}

Test(event_json, nesting_as_deep_as_a_line_can_hold_is_refused)
{
    enum { DEPTH = 200000 };
    char *line = malloc(DEPTH + 1);
    memset(line, '[', DEPTH);
    line[DEPTH] = 0;
    expect_problem(line, DEPTH, "", "no JSON");
    free(line);
}

Test(event_json, a_line_above_the_limit_is_refused_unread)
{
    char *line = calloc(1, EVENT_LINE_MAX + 1);
    expect_problem(line, EVENT_LINE_MAX + 1, "", "at most");
    free(line);
}

Test(event_json, another_field_can_be_the_key_if_it_is_a_text)
{
    struct event_routes routes = routes_for(topics, NULL);
    struct event_record record = {0};
    struct line_problem problem;
    struct text line = text_of(good[EVENT_ORDER]);
    cr_assert(event_record_read(&routes, line, "order_id", &record, &problem));
    cr_assert(text_equal((struct text){(char *)record.key.at, record.key.len}, TEXT("o")));
    cr_assert_not(event_record_read(&routes, line, "lines", &record, &problem));
    cr_assert_not_null(strstr(problem.problem.text, "is no text"));
    cr_assert_not(event_record_read(&routes, line, "nosuch", &record, &problem));
    cr_assert_not_null(strstr(problem.problem.text, "is missing"));
    buffer_release(&record.key);
    buffer_release(&record.body);
    event_routes_release(&routes);
}
