#ifndef POINTS_RULES_EVENT_H
#define POINTS_RULES_EVENT_H

#include "base/text.h"

/* An event as the rules see it: plain, validated, owned by the batch's arena. Times are µs since 1970 UTC, amounts are
 * minor units of the event's currency, texts are valid UTF-8 within the configured bounds. */

enum event_type {
    EVENT_ORDER,
    EVENT_REVIEW,
    EVENT_SHARE,
    EVENT_REFERRAL,
    EVENT_ACTIVITY,
    EVENT_REDEMPTION,
    EVENT_ADJUSTMENT,
    EVENT_MEMBER,
    EVENT_TIMER,
    EVENT_TYPE_COUNT
};

/* The kinds, by type, with the names that schemas and program files use. KIND_UNKNOWN is what a symbol of a newer
 * writer becomes: it counts as seen and earns nothing. */
#define EVENT_KINDS(X)                                                                                                 \
    X(ORDER_PLACED, EVENT_ORDER, "placed")                                                                             \
    X(ORDER_PAID, EVENT_ORDER, "paid")                                                                                 \
    X(ORDER_AMENDED, EVENT_ORDER, "amended")                                                                           \
    X(ORDER_SHIPPED, EVENT_ORDER, "shipped")                                                                           \
    X(ORDER_COMPLETED, EVENT_ORDER, "completed")                                                                       \
    X(ORDER_CANCELLED, EVENT_ORDER, "cancelled")                                                                       \
    X(ORDER_REFUNDED, EVENT_ORDER, "refunded")                                                                         \
    X(REVIEW_SUBMITTED, EVENT_REVIEW, "submitted")                                                                     \
    X(REVIEW_APPROVED, EVENT_REVIEW, "approved")                                                                       \
    X(REVIEW_REJECTED, EVENT_REVIEW, "rejected")                                                                       \
    X(REVIEW_REMOVED, EVENT_REVIEW, "removed")                                                                         \
    X(SHARE_SHARED, EVENT_SHARE, "shared")                                                                             \
    X(SHARE_WITHDRAWN, EVENT_SHARE, "withdrawn")                                                                       \
    X(REFERRAL_INVITED, EVENT_REFERRAL, "invited")                                                                     \
    X(REFERRAL_SIGNED_UP, EVENT_REFERRAL, "signed_up")                                                                 \
    X(REFERRAL_CONVERTED, EVENT_REFERRAL, "converted")                                                                 \
    X(REFERRAL_VOIDED, EVENT_REFERRAL, "voided")                                                                       \
    X(ACTIVITY_DONE, EVENT_ACTIVITY, "done")                                                                           \
    X(REDEMPTION_REQUESTED, EVENT_REDEMPTION, "requested")                                                             \
    X(REDEMPTION_CONFIRMED, EVENT_REDEMPTION, "confirmed")                                                             \
    X(REDEMPTION_CANCELLED, EVENT_REDEMPTION, "cancelled")                                                             \
    X(ADJUSTMENT_MADE, EVENT_ADJUSTMENT, "made")                                                                       \
    X(MEMBER_ENROLLED, EVENT_MEMBER, "enrolled")                                                                       \
    X(MEMBER_UPDATED, EVENT_MEMBER, "updated")                                                                         \
    X(MEMBER_LEFT, EVENT_MEMBER, "left")                                                                               \
    X(MEMBER_MERGED, EVENT_MEMBER, "merged")                                                                           \
    X(MEMBER_ERASED, EVENT_MEMBER, "erased")                                                                           \
    X(TIMER_DUE, EVENT_TIMER, "due")

enum event_kind {
    KIND_UNKNOWN,
#define X(kind, type, name) kind,
    EVENT_KINDS(X)
#undef X
        EVENT_KIND_COUNT
};

/* The networks, with the names that schemas and program files use. NETWORK_OTHER is also what a symbol of a newer
 * writer becomes. */
