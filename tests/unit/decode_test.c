#include <criterion/criterion.h>
#include <stdio.h>

#include "base/buffer.h"
#include "decode/decode.h"
#include "decode/fields.h"
#include "decode/readers.h"
#include "decode/schema.h"
#include "decode/validate.h"
#include "decode/wire.h"
#include "values.h"

enum { RECORDED_AT_S = 1767225600 };
static const int64_t recorded_at = RECORDED_AT_S * 1000000LL;

static const struct decode_limits limits = {
    .message_bytes = 100000,
    .lines = 50,
    .string_bytes = 64,
    .member_id_bytes = 16,
    .future_us = 300 * 1000000LL,
    .past_us = 86400 * 1000000LL,
};

static struct schema *built_in(enum event_type type)
{
    char name[64];
    struct schema *schema;
    snprintf(name, sizeof name, "avro/%s.avsc", event_type_name(type));
    cr_assert_eq(schema_parse(readers_file(name), &schema, NULL), ERR_NONE);
    return schema;
}

/* A decoder, an arena and what came of the last record. */
struct bench {
    struct decoder *decoder;
    struct arena *arena;
    struct event event;
    struct hash16 content;
    struct err err;
};

static struct bench bench_new(void)
{
    struct bench bench = {.arena = arena_new(0)};
    cr_assert_eq(decoder_new(&limits, NULL, &bench.decoder, &bench.err), ERR_NONE, "%s", bench.err.text);
    return bench;
}

static void bench_free(struct bench *bench)
{
    decoder_free(bench->decoder);
    arena_free(bench->arena);
}

static enum err_code decode(struct bench *bench, const struct buffer *value)
{
    bench->err.text[0] = 0;
    return decoder_decode(bench->decoder, buffer_view(value), recorded_at, bench->arena, &bench->event, &bench->content,
                          &bench->err);
}

/* ---- An order, as bytes; each test spoils one thing. ---- */

struct line {
    struct text line_id, sku;
    int64_t quantity, unit_price, discount, tax;
};

struct order {
    struct text id, source, program_id, partner_id, member_id;
    int64_t occurred_at;
    int64_t kind; /* symbol's index */
    struct text order_id;
    int64_t revision;
    struct text currency;
    struct line lines[3];
    size_t line_count;
    int64_t shipping, discount, refund_amount, points_used;
};

static const struct order good_order = {
    .id = {"e-1", 3},
    .source = {"/shop", 5},
    .member_id = {"m-1", 3},
    .occurred_at = RECORDED_AT_S * 1000000LL,
    .kind = 2,
    .order_id = {"1001", 4},
    .currency = {"EUR", 3},
    .lines = {{.sku = {"tea", 3}, .quantity = 2, .unit_price = 499}, {.line_id = {"2", 1}, .quantity = 1}},
    .line_count = 2,
};

static void put_line(struct buffer *out, const struct line *line)
{
    values_put_text(out, line->line_id);
    values_put_text(out, line->sku);
    values_put_text(out, TEXT("food"));
    values_put_long(out, 1);
    values_put_text(out, TEXT("sale"));
    values_put_long(out, 0);
    values_put_long(out, line->quantity);
    values_put_long(out, line->unit_price);
    values_put_long(out, line->discount);
    values_put_long(out, line->tax);
}

static void put_head(struct buffer *out, enum event_type type)
{
    uint8_t head[10];
    struct schema *schema = built_in(type);
    buffer_put(out, head, wire_head_single_object(schema->fingerprint, head));
    schema_free(schema);
}

static struct buffer order_bytes(const struct order *order)
{
    struct buffer out = {0};
    put_head(&out, EVENT_ORDER);
    values_put_text(&out, order->id);
    values_put_text(&out, order->source);
    values_put_text(&out, order->program_id);
    values_put_text(&out, order->partner_id);
    values_put_text(&out, order->member_id);
    values_put_long(&out, order->occurred_at);
    values_put_long(&out, order->kind);
    values_put_text(&out, order->order_id);
    values_put_long(&out, order->revision);
    values_put_text(&out, order->currency);
    if (order->line_count)
        values_put_long(&out, (int64_t)order->line_count);
    for (size_t i = 0; i < order->line_count; i++)
        put_line(&out, &order->lines[i]);
    values_put_long(&out, 0);
    values_put_long(&out, order->shipping);
    values_put_long(&out, order->discount);
    values_put_long(&out, order->refund_amount);
    values_put_long(&out, order->points_used);
    values_put_text(&out, TEXT("web"));
    values_put_text(&out, TEXT(""));
    return out;
}

