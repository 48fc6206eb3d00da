#include "rules/record.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/codec.h"
#include "rules/program_model.h"

enum {
    FLAG_WHOLE_REFUND = 1,
    IMAGE_SHIFT = 1,
    UNDONE_MAX = 0xffff,
    DECISION_BYTES_MIN = 3,
    LINE_BYTES_MIN = 4,
    GRANT_BYTES_MIN = 2,
    GRANT_VERSION_FOLLOWS = 1,
    GRANT_WAS_CUT = 2,
    GRANT_NETWORK_FOLLOWS = 4,
    GRANT_SHIFT = 3,
    GRANTS_SPARE = 8
};

/* Written into records: never change a number's meaning. */
static const enum event_kind decided_kinds[] = {ORDER_PLACED, ORDER_PAID, ORDER_SHIPPED, ORDER_COMPLETED};

enum { DECIDED_KINDS = sizeof decided_kinds / sizeof *decided_kinds };
_Static_assert((int)DECIDED_KINDS == (int)ORDER_DECISIONS_MAX, "an order is decided once for each kind");

static uint64_t kind_number(enum event_kind kind)
{
    uint64_t number = 0;
    while (decided_kinds[number] != kind) {
        number++;
        assert(number < DECIDED_KINDS);
    }
    return number;
}

bool order_is_known(const struct order_record *record)
{
    return record->nth > 0;
}

bool order_was_decided(const struct order_record *record, enum event_kind kind)
{
    for (size_t i = 0; i < record->decision_count; i++)
        if (record->decisions[i].kind == kind)
            return true;
    return false;
}

static bool grant_before(const struct grant *a, int64_t version, size_t rule)
{
    return a->version != version ? a->version < version : a->rule < rule;
}

static void grants_grow(struct grants *grants, struct scratch *scratch)
{
    size_t capacity = grants->capacity > 0 ? 2 * grants->capacity : GRANTS_SPARE;
    struct grant *items = scratch_raw(scratch, capacity * sizeof *items);
    if (grants->count > 0)
        memcpy(items, grants->items, grants->count * sizeof *items);
    grants->items = items;
    grants->capacity = capacity;
}

struct grant *grants_add(struct grants *grants, int64_t version, size_t rule, int64_t at, struct scratch *scratch)
{
    if (grants->count == grants->capacity)
        grants_grow(grants, scratch);
    assert(grants->count < grants->capacity);
    size_t to = grants->count++;
    for (; to > 0 && !grant_before(&grants->items[to - 1], version, rule); to--)
        grants->items[to] = grants->items[to - 1];
    struct grant *grant = &grants->items[to];
    grant->version = version;
    grant->rule = rule;
    grant->points = grant->wanted = 0;
    grant->at = at;
    grant->network = 0;
    return grant;
}

static void read_grants(struct reader *reader, struct scratch *scratch, bool with_time, struct grants *out)
{
    size_t count = read_count(reader, GRANT_BYTES_MIN);
    out->capacity = count + GRANTS_SPARE;
    out->items = scratch_raw(scratch, out->capacity * sizeof *out->items);
    out->count = count;
    int64_t version = 0;
    for (size_t i = 0; i < count; i++) {
        struct grant *grant = &out->items[i];
        uint64_t head = read_varint(reader);
        if (head & GRANT_VERSION_FOLLOWS)
            version = read_natural(reader);
        if (version == 0 || head >> GRANT_SHIFT >= PROGRAM_RULES_MAX)
            reader_fail(reader);
        *grant = (struct grant){.version = version, .rule = head >> GRANT_SHIFT, .points = read_natural(reader)};
        int64_t cut = head & GRANT_WAS_CUT ? read_natural(reader) : 0;
        uint64_t network = head & GRANT_NETWORK_FOLLOWS ? read_varint(reader) : 0;
        if (network > NETWORK_COUNT || (head & GRANT_NETWORK_FOLLOWS && network == 0))
            network = reader_fail(reader);
        grant->network = (uint32_t)network;
        grant->at = with_time ? read_signed(reader) : 0;
        if (!checked_add(grant->points, cut, &grant->wanted) || (head & GRANT_WAS_CUT && cut == 0) ||
            (i > 0 && !grant_before(&grant[-1], grant->version, grant->rule)))
            reader_fail(reader);
    }
}

