#include "rules/state.h"

#include <assert.h>

#include "rules/codec.h"
#include "rules/obligations.h"
#include "rules/program_model.h"
#include "rules/step.h"

enum {
    STATE_VERSION = 2,
    FLAG_HAS_SPILLED = 1,
    FLAG_ENDED = 2,
    BALANCE_BYTES_MIN = 3,
    TALLY_BYTES_MIN = 4,
    RECORD_BYTES_MIN = sizeof(struct hash16) + 1,
    SECTION_BYTES_MIN = 2,
    SHORT_LENGTH_MAX = 0x7f, /* the longest section whose length takes one byte */
    SPARE = 4                /* room for what one event is likely to add */
};

/* Numbers stand in states for ever: never change one. Records are last, so that step_needs passes over the rest. */
enum section_number {
    SECTION_BALANCES = 1,
    SECTION_TALLIES = 2,
    SECTION_LOTS = 3,
    SECTION_PENDING = 4,
    SECTION_PROFILE = 5,
    SECTION_TIER = 6,
    SECTION_LIMITS = 7,
    SECTION_IDENTITY = 8,
    SECTION_COUNTS = 9,
    SECTION_WAITING = 10,
    SECTION_RECORDS = 15
};

/* ---- reading */

static void read_balances(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    size_t count = read_count(reader, BALANCE_BYTES_MIN);
    state->balances = scratch_raw(scratch, (count + SPARE) * sizeof *state->balances);
    state->balance_capacity = count + SPARE;
    for (size_t i = 0; i < count; i++) {
        struct balance *balance = &state->balances[i];
        balance->currency = read_text(reader);
        balance->available = read_signed(reader);
        balance->lifetime = read_signed(reader);
        balance->accrued = false;
        if (i > 0 && text_compare(balance[-1].currency, balance->currency) >= 0)
            reader_fail(reader);
    }
    state->balance_count = count;
}

static int tally_compare(const struct tally *a, struct text reward_id, int64_t version)
{
    int order = text_compare(a->reward_id, reward_id);
    return order != 0 ? order : (a->version > version) - (a->version < version);
}

static void read_tallies(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    size_t count = read_count(reader, TALLY_BYTES_MIN);
    state->tallies = scratch_raw(scratch, (count + SPARE) * sizeof *state->tallies);
    state->tally_capacity = count + SPARE;
    for (size_t i = 0; i < count; i++) {
        struct tally *tally = &state->tallies[i];
        tally->reward_id = read_text(reader);
        tally->version = read_natural(reader);
        tally->count = read_natural(reader);
        tally->carry = read_signed(reader);
        if (i > 0 && tally_compare(&tally[-1], tally->reward_id, tally->version) >= 0)
            reader_fail(reader);
    }
    state->tally_count = count;
}

static void read_identity(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    identity_read(reader, scratch, &state->identity);
}

static void read_counts(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    (void)scratch;
    state->order_count = read_natural(reader);
}

static void read_records(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    (void)scratch; /* their room is made before the sections are read */
    size_t count = read_count(reader, RECORD_BYTES_MIN);
    if (count > STATE_RECORDS_MAX)
        count = (size_t)reader_fail(reader);
    for (size_t i = 0; i < count; i++) {
        state->records[i].key = read_hash16(reader);
        state->records[i].bytes = read_bytes(reader);
        if (state->records[i].bytes.len == 0)
            reader_fail(reader);
        for (size_t other = 0; other < i && !reader->bad; other++)
            if (hash16_equal(state->records[other].key, state->records[i].key))
                reader_fail(reader);
    }
    state->record_count = count;
}

/* ---- writing */

static size_t balances_size_max(const struct member_state *state)
{
    size_t size = CODEC_VARINT_MAX;
    for (size_t i = 0; i < state->balance_count; i++)
        size += state->balances[i].currency.len + 3 * CODEC_VARINT_MAX;
    return state->balance_count > 0 ? size : 0;
}

static void write_balances(struct writer *writer, const struct member_state *state)
{
    write_varint(writer, state->balance_count);
    for (size_t i = 0; i < state->balance_count; i++) {
        write_text(writer, state->balances[i].currency);
        write_signed(writer, state->balances[i].available);
        write_signed(writer, state->balances[i].lifetime);
    }
}

