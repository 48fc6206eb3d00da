#include "rules/pending.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/codec.h"
#include "rules/program_model.h"

enum { CREDIT_BYTES_MIN = sizeof(struct hash16) + 8, SPARE = 4 };

/* Written into states: never change what a number means. */
static const enum event_kind awaited[] = {KIND_UNKNOWN, ORDER_SHIPPED, ORDER_COMPLETED};

enum { AWAITED_COUNT = sizeof awaited / sizeof *awaited };

static int credit_compare(const struct pending_credit *a, const struct pending_credit *b)
{
    if (a->due != b->due)
        return a->due < b->due ? -1 : 1;
    int order = hash16_compare(a->subject_key, b->subject_key);
    if (order == 0)
        order = (a->version > b->version) - (a->version < b->version);
    if (order == 0)
        order = (a->rule > b->rule) - (a->rule < b->rule);
    if (order == 0)
        order = (a->awaits > b->awaits) - (a->awaits < b->awaits);
    return order ? order : text_compare(a->partner_id, b->partner_id);
}

/* ---- in a state */

static void read_credit(struct reader *reader, struct pending_credit *credit)
{
    credit->subject_key = read_hash16(reader);
    credit->version = read_natural(reader);
    uint64_t rule = read_varint(reader);
    credit->subject = read_text(reader);
    credit->currency = read_text(reader);
    credit->partner_id = read_text(reader);
    uint64_t number = read_varint(reader);
    if (number >= AWAITED_COUNT || rule >= PROGRAM_RULES_MAX)
        number = rule = reader_fail(reader);
    credit->rule = (size_t)rule;
    credit->awaits = awaited[number];
    credit->due = number == 0 ? read_signed(reader) : INT64_MAX;
    credit->amount = read_natural(reader);
    if (credit->amount == 0 || (number == 0 && credit->due == INT64_MAX))
        reader_fail(reader);
}

void pending_read(struct reader *reader, struct scratch *scratch, struct pending *out)
{
    size_t count = read_count(reader, CREDIT_BYTES_MIN);
    *out = (struct pending){scratch_raw(scratch, (count + SPARE) * sizeof *out->items), count, count + SPARE};
    for (size_t i = 0; i < count; i++) {
        read_credit(reader, &out->items[i]);
        if (i > 0 && credit_compare(&out->items[i - 1], &out->items[i]) >= 0)
            reader_fail(reader);
    }
}

size_t pending_size_max(const struct pending *pending)
{
    size_t size = CODEC_VARINT_MAX;
    for (size_t i = 0; i < pending->count; i++) {
        const struct pending_credit *credit = &pending->items[i];
        size += sizeof credit->subject_key + credit->subject.len + credit->currency.len + credit->partner_id.len +
                8 * CODEC_VARINT_MAX;
    }
    return pending->count > 0 ? size : 0;
}

static uint64_t number_of(enum event_kind kind)
{
    uint64_t number = 0;
    while (awaited[number] != kind)
        number++;
    assert(number < AWAITED_COUNT);
    return number;
}

void pending_write(struct writer *writer, const struct pending *pending)
{
    write_varint(writer, pending->count);
    for (size_t i = 0; i < pending->count; i++) {
        const struct pending_credit *credit = &pending->items[i];
        write_raw(writer, credit->subject_key.bytes, sizeof credit->subject_key.bytes);
        write_natural(writer, credit->version);
        write_varint(writer, credit->rule);
        write_text(writer, credit->subject);
        write_text(writer, credit->currency);
        write_text(writer, credit->partner_id);
        write_varint(writer, number_of(credit->awaits));
        if (credit->awaits == KIND_UNKNOWN)
            write_signed(writer, credit->due);
        write_natural(writer, credit->amount);
    }
}

/* ---- adding and taking */

int64_t pending_sum(const struct pending *pending, struct text currency)
{
    int64_t sum = 0;
    for (size_t i = 0; i < pending->count; i++)
        if (text_equal(pending->items[i].currency, currency) && !checked_add(sum, pending->items[i].amount, &sum))
            return INT64_MAX;
    return sum;
}

static void insert(struct pending *pending, size_t at, const struct pending_credit *credit, struct scratch *scratch)
{
    if (pending->count == pending->capacity) {
        pending->capacity = pending->capacity > 0 ? 2 * pending->capacity : SPARE;
        struct pending_credit *larger = scratch_raw(scratch, pending->capacity * sizeof *larger);
        if (pending->count > 0)
            memcpy(larger, pending->items, pending->count * sizeof *larger);
        pending->items = larger;
    }
    memmove(&pending->items[at + 1], &pending->items[at], (pending->count - at) * sizeof *pending->items);
    pending->items[at] = *credit;
    pending->count++;
}

bool pending_add(struct pending *pending, const struct pending_credit *credit, struct scratch *scratch)
{
    int64_t sum;
    assert(credit->amount > 0 && (credit->awaits != KIND_UNKNOWN) == (credit->due == INT64_MAX));
    if (!checked_add(pending_sum(pending, credit->currency), credit->amount, &sum))
        return false;
    size_t at = 0;
    while (at < pending->count && credit_compare(&pending->items[at], credit) < 0)
        at++;
    if (at < pending->count && credit_compare(&pending->items[at], credit) == 0)
        pending->items[at].amount += credit->amount;
    else
        insert(pending, at, credit, scratch);
    return true;
}

const struct pending_credit *pending_of(const struct pending *pending, struct hash16 subject_key, int64_t version,
                                        size_t rule)
{
    for (size_t i = pending->count; i-- > 0;) {
        const struct pending_credit *credit = &pending->items[i];
        if (credit->version == version && credit->rule == rule && hash16_equal(credit->subject_key, subject_key))
            return credit;
    }
    return NULL;
}

const struct pending_credit *pending_awaiting(const struct pending *pending, struct hash16 subject_key,
                                              enum event_kind kind)
{
    for (size_t i = 0; i < pending->count && kind != KIND_UNKNOWN; i++)
        if (pending->items[i].awaits == kind && hash16_equal(pending->items[i].subject_key, subject_key))
            return &pending->items[i];
    return NULL;
}

void pending_take(struct pending *pending, size_t at, int64_t amount)
{
    assert(at < pending->count && amount > 0 && amount <= pending->items[at].amount);
    pending->items[at].amount -= amount;
    if (pending->items[at].amount > 0)
        return;
    pending->count--;
    memmove(&pending->items[at], &pending->items[at + 1], (pending->count - at) * sizeof *pending->items);
}

int64_t pending_next_due(const struct pending *pending)
{
    return pending->count > 0 ? pending->items[0].due : INT64_MAX;
}

bool pending_merge(struct pending *pending, const struct pending *other, struct scratch *scratch)
{
    bool fits = true;
    for (size_t i = 0; i < other->count && fits; i++)
        fits = pending_add(pending, &other->items[i], scratch);
    return fits;
}
