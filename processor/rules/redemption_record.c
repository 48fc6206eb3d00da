#include "rules/redemption_record.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/codec.h"

enum { FLAG_SPENT = 1, FLAG_CANCELLED = 2, DRAW_BYTES_MIN = 4, SECOND = 1000000 };

static void read_draws(struct reader *reader, struct scratch *scratch, struct redemption_record *record)
{
    size_t count = read_count(reader, DRAW_BYTES_MIN);
    int64_t sum = 0;
    record->draws = (struct lot_draws){scratch_raw(scratch, count * sizeof *record->draws.items), count};
    for (size_t i = 0; i < count; i++) {
        struct lot *lot = &record->draws.items[i];
        *lot = (struct lot){.currency = record->currency, .warn_at = NEVER};
        lot->partner_id = read_text(reader);
        if (!checked_mul(read_signed(reader), SECOND, &lot->end))
            reader_fail(reader);
        lot->idle = read_natural(reader);
        lot->left = read_natural(reader);
        if (lot->left == 0 || lot->idle > (int64_t)2 * EXPIRY_DAYS_MAX || !checked_add(sum, lot->left, &sum) ||
            sum > record->points)
            reader_fail(reader);
    }
}

enum err_code redemption_record_decode(struct bytes bytes, struct scratch *scratch, struct redemption_record *out,
                                       struct err *err)
{
    struct redemption_record record = {0};
    if (bytes.len == 0) {
        *out = record;
        return ERR_NONE;
    }
    struct reader reader = reader_of(bytes);
    if (read_varint(&reader) != RECORD_VERSION || read_varint(&reader) != FORM_REDEMPTION)
        reader_fail(&reader);
    uint64_t flags = read_varint(&reader);
    record.spent = flags & FLAG_SPENT;
    record.cancelled = flags & FLAG_CANCELLED;
    record.currency = read_text(&reader);
    record.partner_id = read_text(&reader);
    record.points = read_natural(&reader);
    read_draws(&reader, scratch, &record);
    if (reader.bad || reader.at != reader.end || flags == 0 || flags > (FLAG_SPENT | FLAG_CANCELLED) ||
        record.spent != (record.points > 0))
        return err_set(err, ERR_BAD_STATE, "a member's redemption record of %zu bytes is not well-formed", bytes.len);
    *out = record;
    return ERR_NONE;
}

struct bytes redemption_record_encode(const struct redemption_record *record, struct scratch *scratch)
{
    assert(record->spent || record->cancelled);
    size_t size = 7 * CODEC_VARINT_MAX + record->currency.len + record->partner_id.len;
    for (size_t i = 0; i < record->draws.count; i++)
        size += record->draws.items[i].partner_id.len + 4 * CODEC_VARINT_MAX;
    uint8_t *at = scratch_raw(scratch, size);
    struct writer writer = {at, at + size};
    write_varint(&writer, RECORD_VERSION);
    write_varint(&writer, FORM_REDEMPTION);
    write_varint(&writer, (record->spent ? FLAG_SPENT : 0U) | (record->cancelled ? FLAG_CANCELLED : 0U));
    write_text(&writer, record->currency);
    write_text(&writer, record->partner_id);
    write_natural(&writer, record->points);
    write_varint(&writer, record->draws.count);
    for (size_t i = 0; i < record->draws.count; i++) {
        const struct lot *lot = &record->draws.items[i];
        write_text(&writer, lot->partner_id);
        write_signed(&writer, lot->end / SECOND);
        write_natural(&writer, lot->idle);
        write_natural(&writer, lot->left);
    }
    return (struct bytes){at, (size_t)(writer.at - at)};
}
