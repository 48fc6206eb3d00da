#include "audit/output_record.h"

#include "base/hash.h"

#include "decode/cursor.h"
#include "decode/wire.h"
#include "sink/output_id.h"
#include "sink/reward_avro.h"

enum { TYPE_SYMBOL_FIRST = 1, ID_TEXT_MAX = 64 };

/* A whole number that begins at *at and ends at `end` or, where end is 0, with the text. */
static bool take_number(struct text id, size_t *at, char end, int64_t most, int64_t *out)
{
    int64_t value = 0;
    size_t begin = *at;
    for (; *at < id.len && id.at[*at] >= '0' && id.at[*at] <= '9'; (*at)++) {
        if (value > (most - (id.at[*at] - '0')) / 10)
            return false;
        value = value * 10 + (id.at[*at] - '0');
    }
    *out = value;
    if (*at == begin || end == '\0')
        return *at > begin && *at == id.len;
    return *at < id.len && id.at[(*at)++] == end;
}

bool output_id_parse(struct text id, struct evidence *out)
{
    int64_t topic_no, partition, offset, index;
    size_t at = 0;
    if (!take_number(id, &at, '.', INT32_MAX, &topic_no) || !take_number(id, &at, '.', INT32_MAX, &partition) ||
        !take_number(id, &at, '.', INT64_MAX, &offset) || !take_number(id, &at, '\0', INT32_MAX, &index))
        return false;
    out->topic_no = (int32_t)topic_no;
    out->partition = (int32_t)partition;
    out->offset = offset;
    out->index = (uint32_t)index;
    return true;
}

/* The order of schemas/avro/reward.avsc. */
static bool read_fields(struct cursor *cursor, struct reward_content *out, struct text *id)
{
    uint32_t symbol;
    int64_t balance, lifetime;
    struct text benefit, reason, source, event_id;
    bool read = cursor_text(cursor, id) && cursor_index(cursor, TYPE_SYMBOL_FIRST + REWARD_TYPE_COUNT, &symbol) &&
                symbol >= TYPE_SYMBOL_FIRST && cursor_text(cursor, &out->program_id) &&
                cursor_text(cursor, &out->partner_id) && cursor_text(cursor, &out->member_id) &&
                cursor_long(cursor, &out->occurred_at) && cursor_long(cursor, &out->amount) &&
                cursor_text(cursor, &out->currency) && cursor_long(cursor, &balance) &&
                cursor_long(cursor, &lifetime) && cursor_text(cursor, &out->rule_id) &&
                cursor_long(cursor, &out->program_version) && cursor_text(cursor, &out->subject) &&
                cursor_text(cursor, &benefit) && cursor_text(cursor, &reason) && cursor_text(cursor, &source) &&
                cursor_text(cursor, &event_id) && cursor_left(cursor) == 0;
    if (!read)
        return false;
    out->member_key = hash_member(out->program_id, out->member_id);
    out->type = text_of(reward_type_name((enum reward_type)(symbol - TYPE_SYMBOL_FIRST)));
    return true;
}

bool reward_content_read(struct bytes value, struct reward_content *out, struct text *id)
{
    struct wire_frame frame;
    if (!value.at || wire_parse(value, &frame, NULL))
        return false;
    struct cursor cursor = {frame.body.at, frame.body.at + frame.body.len};
    return read_fields(&cursor, out, id);
}

static bool header_text(const rd_kafka_headers_t *headers, const char *name, struct text *out)
{
    const void *value;
    size_t len;
    if (!headers || rd_kafka_header_get_last(headers, name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR || !value)
        return false;
    *out = (struct text){value, len};
    return true;
}

/* Warnings move nothing. */
static bool is_about_points(struct text type)
{
    static const struct text prefix = {"points.", 7}, warning = {"points.expiring", 15};
    return type.len > prefix.len && memcmp(type.at, prefix.at, prefix.len) == 0 && !text_equal(type, warning);
}

static bool read_reward(const rd_kafka_message_t *message, struct text id, struct evidence *out)
{
    struct reward_content content;
    struct text own_id;
    struct bytes value = {message->payload, message->len};
    if (!reward_content_read(value, &content, &own_id) || !text_equal(own_id, id) ||
        !text_equal(content.member_id, (struct text){message->key, message->key_len}))
        return false;
    out->needs_entry = is_about_points(content.type);
    if (!out->needs_entry) {
        content.amount = 0;
        content.currency = (struct text){NULL, 0};
    }
    out->content = evidence_reward_content(&content);
    return true;
}

static bool read_dead_letter(const rd_kafka_headers_t *headers, struct evidence *out)
{
    struct text reason;
    if (!header_text(headers, "__connect.errors.exception.class.name", &reason))
        return false;
    out->needs_entry = true;
    out->content = evidence_dead_letter_content(reason);
    return true;
}

bool output_record_read(const rd_kafka_message_t *message, enum evidence_kind kind, struct output_record *out)
{
    rd_kafka_headers_t *headers = NULL;
    struct text id, place, mark;
    struct output_record record = {
        .evidence = {
            .origin = FROM_TOPIC, .kind = kind, .place = message->offset, .out_partition = message->partition}};
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    const char *id_header = kind == EVIDENCE_REWARD ? "ce_id" : "points.output.id";
    if (!header_text(headers, id_header, &id) || id.len > ID_TEXT_MAX)
        return false;
    if (!header_text(headers, SETTLED_BY_HEADER, &place))
        place = id;
    if (!output_id_parse(place, &record.evidence))
        return false;
    bool read = kind == EVIDENCE_REWARD ? read_reward(message, id, &record.evidence)
                                        : read_dead_letter(headers, &record.evidence);
    record.republished = header_text(headers, REPUBLISHED_HEADER, &mark);
    if (read)
        *out = record;
    return read;
}
