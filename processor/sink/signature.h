#ifndef POINTS_SINK_SIGNATURE_H
#define POINTS_SINK_SIGNATURE_H

#include "base/text.h"

/* The text that we leave in the metadata of each offset we commit (delivery rule 8). An offset without it, or with that
 * of another position, was set by somebody else's tool. It guards against mistakes, not against forgery. */

enum { SIGNATURE_LENGTH = 40 }; /* "points1:" and 32 hexadecimal digits */

/* Fills out with the terminated text. */
void signature_make(struct text group, struct text topic, int32_t partition, int64_t offset,
                    char out[SIGNATURE_LENGTH + 1]);

/* metadata: as Kafka gave it; may be {NULL, 0}. */
bool signature_valid(struct text group, struct text topic, int32_t partition, int64_t offset, struct text metadata);

#endif
