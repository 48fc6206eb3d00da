#ifndef POINTS_LEDGER_LEDGER_H
#define POINTS_LEDGER_LEDGER_H

#include <stdatomic.h>

#include "base/config.h"
#include "fold/fold.h"

/* The truth: one PostgreSQL transaction makes a whole batch durable, or none of it. One ledger per thread. */
struct ledger;

/* Does not connect yet. cancel: borrowed; when set, every wait ends with ERR_DATABASE_AWAY. */
struct ledger *ledger_new(const struct config *config, atomic_bool *cancel);
struct ledger *ledger_free(struct ledger *ledger);

/* Connects where there is no connection. Blocks at most five seconds. */
enum err_code ledger_open(struct ledger *ledger, struct err *err);

/* Reads for the fold, through this ledger's connection; each opens it where needed. */
struct fold_reader ledger_reader(struct ledger *ledger);

/* The revision of the program set as committed now, and the set itself in the arena. */
enum err_code ledger_programs(struct ledger *ledger, struct arena *arena, struct program_set *out, struct err *err);

/* A position below which a partition's outbox rows are published and projected: they are deleted on the way. */
struct prune {
    const struct partition *partition;
    int64_t below;
};

/* Applies the changes in one transaction, in the order of the delivery section: position and epoch, revision, event
 * keys, entries, states, outbox. ERR_NONE: durable. ERR_OWNER_CHANGED, ERR_REVISION, ERR_KEYS_EXIST, ERR_CONFLICT,
 * ERR_DATABASE_REFUSED, ERR_DATABASE_AWAY: nothing was done. ERR_COMMIT_UNKNOWN: ask ledger_resolve before anything
 * else. */
enum err_code ledger_apply(struct ledger *ledger, const struct changes *changes, const struct prune *prunes,
                           size_t prune_count, struct err *err);

/* Delivery rule 9. After ERR_COMMIT_UNKNOWN: *applied says whether the transaction took effect, decided by (P, epoch)
 * under the row's lock. ERR_OWNER_CHANGED when the row has another epoch: the batch is no longer ours to judge. */
enum err_code ledger_resolve(struct ledger *ledger, const struct changes *changes, bool *applied, struct err *err);

/* The batch in doubt is given up with its assignment: whoever owns the partition next waits for the row's lock when it
 * bumps the epoch, so nothing is left to know. */
void ledger_forget(struct ledger *ledger);

/* Deletes outbox rows outside a batch, when nothing arrives. */
enum err_code ledger_prune(struct ledger *ledger, const struct prune *prunes, size_t prune_count, struct err *err);

#endif
