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
    bool differs; /* what was decided again is not what the ledger has */
    size_t shown;
};

/* Writes one event's explanation, or what a preview tells of it. */
void explaining_show(struct explaining *explaining, const struct explained *explained);

/* --ledger, --entry, --input: what rests on the ledger. ERR_USAGE where it does not have what was asked for. */
enum err_code explain_ledger(struct explaining *explaining, struct err *err);

#endif
