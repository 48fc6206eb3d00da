#include "rules/order_lines.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/program_model.h"
#include "rules/shown.h"

__extension__ typedef unsigned __int128 wide;

enum { FEW_LINES = 16 };

static enum err_code bad_line(struct err *err, size_t line, const char *field, int64_t value, const char *expected)
{
    return err_set(err, ERR_BAD_EVENT, "order.lines[%zu].%s is %lld; %s", line, field, (long long)value, expected);
}

static enum err_code check_line(const struct order_line *line, size_t at, int64_t *net, struct err *err)
{
    if (line->quantity < 1)
        return bad_line(err, at, "quantity", line->quantity, "it must be at least 1");
    if (line->unit_price < 0)
        return bad_line(err, at, "unit_price", line->unit_price, "it must not be negative");
    if (line->discount < 0)
        return bad_line(err, at, "discount", line->discount, "it must not be negative");
    int64_t gross = 0;
    if (!checked_mul(line->quantity, line->unit_price, &gross))
        return err_set(err, ERR_OVERFLOW, "order.lines[%zu]: quantity %lld times unit_price %lld does not fit", at,
                       (long long)line->quantity, (long long)line->unit_price);
    if (line->discount > gross)
        return bad_line(err, at, "discount", line->discount, "it is more than the line costs");
    *net = gross - line->discount;
    return ERR_NONE;
}

enum err_code order_check(const struct order_event *order, struct err *err)
{
    if (order->revision < 0)
        return err_set(err, ERR_BAD_EVENT, "order.revision is %lld; it must not be negative",
                       (long long)order->revision);
    if (order->discount < 0)
        return err_set(err, ERR_BAD_EVENT, "order.discount is %lld; it must not be negative",
                       (long long)order->discount);
    int64_t sum = 0;
    for (size_t i = 0; i < order->line_count; i++) {
        int64_t net = 0;
        enum err_code code = check_line(&order->lines[i], i, &net, err);
        if (code)
            return code;
        if (!checked_add(sum, net, &sum))
            return err_set(err, ERR_OVERFLOW, "order.lines: their sum does not fit at line %zu", i);
    }
    if (order->discount > sum)
        return err_set(err, ERR_BAD_EVENT, "order.discount is %lld; the lines cost %lld", (long long)order->discount,
                       (long long)sum);
    return ERR_NONE;
}

/* ---- lines in order of their keys */

static void sort_few(struct line_record *lines, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (text_compare(lines[i - 1].key, lines[i].key) <= 0)
            continue;
        struct line_record moved = lines[i];
        size_t to = i;
        for (; to > 0 && text_compare(lines[to - 1].key, moved.key) > 0; to--)
            lines[to] = lines[to - 1];
        lines[to] = moved;
    }
}

/* Two sorted neighbours become one, through the spare room. */
static void merge(struct line_record *lines, size_t middle, size_t count, struct line_record *spare)
{
    memcpy(spare, lines, middle * sizeof *lines);
    size_t left = 0;
    size_t right = middle;
    for (size_t to = 0; left < middle; to++) {
        assert(to <= right);
        bool take_right = right < count && text_compare(lines[right].key, spare[left].key) < 0;
        lines[to] = take_right ? lines[right++] : spare[left++];
    }
}

/* Merge sort, so that hostile orders of many lines cost no more than others. */
static void sort_lines(struct line_record *lines, size_t count, struct scratch *scratch)
{
    for (size_t at = 0; at < count; at += FEW_LINES)
        sort_few(lines + at, count - at < FEW_LINES ? count - at : FEW_LINES);
    if (count <= FEW_LINES)
        return;
    struct line_record *spare = scratch_raw(scratch, count * sizeof *spare);
    for (size_t width = FEW_LINES; width < count; width *= 2)
        for (size_t at = 0; at + width < count; at += 2 * width)
            merge(lines + at, width, count - at < 2 * width ? count - at : 2 * width, spare);
}

/* Of two lines with one key the first says what the thing is. */
static bool add_line(struct line_record *into, const struct line_record *line)
{
    if (into->quantity == 0) {
        into->sku = line->sku;
        into->category = line->category;
        into->labels = line->labels;
        into->label_count = line->label_count;
    }
    int64_t gross;
    return checked_add(into->quantity, line->quantity, &into->quantity) &&
           checked_add(into->net, line->net, &into->net) &&
           checked_add(into->discount, line->discount, &into->discount) &&
           checked_add(into->net, into->discount, &gross) && checked_add(into->tax, line->tax, &into->tax) &&
           checked_add(into->refunded, line->refunded, &into->refunded);
}

