#ifndef POINTS_AUDIT_LEDGER_WALK_H
#define POINTS_AUDIT_LEDGER_WALK_H

#include <libpq-fe.h>

#include "audit/ledger_check.h"
#include "base/err.h"

/* Reads all members with their entries in the order of their keys, page by page, each page in one snapshot: so a
 * member is never seen between two batches, and no snapshot is held for long. */

/* Told of each member after its entries; member is NULL where none has that key. agree: its rows do not contradict
 * one another. */
struct ledger_visitor {
    void *context;
    /* Each entry, before it is known whether the member's rows agree. The texts live until the member is told of. */
    enum err_code (*entry)(void *context, const struct ledger_row *row, struct err *err);
    enum err_code (*member)(void *context, const struct ledger_member *member, bool agree, struct err *err);
};

struct ledger_walk {
    int64_t members;
    int64_t entries;
    struct accounts accounts;
    struct arena *names; /* of the accounts */
};

/* The check's findings go to *findings. */
enum err_code ledger_walk(PGconn *connection, const struct ledger_visitor *visitor, struct findings *findings,
                          struct ledger_walk *walk, struct err *err);

void ledger_walk_release(struct ledger_walk *walk);

/* The entries of one member up to a place in the sequence; rows and texts are the arena's. */
enum err_code ledger_entries_of(PGconn *connection, struct hash16 member_key, int64_t up_to_sequence,
                                struct arena *arena, struct ledger_row **out, size_t *count, struct err *err);

#endif