static enum err_code decode_order(struct bench *bench, const struct order *order)
{
    struct buffer bytes = order_bytes(order);
    enum err_code code = decode(bench, &bytes);
    bench->event = (struct event){0}; /* its texts end with the bytes */
    buffer_release(&bytes);
    return code;
}

static void refused(const struct order *order, enum err_code code, const char *why)
{
    struct bench bench = bench_new();
    enum err_code found = decode_order(&bench, order);
    cr_assert_eq(found, code, "%s, not %s: %s", err_name(found), err_name(code), bench.err.text);
    cr_assert(strstr(bench.err.text, why), "\"%s\" does not say \"%s\"", bench.err.text, why);
    bench_free(&bench);
}

static void accepted(const struct order *order)
{
    struct bench bench = bench_new();
    cr_assert_eq(decode_order(&bench, order), ERR_NONE, "%s", bench.err.text);
    bench_free(&bench);
}

Test(decode, an_order_is_read_field_by_field)
{
    struct bench bench = bench_new();
    struct buffer bytes = order_bytes(&good_order);
    cr_assert_eq(decode(&bench, &bytes), ERR_NONE, "%s", bench.err.text);
    const struct event *event = &bench.event;
    cr_assert_eq(event->type, EVENT_ORDER);
    cr_assert_eq(event->kind, ORDER_PAID);
    cr_assert(text_equal(event->id, TEXT("e-1")) && text_equal(event->source, TEXT("/shop")));
    cr_assert(text_equal(event->program_id, TEXT("default")), "an empty program is the default one");
    cr_assert_eq(event->partner_id.len, 0);
    cr_assert(text_equal(event->member_id, TEXT("m-1")));
    cr_assert_eq(event->occurred_at, recorded_at);
    cr_assert(text_equal(event->order.order_id, TEXT("1001")) && text_equal(event->order.currency, TEXT("EUR")));
    cr_assert_eq(event->order.line_count, 2);
    cr_assert(text_equal(event->order.lines[0].sku, TEXT("tea")));
    cr_assert(text_equal(event->order.lines[0].category, TEXT("food")));
    cr_assert_eq(event->order.lines[0].label_count, 1);
    cr_assert(text_equal(event->order.lines[0].labels[0], TEXT("sale")));
    cr_assert_eq(event->order.lines[0].quantity, 2);
    cr_assert_eq(event->order.lines[0].unit_price, 499);
    cr_assert(text_equal(event->order.lines[1].line_id, TEXT("2")));
    cr_assert(text_equal(event->order.channel, TEXT("web")));
    buffer_release(&bytes);
    bench_free(&bench);
}

#define SPOILT(member, value)                                                                                          \
    struct order order = good_order;                                                                                   \
    order.member = value

Test(decode, an_event_without_the_names_that_it_needs_is_impossible)
{
    static const size_t needed[] = {offsetof(struct order, id), offsetof(struct order, source),
                                    offsetof(struct order, member_id), offsetof(struct order, order_id),
                                    offsetof(struct order, currency)};
    static const char *const names[] = {"id is empty", "source is empty", "member_id is empty", "order_id is empty",
                                        "currency is empty"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        struct order order = good_order;
        FIELD_AT(struct text, &order, needed[i]) = (struct text){0};
        refused(&order, ERR_BAD_EVENT, names[i]);
    }
}

Test(decode, a_member_id_that_is_too_long_is_impossible)
{
    SPOILT(member_id, TEXT("12345678901234567"));
    refused(&order, ERR_BAD_EVENT, "17 bytes; the most is 16");
    order.member_id.len = 16;
    accepted(&order);
}

Test(decode, texts_that_are_not_utf_8_or_hold_nul_are_impossible)
{
    static const struct text bad[] = {{"m\0", 2},
                                      {"\xff", 1},
                                      {"\xc3", 1},
                                      {"\x80", 1},
                                      {"\xc0\x80", 2},
                                      {"\xed\xa0\x80", 3},
                                      {"\xf4\x90\x80\x80", 4},
                                      {"\xe0\x80\x80", 3},
                                      {"12345678\xff", 9},
                                      {"1234567\0"
                                       "9",
                                       9},
                                      {"\xf0\x9f\x98", 3}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        SPOILT(member_id, bad[i]);
        refused(&order, ERR_BAD_EVENT, "not UTF-8");
    }
    SPOILT(member_id, TEXT("zoë\u20ac\U0001f600"));
    accepted(&order);
}

