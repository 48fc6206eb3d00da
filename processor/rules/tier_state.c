#include "rules/tier_state.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/codec.h"
#include "rules/program_model.h"
#include "rules/state.h"

enum {
    FLAG_DUE = 1,
    FLAG_BIRTHDAY = 2,
    MEASURE_BYTES_MIN = 4,
    DAY_BYTES_MIN = 2,
    PURCHASE_BYTES_MIN = 5 + (int)sizeof(struct hash16),
    ENTRY_BYTES_MIN = 3,
    SPARE = 4,
    YEAR_FARTHEST = 300000, /* more than µs can name */
    DAY_FARTHEST = 366 * YEAR_FARTHEST
};

/* ---- reading */

static bool is_day(int64_t day)
{
    return day >= -DAY_FARTHEST && day <= DAY_FARTHEST;
}

static void read_days(struct reader *reader, struct scratch *scratch, struct tier_state *tier, struct text key)
{
    size_t count = read_count(reader, DAY_BYTES_MIN);
    if (tier->day_count + count > TIER_DAYS_MAX || count == 0)
        count = (size_t)reader_fail(reader);
    if (tier->day_count + count > tier->day_capacity) {
        struct tier_day *larger = scratch_raw(scratch, (tier->day_count + count + SPARE) * sizeof *larger);
        if (tier->day_count > 0)
            memcpy(larger, tier->days, tier->day_count * sizeof *larger);
        tier->days = larger;
        tier->day_capacity = tier->day_count + count + SPARE;
    }
    int64_t day = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t since = read_signed(reader);
        int64_t amount = read_signed(reader);
        if (!checked_add(day, since, &day) || (i > 0 && since <= 0) || amount == 0 || !is_day(day))
            reader_fail(reader);
        tier->days[tier->day_count++] = (struct tier_day){key, day, amount};
    }
}

static void read_measures(struct reader *reader, struct scratch *scratch, struct tier_state *tier)
{
    size_t count = read_count(reader, MEASURE_BYTES_MIN);
    struct text before = {NULL, 0};
    for (size_t i = 0; i < count && !reader->bad; i++) {
        struct text key = read_text(reader);
        if (i > 0 && text_compare(before, key) >= 0)
            reader_fail(reader);
        read_days(reader, scratch, tier, key);
        before = key;
    }
}

static int purchase_compare(const struct tier_purchase *a, const struct tier_purchase *b)
{
    int order = text_compare(a->level, b->level);
    if (order == 0)
        order = (a->at > b->at) - (a->at < b->at);
    return order != 0 ? order : memcmp(a->key.bytes, b->key.bytes, sizeof a->key.bytes);
}

static void read_purchases(struct reader *reader, struct scratch *scratch, struct tier_state *tier)
{
    size_t count = read_count(reader, PURCHASE_BYTES_MIN);
    if (count > TIER_PURCHASES_MAX)
        count = (size_t)reader_fail(reader);
    tier->purchases = scratch_raw(scratch, (TIER_PURCHASES_MAX + 1) * sizeof *tier->purchases);
    for (size_t i = 0; i < count; i++) {
        struct tier_purchase *purchase = &tier->purchases[i];
        purchase->level = read_text(reader);
        purchase->at = read_signed(reader);
        purchase->months = read_natural(reader);
        purchase->days = read_natural(reader);
        purchase->key = read_hash16(reader);
        if (i > 0 && purchase_compare(&purchase[-1], purchase) >= 0)
            reader_fail(reader);
        if (purchase->months > TIER_MONTHS_MAX || purchase->days > TIER_DURATION_DAYS_MAX)
            reader_fail(reader);
    }
    tier->purchase_count = count;
}

static void read_entries(struct reader *reader, struct scratch *scratch, struct tier_state *tier)
{
    size_t count = read_count(reader, ENTRY_BYTES_MIN);
    if (count > TIER_ENTRIES_MAX)
        count = (size_t)reader_fail(reader);
    tier->entries = scratch_raw(scratch, (TIER_ENTRIES_MAX + 1) * sizeof *tier->entries);
    for (size_t i = 0; i < count; i++) {
        struct tier_entry *entry = &tier->entries[i];
        entry->level = read_text(reader);
        entry->version = read_natural(reader);
        entry->points = read_natural(reader);
        if (i > 0 && text_compare(entry[-1].level, entry->level) >= 0)
            reader_fail(reader);
    }
    tier->entry_count = count;
}

