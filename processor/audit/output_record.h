#ifndef POINTS_AUDIT_OUTPUT_RECORD_H
#define POINTS_AUDIT_OUTPUT_RECORD_H

#include <librdkafka/rdkafka.h>

#include "audit/evidence.h"

/* A record of the rewards or the dead-letter topic as evidence. */

/* The header that an audit puts on what it published again: such a record stands out of order. */
#define REPUBLISHED_HEADER "points.republished"

struct output_record {
    struct evidence evidence;
    bool republished;
};

/* False where the record is none of ours: no id, or a value that does not say what its headers say. */
bool output_record_read(const rd_kafka_message_t *message, enum evidence_kind kind, struct output_record *out);

/* "topic_no.partition.offset.index"; false where the text is no such id. */
bool output_id_parse(struct text id, struct evidence *out);

/* The fields of a reward's bytes that both sides know; views into the value. False where they are none of ours. */
bool reward_content_read(struct bytes value, struct reward_content *out, struct text *id);

#endif
