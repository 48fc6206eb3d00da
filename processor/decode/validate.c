#include "decode/validate.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"

struct rule_text {
    const char *name;
    struct text text;
};

static enum err_code require(const struct rule_text *texts, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (texts[i].text.len == 0)
            return err_set(err, ERR_BAD_EVENT, "%s is empty", texts[i].name);
    return ERR_NONE;
}

#define REQUIRE(err, ...)                                                                                              \
    require((const struct rule_text[]){__VA_ARGS__},                                                                   \
            sizeof(const struct rule_text[]){__VA_ARGS__} / sizeof(struct rule_text), err)

struct rule_number {
    const char *name;
    int64_t value;
};

static enum err_code refuse_negative(const struct rule_number *numbers, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i].value < 0)
            return err_set(err, ERR_BAD_EVENT, "%s is negative: %" PRId64, numbers[i].name, numbers[i].value);
    return ERR_NONE;
}

#define REFUSE_NEGATIVE(err, ...)                                                                                      \
    refuse_negative((const struct rule_number[]){__VA_ARGS__},                                                         \
                    sizeof(const struct rule_number[]){__VA_ARGS__} / sizeof(struct rule_number), err)

static enum err_code check_member_id(const char *name, struct text id, const struct decode_limits *limits,
                                     struct err *err)
{
    if (id.len > limits->member_id_bytes)
        return err_set(err, ERR_BAD_EVENT, "%s has %zu bytes; the most is %zu", name, id.len, limits->member_id_bytes);
    return ERR_NONE;
}

/* A timer is sent long after it was due where the processor was down. */
static enum err_code check_time(const struct event *event, const struct decode_limits *limits, int64_t recorded_at,
                                struct err *err)
{
    int64_t ahead;
    if (!checked_sub(event->occurred_at, recorded_at, &ahead))
        return err_set(err, ERR_BAD_TIME, "occurred_at is %" PRId64, event->occurred_at);
    if (ahead > limits->future_us)
        return err_set(err, ERR_BAD_TIME, "occurred_at is %" PRId64 " s after the record's timestamp", ahead / 1000000);
    if (ahead < -limits->past_us && event->type != EVENT_TIMER)
        return err_set(err, ERR_BAD_TIME, "occurred_at is %" PRId64 " s before the record's timestamp",
                       -(ahead / 1000000));
    return ERR_NONE;
}

/* Adds the line's price less its discount to *sum. */
static enum err_code check_line(const struct order_line *line, size_t number, int64_t *sum, struct err *err)
{
    int64_t price;
    enum err_code code =
        REFUSE_NEGATIVE(err, {"unit_price", line->unit_price}, {"discount", line->discount}, {"tax", line->tax});
    if (code) {
        err_wrap(err, "line %zu", number);
        return code;
    }
    if (line->sku.len == 0 && line->line_id.len == 0)
        return err_set(err, ERR_BAD_EVENT, "line %zu has neither sku nor line_id", number);
    if (line->label_count > LABELS_MAX)
        return err_set(err, ERR_BAD_EVENT, "line %zu has %zu labels; at most %d", number, line->label_count,
                       LABELS_MAX);
    if (line->quantity < 1)
        return err_set(err, ERR_BAD_EVENT, "line %zu: quantity is %" PRId64, number, line->quantity);
    if (!checked_mul(line->quantity, line->unit_price, &price))
        return err_set(err, ERR_OVERFLOW, "line %zu: quantity times unit_price overflows", number);
    if (line->discount > price)
        return err_set(err, ERR_BAD_EVENT, "line %zu: the discount %" PRId64 " is above its price %" PRId64, number,
                       line->discount, price);
    if (!checked_add(*sum, price - line->discount, sum))
        return err_set(err, ERR_OVERFLOW, "the sum of the lines overflows at line %zu", number);
    return ERR_NONE;
}

static enum err_code check_order(const struct order_event *order, struct err *err)
{
    int64_t net = 0;
    int64_t tax = 0;
    enum err_code code = REQUIRE(err, {"order_id", order->order_id}, {"currency", order->currency});
    if (!code)
        code = REFUSE_NEGATIVE(err, {"revision", order->revision}, {"shipping", order->shipping},
                               {"discount", order->discount}, {"refund_amount", order->refund_amount},
                               {"points_used", order->points_used});
    for (size_t i = 0; !code && i < order->line_count; i++) {
        code = check_line(&order->lines[i], i + 1, &net, err);
        if (!code && !checked_add(tax, order->lines[i].tax, &tax))
            code = err_set(err, ERR_OVERFLOW, "the sum of the taxes overflows");
    }
    if (!code && (!checked_add(net, tax, &net) || !checked_add(net, order->shipping, &net)))
        code = err_set(err, ERR_OVERFLOW, "the order's total overflows");
    return code;
}

