#include "rules/order_view.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/order_lines.h"
#include "rules/spread.h"

__extension__ typedef unsigned __int128 wide;

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* part of whole, of an amount, rounded down; the amount itself where there is no whole. */
static int64_t share_of(int64_t amount, int64_t part, int64_t whole)
{
    assert(amount >= 0 && part >= 0 && part <= whole);
    return whole == 0 ? amount : (int64_t)((wide)(uint64_t)amount * (uint64_t)part / (uint64_t)whole);
}

bool order_view_open(const struct order_record *record, struct scratch *scratch, struct order_view *out)
{
    out->record = record;
    out->scratch = scratch;
    out->lines = NULL;
    out->has_event = false;
    out->event.type = EVENT_ORDER;
    if (!order_remaining(record, &out->remaining))
        return false;
    out->gone = order_is_gone(record, out->remaining);
    return true;
}

/* ---- lines */

/* By quantity alone. */
static bool open_line(const struct line_record *record, struct line_view *out)
{
    int64_t gross = 0;
    if (!checked_add(record->net, record->discount, &gross))
        return false;
    out->quantity = record->quantity - smaller(record->refunded, record->quantity);
    out->net = line_share(record, record->net);
    out->gross = line_share(record, gross);
    out->tax = line_share(record, record->tax);
    out->refund = 0;
    return true;
}

/* Takes what the whole order loses off its lines, in proportion. */
static void lose(struct order_view *view, int64_t amount, int64_t *weights, int64_t *shares)
{
    int64_t sum = 0;
    for (size_t i = 0; i < view->record->line_count; i++) {
        weights[i] = view->lines[i].left;
        sum += weights[i]; /* at most what order_remaining added up */
    }
    spread(smaller(amount, sum), weights, view->record->line_count, view->scratch, shares);
    for (size_t i = 0; i < view->record->line_count; i++)
        view->lines[i].left -= shares[i];
}

static bool open_lines(struct order_view *view)
{
    const struct order_record *record = view->record;
    int64_t ordered = 0;
    if (view->lines)
        return true;
    struct line_view *lines = scratch_raw(view->scratch, (record->line_count + 1) * sizeof *lines);
    int64_t *weights = scratch_raw(view->scratch, (2 * record->line_count + 1) * sizeof *weights);
    int64_t *shares = weights + record->line_count;
    for (size_t i = 0; i < record->line_count; i++) {
        if (!open_line(&record->lines[i], &lines[i]) || !checked_add(ordered, record->lines[i].net, &ordered))
            return false;
        if (record->whole_refund)
            lines[i] = (struct line_view){.quantity = 0};
        lines[i].left = lines[i].net;
    }
    view->lines = lines;
    view->ordered = ordered - smaller(ordered, record->discount);
    if (record->discount > 0)
        lose(view, record->discount, weights, shares);
    if (record->refunded_amount == 0)
        return true;
    lose(view, record->refunded_amount, weights, shares);
    for (size_t i = 0; i < record->line_count; i++) {
        lines[i].refund = shares[i];
        lines[i].tax = share_of(lines[i].tax, lines[i].left, lines[i].left + shares[i]);
    }
    return true;
}

/* ---- the order as an event */

/* A price that, times the quantity, is at least what remains; of lines that were combined it may be no line's own. */
static int64_t price_of(const struct line_view *line)
{
    return line->gross / line->quantity + (line->gross % line->quantity > 0);
}

static void show_line(const struct line_record *record, const struct line_view *line, struct order_line *out)
{
    int64_t price = 0;
    out->line_id = record->key;
    out->sku = record->sku;
    out->category = record->category;
    out->labels = record->labels;
    out->label_count = record->label_count;
    out->quantity = line->quantity;
    out->unit_price = price_of(line);
    out->tax = line->tax;
    if (!checked_mul(out->quantity, out->unit_price, &price)) { /* rounding up left the range */
        out->unit_price = line->gross / line->quantity;
        price = out->quantity * out->unit_price;
    }
    out->discount = price > line->net ? price - line->net : 0;
}

