#include <assert.h>

#include "base/checked.h"
#include "rules/automatic.h"
#include "rules/decide.h"
#include "rules/order_lines.h"

/* Orders: grants on what remains, computed again whenever that changes, always at the terms of the grant. */

enum { SUBJECT = 0 };

static struct cause cause_of(const struct work *work, const struct order_record *record, const struct program *terms)
{
    return (struct cause){.terms = terms,
                          .partner_id = record->partner_id,
                          .subject = work->event->order.order_id,
                          .subject_key = work->input->subject_keys[SUBJECT]};
}

static enum err_code overflow(struct work *work)
{
    const struct text id = work->event->order.order_id;
    return err_set(work->err, ERR_OVERFLOW, "the numbers of order %.*s do not fit", SHOWN(id));
}

/* What rules of one version grant by. */
struct basis {
    size_t money; /* the order's currency in that version */
    int64_t remaining;
    bool gone;
};

static enum err_code basis_of(struct work *work, const struct program *terms, const struct order_record *record,
                              int64_t remaining, struct basis *out)
{
    size_t money = program_money_place(terms, record->currency);
    if (money == PLACE_NONE)
        return err_set(work->err, ERR_BAD_STATE,
                       "an order granted under version %lld is in %.*s, which it does not declare",
                       (long long)terms->version, SHOWN(record->currency));
    *out = (struct basis){money, remaining, order_is_gone(record, remaining)};
    return ERR_NONE;
}

static enum err_code points_due(struct work *work, const struct rule *rule, const struct basis *basis, int64_t *out)
{
    assert(basis->remaining >= 0);
    *out = 0;
    if (basis->gone || (rule->minimums && basis->remaining < rule->minimums[basis->money]))
        return ERR_NONE;
    if (rule->form == EARN_FIXED) {
        *out = rule->fixed;
        return ERR_NONE;
    }
    const struct rate *rate = &rule->rates[basis->money];
    if (rate->denominator > 0 && !rate_points(rate, basis->remaining, rule->rounding, out))
        return overflow(work);
    return ERR_NONE;
}

/* Each grant anew for what remains; the difference is booked. */
static enum err_code recompute_grants(struct work *work, struct member_work *member, struct order_record *record,
                                      int64_t remaining)
{
    for (size_t i = 0; i < record->grants.count; i++) {
        struct grant *grant = &record->grants.items[i];
        const struct program *terms = NULL;
        const struct rule *rule = NULL;
        struct basis basis;
        int64_t due = 0;
        enum err_code code = work_granting_rule(work, grant, &terms, &rule);
        if (!code)
            code = basis_of(work, terms, record, remaining, &basis);
        if (!code)
            code = points_due(work, rule, &basis, &due);
        if (code)
            return code;
        struct cause cause = cause_of(work, record, terms);
        if (due < grant->points)
            code = work_take_back(work, member, rule, grant->points - due, &cause);
        else if (due > grant->points)
            code = work_accrue(work, member, rule, due - grant->points, &cause);
        if (code)
            return code;
        grant->points = due;
    }
    return ERR_NONE;
}

/* After the record changed: the grants, and the rewards for purchases, follow. */
static enum err_code follow_change(struct work *work, struct member_work *member, struct order_record *record,
                                   int64_t remaining_before)
{
    assert(record->grants.count > 0);
    int64_t remaining = 0;
    if (!order_remaining(record, &remaining))
        return overflow(work);
    const struct program *terms = NULL;
    enum err_code code = recompute_grants(work, member, record, remaining);
    if (!code)
        code = work_terms(work, record->version, &terms);
    if (code)
        return code;
    struct purchase purchase = {terms, record->currency, remaining - remaining_before};
    return automatic_settle(work, member, &purchase);
}

/* The order's record, with nothing in it when the order was never heard of; its currency must be the event's. */
static enum err_code load_record(struct work *work, struct member_work *member, struct order_record *out)
{
    const struct order_event *order = &work->event->order;
    struct bytes bytes = work_record(work, member, SUBJECT);
    enum err_code code = order_record_decode(bytes, work->scratch, out, work->err);
    if (code)
        return code;
    if (bytes.len == 0) {
        out->currency = order->currency;
        out->partner_id = work->event->partner_id;
    } else if (!text_equal(out->currency, order->currency)) {
        return err_set(work->err, ERR_BAD_EVENT, "order.currency is %.*s; this order came in %.*s",
                       SHOWN(order->currency), SHOWN(out->currency));
    }
    return ERR_NONE;
}

static void store_record(struct work *work, struct member_work *member, const struct order_record *record)
{
    work_put_record(work, member, SUBJECT, order_record_encode(record, work->scratch));
}

/* ---- refunded, cancelled */

