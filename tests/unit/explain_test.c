#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

#include "cli.h"
#include "ops/command.h"

static void begin(void)
{
    cli_forget_settings();
}

TestSuite(explain, .init = begin);

#define HEAD                                                                                                           \
    "program\n  program: p\n  version: 1\n  effective: 2026-01-01\n  points: {points: {}, miles: {decimals: 2}}\n  "   \
    "money: {EUR: 2}\n"

/* What `points explain` prints of the only case of a file that holds the program and the events. */
static void explains(const char *rules, const char *events, const char *expected)
{
    char path[64], named[80], content[4096], line[160];
    snprintf(content, sizeof content, HEAD "%s\ncase one\n%s", rules, events);
    cli_temporary_file(content, path);
    snprintf(named, sizeof named, "%s.cases", path);
    cr_assert_eq(rename(path, named), 0);
    snprintf(line, sizeof line, "points explain %s", named);
    struct cli_result result = cli_run(line);
    remove(named);
    cr_assert_eq(result.status, EXIT_OK, "%s", result.errors);
    cr_assert_str_eq(result.out, expected);
    cli_release(&result);
}

#define AT "  at 2026-03-01T12:00:00Z, program p version 1, in effect since 2026-01-01T00:00:00Z\n"

Test(explain, an_order_with_its_arithmetic_to_the_last_rounding)
{
    explains("  rules:\n"
             "    - {id: base, on: order.paid, earn: {rate: 5 per 1.00}, minimum: {EUR: 10}, rounding: half_up}\n"
             "    - {id: whole, on: order.paid, earn: {rate: 0.25 per whole 3.00, currency: miles}}\n"
             "    - {id: tea, on: order.paid, earn: {fixed: 7}, when: \"event.lines.exists(l, l.sku == 'tea')\"}\n"
             "  multipliers:\n    - {id: double, times: 1.5, rules: [base]}\n",
             "> order.paid o1 EUR coffee=1x12.99\n",
             "case one\n\norder.paid o1 EUR coffee=1x12.99\n" AT "  rule base\n"
             "    counts 12.99 EUR of a basket of 12.99 EUR; least amount 10.00 EUR\n"
             "    multiplier double: × 3/2\n"
             "    12.99 EUR at 5 per 1.00 EUR × 1.5 = 97.425, rounded half up to 97 points\n"
             "    grants 97 points\n"
             "  rule whole\n"
             "    counts 12.99 EUR of a basket of 12.99 EUR\n"
             "    12.99 EUR at 0.25 per whole 3.00 EUR = 1.00 miles\n"
             "    grants 1.00 miles\n"
             "  rule tea\n"
             "    counts 12.99 EUR of a basket of 12.99 EUR\n"
             "    event.lines.exists(l, l.sku == 'tea'): false\n"
             "      event.lines: [order line {…}]\n"
             "      [0] l.sku == 'tea': false\n"
             "        l.sku: \"coffee\"\n"
             "    does not apply: its condition does not hold\n"
             "  = ann +97 points base o1 = 97\n"
             "  = ann +1.00 miles whole o1 = 1.00\n\n");
}

Test(explain, a_limit_and_the_rule_that_another_beats)
{
    explains(
        "  rules:\n"
        "    - {id: a, on: activity.walk, earn: {rate: 1 per 1}, limit: 5 points per day}\n"
        "    - {id: b, on: activity.run, earn: {fixed: 1}, stacking: best of g}\n"
        "    - {id: c, on: activity.run, earn: {fixed: 2}, stacking: best of g}\n",
        "> activity.done walk 8.5\n> activity.done run\n",
        "case one\n\nactivity.done walk 8.5\n" AT "  rule a\n"
        "    8.5 at 1 per 1 = 8.5, rounded down to 8 points\n"
        "    limit a from 2026-03-01T00:00:00Z to 2026-03-02T00:00:00Z: 0 points of 5 points used; leaves 5 points "
        "of 8 points\n"
        "    grants 5 points of 8 points wanted\n"
        "  = ann +5 points a walk wanted 8 = 5\n\n"
        "activity.done run\n" AT "  rule b\n    1 points\n    does not apply: another rule stands before it, c\n"
        "  rule c\n    2 points\n    grants 2 points\n"
        "  = ann +2 points c run = 7\n\n");
}

Test(explain, a_refund_by_the_terms_of_its_grant)
{
    explains("  rules:\n    - {id: base, on: order.paid, earn: {rate: 1 per 1.00}}\n",
             "> order.paid o1 EUR tea=1x10.00\n> order.refunded o1 EUR amount=2.50\n",
             "case one\n\norder.paid o1 EUR tea=1x10.00\n" AT "  rule base\n"
             "    counts 10.00 EUR of a basket of 10.00 EUR\n"
             "    10.00 EUR at 1 per 1.00 EUR = 10 points\n"
             "    grants 10 points\n"
             "  = ann +10 points base o1 = 10\n\n"
             "order.refunded o1 EUR amount=2.50\n" AT "  rule base\n"
             "    counts 7.50 EUR of a basket of 7.50 EUR\n"
             "    7.50 EUR at 1 per 1.00 EUR = 7.5, rounded down to 7 points\n"
             "    granted so far 10 points, due now 7 points\n"
             "    takes back 3 points\n"
             "  = ann -3 points base o1 = 7\n\n");
}