#define SHARE_NETWORKS(X)                                                                                              \
    X(NETWORK_OTHER, "other")                                                                                          \
    X(NETWORK_FACEBOOK, "facebook")                                                                                    \
    X(NETWORK_MESSENGER, "messenger")                                                                                  \
    X(NETWORK_PINTEREST, "pinterest")                                                                                  \
    X(NETWORK_TELEGRAM, "telegram")                                                                                    \
    X(NETWORK_X, "x")                                                                                                  \
    X(NETWORK_WHATSAPP, "whatsapp")                                                                                    \
    X(NETWORK_INSTAGRAM, "instagram")                                                                                  \
    X(NETWORK_TIKTOK, "tiktok")

enum share_network {
#define X(network, name) network,
    SHARE_NETWORKS(X)
#undef X
        NETWORK_COUNT
};

enum { LABELS_MAX = 100 }; /* of a line; an order that has more on one is refused */

struct order_line {
    struct text line_id; /* empty: the sku names the line */
    struct text sku;
    struct text category;
    const struct text *labels;
    size_t label_count;
    int64_t quantity;   /* >= 1 */
    int64_t unit_price; /* >= 0, before tax */
    int64_t discount;   /* >= 0, of the whole line, at most quantity * unit_price */
    int64_t tax;        /* >= 0, of the whole line */
};

struct order_event {
    struct text order_id;
    int64_t revision; /* of an amendment; 0 is the order as placed */
    struct text currency;
    const struct order_line *lines; /* of a refund: the lines that come back, with their quantities */
    size_t line_count;
    int64_t shipping;
    int64_t discount;      /* of the whole order, beside the lines' */
    int64_t refund_amount; /* of a refund without lines; 0 with no lines: the whole order */
    int64_t points_used;
    struct text channel;
    struct text coupon;
};

struct review_event {
    struct text review_id;
    struct text sku;
    int64_t rating;
    int64_t length; /* characters */
    int64_t photos;
    int64_t videos;
    bool verified_purchase;
};

struct share_event {
    enum share_network network;
    struct text content;
};

struct referral_event {
    struct text referrer; /* member ids; the event's member_id is the referee's, or the referrer's while invited */
    struct text referee;
    struct text counted_as; /* the referee's name before a merge, under which the referral counts; empty: referee */
    struct text code;
    enum share_network network;
    struct text device_hash;
    struct text address_hash;
};

struct attribute {
    struct text name;
    struct text value;
};

struct activity_event {
    struct text name; /* "app_visit", "miles_walked" … */
    int64_t value;    /* in thousandths of the activity's unit */
    const struct attribute *attributes;
    size_t attribute_count;
};

struct redemption_event {
    struct text redemption_id;
    struct text reward;
    int64_t points;
    struct text currency; /* point currency; empty: the program's first */
    struct text order_id;
};

struct adjustment_event {
    int64_t points; /* signed */
    struct text currency;
    struct text reason;
    struct text actor;
};

struct member_event {
    struct text zone;
    struct text language;
    struct text birthday; /* YYYY-MM-DD or empty */
    const struct text *segments;
    size_t segment_count;
    bool consent;
    struct text chosen_currency;
    struct text merged_into;
    const struct attribute *attributes;
    size_t attribute_count;
};

struct timer_event {
    struct text obligation;
    int64_t due_at;
};

struct event {
    enum event_type type;
    enum event_kind kind;
    struct text id;
    struct text source;
    struct text program_id; /* empty in the bytes: "default" */
    struct text partner_id; /* may be empty */
    struct text member_id;
    int64_t occurred_at;
    union {
        struct order_event order;
        struct review_event review;
        struct share_event share;
        struct referral_event referral;
        struct activity_event activity;
        struct redemption_event redemption;
        struct adjustment_event adjustment;
        struct member_event member;
        struct timer_event timer;
    };
};

/* "order", "review" …: the names of topics' schemas and of program files. */
const char *event_type_name(enum event_type type);

/* "paid", "approved" …; "unknown" for KIND_UNKNOWN. */
const char *event_kind_name(enum event_kind kind);

/* "facebook", "other" … */
const char *share_network_name(enum share_network network);

#endif
