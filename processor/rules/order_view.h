#ifndef POINTS_RULES_ORDER_VIEW_H
#define POINTS_RULES_ORDER_VIEW_H

#include "rules/program_model.h"
#include "rules/record.h"

/* An order as rules see it: what remains of it, as if that had been ordered. */

/* What remains of one line, in minor units. */
struct line_view {
    int64_t quantity;
    int64_t net;    /* after the line's discount, before what the whole order loses */
    int64_t gross;  /* before it */
    int64_t tax;    /* of left */
    int64_t refund; /* the line's share of amounts refunded */
    int64_t left;   /* net less the shares of the order's discount and of amounts refunded */
};

struct order_view {
    const struct order_record *record;
    struct scratch *scratch;
    int64_t remaining;       /* lines after all discounts and refunds */
    int64_t ordered;         /* the same before refunds; known with lines */
    bool gone;               /* refunds left nothing */
    struct line_view *lines; /* as the record's; NULL until somebody asks */
    bool has_event;          /* event is whole */
    struct event event;      /* for conditions */
};

/* What a rule counts. */
struct measure {
    int64_t basis;  /* minor units of the order's money, >= 0 */
    int64_t basket; /* the same over all lines: what minimums are held against */
    int64_t items;  /* quantity of the lines that it counts */
    bool concerned; /* some line is one that it counts */
};

/* False when the numbers do not fit. The view refers to the record. */
bool order_view_open(const struct order_record *record, struct scratch *scratch, struct order_view *out);

/* Fills in the event. */
void order_view_open_event(struct order_view *view, const struct event *cause);

/* The order as an event, for conditions: lines with one key are one line, in order of their keys; those that came back
 * are not there. cause: an event of the order, for what all its events share. whole: an expression reads it; else only
 * type, kind and time are set. It is good until the next call. */
static inline const struct event *order_view_event(struct order_view *view, const struct event *cause,
                                                   const struct order_decision *decision, bool whole)
{
    if (whole && !view->has_event)
        order_view_open_event(view, cause);
    view->event.kind = decision->kind;
    view->event.occurred_at = decision->at;
    return &view->event;
}

/* What a rule counts that looks at lines. */
bool order_view_measure_lines(struct order_view *view, const struct program *terms, const struct rule *rule,
                              size_t money, struct measure *out);

/* What the rule counts. money: the order's place in terms. False when the numbers do not fit. */
static inline bool order_view_measure(struct order_view *view, const struct program *terms, const struct rule *rule,
                                      size_t money, struct measure *out)
{
    if (!view->gone && (rule->items || rule->basis != 0 || rule->form == EARN_PER_ITEM))
        return order_view_measure_lines(view, terms, rule, money, out);
    *out = (struct measure){.basis = view->remaining, .basket = view->remaining, .concerned = !view->gone};
    return true;
}

#endif
