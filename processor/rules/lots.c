#include "rules/lots.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/program_model.h"

enum { LOT_BYTES_MIN = 6, SPARE = 4, SECOND = 1000000 };

/* ---- in a state */

static int lot_compare(const struct lot *a, const struct lot *b)
{
    int order = text_compare(a->currency, b->currency);
    if (order == 0)
        order = (a->end > b->end) - (a->end < b->end);
    if (order == 0)
        order = text_compare(a->partner_id, b->partner_id);
    return order ? order : (a->idle > b->idle) - (a->idle < b->idle);
}

static void read_lot(struct reader *reader, struct lot *lot)
{
    static const int64_t SECONDS_MAX = INT64_MAX / SECOND;
    lot->currency = read_text(reader);
    lot->partner_id = read_text(reader);
    int64_t end = read_signed(reader), warning = read_natural(reader);
    lot->idle = read_natural(reader);
    lot->left = read_natural(reader);
    if (end >= SECONDS_MAX || end <= -SECONDS_MAX || warning >= SECONDS_MAX || lot->left == 0 ||
        lot->idle > (int64_t)2 * EXPIRY_DAYS_MAX)
        end = warning = (int64_t)reader_fail(reader);
    lot->end = end * SECOND;
    if (warning == 0)
        lot->warn_at = NEVER;
    else if (!checked_sub(lot->end, warning * SECOND, &lot->warn_at))
        reader_fail(reader);
}

void lots_read(struct reader *reader, struct scratch *scratch, struct lots *out)
{
    size_t count = read_count(reader, LOT_BYTES_MIN);
    *out = (struct lots){scratch_raw(scratch, (count + SPARE) * sizeof *out->items), count, count + SPARE};
    for (size_t i = 0; i < count; i++) {
        read_lot(reader, &out->items[i]);
        if (i > 0 && lot_compare(&out->items[i - 1], &out->items[i]) >= 0)
            reader_fail(reader);
    }
}

size_t lots_size_max(const struct lots *lots)
{
    size_t size = CODEC_VARINT_MAX;
    for (size_t i = 0; i < lots->count; i++)
        size += lots->items[i].currency.len + lots->items[i].partner_id.len + 6 * CODEC_VARINT_MAX;
    return lots->count > 0 ? size : 0;
}

void lots_write(struct writer *writer, const struct lots *lots)
{
    write_varint(writer, lots->count);
    for (size_t i = 0; i < lots->count; i++) {
        const struct lot *lot = &lots->items[i];
        write_text(writer, lot->currency);
        write_text(writer, lot->partner_id);
        write_signed(writer, lot->end / SECOND);
        write_natural(writer, lot->warn_at == NEVER ? 0 : (lot->end - lot->warn_at) / SECOND);
        write_natural(writer, lot->idle);
        write_natural(writer, lot->left);
    }
}

/* ---- putting and taking */

int64_t lots_sum(const struct lots *lots, struct text currency)
{
    int64_t sum = 0;
    for (size_t i = 0; i < lots->count; i++)
        if (text_equal(lots->items[i].currency, currency) && !checked_add(sum, lots->items[i].left, &sum))
            return INT64_MAX; /* more than any balance: what the state says does not agree */
    return sum;
}

static void insert(struct lots *lots, size_t at, const struct lot *lot, struct scratch *scratch)
{
    if (lots->count == lots->capacity) {
        lots->capacity = lots->capacity > 0 ? 2 * lots->capacity : SPARE;
        struct lot *larger = scratch_raw(scratch, lots->capacity * sizeof *larger);
        if (lots->count > 0)
            memcpy(larger, lots->items, lots->count * sizeof *larger);
        lots->items = larger;
    }
    memmove(&lots->items[at + 1], &lots->items[at], (lots->count - at) * sizeof *lots->items);
    lots->items[at] = *lot;
    lots->count++;
}

static void remove_at(struct lots *lots, size_t at)
{
    assert(at < lots->count);
    lots->count--;
    memmove(&lots->items[at], &lots->items[at + 1], (lots->count - at) * sizeof *lots->items);
}

/* Points that end when the member is idle end together: with those that end last. */
static void join_idle(const struct lots *lots, struct lot *lot)
{
    for (size_t i = 0; lot->idle > 0 && i < lots->count; i++) {
        const struct lot *other = &lots->items[i];
        if (other->idle != lot->idle || other->end <= lot->end || !text_equal(other->currency, lot->currency))
            continue;
        lot->end = other->end;
        lot->warn_at = other->warn_at;
    }
}

