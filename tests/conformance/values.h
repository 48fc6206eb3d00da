#ifndef POINTS_TESTS_CONFORMANCE_VALUES_H
#define POINTS_TESTS_CONFORMANCE_VALUES_H

#include "rules/cel/cel.h"
#include "textproto.h"

/* cel.expr.Value and cel.expr.Type, as the tests write them, as ours. */

/* False when it is of a kind that needs protocol buffers' messages. */
bool value_read(const struct message *message, struct arena *arena, struct cel_value *out);

/* dyn for what is not known. */
const struct cel_type *type_read(const struct message *message, struct arena *arena);

/* Equal in kind too, down to the elements: 1 is not 1u. NaN is itself. */
bool value_same(const struct cel_value *a, const struct cel_value *b);

/* For messages. */
struct text value_text(const struct cel_value *value, struct arena *arena);

#endif