static size_t tallies_size_max(const struct member_state *state)
{
    size_t size = CODEC_VARINT_MAX;
    for (size_t i = 0; i < state->tally_count; i++)
        size += state->tallies[i].reward_id.len + 4 * CODEC_VARINT_MAX;
    return state->tally_count > 0 ? size : 0;
}

static void write_tallies(struct writer *writer, const struct member_state *state)
{
    write_varint(writer, state->tally_count);
    for (size_t i = 0; i < state->tally_count; i++) {
        write_text(writer, state->tallies[i].reward_id);
        write_natural(writer, state->tallies[i].version);
        write_natural(writer, state->tallies[i].count);
        write_signed(writer, state->tallies[i].carry);
    }
}

static size_t identity_size(const struct member_state *state)
{
    return identity_size_max(&state->identity);
}

static void write_identity(struct writer *writer, const struct member_state *state)
{
    identity_write(writer, &state->identity);
}

static size_t counts_size_max(const struct member_state *state)
{
    return state->order_count > 0 ? CODEC_VARINT_MAX : 0;
}

static void write_counts(struct writer *writer, const struct member_state *state)
{
    write_natural(writer, state->order_count);
}

static size_t records_size_max(const struct member_state *state)
{
    size_t size = CODEC_VARINT_MAX;
    for (size_t i = 0; i < state->record_count; i++)
        size += sizeof(struct hash16) + state->records[i].bytes.len + CODEC_VARINT_MAX;
    return state->record_count > 0 ? size : 0;
}

static void write_records(struct writer *writer, const struct member_state *state)
{
    write_varint(writer, state->record_count);
    for (size_t i = 0; i < state->record_count; i++) {
        const struct inline_record *record = &state->records[i];
        write_raw(writer, record->key.bytes, sizeof record->key.bytes);
        write_varint(writer, record->bytes.len);
        write_raw(writer, record->bytes.at, record->bytes.len);
    }
}

static void read_lots(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    lots_read(reader, scratch, &state->lots);
}

static size_t lots_most(const struct member_state *state)
{
    return lots_size_max(&state->lots);
}

static void write_lots(struct writer *writer, const struct member_state *state)
{
    lots_write(writer, &state->lots);
}

static void read_pending(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    pending_read(reader, scratch, &state->pending);
}

static size_t pending_most(const struct member_state *state)
{
    return pending_size_max(&state->pending);
}

static void write_pending(struct writer *writer, const struct member_state *state)
{
    pending_write(writer, &state->pending);
}

/* ---- sections */

/* A part of the state. size_max: of its bytes; 0 where it is empty, which is not written and reads as zeros. */
struct section {
    enum section_number number;
    void (*read)(struct reader *reader, struct scratch *scratch, struct member_state *state);
    size_t (*size_max)(const struct member_state *state);
    void (*write)(struct writer *writer, const struct member_state *state);
};

/* In order of their numbers. */
static const struct section sections[] = {
    {SECTION_BALANCES, read_balances, balances_size_max, write_balances},
    {SECTION_TALLIES, read_tallies, tallies_size_max, write_tallies},
    {SECTION_LOTS, read_lots, lots_most, write_lots},
    {SECTION_PENDING, read_pending, pending_most, write_pending},
    {SECTION_PROFILE, profile_decode, profile_size_max, profile_encode},
    {SECTION_TIER, tier_decode, tier_size_max, tier_encode},
    {SECTION_LIMITS, limits_read, limits_size_max, limits_write},
    {SECTION_IDENTITY, read_identity, identity_size, write_identity},
    {SECTION_COUNTS, read_counts, counts_size_max, write_counts},
    {SECTION_WAITING, waiting_decode, waiting_size_max, waiting_encode},
    {SECTION_RECORDS, read_records, records_size_max, write_records},
};

enum { SECTION_COUNT = sizeof sections / sizeof *sections };

static void read_sections(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    size_t at = 0;
    for (size_t left = read_count(reader, SECTION_BYTES_MIN); left > 0; left--, at++) {
        uint64_t number = read_varint(reader);
        struct reader part = reader_of(read_bytes(reader));
        while (at < SECTION_COUNT && sections[at].number != number)
            at++;
        if (at == SECTION_COUNT) { /* unknown, or out of order */
            reader_fail(reader);
            return;
        }
        sections[at].read(&part, scratch, state);
        if (part.bad || part.at != part.end || sections[at].size_max(state) == 0)
            reader_fail(reader);
    }
}