struct lot lots_placed(const struct lots *lots, const struct lot *lot)
{
    struct lot placed = *lot;
    join_idle(lots, &placed);
    return placed;
}

void lots_put(struct lots *lots, const struct lot *lot, int64_t amount, struct scratch *scratch)
{
    assert(amount >= 0 && (lot->end == NEVER || lot->end % SECOND == 0));
    if (amount == 0 || lot->end == NEVER)
        return;
    struct lot put = lots_placed(lots, lot);
    put.left = amount;
    for (size_t at = 0; at < lots->count; at++) {
        int order = lot_compare(&lots->items[at], &put);
        if (order == 0) {
            assert(lots->items[at].left <= INT64_MAX - amount); /* both are part of one balance */
            lots->items[at].left += amount;
            return;
        }
        if (order > 0) {
            insert(lots, at, &put, scratch);
            return;
        }
    }
    insert(lots, lots->count, &put, scratch);
}

/* Takes at most amount from the lot at that place; true where it is used up and gone. */
static bool draw(struct lots *lots, size_t at, int64_t amount, int64_t *taken)
{
    struct lot *lot = &lots->items[at];
    *taken = lot->left < amount ? lot->left : amount;
    lot->left -= *taken;
    if (lot->left > 0)
        return false;
    remove_at(lots, at);
    return true;
}

static size_t place_of(const struct lots *lots, const struct lot *lot)
{
    for (size_t at = 0; at < lots->count; at++)
        if (lot_compare(&lots->items[at], lot) == 0)
            return at;
    return PLACE_NONE;
}

int64_t lots_take(struct lots *lots, const struct lot *lot, int64_t amount)
{
    int64_t taken = 0;
    size_t at = place_of(lots, lot);
    if (at == PLACE_NONE) { /* its end has moved since */
        struct lot moved = lots_placed(lots, lot);
        at = place_of(lots, &moved);
    }
    if (at != PLACE_NONE)
        draw(lots, at, amount, &taken);
    return taken;
}

void lots_spend(struct lots *lots, struct text currency, int64_t amount, struct scratch *scratch,
                struct lot_draws *draws)
{
    if (draws)
        *draws = (struct lot_draws){scratch_raw(scratch, lots->count * sizeof *draws->items), 0};
    for (size_t at = 0; at < lots->count && amount > 0;) {
        struct lot from = lots->items[at];
        if (!text_equal(from.currency, currency)) {
            at++;
            continue;
        }
        bool gone = draw(lots, at, amount, &from.left);
        amount -= from.left;
        if (draws)
            draws->items[draws->count++] = from;
        at += !gone;
    }
}

/* ---- idleness */

int64_t idle_of(const struct expiry *expiry)
{
    if (expiry->form != EXPIRY_IDLE)
        return 0;
    return expiry->months > 0 ? 2 * (int64_t)expiry->months + 1 : 2 * (int64_t)expiry->days;
}

struct expiry expiry_of_idle(int64_t idle)
{
    struct expiry expiry = {.form = EXPIRY_IDLE};
    if (idle & 1)
        expiry.months = (int)(idle / 2);
    else
        expiry.days = (int)(idle / 2);
    return expiry;
}

void lots_touch(struct lots *lots, struct text currency, int64_t at, const struct zone *zone,
                const struct warnings *warnings, struct scratch *scratch)
{
    for (size_t i = 0; i < lots->count;) {
        struct lot lot = lots->items[i];
        struct expiry expiry = expiry_of_idle(lot.idle);
        if (lot.idle == 0 || !text_equal(lot.currency, currency) || expiry_end(&expiry, zone, at) <= lot.end) {
            i++;
            continue;
        }
        remove_at(lots, i);
        lot.end = expiry_end(&expiry, zone, at);
        lot.warn_at = warnings_next(warnings, lot.end, at);
        lots_put(lots, &lot, lot.left, scratch); /* behind this place, and not moved again */
    }
}

/* ---- together */

void lots_merge(struct lots *lots, const struct lots *other, struct scratch *scratch)
{
    for (size_t i = 0; i < other->count; i++)
        lots_put(lots, &other->items[i], other->items[i].left, scratch);
}

int64_t lots_next_end(const struct lots *lots)
{
    int64_t next = NEVER;
    for (size_t i = 0; i < lots->count; i++)
        if (lots->items[i].end < next)
            next = lots->items[i].end;
    return next;
}

int64_t lots_next_warning(const struct lots *lots)
{
    int64_t next = NEVER;
    for (size_t i = 0; i < lots->count; i++)
        if (lots->items[i].warn_at < next)
            next = lots->items[i].warn_at;
    return next;
}
