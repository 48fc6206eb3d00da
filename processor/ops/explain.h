#ifndef POINTS_OPS_EXPLAIN_H
#define POINTS_OPS_EXPLAIN_H

#include <jansson.h>

#include "explain/explain.h"
#include "ops/command.h"

/* One call of `points explain`. */
struct explaining {
    const struct invocation *invocation;
    struct arena *arena;
    json_t *list; /* of what was shown, with --json */
    bool preview;
    bool refused; /* an event of a preview */
    size_t shown;
};

/* Writes one event's explanation, or what a preview tells of it. */
void explaining_show(struct explaining *explaining, const struct explained *explained);

#endif
