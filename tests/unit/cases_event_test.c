#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "cases/cases.h"
#include "cases/event.h"
#include "cli.h"
#include "zones.h"

/* One line of a case, as an event. */

#define PROGRAM                                                                                                        \
    "program\n"                                                                                                        \
    "  program: shop\n"                                                                                                \
    "  version: 1\n"                                                                                                   \
    "  effective: 2025-01-01T00:00:00Z\n"                                                                              \
    "  points: {stars: {decimals: 1}, miles: {}}\n"                                                                    \
    "  money: {EUR: 2, JPY: 0, TND: 3}\n"                                                                              \
    "  rules:\n"                                                                                                       \
    "    - {id: base, on: order.paid, earn: {rate: \"1 per 1\"}}\n"                                                    \
    "case a\n"

#define DAY INT64_C(86400000000)

static struct arena *arena;

static void open_arena(void)
{
    arena = arena_new(0);
}

static void close_arena(void)
{
    arena = arena_free(arena);
}

TestSuite(cases_event, .init = open_arena, .fini = close_arena);

static enum err_code read_lines(const char *lines, struct case_file *file, struct case_faults *faults)
{
    char path[64], content[2048];
    snprintf(content, sizeof content, PROGRAM "%s", lines);
    enum err_code code = cases_read(cli_temporary_file(content, path), machine_zones(arena), arena, file, faults);
    remove(path);
    return code;
}

/* The last event of the lines. */
static const struct event *event_of(const char *lines)
{
    struct case_file *file = arena_alloc(arena, sizeof *file);
    struct case_faults faults = {0};
    enum err_code code = read_lines(lines, file, &faults);
    cr_assert_eq(code, ERR_NONE, "%s", faults.count ? faults.items[0].message.at : "");
    return &file->cases[0].events[file->cases[0].event_count - 1].event;
}

static void expect_fault(const char *line, const char *part)
{
    struct case_file file;
    struct case_faults faults = {0};
    cr_assert_eq(read_lines(line, &file, &faults), ERR_FILE, "%s was understood", line);
    cr_assert_eq(faults.count, 1, "%s: %zu faults", line, faults.count);
    char message[1024];
    snprintf(message, sizeof message, "%.*s", (int)faults.items[0].message.len, faults.items[0].message.at);
    cr_assert_eq(faults.items[0].line, 10, "line %d", faults.items[0].line);
    cr_assert_not_null(strstr(message, part), "%s: %s", line, message);
}

static void expect_text(struct text got, const char *expected)
{
    cr_assert(text_equal(got, text_of(expected)), "%.*s, not %s", (int)got.len, got.len ? got.at : "", expected);
}

Test(cases_event, what_is_not_said_is_ann_at_noon_of_the_first_of_march)
{
    const struct event *event = event_of("> timer.due\n");
    expect_text(event->member_id, "ann");
    expect_text(event->program_id, "shop");
    cr_assert_eq(event->occurred_at, EVENT_FIRST_AT);
    cr_assert_eq(event->occurred_at, INT64_C(1772366400) * 1000000);
}

Test(cases_event, every_event_takes_member_time_program_partner_id_and_source)
{
    const struct event *event = event_of("> timer.due x due=+1d12h member=bob partner=cafe program=club id=7 "
                                         "source=/shop at=2026-01-01T00:00:00Z\n");
    expect_text(event->member_id, "bob");
    expect_text(event->partner_id, "cafe");
    expect_text(event->program_id, "club");
    expect_text(event->id, "7");
    expect_text(event->source, "/shop");
    expect_text(event->timer.obligation, "x");
    cr_assert_eq(event->occurred_at, INT64_C(1767225600) * 1000000);
    cr_assert_eq(event->timer.due_at, EVENT_FIRST_AT + DAY * 3 / 2);
}

