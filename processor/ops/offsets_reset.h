#ifndef POINTS_OPS_OFFSETS_RESET_H
#define POINTS_OPS_OFFSETS_RESET_H

#include "ops/offsets_read.h"

struct reset_step {
    const struct partition_offsets *from;
    struct offsets_plan plan;
};

/* What a reset does, partition by partition; those that stand right already are left out. */
struct reset {
    struct reset_step *steps;
    size_t count;
};

/* Pure. Steps are the arena's. */
struct reset reset_plan(const struct offsets *offsets, enum offsets_target target, struct arena *arena);

/* ERR_POSITION_REFUSED, with the reason, where a step is refused or the group has members. */
enum err_code reset_check(const struct reset *reset, rd_kafka_t *client, const struct config *config, struct err *err);

/* The ledger first, in one transaction that takes the partitions from any owner; then Kafka. Stopping between the two
 * leaves an offset ahead of the ledger, at which no instance starts: run it again. */
enum err_code reset_run(const struct reset *reset, PGconn *ledger, rd_kafka_t *client, const struct config *config,
                        struct arena *arena, struct err *err);

#endif
