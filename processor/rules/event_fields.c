#include "rules/event_fields.h"

#include <assert.h>

#include "base/checked.h"

/* One small function reads each field: an expression pays for what it reads and nothing is converted before. */

#define GETTER(name, struct_type, expression)                                                                          \
    static void name(const void *object, struct cel_value *out)                                                        \
    {                                                                                                                  \
        const struct struct_type *it = object;                                                                         \
        *out = (expression);                                                                                           \
    }

static void get_text(const void *object, size_t index, struct cel_value *out)
{
    *out = cel_string(((const struct text *)object)[index]);
}

static void get_attribute(const void *object, size_t index, struct cel_value *key, struct cel_value *value)
{
    const struct attribute *attribute = (const struct attribute *)object + index;
    *key = cel_string(attribute->name);
    *value = cel_string(attribute->value);
}

/* Lines. */
GETTER(line_id, order_line, cel_string(it->line_id))
GETTER(line_sku, order_line, cel_string(it->sku))
GETTER(line_category, order_line, cel_string(it->category))
GETTER(line_labels, order_line, cel_list_view(get_text, it->labels, it->label_count))
GETTER(line_quantity, order_line, cel_int(it->quantity))
GETTER(line_unit_price, order_line, cel_int(it->unit_price))
GETTER(line_discount, order_line, cel_int(it->discount))
GETTER(line_tax, order_line, cel_int(it->tax))

static const struct cel_field line_fields[] = {
    {"line_id", &cel_type_string, 0, line_id},        {"sku", &cel_type_string, 0, line_sku},
    {"category", &cel_type_string, 0, line_category}, {"labels", &cel_type_list_string, LABELS_MAX, line_labels},
    {"quantity", &cel_type_int, 0, line_quantity},    {"unit_price", &cel_type_int, 0, line_unit_price},
    {"discount", &cel_type_int, 0, line_discount},    {"tax", &cel_type_int, 0, line_tax},
};
static const struct cel_struct line_struct = {"order line", line_fields, sizeof line_fields / sizeof *line_fields};
static const struct cel_type line_type = {.kind = CEL_OBJECT, .object = &line_struct};
static const struct cel_type lines_type = {.kind = CEL_LIST, .element = &line_type};

static void get_line(const void *object, size_t index, struct cel_value *out)
{
    *out = cel_object(&line_struct, (const struct order_line *)object + index);
}

/* Validation has made sure that a line's price fits; a sum may still not. */
static struct cel_value order_total(const struct order_event *order)
{
    int64_t total = 0, price;
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        if (!checked_mul(line->quantity, line->unit_price, &price) || !checked_sub(price, line->discount, &price) ||
            !checked_add(total, price, &total))
            return cel_error(CEL_OVERFLOW);
    }
    return checked_sub(total, order->discount, &total) ? cel_int(total) : cel_error(CEL_OVERFLOW);
}

static struct cel_value name_of(const char *name)
{
    return cel_string(text_of(name));
}

/* What every event has. */
GETTER(event_id, event, cel_string(it->id))
GETTER(event_source, event, cel_string(it->source))
GETTER(event_program_id, event, cel_string(it->program_id))
GETTER(event_partner_id, event, cel_string(it->partner_id))
GETTER(event_member_id, event, cel_string(it->member_id))
GETTER(event_occurred_at, event, cel_timestamp_us(it->occurred_at))
GETTER(event_kind, event, name_of(event_kind_name(it->kind)))

GETTER(order_id, event, cel_string(it->order.order_id))
GETTER(order_revision, event, cel_int(it->order.revision))
GETTER(order_currency, event, cel_string(it->order.currency))
GETTER(order_lines, event, cel_list_view(get_line, it->order.lines, it->order.line_count))
GETTER(order_shipping, event, cel_int(it->order.shipping))
GETTER(order_discount, event, cel_int(it->order.discount))
GETTER(order_points_used, event, cel_int(it->order.points_used))
GETTER(order_channel, event, cel_string(it->order.channel))
GETTER(order_coupon, event, cel_string(it->order.coupon))
GETTER(order_total_of, event, order_total(&it->order))