Test(explain, what_a_rule_counts_once_and_where_it_does_not_count)
{
    explains("  rules:\n    - {id: post, on: share.shared, earn: {fixed: 5}, networks: [x]}\n",
             "> share.shared x c1\n> share.shared x c1\n> share.shared facebook c2\n> review.approved tea\n",
             "case one\n\nshare.shared x c1\n" AT "  rule post\n    5 points\n    grants 5 points\n"
             "  = ann +5 points post c1 = 5\n\n"
             "share.shared x c1\n" AT
             "  rule post\n    does not apply: it granted already what counts once\n  = nothing\n\n"
             "share.shared facebook c2\n" AT "  rule post\n    does not apply: not on this network\n  = nothing\n\n"
             "review.approved tea\n" AT "  no rule is for it\n  = nothing\n\n");
}

Test(explain, points_that_are_pending_and_members_who_are_none)
{
    explains("  rules:\n    - {id: later, on: order.paid, earn: {rate: 1 per 1.00}, pending: 14 days}\n",
             "> order.paid o1 EUR tea=1x10.00\n> order.refunded o1 EUR amount=4.00\n> member.left at=+1d\n"
             "> order.paid o2 EUR tea=1x10.00\n",
             "case one\n\norder.paid o1 EUR tea=1x10.00\n" AT "  rule later\n"
             "    counts 10.00 EUR of a basket of 10.00 EUR\n"
             "    10.00 EUR at 1 per 1.00 EUR = 10 points\n"
             "    grants 10 points\n    pending until 2026-03-15T12:00:00Z\n"
             "  = ann pending +10 points later o1 = 0\n\n"
             "order.refunded o1 EUR amount=4.00\n" AT "  rule later\n"
             "    counts 6.00 EUR of a basket of 6.00 EUR\n"
             "    6.00 EUR at 1 per 1.00 EUR = 6 points\n"
             "    granted so far 10 points, due now 6 points\n"
             "    takes back, of what is pending, 4 points\n"
             "  = ann pending -4 points later o1 = 0\n\n"
             "member.left at=+1d\n"
             "  at 2026-03-02T12:00:00Z, program p version 1, in effect since 2026-01-01T00:00:00Z\n"
             "  no rule is for it\n  = nothing\n\n"
             "order.paid o2 EUR tea=1x10.00\n"
             "  at 2026-03-02T12:00:00Z, program p version 1, in effect since 2026-01-01T00:00:00Z\n"
             "  no member at this time: left, or not enrolled\n  = nothing\n\n");
}

Test(explain, a_preview_tells_only_the_points)
{
    static const char file[] = "config/programs/shop.yaml";
    char path[64], line[200];
    snprintf(line, sizeof line, "points explain --preview --json %s --events %s", file,
             cli_temporary_file(
                 "{\"type\": \"review\", \"kind\": \"approved\", \"id\": \"1\", \"source\": \"/s\", \"member_id\": "
                 "\"ann\", \"program_id\": \"shop\", \"occurred_at\": \"2026-03-01T12:00:00Z\", \"review_id\": \"r\", "
                 "\"sku\": \"tea\"}\n",
                 path));
    struct cli_result result = cli_run(line);
    remove(path);
    cr_assert_eq(result.status, EXIT_OK, "%s", result.errors);
    cr_assert_str_eq(
        result.out,
        "[{\"member\":\"ann\",\"points\":50,\"currency\":\"points\",\"pending\":false,\"rule\":\"review-points\","
        "\"decimals\":0}]\n");
    cli_release(&result);
}

Test(explain, json_says_the_same)
{
    struct cli_result result = cli_run("points explain --json config/programs/feedback.cases --case question");
    json_t *list = json_loads(result.out, 0, NULL);
    cr_assert_eq(result.status, EXIT_OK, "%s", result.errors);
    const json_t *rule = json_array_get(json_object_get(json_array_get(list, 0), "rules"), 0);
    const json_t *facts = json_object_get(rule, "facts");
    cr_assert_str_eq(json_string_value(json_object_get(rule, "rule")), "survey");
    cr_assert(json_is_false(json_object_get(rule, "applied")));
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(facts, 0), "kind")), "expression");
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(facts, 1), "why")),
                     "its condition does not hold");
    json_decref(list);
    cli_release(&result);
}

Test(explain, says_what_it_cannot_explain)
{
    cli_expect("points explain config/programs/shop.cases --case nowhere", EXIT_USAGE, "",
               "no case's name holds `nowhere`");
    cli_expect("points explain config/programs/shop.yaml", EXIT_USAGE, "", "needs an event");
    cli_expect("points explain config/programs/shop.yaml order.payed", EXIT_USAGE, "", "order.payed");
    cli_expect("points explain nowhere.yaml review.approved", EXIT_INPUT, "", "nowhere.yaml");
}
