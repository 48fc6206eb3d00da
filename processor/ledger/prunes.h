#ifndef POINTS_LEDGER_PRUNES_H
#define POINTS_LEDGER_PRUNES_H

#include "ledger/ledger.h"

/* Which outbox rows may go: those below a confirmed K whose members Redis shows. A queue in order of application; used
 * by one thread. Zero-initialise. */
struct prunes {
    struct waiting_row *rows;
    size_t first;
    size_t count;
    size_t capacity;
};

struct waiting_row {
    struct partition *partition;
    int64_t to;
    int64_t ticket; /* of the projection's offer */
};

void prunes_add(struct prunes *prunes, struct partition *partition, int64_t to, int64_t ticket);

/* Takes the rows from the front that are published and projected; gives at most one bound per partition into out, which
 * has room for `most`. Stops at the first row that must wait. */
size_t prunes_take(struct prunes *prunes, int64_t projected, struct prune *out, size_t most);

/* The assignment ended. */
void prunes_clear(struct prunes *prunes);
void prunes_release(struct prunes *prunes);

#endif