Test(cases_event, time_goes_on_from_event_to_event)
{
    cr_assert_eq(event_of("> timer.due at=+2d\n> timer.due at=-1w1h30m5s\n> timer.due\n")->occurred_at,
                 EVENT_FIRST_AT + 2 * DAY - 7 * DAY - INT64_C(5405) * 1000000);
}

Test(cases_event, an_order_can_say_all_that_its_schema_carries)
{
    const struct event *event = event_of(
        "> order.amended o1 EUR tea=2x5.00-1.00,category=drinks,label=sale,label=\"very new\",tax=1.71,line=L1 "
        "\"odd = sku\"=1x3.00 discount=0.50 shipping=4.90 revision=3 points_used=20.5 channel=web "
        "coupon=\"TEN OFF\"\n");
    const struct order_event *order = &event->order;
    cr_assert(event->kind == ORDER_AMENDED && order->line_count == 2);
    const struct order_line *line = &order->lines[0];
    expect_text(line->sku, "tea");
    expect_text(line->category, "drinks");
    cr_assert_eq(line->label_count, 2);
    expect_text(line->labels[1], "very new");
    expect_text(line->line_id, "L1");
    cr_assert(line->quantity == 2 && line->unit_price == 500 && line->discount == 100 && line->tax == 171);
    expect_text(order->lines[1].sku, "odd = sku");
    cr_assert(order->discount == 50 && order->shipping == 490 && order->revision == 3 && order->points_used == 205);
    expect_text(order->channel, "web");
    expect_text(order->coupon, "TEN OFF");
}

Test(cases_event, amounts_have_the_decimals_of_their_currency)
{
    cr_assert_eq(event_of("> order.paid o1 JPY a=1x250\n")->order.lines[0].unit_price, 250);
    cr_assert_eq(event_of("> order.paid o1 TND a=1x0.250\n")->order.lines[0].unit_price, 250);
    cr_assert_eq(event_of("> order.paid o1 GBP a=1x2.50\n")->order.lines[0].unit_price, 250);
    cr_assert_eq(event_of("> adjustment.made -1.5\n")->adjustment.points, -15);
    cr_assert_eq(event_of("> adjustment.made 3 miles\n")->adjustment.points, 3);
    cr_assert_eq(event_of("> redemption.requested r1 mug points=3 currency=miles\n")->redemption.points, 3);
    cr_assert_eq(event_of("> redemption.requested r1 mug points=3\n")->redemption.points, 30);
    expect_fault("> order.paid o1 JPY a=1x2.50\n", "price is `2.50`; expected a number with at most 0 decimals");
}

Test(cases_event, refunds_name_lines_or_an_amount)
{
    const struct event *event = event_of("> order.refunded o1 EUR a=2 \"amount\"=1\n");
    cr_assert(event->order.line_count == 2 && event->order.lines[0].quantity == 2 && event->order.refund_amount == 0);
    expect_text(event->order.lines[1].sku, "amount");
    cr_assert_eq(event_of("> order.refunded o1 EUR amount=5.00\n")->order.refund_amount, 500);
}

Test(cases_event, reviews_shares_and_referrals_can_say_all_that_their_schemas_carry)
{
    const struct review_event *review =
        &event_of("> review.approved tea rating=5 length=80 photos=2 videos=1 verified review=r7\n")->review;
    cr_assert(review->rating == 5 && review->length == 80 && review->photos == 2 && review->videos == 1);
    cr_assert(review->verified_purchase);
    expect_text(review->sku, "tea");
    expect_text(review->review_id, "r7");
    cr_assert_not(event_of("> review.approved tea\n")->review.verified_purchase);
    const struct share_event *share = &event_of("> share.shared tiktok \"https://shop/?a=1\"\n")->share;
    cr_assert_eq(share->network, NETWORK_TIKTOK);
    expect_text(share->content, "https://shop/?a=1");
    const struct referral_event *referral =
        &event_of("> referral.converted ann bob code=C1 network=x device=d1 address=a1\n")->referral;
    expect_text(referral->referrer, "ann");
    expect_text(referral->referee, "bob");
    expect_text(referral->code, "C1");
    expect_text(referral->device_hash, "d1");
    expect_text(referral->address_hash, "a1");
    cr_assert_eq(referral->network, NETWORK_X);
}