/* Sorts, and adds up lines with the same key. */
static enum err_code combine(struct order_record *record, struct line_record *lines, size_t count,
                             struct scratch *scratch, struct err *err)
{
    sort_lines(lines, count, scratch);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct line_record *last = kept > 0 ? &lines[kept - 1] : NULL;
        if (!last || !text_equal(last->key, lines[i].key)) {
            if (kept < i)
                lines[kept] = lines[i];
            kept++;
            continue;
        }
        if (!add_line(last, &lines[i]))
            return err_set(err, ERR_OVERFLOW, "order.lines: the numbers of line %.*s do not fit together",
                           SHOWN(last->key));
    }
    record->lines = lines;
    record->line_count = kept;
    return ERR_NONE;
}

static struct text line_key(const struct order_line *line)
{
    return line->line_id.len > 0 ? line->line_id : line->sku;
}

/* What the image leaves out stays zero, so that a record reads back as it was written. */
static void record_line(const struct order_line *line, uint32_t image, struct line_record *out)
{
    bool items = image & IMAGE_ITEM;
    out->key = line_key(line);
    out->quantity = line->quantity;
    out->net = line->quantity * line->unit_price - line->discount;
    out->refunded = 0;
    out->discount = image & IMAGE_PRICE ? line->discount : 0;
    out->tax = image & IMAGE_TAX ? line->tax : 0;
    out->sku = items ? line->sku : (struct text){NULL, 0};
    out->category = items ? line->category : (struct text){NULL, 0};
    out->labels = items ? line->labels : NULL;
    out->label_count = items ? line->label_count : 0;
}

enum err_code order_lines_replace(struct order_record *record, const struct order_event *order, struct scratch *scratch,
                                  struct err *err)
{
    struct line_record *lines = scratch_raw(scratch, (order->line_count + record->line_count) * sizeof *lines);
    size_t count = 0;
    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];
        assert(line->quantity > 0 && line->discount <= line->quantity * line->unit_price);
        record_line(line, record->image, &lines[count++]);
    }
    for (size_t i = 0; i < record->line_count; i++)
        if (record->lines[i].refunded > 0)
            lines[count++] = (struct line_record){.key = record->lines[i].key, .refunded = record->lines[i].refunded};
    record->discount = order->discount;
    if (record->image & IMAGE_TERMS) {
        record->shipping = order->shipping;
        record->points_used = order->points_used;
        record->channel = order->channel;
        record->coupon = order->coupon;
    }
    return combine(record, lines, count, scratch, err);
}

static const struct line_record *find_line(const struct order_record *record, struct text key)
{
    size_t low = 0;
    size_t high = record->line_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(key, record->lines[middle].key);
        if (order == 0)
            return &record->lines[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

enum err_code order_lines_refund(struct order_record *record, const struct order_event *refund, struct scratch *scratch,
                                 struct err *err)
{
    struct line_record *lines = scratch_raw(scratch, (refund->line_count + record->line_count) * sizeof *lines);
    if (record->line_count > 0)
        memcpy(lines, record->lines, record->line_count * sizeof *lines);
    for (size_t i = 0; i < refund->line_count; i++) {
        const struct order_line *line = &refund->lines[i];
        struct text key = line_key(line);
        if (line->quantity < 1)
            return bad_line(err, i, "quantity", line->quantity, "it must be at least 1");
        const struct line_record *ordered = find_line(record, key);
        if (order_is_known(record) && (!ordered || ordered->quantity == 0))
            return err_set(err, ERR_BAD_EVENT, "order.lines[%zu] is %.*s; order %.*s has no such line", i, SHOWN(key),
                           SHOWN(refund->order_id));
        lines[record->line_count + i] = (struct line_record){.key = key, .refunded = line->quantity};
    }
    return combine(record, lines, refund->line_count + record->line_count, scratch, err);
}

/* ---- what remains */

int64_t line_share_left(const struct line_record *line, int64_t amount)
{
    assert(amount >= 0 && line->refunded > 0 && line->quantity > 0);
    int64_t refunded = line->refunded < line->quantity ? line->refunded : line->quantity;
    wide back = (wide)(uint64_t)amount * (uint64_t)refunded / (uint64_t)line->quantity;
    assert(back <= (uint64_t)amount);
    return amount - (int64_t)back;
}

bool order_remaining(const struct order_record *record, int64_t *out)
{
    int64_t remaining = 0;
    if (record->whole_refund) {
        *out = 0;
        return true;
    }
    for (size_t i = 0; i < record->line_count; i++)
        if (!checked_add(remaining, line_share(&record->lines[i], record->lines[i].net), &remaining))
            return false;
    assert(record->discount >= 0 && record->refunded_amount >= 0);
    remaining -= remaining < record->discount ? remaining : record->discount;
    remaining -= remaining < record->refunded_amount ? remaining : record->refunded_amount;
    *out = remaining;
    return true;
}

bool order_is_gone(const struct order_record *record, int64_t remaining)
{
    if (record->whole_refund)
        return true;
    bool refunded = record->refunded_amount > 0;
    for (size_t i = 0; i < record->line_count && !refunded; i++)
        refunded = record->lines[i].refunded > 0 && record->lines[i].quantity > 0;
    return remaining == 0 && refunded;
}