void tier_decode(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    struct tier_state *tier = scratch_raw(scratch, sizeof *tier);
    *tier = (struct tier_state){.due_at = INT64_MAX, .birthday_at = INT64_MAX};
    uint64_t flags = read_varint(reader);
    tier->level = read_text(reader);
    tier->clock = read_signed(reader);
    tier->version = read_natural(reader);
    if (flags & FLAG_DUE)
        tier->due_at = read_signed(reader);
    if (flags & FLAG_BIRTHDAY)
        tier->birthday_at = read_signed(reader);
    bool due_wrong = (flags & FLAG_DUE) && tier->due_at == INT64_MAX;
    bool birthday_wrong = (flags & FLAG_BIRTHDAY) && tier->birthday_at == INT64_MAX;
    if (flags > (FLAG_DUE | FLAG_BIRTHDAY) || due_wrong || birthday_wrong)
        reader_fail(reader);
    tier->birthday_year = read_natural(reader);
    tier->year = read_signed(reader);
    if (tier->year < -YEAR_FARTHEST || tier->year > YEAR_FARTHEST)
        reader_fail(reader);
    tier->base = read_text(reader);
    read_measures(reader, scratch, tier);
    read_purchases(reader, scratch, tier);
    read_entries(reader, scratch, tier);
    state->tier = tier;
}

/* ---- writing */

size_t tier_size_max(const struct member_state *state)
{
    const struct tier_state *tier = state->tier;
    if (!tier)
        return 0;
    size_t size = 14 * CODEC_VARINT_MAX + tier->level.len + tier->base.len;
    for (size_t i = 0; i < tier->day_count; i++)
        size += 4 * CODEC_VARINT_MAX + tier->days[i].key.len;
    for (size_t i = 0; i < tier->purchase_count; i++)
        size += 4 * CODEC_VARINT_MAX + sizeof(struct hash16) + tier->purchases[i].level.len;
    for (size_t i = 0; i < tier->entry_count; i++)
        size += 3 * CODEC_VARINT_MAX + tier->entries[i].level.len;
    return size;
}

/* Behind the last day with the key of the first one at that place. */
static size_t end_of_key(const struct tier_state *tier, size_t at)
{
    size_t end = at + 1;
    while (end < tier->day_count && text_equal(tier->days[end].key, tier->days[at].key))
        end++;
    return end;
}

static void write_measures(struct writer *writer, const struct tier_state *tier)
{
    size_t keys = 0;
    for (size_t at = 0; at < tier->day_count; at = end_of_key(tier, at))
        keys++;
    write_varint(writer, keys);
    for (size_t at = 0; at < tier->day_count;) {
        size_t end = end_of_key(tier, at);
        int64_t day = 0;
        write_text(writer, tier->days[at].key);
        write_varint(writer, end - at);
        for (; at < end; at++) {
            write_signed(writer, tier->days[at].day - day);
            write_signed(writer, tier->days[at].amount);
            day = tier->days[at].day;
        }
    }
}

void tier_encode(struct writer *writer, const struct member_state *state)
{
    const struct tier_state *tier = state->tier;
    bool due = tier->due_at != INT64_MAX, birthday = tier->birthday_at != INT64_MAX;
    write_varint(writer, (due ? FLAG_DUE : 0u) | (birthday ? FLAG_BIRTHDAY : 0u));
    write_text(writer, tier->level);
    write_signed(writer, tier->clock);
    write_natural(writer, tier->version);
    if (due)
        write_signed(writer, tier->due_at);
    if (birthday)
        write_signed(writer, tier->birthday_at);
    write_natural(writer, tier->birthday_year);
    write_signed(writer, tier->year);
    write_text(writer, tier->base);
    write_measures(writer, tier);
    write_varint(writer, tier->purchase_count);
    for (size_t i = 0; i < tier->purchase_count; i++) {
        const struct tier_purchase *purchase = &tier->purchases[i];
        write_text(writer, purchase->level);
        write_signed(writer, purchase->at);
        write_natural(writer, purchase->months);
        write_natural(writer, purchase->days);
        write_raw(writer, purchase->key.bytes, sizeof purchase->key.bytes);
    }
    write_varint(writer, tier->entry_count);
    for (size_t i = 0; i < tier->entry_count; i++) {
        write_text(writer, tier->entries[i].level);
        write_natural(writer, tier->entries[i].version);
        write_natural(writer, tier->entries[i].points);
    }
}

/* ---- parts */

struct tier_state *tier_open(struct member_state *state, struct scratch *scratch)
{
    if (state->tier)
        return state->tier;
    struct tier_state *tier = scratch_raw(scratch, sizeof *tier);
    *tier = (struct tier_state){.clock = INT64_MIN, .due_at = INT64_MAX, .birthday_at = INT64_MAX};
    tier->purchases = scratch_raw(scratch, (TIER_PURCHASES_MAX + 1) * sizeof *tier->purchases);
    tier->entries = scratch_raw(scratch, (TIER_ENTRIES_MAX + 1) * sizeof *tier->entries);
    state->tier = tier;
    return tier;
}

static int day_compare(const struct tier_day *a, struct text key, int64_t day)
{
    int order = text_compare(a->key, key);
    return order != 0 ? order : (a->day > day) - (a->day < day);
}

static void remove_day(struct tier_state *tier, size_t at)
{
    tier->day_count--;
    memmove(&tier->days[at], &tier->days[at + 1], (tier->day_count - at) * sizeof *tier->days);
}

