#include "sink/reward_avro.h"

#include <assert.h>
#include <stdlib.h>

#include "decode/readers.h"
#include "decode/schema.h"
#include "decode/wire.h"

/* The fields of schemas/avro/reward.avsc, in its order. Written by hand: the schema is ours and fixed at build time,
 * and a test reads every type of reward back with an Avro library. */

enum { TYPE_SYMBOL_FIRST = 1, LONG_BYTES_MAX = 10, TEXTS = 11, LONGS = 6 };

const char *reward_type_name(enum reward_type type)
{
    static const char *const names[REWARD_TYPE_COUNT] = {
        [REWARD_POINTS_GRANTED] = "points.granted",
        [REWARD_POINTS_TAKEN_BACK] = "points.taken_back",
        [REWARD_POINTS_SPENT] = "points.spent",
        [REWARD_GRANTED] = "reward.granted",
        [REWARD_VOIDED] = "reward.voided",
        [REWARD_REFERRAL_ACCEPTED] = "referral.accepted",
        [REWARD_REFERRAL_REFUSED] = "referral.refused",
        [REWARD_MEMBER_MERGED] = "member.merged",
        [REWARD_REFUND_DROPPED] = "refund.dropped",
        [REWARD_POINTS_PENDING] = "points.pending",
        [REWARD_POINTS_EXPIRING] = "points.expiring",
        [REWARD_POINTS_EXPIRED] = "points.expired",
        [REWARD_POINTS_RETURNED] = "points.returned",
        [REWARD_TIER_CHANGED] = "tier.changed",
    };
    assert((unsigned)type < REWARD_TYPE_COUNT);
    return names[type];
}

struct text reward_schema_json(void)
{
    struct text json = readers_file("avro/reward.avsc");
    assert(json.len > 0);
    return json;
}

void reward_frame_single_object(struct reward_frame *out)
{
    struct schema *schema;
    if (schema_parse(reward_schema_json(), &schema, NULL))
        abort();
    out->prefix_len = wire_head_single_object(schema->fingerprint, out->prefix);
    schema_free(schema);
}

void reward_frame_confluent(int32_t id, struct reward_frame *out)
{
    out->prefix_len = wire_head_confluent(id, out->prefix);
}

static uint8_t *put_long(uint8_t *at, int64_t value)
{
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; zigzag >= 0x80; zigzag >>= 7)
        *at++ = (uint8_t)(zigzag | 0x80);
    *at++ = (uint8_t)zigzag;
    return at;
}

static uint8_t *put_text(uint8_t *at, struct text text)
{
    at = put_long(at, (int64_t)text.len);
    bytes_copy(at, text.at, text.len);
    return at + text.len;
}

/* At least as many bytes as the encoding takes. */
static size_t bound(const struct reward_frame *frame, const struct reward *reward, const struct reward_context *context)
{
    size_t texts = context->id.len + context->program_id.len + reward->partner_id.len + context->member_id.len +
                   reward->currency.len + reward->rule_id.len + reward->subject.len + reward->benefit.len +
                   reward->reason.len + context->event_source.len + context->event_id.len;
    return frame->prefix_len + texts + (TEXTS + LONGS) * LONG_BYTES_MAX;
}

struct bytes reward_encode(const struct reward_frame *frame, const struct reward *reward,
                           const struct reward_context *context, struct arena *arena)
{
    size_t most = bound(frame, reward, context);
    uint8_t *begin = arena_raw(arena, most);
    uint8_t *at = begin;
    assert(frame->prefix_len > 0 && (unsigned)reward->type < REWARD_TYPE_COUNT);
    memcpy(at, frame->prefix, frame->prefix_len);
    at = put_text(at + frame->prefix_len, context->id);
    at = put_long(at, TYPE_SYMBOL_FIRST + (int64_t)reward->type);
    at = put_text(at, context->program_id);
    at = put_text(at, reward->partner_id);
    at = put_text(at, context->member_id);
    at = put_long(at, context->occurred_at);
    at = put_long(at, reward->amount);
    at = put_text(at, reward->currency);
    at = put_long(at, reward->balance_after);
    at = put_long(at, reward->lifetime_after);
    at = put_text(at, reward->rule_id);
    at = put_long(at, reward->program_version);
    at = put_text(at, reward->subject);
    at = put_text(at, reward->benefit);
    at = put_text(at, reward->reason);
    at = put_text(at, context->event_source);
    at = put_text(at, context->event_id);
    assert((size_t)(at - begin) <= most);
    return (struct bytes){begin, (size_t)(at - begin)};
}
