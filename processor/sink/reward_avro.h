#ifndef POINTS_SINK_REWARD_AVRO_H
#define POINTS_SINK_REWARD_AVRO_H

#include "base/arena.h"
#include "base/err.h"
#include "rules/step.h"

/* struct reward -> the Avro bytes of schemas/avro/reward.avsc, framed for the wire. */

struct reward_frame {
    uint8_t prefix[10]; /* single-object: C3 01 and the fingerprint (10 bytes); Confluent: 00 and the id (5 bytes) */
    size_t prefix_len;
};

/* What an output says beside the reward: of which member, when, and by which event or settlement. */
struct reward_context {
    struct text program_id;
    struct text member_id; /* of the reward's party */
    struct text id;        /* the output's id */
    int64_t occurred_at;
    struct text event_source;
    struct text event_id;
};

/* The single-object frame of the built-in schema. */
void reward_frame_single_object(struct reward_frame *out);

/* The Confluent frame for an id that the registry gave. */
void reward_frame_confluent(int32_t id, struct reward_frame *out);

/* The bytes are the arena's. Cannot fail: every struct reward has an encoding. */
struct bytes reward_encode(const struct reward_frame *frame, const struct reward *reward,
                           const struct reward_context *context, struct arena *arena);

/* "points.granted" …: the CloudEvents type. */
const char *reward_type_name(enum reward_type type);

/* The JSON text of the built-in reward schema, for registering it. */
struct text reward_schema_json(void);

#endif
