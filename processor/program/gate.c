#include "base/rfc3339.h"
#include "program/parts.h"

/* When something counts: `from` and `until`. */

enum { DATE_LENGTH = 10 };

const struct shape instant_shape = {
    .kind = SHAPE_TEXT, .pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.+)?$", .example = "2026-05-01T00:00:00+02:00"};

static bool is_date(struct text text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 4 || i == 7;
        if (dash ? text.at[i] != '-' : text.at[i] < '0' || text.at[i] > '9')
            return false;
    }
    return text.len == DATE_LENGTH;
}

bool read_moment(struct loader *loader, const struct node *node, const char *what, int64_t *out)
{
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return false;
    struct text instant = node->text;
    bool utc = text_equal(loader->program->zone, TEXT("UTC"));
    if (is_date(node->text) && utc)
        instant = arena_printf(loader->arena, "%.*sT00:00:00Z", SHOWN(node->text));
    if (rfc3339_parse(instant, out))
        return true;
    if (is_date(node->text) && !utc)
        complain(loader, node, "%s is `%.*s`; outside zone UTC write the instant: %.*sT00:00:00+01:00", what,
                 SHOWN(node->text), SHOWN(node->text));
    else
        complain(loader, node, "%s is `%.*s`; expected an instant such as 2026-01-01T00:00:00Z", what,
                 SHOWN(node->text));
    return false;
}

void read_gate_from(struct loader *loader, const struct node *node, struct gate *gate)
{
    read_moment(loader, node, "from", &gate->from);
}

void read_gate_until(struct loader *loader, const struct node *node, struct gate *gate)
{
    int64_t until;
    if (!read_moment(loader, node, "until", &until))
        return;
    if (until <= gate->from)
        complain(loader, node, "until is `%.*s`; it must lie after `from`", SHOWN(node->text));
    gate->until = until;
}
