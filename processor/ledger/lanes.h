#ifndef POINTS_LEDGER_LANES_H
#define POINTS_LEDGER_LANES_H

#include "base/machine.h"
#include "base/waiting.h"
#include "ledger/folding.h"
#include "ledger/prunes.h"
#include "ledger/stage.h"

/* The inside of the ledger stage, shared by stage.c (threads and hand-over) and apply.c (one batch until it is
 * applied). A batch passes in a lane: given by decode, folded ahead by one thread, applied by the other. Two lanes in
 * turn. */

enum lane_state {
    LANE_FREE,   /* its batch is spent */
    LANE_GIVEN,  /* waits to be folded */
    LANE_FOLDED, /* or could not be; waits to be applied */
    LANE_STATE_COUNT
};

enum { LANES = 2 };

struct lane {
    struct machine machine;
    struct batch *batch;
    struct fold *fold;
    struct changes *changes; /* NULL where it was not folded ahead */
    uint64_t belief;         /* the folding's, when it was */
};

struct ledger_stage {
    const struct config *config;
    struct publisher *publisher;
    struct projection *projection;
    struct ledger_hooks hooks;
    pthread_t fold_thread;
    pthread_t apply_thread;
    atomic_bool cancel; /* cuts the ledgers' waits short */
    struct folding *folding;
    struct ledger *fold_ledger; /* the fold thread's, for reading */
    /* the apply thread's */
    struct ledger *ledger;
    bool holding;     /* the folding's lock, from a failure until the batch is applied */
    uint64_t applied; /* records of the assignment so far */
    struct prunes prunes;
    struct waiting waiting;
    /* under the lock */
    const struct assignment *assignment;
    struct lane lanes[LANES];
    unsigned give, fold, apply; /* whose turn it is */
    bool folding_now;
    bool applying_now;
    bool broken; /* a batch was not applied: none behind it may be, or its records would be passed over */
    bool quit;
    struct ledger_counts counts;
};

/* Applies the lane's batch: ERR_NONE, ERR_STOPPED when the assignment ended, ERR_OWNER_CHANGED, or a fatal code. */
enum err_code apply_lane(struct ledger_stage *stage, struct lane *lane, struct err *err);

#endif
