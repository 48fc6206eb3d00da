#include "decode/fields.h"

#include <assert.h>

#define FIELD(slot, tag, structure, member)                                                                            \
    {                                                                                                                  \
        {#member, sizeof #member - 1}, slot, tag, offsetof(structure, member), 0                                       \
    }
#define LIST(slot, tag, structure, member, counter)                                                                    \
    {                                                                                                                  \
        {#member, sizeof #member - 1}, slot, tag, offsetof(structure, member), offsetof(structure, counter)            \
    }

/* Of one type of event: `part` is the union's member. */
#define OWN(slot, tag, part, member)                                                                                   \
    {                                                                                                                  \
        {#member, sizeof #member - 1}, slot, tag, offsetof(struct event, part.member), 0                               \
    }
#define OWN_LIST(slot, tag, part, member, counter)                                                                     \
    {                                                                                                                  \
        {#member, sizeof #member - 1}, slot, tag, offsetof(struct event, part.member),                                 \
            offsetof(struct event, part.counter)                                                                       \
    }

#define COMMON                                                                                                         \
    FIELD(SLOT_TEXT, TAG_NONE, struct event, id), FIELD(SLOT_TEXT, TAG_NONE, struct event, source),                    \
        FIELD(SLOT_TEXT, 3, struct event, program_id), FIELD(SLOT_TEXT, 4, struct event, partner_id),                  \
        FIELD(SLOT_TEXT, 5, struct event, member_id), FIELD(SLOT_LONG, 6, struct event, occurred_at),                  \
        FIELD(SLOT_KIND, 7, struct event, kind)

static const struct field line_fields[] = {
    FIELD(SLOT_TEXT, 1, struct order_line, line_id),  FIELD(SLOT_TEXT, 2, struct order_line, sku),
    FIELD(SLOT_TEXT, 3, struct order_line, category), LIST(SLOT_TEXTS, 4, struct order_line, labels, label_count),
    FIELD(SLOT_LONG, 5, struct order_line, quantity), FIELD(SLOT_LONG, 6, struct order_line, unit_price),
    FIELD(SLOT_LONG, 7, struct order_line, discount), FIELD(SLOT_LONG, 8, struct order_line, tax),
};

static const struct field order_fields[] = {
    COMMON,
    OWN(SLOT_TEXT, 16, order, order_id),
    OWN(SLOT_LONG, 17, order, revision),
    OWN(SLOT_TEXT, 18, order, currency),
    OWN_LIST(SLOT_LINES, 19, order, lines, line_count),
    OWN(SLOT_LONG, 20, order, shipping),
    OWN(SLOT_LONG, 21, order, discount),
    OWN(SLOT_LONG, 22, order, refund_amount),
    OWN(SLOT_LONG, 23, order, points_used),
    OWN(SLOT_TEXT, 24, order, channel),
    OWN(SLOT_TEXT, 25, order, coupon),
};

static const struct field review_fields[] = {
    COMMON,
    OWN(SLOT_TEXT, 16, review, review_id),
    OWN(SLOT_TEXT, 17, review, sku),
    OWN(SLOT_LONG, 18, review, rating),
    OWN(SLOT_LONG, 19, review, length),
    OWN(SLOT_LONG, 20, review, photos),
    OWN(SLOT_LONG, 21, review, videos),
    OWN(SLOT_BOOL, 22, review, verified_purchase),
};

static const struct field share_fields[] = {
    COMMON,
    OWN(SLOT_NETWORK, 16, share, network),
    OWN(SLOT_TEXT, 17, share, content),
};

static const struct field referral_fields[] = {
    COMMON,
    OWN(SLOT_TEXT, 16, referral, referrer),
    OWN(SLOT_TEXT, 17, referral, referee),
    OWN(SLOT_TEXT, 18, referral, code),
    OWN(SLOT_NETWORK, 19, referral, network),
    OWN(SLOT_TEXT, 20, referral, device_hash),
    OWN(SLOT_TEXT, 21, referral, address_hash),
};

static const struct field activity_fields[] = {
    COMMON,
    OWN(SLOT_TEXT, 16, activity, name),
    OWN(SLOT_LONG, 17, activity, value),
    OWN_LIST(SLOT_ATTRIBUTES, 18, activity, attributes, attribute_count),
};

static const struct field redemption_fields[] = {
    COMMON,
    OWN(SLOT_TEXT, 16, redemption, redemption_id),
    OWN(SLOT_TEXT, 17, redemption, reward),
    OWN(SLOT_LONG, 18, redemption, points),
    OWN(SLOT_TEXT, 19, redemption, currency),
    OWN(SLOT_TEXT, 20, redemption, order_id),
};

static const struct field adjustment_fields[] = {
    COMMON,
    OWN(SLOT_LONG, 16, adjustment, points),
    OWN(SLOT_TEXT, 17, adjustment, currency),
    OWN(SLOT_TEXT, 18, adjustment, reason),
    OWN(SLOT_TEXT, 19, adjustment, actor),
};

static const struct field member_fields[] = {
    COMMON,
    OWN(SLOT_TEXT, 16, member, zone),
    OWN(SLOT_TEXT, 17, member, language),
    OWN(SLOT_TEXT, 18, member, birthday),
    OWN_LIST(SLOT_TEXTS, 19, member, segments, segment_count),
    OWN(SLOT_BOOL, 20, member, consent),
    OWN(SLOT_TEXT, 21, member, chosen_currency),
    OWN(SLOT_TEXT, 22, member, merged_into),
    OWN_LIST(SLOT_ATTRIBUTES, 23, member, attributes, attribute_count),
};

static const struct field timer_fields[] = {
    COMMON,
    OWN(SLOT_TEXT, 16, timer, obligation),
    OWN(SLOT_LONG, 17, timer, due_at),
};

#define ALL(array)                                                                                                     \
    {                                                                                                                  \
        array, sizeof array / sizeof *array                                                                            \
    }

struct fields fields_of_event(enum event_type type)
{
    static const struct fields all[EVENT_TYPE_COUNT] = {
        [EVENT_ORDER] = ALL(order_fields),           [EVENT_REVIEW] = ALL(review_fields),
        [EVENT_SHARE] = ALL(share_fields),           [EVENT_REFERRAL] = ALL(referral_fields),
        [EVENT_ACTIVITY] = ALL(activity_fields),     [EVENT_REDEMPTION] = ALL(redemption_fields),
        [EVENT_ADJUSTMENT] = ALL(adjustment_fields), [EVENT_MEMBER] = ALL(member_fields),
        [EVENT_TIMER] = ALL(timer_fields),
    };
    assert((unsigned)type < EVENT_TYPE_COUNT);
    return all[type];
}

struct fields fields_of_line(void)
{
    return (struct fields)ALL(line_fields);
}

const struct field *fields_find(struct fields fields, struct text name)
{
    for (size_t i = 0; i < fields.count; i++)
        if (text_equal(fields.at[i].name, name))
            return &fields.at[i];
    return NULL;
}

enum event_kind fields_kind(enum event_type type, struct text name)
{
    static const enum event_type types[EVENT_KIND_COUNT] = {[KIND_UNKNOWN] = EVENT_TYPE_COUNT,
#define X(kind, type, name) [kind] = type,
                                                            EVENT_KINDS(X)
#undef X
    };
    for (int kind = KIND_UNKNOWN + 1; kind < EVENT_KIND_COUNT; kind++)
        if (types[kind] == type && text_equal(text_of(event_kind_name((enum event_kind)kind)), name))
            return (enum event_kind)kind;
    return KIND_UNKNOWN;
}

enum share_network fields_network(struct text name)
{
    for (int network = 0; network < NETWORK_COUNT; network++)
        if (text_equal(text_of(share_network_name((enum share_network)network)), name))
            return (enum share_network)network;
    return NETWORK_OTHER;
}

/* The records are the types' names with a capital letter. */
enum event_type fields_type(struct text record_name)
{
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        struct text name = text_of(event_type_name((enum event_type)type));
        if (name.len == record_name.len && record_name.at[0] == name.at[0] - 'a' + 'A' &&
            memcmp(record_name.at + 1, name.at + 1, name.len - 1) == 0)
            return (enum event_type)type;
    }
    return EVENT_TYPE_COUNT;
}
