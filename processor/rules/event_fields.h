#ifndef POINTS_RULES_EVENT_FIELDS_H
#define POINTS_RULES_EVENT_FIELDS_H

#include "rules/cel/type.h"
#include "rules/event.h"

/* Events as conditions see them: a struct for each type of event, whose fields have the names of schemas/avro. A kind
 * or network is its name as a string, times are timestamps, amounts are int, in minor units of the event's currency.
 * Beyond the schema an order has `total`: the lines' prices without their discounts and the order's; no tax, no
 * shipping. An overflow there is an error value. An order is asked about as what remains of it, so it has neither the
 * id and source of one of its events nor what a single refund says.
 *
 *     struct cel_variable variable = {.name = "event", .type = event_fields_type(EVENT_ORDER)};
 *     struct cel_value value = event_fields_value(event);
 */

/* Constant; bounds of lists and texts are the environment's. */
const struct cel_type *event_fields_type(enum event_type type);

/* A view of the event, which outlives it. */
struct cel_value event_fields_value(const struct event *event);

#endif
