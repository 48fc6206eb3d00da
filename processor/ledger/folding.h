#ifndef POINTS_LEDGER_FOLDING_H
#define POINTS_LEDGER_FOLDING_H

#include <pthread.h>

#include "fold/fold.h"
#include "ledger/ledger.h"

/* What batches are folded with: the programs, the cache of states, and whether keys are looked up. Two threads share it
 * under its lock: one folds the next batch while the other writes this one, believing that it will be committed. The
 * states that it expects stand in the cache, its end in partition->folded. Where the belief fails, folding_distrust
 * takes both back, and what was folded on it is folded again. The ledger's comparisons (P, epoch, versions, keys) make
 * a wrong belief harmless: it cannot commit. */
struct folding {
    pthread_mutex_t lock;
    struct cache *cache;
    struct arena *program_arena;
    struct program_set programs;
    bool programs_loaded;
    atomic_int look_up; /* batches for which event keys are looked up before deciding */
    uint64_t belief;    /* counts the failures; under the lock, written by the ledger's thread alone */
};

struct folding *folding_new(const struct config *config);
struct folding *folding_free(struct folding *folding);

/* Under the lock: folds the records with `fold`, reading through `ledger`; pending: a batch before it whose transaction
 * may not have ended, or NULL. On success the states and positions that it leads to are expected. */
enum err_code folding_run(struct folding *folding, struct ledger *ledger, struct fold *fold, struct record *records,
                          size_t count, const struct changes *pending, struct changes **out, struct err *err);

/* Under the lock: the batch being written was not committed. Forgets all expectations. */
void folding_distrust(struct folding *folding, const struct assignment *assignment);

/* Under the lock: the programs have another revision. */
void folding_reload(struct folding *folding);

/* After a batch with or without duplicates, or a collision of keys. From any thread. */
void folding_saw_duplicates(struct folding *folding, bool any);

#endif