static enum err_code note_refund(struct work *work, struct order_record *record)
{
    const struct order_event *refund = &work->event->order;
    if (work->event->kind == ORDER_CANCELLED) {
        record->whole_refund = true;
        return ERR_NONE;
    }
    if (refund->refund_amount < 0)
        return err_set(work->err, ERR_BAD_EVENT, "order.refund_amount is %lld; it must not be negative",
                       (long long)refund->refund_amount);
    if (refund->refund_amount > 0 && refund->line_count > 0)
        return err_set(work->err, ERR_BAD_EVENT,
                       "order.refund_amount is %lld beside %zu lines; a refund has one of them",
                       (long long)refund->refund_amount, refund->line_count);
    if (refund->line_count > 0)
        return order_lines_refund(record, refund, work->scratch, work->err);
    if (refund->refund_amount == 0)
        record->whole_refund = true;
    else if (!checked_add(record->refunded_amount, refund->refund_amount, &record->refunded_amount))
        return overflow(work);
    return ERR_NONE;
}

static enum err_code undo_order(struct work *work)
{
    struct member_work *member = &work->members[0];
    struct order_record record;
    int64_t before = 0;
    enum err_code code = load_record(work, member, &record);
    if (!code && !order_remaining(&record, &before))
        code = overflow(work);
    if (!code)
        code = note_refund(work, &record);
    if (code)
        return code;
    if (record.kinds == 0)
        work->waiting = true;
    else
        code = follow_change(work, member, &record, before);
    if (!code)
        store_record(work, member, &record);
    return code;
}

/* ---- amended */

static enum err_code amend_order(struct work *work)
{
    struct member_work *member = &work->members[0];
    const struct order_event *order = &work->event->order;
    struct order_record record;
    int64_t before = 0;
    enum err_code code = order_check(order, work->err);
    if (!code)
        code = load_record(work, member, &record);
    if (code || record.kinds == 0 || order->revision <= record.revision)
        return code;
    if (!order_remaining(&record, &before))
        return overflow(work);
    record.revision = order->revision;
    code = order_lines_replace(&record, order, work->scratch, work->err);
    if (!code)
        code = follow_change(work, member, &record, before);
    if (!code)
        store_record(work, member, &record);
    return code;
}

/* ---- placed, paid, shipped, completed */

static enum err_code grant_rule(struct work *work, struct member_work *member, struct order_record *record,
                                const struct rule *rule, const struct basis *basis)
{
    struct cause cause = cause_of(work, record, work->program);
    bool granted = false;
    int64_t due = 0;
    enum err_code code = ERR_NONE;
    if (record->kinds != 0) /* another kind has granted before */
        code = grants_have(work, &record->grants, rule, &granted);
    if (code || granted)
        return code;
    code = points_due(work, rule, basis, &due);
    if (!code && due > 0)
        code = work_accrue(work, member, rule, due, &cause);
    if (!code)
        grants_add(&record->grants, &(struct grant){work->program->version, rule->place, due}, work->scratch);
    return code;
}

static enum err_code grant_order(struct work *work)
{
    struct member_work *member = &work->members[0];
    const struct order_event *order = &work->event->order;
    struct rule_list rules = program_rules(work->program, work->event);
    struct order_record record;
    enum err_code code = rules.count > 0 || order->line_count > 0 ? order_check(order, work->err) : ERR_NONE;
    if (code || rules.count == 0)
        return code;
    code = load_record(work, member, &record);
    uint32_t kind = order_kind_bit(work->event->kind);
    assert(kind != 0);
    if (code || record.kinds & kind)
        return code;
    bool first = record.kinds == 0;
    if (first) {
        record.version = work->program->version;
        record.revision = order->revision;
        record.partner_id = work->event->partner_id;
        code = order_lines_replace(&record, order, work->scratch, work->err);
    }
    int64_t remaining = 0;
    struct basis basis;
    if (!code && !order_remaining(&record, &remaining))
        code = overflow(work);
    if (!code)
        code = basis_of(work, work->program, &record, remaining, &basis);
    for (size_t i = 0; i < rules.count && !code; i++)
        code = grant_rule(work, member, &record, rules.items[i], &basis);
    if (code)
        return code;
    record.kinds |= kind;
    store_record(work, member, &record);
    struct purchase purchase = {work->program, record.currency, first ? remaining : 0};
    return automatic_settle(work, member, &purchase);
}

enum err_code decide_order(struct work *work)
{
    const struct order_event *order = &work->event->order;
    if (program_money_place(work->program, order->currency) == PLACE_NONE)
        return err_set(work->err, ERR_UNKNOWN_CURRENCY,
                       "order.currency is %.*s; program %.*s version %lld does not declare it", SHOWN(order->currency),
                       SHOWN(work->program->id), (long long)work->program->version);
    if (order->order_id.len == 0)
        return err_set(work->err, ERR_BAD_EVENT, "order.order_id is empty");
    switch (work->event->kind) {
    case ORDER_REFUNDED:
    case ORDER_CANCELLED:
        return undo_order(work);
    case ORDER_AMENDED:
        return amend_order(work);
    case ORDER_PLACED:
    case ORDER_PAID:
    case ORDER_SHIPPED:
    case ORDER_COMPLETED:
        return grant_order(work);
    default:
        return ERR_NONE;
    }
}