enum err_code state_decode(struct bytes bytes, struct scratch *scratch, struct member_state *out, struct err *err)
{
    static const uint8_t empty[] = {STATE_VERSION, 0, 0, 0};
    struct reader reader = reader_of(bytes.len > 0 ? bytes : (struct bytes){empty, sizeof empty});
    uint64_t version = read_varint(&reader);
    if (version != STATE_VERSION)
        return err_set(err, ERR_BAD_STATE, "a member's state begins with version %llu; this build reads %d",
                       (unsigned long long)version, STATE_VERSION);
    uint64_t flags = read_varint(&reader);
    if (flags > (FLAG_HAS_SPILLED | FLAG_ENDED))
        reader_fail(&reader);
    *out = (struct member_state){.has_spilled = flags & FLAG_HAS_SPILLED};
    out->entry_count = read_natural(&reader);
    out->records = scratch_raw(scratch, (STATE_RECORDS_MAX + 1) * sizeof *out->records);
    read_sections(&reader, scratch, out);
    if (!reader.bad && !state_lots_agree(out))
        reader_fail(&reader);
    if (((flags & FLAG_ENDED) != 0) != (out->identity.ending != ENDING_NONE))
        reader_fail(&reader);
    if (reader.bad || reader.at != reader.end)
        return err_set(err, ERR_BAD_STATE, "a member's state of %zu bytes is not well-formed", bytes.len);
    return ERR_NONE;
}

/* The length stands before the section and is known behind it: most take one byte, the others are moved. */
static void write_section(struct writer *writer, const struct section *section, const struct member_state *state)
{
    write_varint(writer, section->number);
    uint8_t *begin = writer->at + 1;
    writer->at = begin;
    section->write(writer, state);
    size_t len = (size_t)(writer->at - begin);
    writer->at = begin - 1;
    if (len > SHORT_LENGTH_MAX) {
        size_t room = 1;
        for (size_t rest = len >> 7; rest > 0; rest >>= 7)
            room++;
        memmove(begin - 1 + room, begin, len);
    }
    write_varint(writer, len);
    writer->at += len;
}

struct bytes state_encode(const struct member_state *state, struct scratch *scratch)
{
    assert(state->record_count <= STATE_RECORDS_MAX);
    size_t sizes[SECTION_COUNT], count = 0, size = 5 * CODEC_VARINT_MAX;
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        sizes[i] = sections[i].size_max(state);
        count += sizes[i] > 0;
        size += sizes[i] > 0 ? sizes[i] + 3 * CODEC_VARINT_MAX : 0;
    }
    uint8_t *at = scratch_raw(scratch, size);
    struct writer writer = {at, at + size};
    write_varint(&writer, STATE_VERSION);
    write_varint(&writer, (state->has_spilled ? FLAG_HAS_SPILLED : 0U) |
                              (state->identity.ending != ENDING_NONE ? FLAG_ENDED : 0U));
    write_natural(&writer, state->entry_count);
    write_varint(&writer, count);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (sizes[i] > 0)
            write_section(&writer, &sections[i], state);
    return (struct bytes){at, (size_t)(writer.at - at)};
}

/* ---- parts */

/* Twice the room, the same items. */
static void *grown(struct scratch *scratch, const void *items, size_t count, size_t *capacity, size_t item_size)
{
    *capacity = *capacity > 0 ? *capacity * 2 : SPARE;
    void *larger = scratch_raw(scratch, *capacity * item_size);
    if (count > 0)
        memcpy(larger, items, count * item_size);
    return larger;
}

const struct balance *state_find_balance(const struct member_state *state, struct text currency)
{
    for (size_t i = 0; i < state->balance_count; i++)
        if (text_equal(state->balances[i].currency, currency))
            return &state->balances[i];
    return NULL;
}

static struct balance *make_balance(struct member_state *state, struct text currency, struct scratch *scratch)
{
    size_t at = 0;
    while (at < state->balance_count && text_compare(state->balances[at].currency, currency) < 0)
        at++;
    if (state->balance_count == state->balance_capacity)
        state->balances =
            grown(scratch, state->balances, state->balance_count, &state->balance_capacity, sizeof *state->balances);
    memmove(&state->balances[at + 1], &state->balances[at], (state->balance_count - at) * sizeof *state->balances);
    state->balances[at] = (struct balance){.currency = currency};
    state->balance_count++;
    return &state->balances[at];
}