void order_view_open_event(struct order_view *view, const struct event *cause)
{
    const struct order_record *record = view->record;
    bool fits = open_lines(view);
    assert(fits); /* order_check added the same numbers up */
    (void)fits;
    struct order_line *lines = scratch_raw(view->scratch, (record->line_count + 1) * sizeof *lines);
    size_t count = 0;
    int64_t net = 0;
    for (size_t i = 0; i < record->line_count; i++) {
        if (view->lines[i].quantity == 0)
            continue;
        show_line(&record->lines[i], &view->lines[i], &lines[count++]);
        net += view->lines[i].net;
    }
    assert(net >= view->remaining);
    view->event = (struct event){.type = EVENT_ORDER,
                                 .program_id = cause->program_id,
                                 .partner_id = record->partner_id,
                                 .member_id = cause->member_id,
                                 .order = {.order_id = cause->order.order_id,
                                           .revision = record->revision,
                                           .currency = record->currency,
                                           .lines = lines,
                                           .line_count = count,
                                           .shipping = view->gone ? 0 : record->shipping,
                                           .discount = net - view->remaining,
                                           .points_used = record->points_used,
                                           .channel = record->channel,
                                           .coupon = record->coupon}};
    view->has_event = true;
}

/* ---- what a rule counts */

static bool is_listed(const struct item_list *list, const struct line_record *line)
{
    if (text_set_has(&list->skus, line->sku) || text_set_has(&list->categories, line->category))
        return true;
    for (size_t i = 0; i < line->label_count && list->labels.count > 0; i++)
        if (text_set_has(&list->labels, line->labels[i]))
            return true;
    return false;
}

static bool counts_line(const struct item_filter *items, const struct line_record *line)
{
    if (!items)
        return true;
    return (!items->only.names_any || is_listed(&items->only, line)) && !is_listed(&items->except, line);
}

static bool add_line(const struct line_view *line, unsigned basis, int64_t *sum)
{
    int64_t value = basis & BASIS_BEFORE_DISCOUNTS ? line->gross - line->refund : line->left;
    return checked_add(*sum, value, sum) && (!(basis & BASIS_TAX) || checked_add(*sum, line->tax, sum));
}

/* Points that paid for the order, in money, as far as what is counted remains. */
static bool paid_by_points(const struct order_view *view, const struct program *terms, size_t money, int64_t counted,
                           int64_t *out)
{
    const struct rate *worth = &terms->points[0].worth[money];
    int64_t paid = 0;
    *out = 0;
    if (worth->denominator == 0 || view->ordered == 0)
        return true;
    if (!rate_points(worth, view->record->points_used, FRACTION_ONE, ROUNDING_DOWN, &paid))
        return false;
    *out = share_of(paid, smaller(counted, view->ordered), view->ordered);
    return true;
}

/* What stands beside the lines: shipping added, points used taken off. counted: the lines' own sum. */
static bool finish_basis(const struct order_view *view, const struct program *terms, unsigned basis, size_t money,
                         int64_t counted, int64_t *sum)
{
    int64_t paid = 0;
    if (basis & BASIS_SHIPPING && !view->gone && !checked_add(*sum, view->record->shipping, sum))
        return false;
    if (basis & BASIS_LESS_POINTS && !paid_by_points(view, terms, money, counted, &paid))
        return false;
    *sum -= smaller(*sum, paid);
    return true;
}

bool order_view_measure_lines(struct order_view *view, const struct program *terms, const struct rule *rule,
                              size_t money, struct measure *out)
{
    if (!open_lines(view))
        return false;
    int64_t counted = 0;
    *out = (struct measure){.concerned = !rule->items};
    for (size_t i = 0; i < view->record->line_count; i++) {
        const struct line_view *line = &view->lines[i];
        if (!add_line(line, rule->basis, &out->basket))
            return false;
        if (line->quantity == 0 || !counts_line(rule->items, &view->record->lines[i]))
            continue;
        out->concerned = true;
        counted += line->left;
        if (!add_line(line, rule->basis, &out->basis) || !checked_add(out->items, line->quantity, &out->items))
            return false;
    }
    return finish_basis(view, terms, rule->basis, money, counted, &out->basis) &&
           finish_basis(view, terms, rule->basis, money, view->remaining, &out->basket);
}