Test(decode, times_out_of_bounds_are_refused_against_the_records_timestamp)
{
    SPOILT(occurred_at, recorded_at + limits.future_us);
    accepted(&order);
    order.occurred_at++;
    refused(&order, ERR_BAD_TIME, "after the record's timestamp");
    order.occurred_at = recorded_at - limits.past_us;
    accepted(&order);
    order.occurred_at--;
    refused(&order, ERR_BAD_TIME, "before the record's timestamp");
    order.occurred_at = INT64_MIN;
    refused(&order, ERR_BAD_TIME, "occurred_at");
    order.occurred_at = INT64_MAX;
    refused(&order, ERR_BAD_TIME, "occurred_at");
}

Test(decode, negative_amounts_are_impossible)
{
    static const size_t amounts[] = {offsetof(struct order, revision), offsetof(struct order, shipping),
                                     offsetof(struct order, discount), offsetof(struct order, refund_amount),
                                     offsetof(struct order, points_used)};
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        struct order order = good_order;
        FIELD_AT(int64_t, &order, amounts[i]) = -1;
        refused(&order, ERR_BAD_EVENT, "is negative: -1");
    }
}

Test(decode, lines_that_cannot_be_are_refused_with_their_number)
{
    struct order order = good_order;
    order.lines[1].quantity = 0;
    refused(&order, ERR_BAD_EVENT, "line 2: quantity is 0");
    order.lines[1].quantity = -3;
    refused(&order, ERR_BAD_EVENT, "line 2: quantity is -3");
    order = good_order;
    order.lines[0].unit_price = -1;
    refused(&order, ERR_BAD_EVENT, "line 1: unit_price is negative");
    order = good_order;
    order.lines[0].tax = -1;
    refused(&order, ERR_BAD_EVENT, "line 1: tax is negative");
    order = good_order;
    order.lines[0].discount = 2 * 499 + 1;
    refused(&order, ERR_BAD_EVENT, "the discount 999 is above its price 998");
    order.lines[0].discount = 2 * 499;
    accepted(&order);
    order.lines[0].sku = (struct text){0};
    refused(&order, ERR_BAD_EVENT, "line 1 has neither sku nor line_id");
}

Test(decode, sums_beyond_64_bits_are_refused_as_overflow)
{
    struct order order = good_order;
    order.lines[0].unit_price = INT64_MAX / 2 + 1;
    refused(&order, ERR_OVERFLOW, "line 1: quantity times unit_price");
    order.lines[0].unit_price = INT64_MAX / 2;
    order.lines[1].unit_price = 2;
    refused(&order, ERR_OVERFLOW, "at line 2");
    order.lines[1].unit_price = 1;
    accepted(&order);
    order.shipping = 1;
    refused(&order, ERR_OVERFLOW, "total");
    order = good_order;
    order.lines[0].tax = order.lines[1].tax = INT64_MAX;
    refused(&order, ERR_OVERFLOW, "taxes");
}

Test(decode, limits_on_size_are_kept)
{
    char text[65];
    struct bench bench = bench_new();
    struct buffer bytes = {0};
    memset(text, 'x', sizeof text);
    SPOILT(order_id, ((struct text){text, 64}));
    accepted(&order);
    order.order_id.len = 65;
    refused(&order, ERR_TOO_LARGE, "order_id, byte ");
    put_head(&bytes, EVENT_ORDER);
    memset(buffer_reserve(&bytes, limits.message_bytes), 0, limits.message_bytes);
    bytes.len += limits.message_bytes;
    cr_assert_eq(decode(&bench, &bytes), ERR_TOO_LARGE);
    buffer_release(&bytes);
    bench_free(&bench);
}

