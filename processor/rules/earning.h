#ifndef POINTS_RULES_EARNING_H
#define POINTS_RULES_EARNING_H

#include "rules/order_view.h"
#include "rules/work.h"

/* How much a rule grants: its amount, multiplied, rounded once; and which of several rules that one event meets grant
 * beside each other. */

/* What a rule would grant. */
struct due {
    const struct rule *rule;
    int64_t points; /* minor units; 0: nothing */
};

/* Points of the rule of terms for an event that is no order. ERR_OVERFLOW, ERR_BAD_EVENT. */
enum err_code earning_of_event(struct work *work, const struct member_work *member, const struct rule *rule,
                               int64_t *out);

/* Points of the rule of terms for what remains of an order. money: the order's place in terms. ERR_OVERFLOW. */
enum err_code earning_of_order(struct work *work, const struct member_work *member, const struct program *terms,
                               const struct rule *rule, struct order_view *view, const struct order_decision *decision,
                               size_t money, int64_t *out);

/* Leaves what stands beside each other: dues that lose are set to 0. An exclusive due beats all others of its point
 * currency: of several the highest priority, then the most points, then the first. Of a group the most points stays,
 * then the highest priority, then the first. */
void earning_stack(const struct work *work, struct due *dues, size_t count);

#endif
