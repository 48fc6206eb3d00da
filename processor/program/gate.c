#include "program/parts.h"

/* When something counts: `from` and `until`. */

void read_gate_from(struct loader *loader, const struct node *node, struct gate *gate)
{
    read_date_time(loader, node, "from", &gate->from);
}

void read_gate_until(struct loader *loader, const struct node *node, struct gate *gate)
{
    int64_t until;
    if (!read_date_time(loader, node, "until", &until))
        return;
    if (until <= gate->from)
        complain(loader, node, "until is `%.*s`; it must lie after `from`", SHOWN(node->text));
    gate->until = until;
}