Test(decode, an_order_with_more_lines_than_the_limit_is_too_large)
{
    struct bench bench = bench_new();
    struct buffer many = {0};
    struct order none = good_order;
    none.line_count = 0;
    struct buffer without = order_bytes(&none);
    size_t tail = 10; /* the end of the lines, and the fields behind them */
    for (int lines = 50; lines <= 51; lines++) {
        many.len = 0;
        buffer_put(&many, without.at, without.len - tail);
        for (int i = 0; i < lines; i++) {
            values_put_long(&many, 1);
            put_line(&many, &good_order.lines[0]);
        }
        buffer_put(&many, without.at + without.len - tail, tail);
        cr_assert_eq(decode(&bench, &many), lines == 50 ? ERR_NONE : ERR_TOO_LARGE, "%s", bench.err.text);
    }
    cr_assert(strstr(bench.err.text, "lines"), "%s", bench.err.text);
    buffer_release(&many);
    buffer_release(&without);
    bench_free(&bench);
}

Test(decode, bytes_that_are_framed_as_neither_format_are_undecodable)
{
    static const struct text bad[] = {{"", 0}, {"\0", 1}, {"\xc3\x01", 2}, {"{\"id\": \"e-1\"}", 13}, {"\0\0\0\1", 4}};
    struct bench bench = bench_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buffer bytes = {0};
        buffer_put(&bytes, bad[i].at, bad[i].len);
        cr_assert_eq(decode(&bench, &bytes), ERR_BAD_BYTES, "%zu: %s", i, bench.err.text);
        buffer_release(&bytes);
    }
    bench_free(&bench);
}

Test(decode, an_unknown_fingerprint_and_an_id_without_a_registry_are_dead_letters)
{
    struct bench bench = bench_new();
    struct buffer bytes = order_bytes(&good_order);
    bytes.at[5] ^= 1;
    cr_assert_eq(decode(&bench, &bytes), ERR_BAD_SCHEMA);
    bytes.at[5] ^= 1;
    cr_assert_eq(decode(&bench, &bytes), ERR_NONE);
    bytes.at[0] = 0;
    cr_assert_eq(decode(&bench, &bytes), ERR_BAD_SCHEMA);
    cr_assert(strstr(bench.err.text, "registry.url is not set"), "%s", bench.err.text);
    buffer_release(&bytes);
    bench_free(&bench);
}

Test(decode, every_prefix_of_an_order_is_undecodable)
{
    struct bench bench = bench_new();
    struct buffer bytes = order_bytes(&good_order);
    for (size_t len = 0; len < bytes.len; len++) {
        struct buffer prefix = {0};
        buffer_put(&prefix, bytes.at, len);
        cr_assert_eq(decode(&bench, &prefix), ERR_BAD_BYTES, "%zu of %zu bytes", len, bytes.len);
        buffer_release(&prefix);
    }
    buffer_release(&bytes);
    bench_free(&bench);
}

Test(decode, the_schema_of_rewards_is_no_event)
{
    struct bench bench = bench_new();
    struct buffer bytes = {0};
    struct schema *schema;
    uint8_t head[10];
    cr_assert_eq(schema_parse(readers_file("avro/reward.avsc"), &schema, NULL), ERR_NONE);
    buffer_put(&bytes, head, wire_head_single_object(schema->fingerprint, head));
    cr_assert_eq(decode(&bench, &bytes), ERR_BAD_SCHEMA);
    schema_free(schema);
    buffer_release(&bytes);
    bench_free(&bench);
}

/* ---- What is impossible for the other types, on events made by hand. ---- */

static struct event some_event(enum event_type type, enum event_kind kind)
{
    return (struct event){.type = type,
                          .kind = kind,
                          .id = TEXT("e-1"),
                          .source = TEXT("/shop"),
                          .program_id = TEXT("default"),
                          .member_id = TEXT("m-1"),
                          .occurred_at = recorded_at};
}

static void impossible(const struct event *event, enum err_code code, const char *why)
{
    struct err err = {0};
    enum err_code found = validate_event(event, &limits, recorded_at, &err);
    cr_assert_eq(found, code, "%s, not %s: %s", err_name(found), err_name(code), err.text);
    cr_assert(strstr(err.text, why), "\"%s\" does not say \"%s\"", err.text, why);
}

static void possible(const struct event *event)
{
    struct err err = {0};
    cr_assert_eq(validate_event(event, &limits, recorded_at, &err), ERR_NONE, "%s", err.text);
}

