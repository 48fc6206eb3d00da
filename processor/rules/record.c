#include "rules/record.h"

#include <assert.h>

#include "rules/codec.h"
#include "rules/program_model.h"

enum {
    RECORD_VERSION = 1,
    FORM_ORDER = 1,
    FORM_ONCE = 2,
    FLAG_WHOLE_REFUND = 1,
    KINDS_SHIFT = 1,
    KIND_BITS = 15,
    UNDONE_MAX = 0xffff,
    LINE_BYTES_MIN = 4,
    GRANT_BYTES_MIN = 2,
    GRANTS_SPARE = 8
};

/* Written into records: never change a bit's meaning. */
uint32_t order_kind_bit(enum event_kind kind)
{
    switch (kind) {
    case ORDER_PLACED:
        return 1;
    case ORDER_PAID:
        return 2;
    case ORDER_SHIPPED:
        return 4;
    case ORDER_COMPLETED:
        return 8;
    default:
        return 0;
    }
}

static bool grant_before(const struct grant *a, const struct grant *b)
{
    return a->version != b->version ? a->version < b->version : a->rule < b->rule;
}

void grants_add(struct grants *grants, const struct grant *grant, struct scratch *scratch)
{
    if (grants->count == grants->capacity) {
        size_t capacity = grants->capacity > 0 ? 2 * grants->capacity : GRANTS_SPARE;
        struct grant *items = scratch_raw(scratch, capacity * sizeof *items);
        if (grants->count > 0)
            memcpy(items, grants->items, grants->count * sizeof *items);
        grants->items = items;
        grants->capacity = capacity;
    }
    assert(grants->count < grants->capacity && grant->points >= 0);
    size_t to = grants->count++;
    for (; to > 0 && !grant_before(&grants->items[to - 1], grant); to--)
        grants->items[to] = grants->items[to - 1];
    grants->items[to].version = grant->version;
    grants->items[to].rule = grant->rule;
    grants->items[to].points = grant->points;
}

static void read_grants(struct reader *reader, struct scratch *scratch, struct grants *out)
{
    size_t count = read_count(reader, GRANT_BYTES_MIN);
    out->capacity = count + GRANTS_SPARE;
    out->items = scratch_raw(scratch, out->capacity * sizeof *out->items);
    out->count = count;
    int64_t version = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t head = read_varint(reader);
        if (head & 1)
            version = read_natural(reader);
        if (version == 0 || head / 2 >= PROGRAM_RULES_MAX)
            reader_fail(reader);
        out->items[i] = (struct grant){version, head / 2, read_natural(reader)};
        if (i > 0 && !grant_before(&out->items[i - 1], &out->items[i]))
            reader_fail(reader);
    }
}

static void write_grants(struct writer *writer, const struct grants *grants)
{
    write_varint(writer, grants->count);
    int64_t version = 0;
    for (size_t i = 0; i < grants->count; i++) {
        const struct grant *grant = &grants->items[i];
        bool other_version = grant->version != version;
        version = grant->version;
        write_varint(writer, grant->rule * 2 + other_version);
        if (other_version)
            write_natural(writer, version);
        write_natural(writer, grant->points);
    }
}

static size_t grants_size_max(const struct grants *grants)
{
    return (1 + 3 * grants->count) * CODEC_VARINT_MAX;
}

/* True when the head is that of a record of this form. */
static bool read_head(struct reader *reader, uint64_t form)
{
    return read_varint(reader) == RECORD_VERSION && read_varint(reader) == form;
}

bool record_is_order(struct bytes bytes)
{
    struct reader reader = reader_of(bytes);
    return read_head(&reader, FORM_ORDER);
}

static enum err_code check_read(const struct reader *reader, const char *what, struct bytes bytes, struct err *err)
{
    if (reader->bad || reader->at != reader->end)
        return err_set(err, ERR_BAD_STATE, "a member's %s record of %zu bytes is not well-formed", what, bytes.len);
    return ERR_NONE;
}

static void read_lines(struct reader *reader, struct scratch *scratch, struct order_record *record)
{
    size_t count = read_count(reader, LINE_BYTES_MIN);
    record->lines = scratch_raw(scratch, count * sizeof *record->lines);
    record->line_count = count;
    for (size_t i = 0; i < count; i++) {
        struct line_record *line = &record->lines[i];
        line->key = read_text(reader);
        line->quantity = read_natural(reader);
        line->net = read_natural(reader);
        line->refunded = read_natural(reader);
        if (i > 0 && text_compare(line[-1].key, line->key) >= 0)
            reader_fail(reader);
        if (line->quantity == 0 && line->net > 0)
            reader_fail(reader);
    }
}

