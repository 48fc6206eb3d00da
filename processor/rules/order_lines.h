#ifndef POINTS_RULES_ORDER_LINES_H
#define POINTS_RULES_ORDER_LINES_H

#include "rules/record.h"

/* The arithmetic of orders: what was bought, what came back, what remains. */

/* Checks the numbers of an order that was placed, paid or changed: nothing negative, no discount above what it is taken
 * off (ERR_BAD_EVENT), every sum in range (ERR_OVERFLOW). */
enum err_code order_check(const struct order_event *order, struct err *err);

/* The record's lines and terms become the order's, as far as the record's image goes. Lines with one key become one
 * line; what was refunded stays refunded. The order has passed order_check. ERR_OVERFLOW. */
enum err_code order_lines_replace(struct order_record *record, const struct order_event *order, struct scratch *scratch,
                                  struct err *err);

/* Adds the refund's lines to what came back. ERR_BAD_EVENT on quantities below 1 and, where the order is known, on a
 * line that it does not have; ERR_OVERFLOW. */
enum err_code order_lines_refund(struct order_record *record, const struct order_event *refund, struct scratch *scratch,
                                 struct err *err);

/* Of an amount >= 0 of a line of which some came back, what remains: less the share of the quantity that did, that
 * share rounded down. */
int64_t line_share_left(const struct line_record *line, int64_t amount);

/* The same of any line. */
static inline int64_t line_share(const struct line_record *line, int64_t amount)
{
    return line->refunded == 0 || line->quantity == 0 ? amount : line_share_left(line, amount);
}

/* The basis that remains, in minor units, >= 0: lines less what came back in proportion, less the order's discount and
 * amounts refunded. False on overflow. */
bool order_remaining(const struct order_record *record, int64_t *out);

/* True when refunds left nothing of it; an order that was free from the start is not gone. */
bool order_is_gone(const struct order_record *record, int64_t remaining);

#endif