static enum err_code check_review(const struct review_event *review, struct err *err)
{
    enum err_code code = REQUIRE(err, {"sku", review->sku});
    if (code)
        return code;
    return REFUSE_NEGATIVE(err, {"rating", review->rating}, {"length", review->length}, {"photos", review->photos},
                           {"videos", review->videos});
}

static enum err_code check_referral(const struct event *event, const struct decode_limits *limits, struct err *err)
{
    const struct referral_event *referral = &event->referral;
    enum err_code code = REQUIRE(err, {"referrer", referral->referrer});
    if (!code && event->kind != REFERRAL_INVITED && event->kind != KIND_UNKNOWN)
        code = REQUIRE(err, {"referee", referral->referee});
    if (!code)
        code = check_member_id("referrer", referral->referrer, limits, err);
    if (!code)
        code = check_member_id("referee", referral->referee, limits, err);
    return code;
}

static enum err_code check_redemption(const struct redemption_event *redemption, struct err *err)
{
    enum err_code code = REQUIRE(err, {"redemption_id", redemption->redemption_id});
    return code ? code : REFUSE_NEGATIVE(err, {"points", redemption->points});
}

static enum err_code check_adjustment(const struct adjustment_event *adjustment, struct err *err)
{
    if (adjustment->points == 0)
        return err_set(err, ERR_BAD_EVENT, "points is 0");
    if (adjustment->points == INT64_MIN)
        return err_set(err, ERR_OVERFLOW, "points has no opposite: %" PRId64, adjustment->points);
    return REQUIRE(err, {"reason", adjustment->reason}, {"actor", adjustment->actor});
}

/* YYYY-MM-DD, a day of the Gregorian calendar. */
static bool is_day(struct text day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int digits[8];
    size_t count = 0;
    for (size_t i = 0; i < day.len; i++) {
        bool dash = i == 4 || i == 7;
        if (i >= 10 || (dash ? day.at[i] != '-' : day.at[i] < '0' || day.at[i] > '9'))
            return false;
        if (!dash)
            digits[count++] = day.at[i] - '0';
    }
    if (day.len != 10)
        return false;
    int year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    int month = digits[4] * 10 + digits[5];
    int date = digits[6] * 10 + digits[7];
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year == 0 || month < 1 || month > 12)
        return false;
    return date >= 1 && date <= lengths[month - 1] + (month == 2 && leap);
}

static enum err_code check_member(const struct event *event, const struct decode_limits *limits, struct err *err)
{
    const struct member_event *member = &event->member;
    enum err_code code = ERR_NONE;
    if (event->kind == MEMBER_MERGED)
        code = REQUIRE(err, {"merged_into", member->merged_into});
    if (!code)
        code = check_member_id("merged_into", member->merged_into, limits, err);
    if (!code && event->kind == MEMBER_MERGED && text_equal(member->merged_into, event->member_id))
        code = err_set(err, ERR_MERGE_SELF, "a member is merged into itself");
    if (!code && member->birthday.len > 0 && !is_day(member->birthday))
        code = err_set(err, ERR_BAD_EVENT, "birthday is no day YYYY-MM-DD");
    return code;
}

static enum err_code check_own(const struct event *event, const struct decode_limits *limits, struct err *err)
{
    switch (event->type) {
    case EVENT_ORDER:
        return check_order(&event->order, err);
    case EVENT_REVIEW:
        return check_review(&event->review, err);
    case EVENT_SHARE:
        return REQUIRE(err, {"content", event->share.content});
    case EVENT_REFERRAL:
        return check_referral(event, limits, err);
    case EVENT_ACTIVITY:
        return REQUIRE(err, {"name", event->activity.name});
    case EVENT_REDEMPTION:
        return check_redemption(&event->redemption, err);
    case EVENT_ADJUSTMENT:
        return check_adjustment(&event->adjustment, err);
    case EVENT_MEMBER:
        return check_member(event, limits, err);
    case EVENT_TIMER:
        return REQUIRE(err, {"obligation", event->timer.obligation});
    case EVENT_TYPE_COUNT:
        break;
    }
    abort();
    return ERR_BAD_EVENT;
}

enum err_code validate_event(const struct event *event, const struct decode_limits *limits, int64_t recorded_at,
                             struct err *err)
{
    enum err_code code = REQUIRE(err, {"id", event->id}, {"source", event->source}, {"member_id", event->member_id});
    if (!code)
        code = check_member_id("member_id", event->member_id, limits, err);
    if (!code)
        code = check_time(event, limits, recorded_at, err);
    if (!code)
        code = check_own(event, limits, err);
    return code;
}