enum err_code order_record_decode(struct bytes bytes, struct scratch *scratch, struct order_record *out,
                                  struct err *err)
{
    struct order_record record = {0};
    if (bytes.len == 0) {
        *out = record;
        return ERR_NONE;
    }
    struct reader reader = reader_of(bytes);
    if (!read_head(&reader, FORM_ORDER))
        reader_fail(&reader);
    uint64_t flags = read_varint(&reader);
    if (flags >> (KINDS_SHIFT + KIND_BITS))
        flags = reader_fail(&reader);
    record.whole_refund = flags & FLAG_WHOLE_REFUND;
    record.kinds = (uint32_t)(flags >> KINDS_SHIFT);
    record.version = read_natural(&reader);
    record.currency = read_text(&reader);
    record.partner_id = read_text(&reader);
    record.revision = read_natural(&reader);
    record.discount = read_natural(&reader);
    record.refunded_amount = read_natural(&reader);
    read_lines(&reader, scratch, &record);
    read_grants(&reader, scratch, &record.grants);
    if ((record.kinds != 0) != (record.grants.count > 0) || (record.kinds != 0) != (record.version != 0))
        reader_fail(&reader);
    enum err_code code = check_read(&reader, "order", bytes, err);
    if (!code)
        *out = record;
    return code;
}

struct bytes order_record_encode(const struct order_record *record, struct scratch *scratch)
{
    assert((record->kinds != 0) == (record->grants.count > 0));
    assert((record->kinds != 0) == (record->version != 0));
    size_t size =
        11 * CODEC_VARINT_MAX + record->currency.len + record->partner_id.len + grants_size_max(&record->grants);
    for (size_t i = 0; i < record->line_count; i++)
        size += record->lines[i].key.len + 4 * CODEC_VARINT_MAX;
    uint8_t *at = scratch_raw(scratch, size);
    struct writer writer = {at, at + size};
    write_varint(&writer, RECORD_VERSION);
    write_varint(&writer, FORM_ORDER);
    write_varint(&writer, (uint64_t)record->kinds << KINDS_SHIFT | (record->whole_refund ? FLAG_WHOLE_REFUND : 0));
    write_natural(&writer, record->version);
    write_text(&writer, record->currency);
    write_text(&writer, record->partner_id);
    write_natural(&writer, record->revision);
    write_natural(&writer, record->discount);
    write_natural(&writer, record->refunded_amount);
    write_varint(&writer, record->line_count);
    for (size_t i = 0; i < record->line_count; i++) {
        const struct line_record *line = &record->lines[i];
        write_text(&writer, line->key);
        write_natural(&writer, line->quantity);
        write_natural(&writer, line->net);
        write_natural(&writer, line->refunded);
    }
    write_grants(&writer, &record->grants);
    return (struct bytes){at, (size_t)(writer.at - at)};
}

enum err_code once_record_decode(struct bytes bytes, struct scratch *scratch, struct once_record *out, struct err *err)
{
    struct once_record record = {0};
    if (bytes.len == 0) {
        *out = record;
        return ERR_NONE;
    }
    struct reader reader = reader_of(bytes);
    if (!read_head(&reader, FORM_ONCE))
        reader_fail(&reader);
    uint64_t undone = read_varint(&reader);
    if (undone > UNDONE_MAX)
        undone = reader_fail(&reader);
    record.undone = (uint32_t)undone;
    record.partner_id = read_text(&reader);
    read_grants(&reader, scratch, &record.grants);
    enum err_code code = check_read(&reader, "once-only", bytes, err);
    if (!code)
        *out = record;
    return code;
}

struct bytes once_record_encode(const struct once_record *record, struct scratch *scratch)
{
    assert(record->undone <= UNDONE_MAX);
    size_t size = 5 * CODEC_VARINT_MAX + record->partner_id.len + grants_size_max(&record->grants);
    uint8_t *at = scratch_raw(scratch, size);
    struct writer writer = {at, at + size};
    write_varint(&writer, RECORD_VERSION);
    write_varint(&writer, FORM_ONCE);
    write_varint(&writer, record->undone);
    write_text(&writer, record->partner_id);
    write_grants(&writer, &record->grants);
    return (struct bytes){at, (size_t)(writer.at - at)};
}