GETTER(review_id, event, cel_string(it->review.review_id))
GETTER(review_sku, event, cel_string(it->review.sku))
GETTER(review_rating, event, cel_int(it->review.rating))
GETTER(review_length, event, cel_int(it->review.length))
GETTER(review_photos, event, cel_int(it->review.photos))
GETTER(review_videos, event, cel_int(it->review.videos))
GETTER(review_verified, event, cel_bool(it->review.verified_purchase))

GETTER(share_network, event, name_of(share_network_name(it->share.network)))
GETTER(share_content, event, cel_string(it->share.content))

GETTER(referral_referrer, event, cel_string(it->referral.referrer))
GETTER(referral_referee, event, cel_string(it->referral.referee))
GETTER(referral_code, event, cel_string(it->referral.code))
GETTER(referral_network, event, name_of(share_network_name(it->referral.network)))
GETTER(referral_device, event, cel_string(it->referral.device_hash))
GETTER(referral_address, event, cel_string(it->referral.address_hash))

GETTER(activity_name, event, cel_string(it->activity.name))
GETTER(activity_value, event, cel_int(it->activity.value))
GETTER(activity_attributes, event, cel_map_view(get_attribute, it->activity.attributes, it->activity.attribute_count))

GETTER(redemption_id, event, cel_string(it->redemption.redemption_id))
GETTER(redemption_reward, event, cel_string(it->redemption.reward))
GETTER(redemption_points, event, cel_int(it->redemption.points))
GETTER(redemption_currency, event, cel_string(it->redemption.currency))
GETTER(redemption_order_id, event, cel_string(it->redemption.order_id))

GETTER(adjustment_points, event, cel_int(it->adjustment.points))
GETTER(adjustment_currency, event, cel_string(it->adjustment.currency))
GETTER(adjustment_reason, event, cel_string(it->adjustment.reason))
GETTER(adjustment_actor, event, cel_string(it->adjustment.actor))

GETTER(member_zone, event, cel_string(it->member.zone))
GETTER(member_language, event, cel_string(it->member.language))
GETTER(member_birthday, event, cel_string(it->member.birthday))
GETTER(member_segments, event, cel_list_view(get_text, it->member.segments, it->member.segment_count))
GETTER(member_consent, event, cel_bool(it->member.consent))
GETTER(member_chosen_currency, event, cel_string(it->member.chosen_currency))
GETTER(member_merged_into, event, cel_string(it->member.merged_into))
GETTER(member_attributes, event, cel_map_view(get_attribute, it->member.attributes, it->member.attribute_count))

GETTER(timer_obligation, event, cel_string(it->timer.obligation))
GETTER(timer_due_at, event, cel_timestamp_us(it->timer.due_at))

#undef GETTER

#define COMMON                                                                                                         \
    {"program_id", &cel_type_string, 0, event_program_id}, {"partner_id", &cel_type_string, 0, event_partner_id},      \
        {"member_id", &cel_type_string, 0, event_member_id},                                                           \
        {"occurred_at", &cel_type_timestamp, 0, event_occurred_at},                                                    \
    {                                                                                                                  \
        "kind", &cel_type_string, 0, event_kind                                                                        \
    }
#define NAMED {"id", &cel_type_string, 0, event_id}, {"source", &cel_type_string, 0, event_source}, COMMON