Test(decode, a_line_of_an_order_has_so_many_labels_and_no_more)
{
    static const struct text labels[LABELS_MAX + 1];
    struct order_line line = {.sku = TEXT("tea"), .quantity = 1, .labels = labels, .label_count = LABELS_MAX};
    struct event order = some_event(EVENT_ORDER, ORDER_PAID);
    order.order.order_id = TEXT("o-1");
    order.order.currency = TEXT("EUR");
    order.order.lines = &line;
    order.order.line_count = 1;
    possible(&order);
    line.label_count = LABELS_MAX + 1;
    impossible(&order, ERR_BAD_EVENT, "line 1 has 101 labels; at most 100");
}

Test(decode, reviews_and_shares_need_what_they_are_about)
{
    struct event review = some_event(EVENT_REVIEW, REVIEW_APPROVED);
    impossible(&review, ERR_BAD_EVENT, "sku is empty");
    review.review.sku = TEXT("tea");
    possible(&review);
    review.review.photos = -1;
    impossible(&review, ERR_BAD_EVENT, "photos is negative");
    struct event share = some_event(EVENT_SHARE, SHARE_SHARED);
    impossible(&share, ERR_BAD_EVENT, "content is empty");
    share.share.content = TEXT("video-1");
    possible(&share);
}

Test(decode, referrals_need_both_sides_once_the_invitation_is_taken)
{
    struct event referral = some_event(EVENT_REFERRAL, REFERRAL_INVITED);
    impossible(&referral, ERR_BAD_EVENT, "referrer is empty");
    referral.referral.referrer = TEXT("m-1");
    possible(&referral);
    referral.kind = REFERRAL_CONVERTED;
    impossible(&referral, ERR_BAD_EVENT, "referee is empty");
    referral.referral.referee = TEXT("12345678901234567");
    impossible(&referral, ERR_BAD_EVENT, "referee has 17 bytes");
}

Test(decode, activities_redemptions_and_timers_need_their_names)
{
    struct event activity = some_event(EVENT_ACTIVITY, ACTIVITY_DONE);
    impossible(&activity, ERR_BAD_EVENT, "name is empty");
    struct event redemption = some_event(EVENT_REDEMPTION, REDEMPTION_REQUESTED);
    impossible(&redemption, ERR_BAD_EVENT, "redemption_id is empty");
    redemption.redemption.redemption_id = TEXT("r-1");
    redemption.redemption.points = -1;
    impossible(&redemption, ERR_BAD_EVENT, "points is negative");
    struct event timer = some_event(EVENT_TIMER, TIMER_DUE);
    impossible(&timer, ERR_BAD_EVENT, "obligation is empty");
}

Test(decode, an_adjustment_says_how_many_points_why_and_who)
{
    struct event adjustment = some_event(EVENT_ADJUSTMENT, ADJUSTMENT_MADE);
    impossible(&adjustment, ERR_BAD_EVENT, "points is 0");
    adjustment.adjustment.points = INT64_MIN;
    impossible(&adjustment, ERR_OVERFLOW, "no opposite");
    adjustment.adjustment.points = -5;
    impossible(&adjustment, ERR_BAD_EVENT, "reason is empty");
    adjustment.adjustment.reason = TEXT("sorry");
    impossible(&adjustment, ERR_BAD_EVENT, "actor is empty");
    adjustment.adjustment.actor = TEXT("ada");
    possible(&adjustment);
}

Test(decode, members_are_not_merged_into_nobody_or_themselves_and_are_born_on_a_day)
{
    struct event member = some_event(EVENT_MEMBER, MEMBER_MERGED);
    impossible(&member, ERR_BAD_EVENT, "merged_into is empty");
    member.member.merged_into = TEXT("m-1");
    impossible(&member, ERR_MERGE_SELF, "into itself");
    member.member.merged_into = TEXT("m-2");
    possible(&member);
    static const char *const days[] = {"1999-02-29", "1999-13-01",  "1999-00-10", "1999-04-31", "1999-4-03",
                                       "19990403",   "1999-04-030", "0000-01-01", "1900-02-29", "abcd-ef-gh"};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        member.member.birthday = text_of(days[i]);
        impossible(&member, ERR_BAD_EVENT, "birthday");
    }
    member.member.birthday = TEXT("2000-02-29");
    possible(&member);
}

Test(decode, a_kind_that_a_newer_writer_added_needs_no_more_than_the_common_names)
{
    struct event referral = some_event(EVENT_REFERRAL, KIND_UNKNOWN);
    referral.referral.referrer = TEXT("m-1");
    possible(&referral);
}