struct balance *state_balance(struct member_state *state, struct text currency, struct scratch *scratch)
{
    for (size_t i = 0; i < state->balance_count; i++)
        if (text_equal(state->balances[i].currency, currency))
            return &state->balances[i];
    return make_balance(state, currency, scratch);
}

bool state_lots_agree(const struct member_state *state)
{
    for (size_t i = 0; i < state->lots.count; i++) {
        struct text currency = state->lots.items[i].currency;
        if (i > 0 && text_equal(state->lots.items[i - 1].currency, currency))
            continue; /* they are sorted by it */
        const struct balance *balance = state_find_balance(state, currency);
        if (!balance || lots_sum(&state->lots, currency) > balance->available)
            return false;
    }
    return true;
}

struct tally *state_tally(struct member_state *state, struct text reward_id, int64_t version, struct scratch *scratch)
{
    size_t at = 0;
    for (; at < state->tally_count; at++) {
        int order = tally_compare(&state->tallies[at], reward_id, version);
        if (order == 0)
            return &state->tallies[at];
        if (order > 0)
            break;
    }
    if (state->tally_count == state->tally_capacity)
        state->tallies =
            grown(scratch, state->tallies, state->tally_count, &state->tally_capacity, sizeof *state->tallies);
    memmove(&state->tallies[at + 1], &state->tallies[at], (state->tally_count - at) * sizeof *state->tallies);
    state->tallies[at] = (struct tally){.reward_id = reward_id, .version = version};
    state->tally_count++;
    return &state->tallies[at];
}

static size_t record_place(const struct member_state *state, struct hash16 key)
{
    for (size_t i = 0; i < state->record_count; i++)
        if (hash16_equal(state->records[i].key, key))
            return i;
    return PLACE_NONE;
}

struct bytes state_record(const struct member_state *state, struct hash16 key)
{
    size_t at = record_place(state, key);
    return at == PLACE_NONE ? (struct bytes){NULL, 0} : state->records[at].bytes;
}

static void remove_record(struct member_state *state, size_t at)
{
    assert(at < state->record_count);
    state->record_count--;
    memmove(&state->records[at], &state->records[at + 1], (state->record_count - at) * sizeof *state->records);
}

void state_put_record(struct member_state *state, struct hash16 key, struct bytes bytes)
{
    assert(bytes.len > 0);
    size_t at = record_place(state, key);
    if (at != PLACE_NONE)
        remove_record(state, at);
    assert(state->record_count <= STATE_RECORDS_MAX);
    state->records[state->record_count++] = (struct inline_record){key, bytes};
}

bool state_replace_record(struct member_state *state, struct hash16 key, struct bytes bytes)
{
    size_t at = record_place(state, key);
    if (at == PLACE_NONE)
        return false;
    state->records[at].bytes = bytes;
    return true;
}

void state_clear(struct member_state *state)
{
    *state = (struct member_state){.entry_count = state->entry_count,
                                   .balances = state->balances,
                                   .balance_count = state->balance_count,
                                   .balance_capacity = state->balance_capacity,
                                   .records = state->records};
}

bool state_is_crowded(const struct member_state *state)
{
    size_t bytes = 0;
    for (size_t i = 0; i < state->record_count; i++)
        bytes += state->records[i].bytes.len;
    return state->record_count > STATE_RECORDS_MAX || bytes > STATE_RECORD_BYTES_MAX;
}

struct inline_record state_spill(struct member_state *state, size_t at)
{
    assert(at < state->record_count);
    struct inline_record spilled = state->records[at];
    remove_record(state, at);
    state->has_spilled = true;
    return spilled;
}

/* ---- readers of states */

bool step_has_spilled(struct bytes state)
{
    struct reader reader = reader_of(state);
    return read_varint(&reader) == STATE_VERSION && (read_varint(&reader) & FLAG_HAS_SPILLED);
}

