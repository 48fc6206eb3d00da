#include "rules/unite.h"

#include "base/checked.h"
#include "rules/program_model.h"

static enum err_code overflow(struct err *err)
{
    return err_set(err, ERR_OVERFLOW, "what both accounts had of one thing does not fit together");
}

static enum err_code unite_grants(struct grants *into, const struct grants *from, struct scratch *scratch,
                                  struct err *err)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct grant *grant = &from->items[i];
        struct grant *same = NULL;
        for (size_t k = 0; k < into->count && !same; k++)
            if (into->items[k].version == grant->version && into->items[k].rule == grant->rule)
                same = &into->items[k];
        if (!same)
            *grants_add(into, grant->version, grant->rule, grant->at, scratch) = *grant;
        else if (!checked_add(same->points, grant->points, &same->points) ||
                 !checked_add(same->wanted, grant->wanted, &same->wanted))
            return overflow(err);
    }
    return ERR_NONE;
}

static enum err_code unite_once(struct bytes into, struct bytes from, struct scratch *scratch, struct bytes *out,
                                struct err *err)
{
    struct once_record both, other;
    enum err_code code = once_record_decode(into, scratch, &both, err);
    if (!code)
        code = once_record_decode(from, scratch, &other, err);
    if (code)
        return code;
    if (both.grants.count == 0)
        both.partner_id = other.partner_id;
    both.undone |= other.undone;
    code = unite_grants(&both.grants, &other.grants, scratch, err);
    if (!code)
        *out = once_record_encode(&both, scratch);
    return code;
}

/* Adds what came back of the other's lines. An order that is known has all its lines. */
static bool unite_lines(struct order_record *both, const struct order_record *other, struct scratch *scratch)
{
    struct line_record *lines = scratch_raw(scratch, (both->line_count + other->line_count) * sizeof *lines);
    size_t count = 0, a = 0, b = 0;
    while (a < both->line_count || b < other->line_count) {
        int order = a == both->line_count    ? 1
                    : b == other->line_count ? -1
                                             : text_compare(both->lines[a].key, other->lines[b].key);
        if (order > 0) {
            if (!order_is_known(both))
                lines[count++] = other->lines[b];
            b++;
            continue;
        }
        lines[count] = both->lines[a++];
        if (order == 0 && !checked_add(lines[count].refunded, other->lines[b++].refunded, &lines[count].refunded))
            return false;
        count++;
    }
    both->lines = lines;
    both->line_count = count;
    return true;
}

static void unite_decisions(struct order_record *both, const struct order_record *other)
{
    for (size_t i = 0; i < other->decision_count; i++)
        if (!order_was_decided(both, other->decisions[i].kind) && both->decision_count < ORDER_DECISIONS_MAX)
            both->decisions[both->decision_count++] = other->decisions[i];
}

static enum err_code unite_orders(struct bytes into, struct bytes from, struct scratch *scratch, struct bytes *out,
                                  struct err *err)
{
    struct order_record both, other;
    enum err_code code = order_record_decode(into, scratch, &both, err);
    if (!code)
        code = order_record_decode(from, scratch, &other, err);
    if (code)
        return code;
    if (!order_is_known(&both) && order_is_known(&other)) { /* its refund came to the account that goes on */
        struct order_record refunds = both;
        both = other;
        other = refunds;
    }
    if (other.decision_count == 0 && !text_equal(both.currency, other.currency)) { /* a refund of something else */
        *out = order_record_encode(&both, scratch);
        return ERR_NONE;
    }
    both.whole_refund |= other.whole_refund;
    unite_decisions(&both, &other);
    if (!unite_lines(&both, &other, scratch) ||
        !checked_add(both.refunded_amount, other.refunded_amount, &both.refunded_amount))
        return overflow(err);
    code = unite_grants(&both.grants, &other.grants, scratch, err);
    if (!code)
        *out = order_record_encode(&both, scratch);
    return code;
}

enum err_code records_unite(struct bytes into, struct bytes from, struct scratch *scratch, struct bytes *out,
                            struct err *err)
{
    if (into.len == 0 || from.len == 0) {
        *out = into.len > 0 ? into : from;
        return ERR_NONE;
    }
    if (record_is_redemption(into) || record_is_redemption(from)) { /* one id, two redemptions: the first stays */
        *out = into;
        return ERR_NONE;
    }
    return record_is_order(into) ? unite_orders(into, from, scratch, out, err)
                                 : unite_once(into, from, scratch, out, err);
}

enum err_code once_record_used_up(struct bytes record, struct scratch *scratch, struct bytes *out, struct err *err)
{
    struct once_record used;
    *out = record;
    if (record.len == 0)
        return ERR_NONE;
    enum err_code code = once_record_decode(record, scratch, &used, err);
    for (size_t i = 0; i < used.grants.count && !code; i++)
        used.grants.items[i].points = used.grants.items[i].wanted = 0;
    if (!code)
        *out = once_record_encode(&used, scratch);
    return code;
}
