#ifndef POINTS_RULES_RECORD_H
#define POINTS_RULES_RECORD_H

#include "base/err.h"
#include "rules/event.h"
#include "rules/scratch.h"

/* Records: what a member's state keeps about one thing (an order, a product reviewed, a content shared, a referral), so
 * that it counts once and can be taken back. Bytes, version 1:
 *
 *   u8 1, u8 form, then
 *   order: natural flags, natural version, text currency, text partner, natural revision, natural discount, natural
 *          refunded amount, count lines: text key, natural quantity, natural net, natural refunded quantity; grants
 *   once:  natural undone, text partner; grants
 *   grants: count: natural (place of the rule * 2 + 1 where a version follows), natural version, natural points; sorted
 *           by version and rule
 */

/* What one rule granted. The rule is named by its place in that version's file, which never changes. */
struct grant {
    int64_t version;
    size_t rule;
    int64_t points; /* minor units still granted; 0 once taken back, or where nothing was due */
};

struct grants {
    struct grant *items; /* sorted by version and rule */
    size_t count;
    size_t capacity;
};

struct line_record {
    struct text key;  /* line id, else sku */
    int64_t quantity; /* 0: a refund of this line came, the line itself has not */
    int64_t net;      /* quantity * unit price - discount */
    int64_t refunded; /* quantity that came back; may be more than was ordered */
};

struct order_record {
    bool whole_refund; /* cancelled, or refunded whole: nothing remains, for ever */
    uint32_t kinds;    /* order_kind_bit of the kinds that have granted; 0: the order is not known yet */
    int64_t version;   /* of the program, when the order became known; 0 until then */
    struct text currency;
    struct text partner_id;
    int64_t revision;
    int64_t discount;
    int64_t refunded_amount;
    struct line_record *lines; /* sorted by key, which is unique */
    size_t line_count;
    struct grants grants;
};

struct once_record {
    uint32_t undone; /* bits: taken back for ever; of a share by network, of other things bit 0 */
    struct text partner_id;
    struct grants grants;
};

/* The bit that stands for a kind of order event in a record; 0 for kinds that no rule can name. */
uint32_t order_kind_bit(enum event_kind kind);

/* True for the record of an order. */
bool record_is_order(struct bytes bytes);

/* {NULL, 0} is a record with nothing in it. Texts are views into the bytes. ERR_BAD_STATE on bytes not written here. */
enum err_code order_record_decode(struct bytes bytes, struct scratch *scratch, struct order_record *out,
                                  struct err *err);
enum err_code once_record_decode(struct bytes bytes, struct scratch *scratch, struct once_record *out, struct err *err);

/* The bytes are scratch. */
struct bytes order_record_encode(const struct order_record *record, struct scratch *scratch);
struct bytes once_record_encode(const struct once_record *record, struct scratch *scratch);

/* At its place among the others; the rule has not granted yet. */
void grants_add(struct grants *grants, const struct grant *grant, struct scratch *scratch);

#endif