static struct bytes section_of(struct bytes state, enum section_number number)
{
    struct bytes found = {NULL, 0};
    struct reader reader = reader_of(state);
    read_varint(&reader);
    read_varint(&reader);
    read_natural(&reader);
    for (size_t left = read_count(&reader, SECTION_BYTES_MIN); left > 0; left--) {
        bool here = read_varint(&reader) == number;
        struct bytes section = read_bytes(&reader);
        found = here ? section : found;
    }
    return found;
}

struct text state_merged_into(struct bytes state)
{
    struct reader reader = reader_of(state);
    if (read_varint(&reader) != STATE_VERSION || !(read_varint(&reader) & FLAG_ENDED))
        return (struct text){NULL, 0};
    reader = reader_of(section_of(state, SECTION_IDENTITY));
    return read_varint(&reader) == ENDING_MERGED ? read_text(&reader) : (struct text){NULL, 0};
}

/* waiting.c has the form. */
static size_t waiting_keys(struct reader reader, struct hash16 *out)
{
    size_t count = 0;
    for (size_t left = read_count(&reader, sizeof *out); left > 0; left--) {
        read_signed(&reader);
        out[count++] = read_hash16(&reader);
        for (int texts = 0; texts < 4; texts++)
            read_bytes(&reader);
    }
    return reader.bad ? 0 : count;
}

static size_t inline_keys(struct reader reader, struct hash16 *out)
{
    size_t count = 0;
    for (size_t left = read_count(&reader, RECORD_BYTES_MIN); left > 0; left--) {
        out[count++] = read_hash16(&reader);
        read_bytes(&reader);
    }
    return reader.bad ? 0 : count;
}

size_t step_record_keys(struct bytes state, struct arena *arena, struct hash16 **out)
{
    struct hash16 *keys = arena_array(arena, state.len / sizeof *keys + 1, sizeof *keys);
    size_t count = waiting_keys(reader_of(section_of(state, SECTION_WAITING)), keys);
    count += inline_keys(reader_of(section_of(state, SECTION_RECORDS)), keys + count);
    *out = keys;
    return count;
}

bool step_needs(struct bytes state, struct hash16 subject_key)
{
    if (!step_has_spilled(state))
        return false;
    struct reader reader = reader_of(section_of(state, SECTION_RECORDS));
    for (size_t left = read_count(&reader, RECORD_BYTES_MIN); left > 0; left--) {
        struct hash16 key = read_hash16(&reader);
        read_bytes(&reader);
        if (!reader.bad && hash16_equal(key, subject_key))
            return false;
    }
    return true;
}

enum err_code step_erased(struct bytes state, struct arena *arena, struct bytes *out, struct err *err)
{
    struct member_state decoded;
    struct scratch scratch;
    scratch_open(&scratch, arena);
    enum err_code code = state_decode(state, &scratch, &decoded, err);
    if (code)
        return code;
    state_clear(&decoded);
    decoded.identity.ending = ENDING_ERASED;
    *out = arena_bytes(arena, state_encode(&decoded, &scratch));
    return ERR_NONE;
}

enum err_code state_summarise(struct bytes state, struct arena *arena, struct state_summary *out, struct err *err)
{
    struct member_state decoded;
    struct scratch scratch;
    scratch_open(&scratch, arena);
    enum err_code code = state_decode(state, &scratch, &decoded, err);
    if (code)
        return code;
    struct state_balance *balances = arena_array(arena, decoded.balance_count, sizeof *balances);
    for (size_t i = 0; i < decoded.balance_count; i++)
        balances[i] = (struct state_balance){.currency = decoded.balances[i].currency,
                                             .available = decoded.balances[i].available,
                                             .lifetime = decoded.balances[i].lifetime,
                                             .pending = pending_sum(&decoded.pending, decoded.balances[i].currency)};
    struct state_tier *tier = NULL;
    if (decoded.tier) {
        tier = arena_alloc(arena, sizeof *tier);
        *tier = (struct state_tier){decoded.tier->level, decoded.tier->due_at};
    }
    *out = (struct state_summary){.balances = balances,
                                  .tier = tier,
                                  .balance_count = decoded.balance_count,
                                  .entry_count = decoded.entry_count,
                                  .due_at = obligations_next(&decoded),
                                  .erased = decoded.identity.ending == ENDING_ERASED,
                                  .merged_into = decoded.identity.merged_into};
    return ERR_NONE;
}