static void insert_day(struct tier_state *tier, size_t at, struct tier_day day, struct scratch *scratch)
{
    if (tier->day_count == tier->day_capacity) {
        tier->day_capacity = 2 * tier->day_capacity + SPARE;
        struct tier_day *larger = scratch_raw(scratch, tier->day_capacity * sizeof *larger);
        if (tier->day_count > 0)
            memcpy(larger, tier->days, tier->day_count * sizeof *larger);
        tier->days = larger;
    }
    memmove(&tier->days[at + 1], &tier->days[at], (tier->day_count - at) * sizeof *tier->days);
    tier->days[at] = day;
    tier->day_count++;
}

static void forget_oldest(struct tier_state *tier)
{
    int64_t oldest = INT64_MAX;
    for (size_t i = 0; i < tier->day_count; i++)
        oldest = tier->days[i].day < oldest ? tier->days[i].day : oldest;
    tier_forget_days(tier, oldest + 1);
}

bool tier_add(struct tier_state *tier, struct text key, int64_t day, int64_t amount, struct scratch *scratch)
{
    if (amount == 0)
        return true;
    if (tier->day_count == TIER_DAYS_MAX)
        forget_oldest(tier);
    size_t at = tier->day_count; /* the newest are last */
    while (at > 0 && day_compare(&tier->days[at - 1], key, day) > 0)
        at--;
    if (at == 0 || day_compare(&tier->days[at - 1], key, day) != 0) {
        insert_day(tier, at, (struct tier_day){key, day, amount}, scratch);
        return true;
    }
    struct tier_day *found = &tier->days[at - 1];
    if (!checked_add(found->amount, amount, &found->amount))
        return false;
    if (found->amount == 0)
        remove_day(tier, at - 1);
    return true;
}

void tier_forget_days(struct tier_state *tier, int64_t before)
{
    size_t kept = 0;
    for (size_t i = 0; i < tier->day_count; i++)
        if (tier->days[i].day >= before)
            tier->days[kept++] = tier->days[i];
    tier->day_count = kept;
}

int64_t tier_sum(const struct tier_state *tier, struct text key, int64_t from, int64_t before)
{
    int64_t sum = 0;
    for (size_t i = 0; i < tier->day_count; i++) {
        const struct tier_day *day = &tier->days[i];
        if (day->day < from || day->day >= before || !text_equal(day->key, key))
            continue;
        if (!checked_add(sum, day->amount, &sum))
            return day->amount > 0 ? INT64_MAX : INT64_MIN;
    }
    return sum;
}

void tier_buy(struct tier_state *tier, const struct tier_purchase *purchase)
{
    size_t at = tier->purchase_count;
    while (at > 0 && purchase_compare(&tier->purchases[at - 1], purchase) > 0)
        at--;
    if (at > 0 && purchase_compare(&tier->purchases[at - 1], purchase) == 0)
        return;
    memmove(&tier->purchases[at + 1], &tier->purchases[at], (tier->purchase_count - at) * sizeof *tier->purchases);
    tier->purchases[at] = *purchase;
    if (++tier->purchase_count <= TIER_PURCHASES_MAX)
        return;
    size_t oldest = 0;
    for (size_t i = 1; i < tier->purchase_count; i++)
        if (tier->purchases[i].at < tier->purchases[oldest].at)
            oldest = i;
    tier->purchase_count--;
    memmove(&tier->purchases[oldest], &tier->purchases[oldest + 1],
            (tier->purchase_count - oldest) * sizeof *tier->purchases);
}

bool tier_unbuy(struct tier_state *tier, struct text level, struct hash16 key)
{
    size_t kept = 0;
    for (size_t i = 0; i < tier->purchase_count; i++)
        if (!hash16_equal(tier->purchases[i].key, key) || !text_equal(tier->purchases[i].level, level))
            tier->purchases[kept++] = tier->purchases[i];
    bool found = kept < tier->purchase_count;
    tier->purchase_count = kept;
    return found;
}

struct tier_entry *tier_entered(const struct tier_state *tier, struct text level)
{
    for (size_t i = 0; i < tier->entry_count; i++)
        if (text_equal(tier->entries[i].level, level))
            return &tier->entries[i];
    return NULL;
}

void tier_unenter(struct tier_state *tier, struct tier_entry *entry)
{
    size_t at = (size_t)(entry - tier->entries);
    assert(at < tier->entry_count);
    tier->entry_count--;
    memmove(&tier->entries[at], &tier->entries[at + 1], (tier->entry_count - at) * sizeof *tier->entries);
}

void tier_enter(struct tier_state *tier, const struct tier_entry *entry)
{
    size_t at = tier->entry_count;
    assert(!tier_entered(tier, entry->level));
    while (at > 0 && text_compare(tier->entries[at - 1].level, entry->level) > 0)
        at--;
    memmove(&tier->entries[at + 1], &tier->entries[at], (tier->entry_count - at) * sizeof *tier->entries);
    tier->entries[at] = *entry;
    if (++tier->entry_count > TIER_ENTRIES_MAX)
        tier_unenter(tier, &tier->entries[at == 0 ? 1 : 0]);
}
