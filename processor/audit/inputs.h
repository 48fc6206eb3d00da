#ifndef POINTS_AUDIT_INPUTS_H
#define POINTS_AUDIT_INPUTS_H

#include "audit/findings.h"
#include "ops/offsets_read.h"

/* The input partitions with K, below which every output must stand on its topic. */

struct audit_input {
    const char *topic;
    int32_t partition;
    int32_t topic_no;
    int64_t published; /* K; 0: nothing is judged here */
};

struct audit_inputs {
    struct audit_input *items;
    size_t count;
};

enum { INPUT_NONE = -1 };

/* Of the partitions that the ledger knows. Where K is missing or not signed although something was applied, that is a
 * finding, and nothing is judged there: an unsigned K was set by somebody who does not know what was published. */
void inputs_from_offsets(const struct offsets *offsets, struct arena *arena, struct audit_inputs *out,
                         struct findings *findings);

/* The place of the partition; INPUT_NONE where it is none of ours: of an earlier incarnation of the topic, whose K is
 * gone, or of a topic that is not read any more. */
int inputs_find(const struct audit_inputs *inputs, int32_t topic_no, int32_t partition);

#endif
