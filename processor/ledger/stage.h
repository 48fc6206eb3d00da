#ifndef POINTS_LEDGER_STAGE_H
#define POINTS_LEDGER_STAGE_H

#include "base/config.h"
#include "fold/batch.h"
#include "projection/projection.h"
#include "sink/publisher.h"
#include "sink/reward_avro.h"

/* The ledger stage: two threads, so that the next batch is folded over members' states while this one is written. One
 * folds, the other applies a batch in one transaction and hands what came of it to the publisher and the projection. It
 * retries what may heal, folds again on conflicts, finds the one record that the database refuses, and stops the
 * process on what only an operator can mend. */
struct ledger_stage;

struct ledger_hooks {
    void *context;
    void (*free_again)(void *context);                    /* the next batch may be offered */
    void (*owner_changed)(void *context);                 /* delivery rule 6: leave the group and join again */
    void (*failed)(void *context, const struct err *err); /* the process cannot go on */
};

struct ledger_counts {
    uint64_t batches;
    uint64_t events;
    uint64_t duplicates;
    uint64_t entries;
    uint64_t dead_letters;
    uint64_t folds_again;
};

struct ledger_stage *ledger_stage_new(const struct config *config, const struct reward_frame *frame,
                                      struct publisher *publisher, struct projection *projection,
                                      const struct ledger_hooks *hooks);

/* An assignment begins or ends. _end lets the batch under way finish for at most wait_ms, then cuts its waits short; on
 * return the stage holds nothing of the assignment. */
void ledger_stage_begin(struct ledger_stage *stage, const struct assignment *assignment);
void ledger_stage_end(struct ledger_stage *stage, int64_t wait_ms);

/* Remembers an outbox row found at assignment, for pruning. Between _begin and the first batch. */
void ledger_stage_row(struct ledger_stage *stage, struct partition *partition, int64_t to, int64_t ticket);

/* Takes the batch and gives a spent one back for the caller to clear, or returns false when one is under way, or when
 * an earlier batch of the assignment could not be applied. */
bool ledger_stage_offer(struct ledger_stage *stage, struct batch **batch);

/* Waits until no batch is under way, at most wait_ms. */
bool ledger_stage_drain(struct ledger_stage *stage, int64_t wait_ms);

struct ledger_counts ledger_stage_counts(struct ledger_stage *stage);

/* Takes NULL; returns NULL. */
struct ledger_stage *ledger_stage_free(struct ledger_stage *stage);

#endif