static void write_grants(struct writer *writer, const struct grants *grants, bool with_time)
{
    struct writer own = *writer; /* in registers: nobody else writes meanwhile */
    write_varint(&own, grants->count);
    int64_t version = 0;
    for (size_t i = 0; i < grants->count; i++) {
        const struct grant *grant = &grants->items[i];
        int64_t cut = grant->wanted - grant->points;
        uint64_t head = grant->rule << GRANT_SHIFT | (grant->network > 0 ? GRANT_NETWORK_FOLLOWS : 0) |
                        (cut > 0 ? GRANT_WAS_CUT : 0) | (grant->version != version ? GRANT_VERSION_FOLLOWS : 0);
        version = grant->version;
        write_varint(&own, head);
        if (head & GRANT_VERSION_FOLLOWS)
            write_natural(&own, version);
        write_natural(&own, grant->points);
        if (cut > 0)
            write_natural(&own, cut);
        if (grant->network > 0)
            write_varint(&own, grant->network);
        if (with_time)
            write_signed(&own, grant->at);
    }
    *writer = own;
}

static size_t grants_size_max(const struct grants *grants)
{
    return (1 + 6 * grants->count) * CODEC_VARINT_MAX;
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

bool record_is_redemption(struct bytes bytes)
{
    struct reader reader = reader_of(bytes);
    return read_head(&reader, FORM_REDEMPTION);
}

static enum err_code check_read(const struct reader *reader, const char *what, struct bytes bytes, struct err *err)
{
    if (reader->bad || reader->at != reader->end)
        return err_set(err, ERR_BAD_STATE, "a member's %s record of %zu bytes is not well-formed", what, bytes.len);
    return ERR_NONE;
}

static void read_decisions(struct reader *reader, struct order_record *record)
{
    size_t count = read_count(reader, DECISION_BYTES_MIN);
    if (count > ORDER_DECISIONS_MAX)
        count = (size_t)reader_fail(reader);
    for (size_t i = 0; i < count; i++) {
        uint64_t number = read_varint(reader);
        if (number >= DECIDED_KINDS)
            number = reader_fail(reader);
        if (order_was_decided(record, decided_kinds[number]))
            reader_fail(reader);
        struct order_decision *decision = &record->decisions[record->decision_count++];
        *decision = (struct order_decision){.kind = decided_kinds[number], .version = read_natural(reader)};
        decision->at = read_signed(reader);
        if (decision->version == 0)
            reader_fail(reader);
    }
}

static void read_labels(struct reader *reader, struct scratch *scratch, struct line_record *line)
{
    line->label_count = read_count(reader, 1);
    if (line->label_count == 0)
        return;
    struct text *labels = scratch_raw(scratch, line->label_count * sizeof *labels);
    for (size_t i = 0; i < line->label_count; i++)
        labels[i] = read_text(reader);
    line->labels = labels;
}

static void read_lines(struct reader *reader, struct scratch *scratch, struct order_record *record)
{
    size_t count = read_count(reader, LINE_BYTES_MIN);
    record->lines = scratch_raw(scratch, count * sizeof *record->lines);
    record->line_count = count;
    for (size_t i = 0; i < count; i++) {
        struct line_record *line = &record->lines[i];
        *line = (struct line_record){.key = read_text(reader)};
        line->quantity = read_natural(reader);
        line->net = read_natural(reader);
        line->refunded = read_natural(reader);
        if (record->image & IMAGE_PRICE)
            line->discount = read_natural(reader);
        if (record->image & IMAGE_TAX)
            line->tax = read_natural(reader);
        if (record->image & IMAGE_ITEM) {
            line->sku = read_text(reader);
            line->category = read_text(reader);
            read_labels(reader, scratch, line);
        }
        if (i > 0 && text_compare(line[-1].key, line->key) >= 0)
            reader_fail(reader);
        if (line->quantity == 0 && (line->net > 0 || line->discount > 0))
            reader_fail(reader);
    }
}

static void read_terms(struct reader *reader, struct order_record *record)
{
    if (record->image & IMAGE_TERMS) {
        record->shipping = read_natural(reader);
        record->points_used = read_natural(reader);
        record->channel = read_text(reader);
        record->coupon = read_text(reader);
    }
    if (record->image & IMAGE_TIER)
        record->tier = read_text(reader);
}

enum err_code order_record_decode(struct bytes bytes, struct scratch *scratch, struct order_record *out,
                                  struct err *err)
{
    *out = (struct order_record){0};
    if (bytes.len == 0)
        return ERR_NONE;
    struct reader reader = reader_of(bytes);
    if (!read_head(&reader, FORM_ORDER))
        reader_fail(&reader);
    uint64_t flags = read_varint(&reader);
    if (flags >> IMAGE_SHIFT > IMAGE_ALL)
        flags = reader_fail(&reader);
    out->whole_refund = flags & FLAG_WHOLE_REFUND;
    out->image = (uint32_t)(flags >> IMAGE_SHIFT);
    read_decisions(&reader, out);
    out->currency = read_text(&reader);
    out->partner_id = read_text(&reader);
    out->revision = read_natural(&reader);
    out->discount = read_natural(&reader);
    out->refunded_amount = read_natural(&reader);
    out->nth = read_natural(&reader);
    read_terms(&reader, out);
    read_lines(&reader, scratch, out);
    read_grants(&reader, scratch, false, &out->grants);
    if (out->decision_count == 0 && (out->grants.count > 0 || out->image != 0 || out->nth != 0))
        reader_fail(&reader);
    return check_read(&reader, "order", bytes, err);
}

static size_t line_size_max(const struct line_record *line)
{
    size_t size = line->key.len + line->sku.len + line->category.len + 9 * CODEC_VARINT_MAX;
    for (size_t i = 0; i < line->label_count; i++)
        size += line->labels[i].len + CODEC_VARINT_MAX;
    return size;
}

static size_t order_size_max(const struct order_record *record)
{
    size_t size = (18 + 3 * ORDER_DECISIONS_MAX) * CODEC_VARINT_MAX + record->currency.len + record->partner_id.len +
                  record->channel.len + record->coupon.len + record->tier.len + grants_size_max(&record->grants);
    for (size_t i = 0; i < record->line_count; i++)
        size += line_size_max(&record->lines[i]);
    return size;
}

static void write_line(struct writer *writer, const struct line_record *line, uint32_t image)
{
    write_text(writer, line->key);
    write_natural(writer, line->quantity);
    write_natural(writer, line->net);
    write_natural(writer, line->refunded);
    if (image & IMAGE_PRICE)
        write_natural(writer, line->discount);
    if (image & IMAGE_TAX)
        write_natural(writer, line->tax);
    if (image & IMAGE_ITEM) {
        write_text(writer, line->sku);
        write_text(writer, line->category);
        write_varint(writer, line->label_count);
        for (size_t i = 0; i < line->label_count; i++)
            write_text(writer, line->labels[i]);
    }
}

static void write_terms(struct writer *writer, const struct order_record *record)
{
    if (record->image & IMAGE_TERMS) {
        write_natural(writer, record->shipping);
        write_natural(writer, record->points_used);
        write_text(writer, record->channel);
        write_text(writer, record->coupon);
    }
    if (record->image & IMAGE_TIER)
        write_text(writer, record->tier);
}

struct bytes order_record_encode(const struct order_record *record, struct scratch *scratch)
{
    assert(record->decision_count > 0 || (record->grants.count == 0 && record->image == 0 && record->nth == 0));
    size_t size = order_size_max(record);
    uint8_t *at = scratch_raw(scratch, size);
    struct writer writer = {at, at + size};
    write_varint(&writer, RECORD_VERSION);
    write_varint(&writer, FORM_ORDER);
    write_varint(&writer, (uint64_t)record->image << IMAGE_SHIFT | (record->whole_refund ? FLAG_WHOLE_REFUND : 0));
    write_varint(&writer, record->decision_count);
    for (size_t i = 0; i < record->decision_count; i++) {
        write_varint(&writer, kind_number(record->decisions[i].kind));
        write_natural(&writer, record->decisions[i].version);
        write_signed(&writer, record->decisions[i].at);
    }
    write_text(&writer, record->currency);
    write_text(&writer, record->partner_id);
    write_natural(&writer, record->revision);
    write_natural(&writer, record->discount);
    write_natural(&writer, record->refunded_amount);
    write_natural(&writer, record->nth);
    write_terms(&writer, record);
    write_varint(&writer, record->line_count);
    for (size_t i = 0; i < record->line_count; i++)
        write_line(&writer, &record->lines[i], record->image);
    struct writer last = writer; /* whose address is given away, so that the other's is not */
    write_grants(&last, &record->grants, false);
    return (struct bytes){at, (size_t)(last.at - at)};
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
    read_grants(&reader, scratch, true, &record.grants);
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
    write_grants(&writer, &record->grants, true);
    return (struct bytes){at, (size_t)(writer.at - at)};
}
