#ifndef POINTS_RULES_RECORD_H
#define POINTS_RULES_RECORD_H

#include "base/err.h"
#include "rules/event.h"
#include "rules/scratch.h"

/* Records: what a member's state keeps about one thing (an order, a product reviewed, a content shared, a referral), so
 * that it counts once and can be taken back. Bytes, version 2:
 *
 *   u8 2, u8 form, then
 *   order: natural flags and image, count decisions: natural kind, natural version, signed at; text currency, text
 *          partner, natural revision, natural discount, natural refunded amount, natural nth; with IMAGE_TERMS: natural
 *          shipping, natural points used, text channel, text coupon; with IMAGE_TIER: text tier; count lines: text key,
 *          natural quantity, natural net, natural refunded quantity, with IMAGE_PRICE: natural discount, with
 *          IMAGE_TAX: natural tax, with IMAGE_ITEM: text sku, text category, count labels; grants
 *   once:  natural undone, text partner; grants, each followed by signed at
 *   grants: count: natural (place of the rule * 8 + 4 where a network follows + 2 where it was cut + 1 where a version
 *           follows), natural version, natural points, natural cut, natural network; sorted by version and rule
 */

enum { RECORD_VERSION = 2, FORM_ORDER = 1, FORM_ONCE = 2, FORM_REDEMPTION = 3 /* rules/redemption_record.h */ };

/* What one rule granted. The rule is named by its place in that version's file, which never changes. */
struct grant {
    int64_t version;
    size_t rule;
    int64_t points;   /* minor units still granted; 0 once taken back */
    int64_t wanted;   /* before limits cut it; at least points */
    int64_t at;       /* when the event occurred that granted; of orders: the decision's */
    uint32_t network; /* of shares: 1 + the network that earned it; else 0 */
};

struct grants {
    struct grant *items; /* sorted by version and rule */
    size_t count;
    size_t capacity;
};

/* Which parts of an order its record keeps, beyond what every record does: what the program's rules read. */
enum order_image {
    IMAGE_PRICE = 1, /* lines' discounts, from which their prices follow */
    IMAGE_TAX = 2,
    IMAGE_ITEM = 4,  /* lines' skus, categories, labels */
    IMAGE_TERMS = 8, /* shipping, points used, channel, coupon */
    IMAGE_TIER = 16, /* the member's tier when the order was first decided */
    IMAGE_ALL = 31
};

struct line_record {
    struct text key;  /* line id, else sku */
    int64_t quantity; /* 0: a refund of this line came, the line itself has not */
    int64_t net;      /* quantity * unit price - discount */
    int64_t refunded; /* quantity that came back; may be more than was ordered */
    int64_t discount;
    int64_t tax;
    struct text sku;
    struct text category;
    const struct text *labels;
    size_t label_count;
};

/* An event of the order that rules were asked about. What it granted is computed again, whenever less or more remains,
 * by the rules of that version for that kind. */
struct order_decision {
    enum event_kind kind;
    int64_t version;
    int64_t at; /* when it occurred */
};

enum { ORDER_DECISIONS_MAX = 4 }; /* one for each kind that rules can name */

struct order_record {
    bool whole_refund;                                    /* cancelled, or refunded whole: nothing remains, for ever */
    uint32_t image;                                       /* enum order_image */
    struct order_decision decisions[ORDER_DECISIONS_MAX]; /* as they came; none: the order is not known yet */
    size_t decision_count;
    struct text currency;
    struct text partner_id;
    int64_t revision;
    int64_t discount;
    int64_t refunded_amount;
    int64_t nth; /* the member's how-manieth order it is, from 1; 0 until it is known */
    int64_t shipping;
    int64_t points_used;
    struct text channel;
    struct text coupon;
    struct text tier;
    struct line_record *lines; /* sorted by key, which is unique */
    size_t line_count;
    struct grants grants;
};

struct once_record {
    uint32_t undone; /* bits: taken back for ever; of a share by network, of other things bit 0 */
    struct text partner_id;
    struct grants grants;
};

/* True when what was ordered is known; before, a refund or a shipment may have come. */
bool order_is_known(const struct order_record *record);

/* True when an event of that kind was decided for the order. */
bool order_was_decided(const struct order_record *record, enum event_kind kind);

/* True for the record of an order. */
bool record_is_order(struct bytes bytes);
bool record_is_redemption(struct bytes bytes);

/* {NULL, 0} is a record with nothing in it. Texts are views into the bytes. ERR_BAD_STATE on bytes not written here; of
 * an order's *out is void then. */
enum err_code order_record_decode(struct bytes bytes, struct scratch *scratch, struct order_record *out,
                                  struct err *err);
enum err_code once_record_decode(struct bytes bytes, struct scratch *scratch, struct once_record *out, struct err *err);

/* The bytes are scratch. */
struct bytes order_record_encode(const struct order_record *record, struct scratch *scratch);
struct bytes once_record_encode(const struct once_record *record, struct scratch *scratch);

/* A grant at its place among the others, of no points yet; the rule has not granted before. Earlier pointers are void.
 */
struct grant *grants_add(struct grants *grants, int64_t version, size_t rule, int64_t at, struct scratch *scratch);

#endif