Test(cases_event, activities_and_adjustments_can_say_all_that_their_schemas_carry)
{
    const struct activity_event *activity =
        &event_of("> activity.done walked 3.5 tracker=watch \"member\"=x note=\"said \"\"hello\"\"\"\n")->activity;
    expect_text(activity->name, "walked");
    cr_assert(activity->value == 3500 && activity->attribute_count == 3);
    expect_text(activity->attributes[0].name, "tracker");
    expect_text(activity->attributes[1].name, "member");
    expect_text(activity->attributes[2].value, "said \"hello\"");
    const struct adjustment_event *adjustment =
        &event_of("> adjustment.made 5 miles reason=\"late parcel\" actor=eve\n")->adjustment;
    expect_text(adjustment->currency, "miles");
    expect_text(adjustment->reason, "late parcel");
    expect_text(adjustment->actor, "eve");
}

Test(cases_event, members_and_redemptions_can_say_all_that_their_schemas_carry)
{
    const struct member_event *member =
        &event_of("> member.updated zone=Europe/Berlin language=de birthday=1990-05-01 segment=vip segment=\"new one\" "
                  "consent chosen_currency=miles merged_into=bob shoe_size=43\n")
             ->member;
    expect_text(member->zone, "Europe/Berlin");
    expect_text(member->language, "de");
    expect_text(member->birthday, "1990-05-01");
    cr_assert(member->consent && member->segment_count == 2 && member->attribute_count == 1);
    expect_text(member->segments[1], "new one");
    expect_text(member->chosen_currency, "miles");
    expect_text(member->merged_into, "bob");
    expect_text(member->attributes[0].name, "shoe_size");
    const struct redemption_event *redemption =
        &event_of("> redemption.confirmed r1 mug points=7 currency=miles order=o1\n")->redemption;
    expect_text(redemption->redemption_id, "r1");
    expect_text(redemption->reward, "mug");
    expect_text(redemption->currency, "miles");
    expect_text(redemption->order_id, "o1");
}

Test(cases_event, slips_of_the_pen_are_not_taken_for_something_else)
{
    expect_fault("> order.paid o1 EUR a=1x1.00 shiping=1.00\n", "did you mean that?");
    expect_fault("> order.refunded o1 EUR amuont=1\n", "nearly `amount=`");
    expect_fault("> activity.done walked 1 membr=bob\n", "nearly `member=`");
    expect_fault("> review.approved tea membr=bob\n", "did you mean `member`?");
    expect_fault("> review.approved tea verifed\n", "did you mean `verified`?");
    expect_fault("> order.paid o1 EUR a=1x1.00,catgory=tea\n", "did you mean `category`?");
    expect_fault("> share.shared facebok post\n", "did you mean `facebook`?");
    expect_fault("> activity.sign_up\n", "write `activity.done sign_up`");
}

Test(cases_event, what_is_ambiguous_or_no_value_is_refused)
{
    expect_fault("> review.approved tea rating=5 rating=6\n", "rating= stands here twice");
    expect_fault("> review.approved tea rating=high\n", "rating is `high`");
    expect_fault("> review.approved tea coffee\n", "`coffee` is not understood");
    expect_fault("> order.paid o1 EUR a\n", "`a` is not understood");
    expect_fault("> order.paid o1 EUR a=\n", "quantity is ``");
    expect_fault("> order.paid o1\n", "an order needs its id and its currency");
    expect_fault("> timer.due at=tomorrow\n", "at is `tomorrow`; expected an instant");
    expect_fault("> timer.due at=+2\n", "at is `+2`; expected an instant");
    expect_fault("> timer.due \"x\n", "a quote is not closed");
}