static const struct cel_field order_fields[] = {
    COMMON,
    {"order_id", &cel_type_string, 0, order_id},
    {"revision", &cel_type_int, 0, order_revision},
    {"currency", &cel_type_string, 0, order_currency},
    {"lines", &lines_type, 0, order_lines},
    {"shipping", &cel_type_int, 0, order_shipping},
    {"discount", &cel_type_int, 0, order_discount},
    {"points_used", &cel_type_int, 0, order_points_used},
    {"channel", &cel_type_string, 0, order_channel},
    {"coupon", &cel_type_string, 0, order_coupon},
    {"total", &cel_type_int, 0, order_total_of},
};
static const struct cel_field review_fields[] = {
    NAMED,
    {"review_id", &cel_type_string, 0, review_id},
    {"sku", &cel_type_string, 0, review_sku},
    {"rating", &cel_type_int, 0, review_rating},
    {"length", &cel_type_int, 0, review_length},
    {"photos", &cel_type_int, 0, review_photos},
    {"videos", &cel_type_int, 0, review_videos},
    {"verified_purchase", &cel_type_bool, 0, review_verified},
};
static const struct cel_field share_fields[] = {
    NAMED,
    {"network", &cel_type_string, 0, share_network},
    {"content", &cel_type_string, 0, share_content},
};
static const struct cel_field referral_fields[] = {
    NAMED,
    {"referrer", &cel_type_string, 0, referral_referrer},
    {"referee", &cel_type_string, 0, referral_referee},
    {"code", &cel_type_string, 0, referral_code},
    {"network", &cel_type_string, 0, referral_network},
    {"device_hash", &cel_type_string, 0, referral_device},
    {"address_hash", &cel_type_string, 0, referral_address},
};
static const struct cel_field activity_fields[] = {
    NAMED,
    {"name", &cel_type_string, 0, activity_name},
    {"value", &cel_type_int, 0, activity_value},
    {"attributes", &cel_type_map_string, 0, activity_attributes},
};
static const struct cel_field redemption_fields[] = {
    NAMED,
    {"redemption_id", &cel_type_string, 0, redemption_id},
    {"reward", &cel_type_string, 0, redemption_reward},
    {"points", &cel_type_int, 0, redemption_points},
    {"currency", &cel_type_string, 0, redemption_currency},
    {"order_id", &cel_type_string, 0, redemption_order_id},
};
static const struct cel_field adjustment_fields[] = {
    NAMED,
    {"points", &cel_type_int, 0, adjustment_points},
    {"currency", &cel_type_string, 0, adjustment_currency},
    {"reason", &cel_type_string, 0, adjustment_reason},
    {"actor", &cel_type_string, 0, adjustment_actor},
};
static const struct cel_field member_fields[] = {
    NAMED,
    {"zone", &cel_type_string, 0, member_zone},
    {"language", &cel_type_string, 0, member_language},
    {"birthday", &cel_type_string, 0, member_birthday},
    {"segments", &cel_type_list_string, 0, member_segments},
    {"consent", &cel_type_bool, 0, member_consent},
    {"chosen_currency", &cel_type_string, 0, member_chosen_currency},
    {"merged_into", &cel_type_string, 0, member_merged_into},
    {"attributes", &cel_type_map_string, 0, member_attributes},
};
static const struct cel_field timer_fields[] = {
    NAMED,
    {"obligation", &cel_type_string, 0, timer_obligation},
    {"due_at", &cel_type_timestamp, 0, timer_due_at},
};

#define STRUCT(name, fields)                                                                                           \
    {                                                                                                                  \
        name, fields, sizeof(fields) / sizeof *(fields)                                                                \
    }

static const struct cel_struct structs[EVENT_TYPE_COUNT] = {
    [EVENT_ORDER] = STRUCT("order", order_fields),
    [EVENT_REVIEW] = STRUCT("review", review_fields),
    [EVENT_SHARE] = STRUCT("share", share_fields),
    [EVENT_REFERRAL] = STRUCT("referral", referral_fields),
    [EVENT_ACTIVITY] = STRUCT("activity", activity_fields),
    [EVENT_REDEMPTION] = STRUCT("redemption", redemption_fields),
    [EVENT_ADJUSTMENT] = STRUCT("adjustment", adjustment_fields),
    [EVENT_MEMBER] = STRUCT("member", member_fields),
    [EVENT_TIMER] = STRUCT("timer", timer_fields),
};

const struct cel_type *event_fields_type(enum event_type type)
{
    static const struct cel_type types[EVENT_TYPE_COUNT] = {
#define TYPE(event_type) [event_type] = {.kind = CEL_OBJECT, .object = &structs[event_type]}
        TYPE(EVENT_ORDER),      TYPE(EVENT_REVIEW),     TYPE(EVENT_SHARE),  TYPE(EVENT_REFERRAL), TYPE(EVENT_ACTIVITY),
        TYPE(EVENT_REDEMPTION), TYPE(EVENT_ADJUSTMENT), TYPE(EVENT_MEMBER), TYPE(EVENT_TIMER),
#undef TYPE
    };
    assert((unsigned)type < EVENT_TYPE_COUNT);
    return &types[type];
}

struct cel_value event_fields_value(const struct event *event)
{
    assert((unsigned)event->type < EVENT_TYPE_COUNT);
    return cel_object(&structs[event->type], event);
}
