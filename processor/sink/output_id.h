#ifndef POINTS_SINK_OUTPUT_ID_H
#define POINTS_SINK_OUTPUT_ID_H

#include "base/text.h"

enum { OUTPUT_ID_SIZE = 64 }; /* three numbers of 32 bits, one of 64, and the dots: 55 at most */

/* An output's id, "3.0.1742.1": topic number, partition, offset and index of the record that it came from. The same on
 * every replay. The text lies in the room. */
struct text output_id(int32_t topic_no, int32_t partition, int64_t offset, uint32_t index, char room[OUTPUT_ID_SIZE]);

/* The id of an output of something owed, "due.5f0c…e1.0": the settlement's key and the index among its outputs. The
 * same whichever record brought the settlement. */
struct text output_id_of_settlement(struct hash16 settlement, uint32_t index, char room[OUTPUT_ID_SIZE]);

/* Where the settlement of an output was brought by: a header beside such an id. */
#define SETTLED_BY_HEADER "points.settled.by"

/* The source that such an output names as its event's, whose id is the settlement's key. */
#define SETTLEMENT_SOURCE "/points/obligations"

#endif
