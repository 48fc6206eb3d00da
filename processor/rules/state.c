#include "rules/state.h"

#include <assert.h>

#include "rules/codec.h"
#include "rules/program_model.h"
#include "rules/step.h"

enum {
    STATE_VERSION = 1,
    FLAG_HAS_SPILLED = 1,
    BALANCE_BYTES_MIN = 3,
    TALLY_BYTES_MIN = 4,
    RECORD_BYTES_MIN = sizeof(struct hash16) + 1,
    SPARE = 4 /* room for what one event is likely to add */
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

static void read_records(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    size_t count = read_count(reader, RECORD_BYTES_MIN);
    if (count > STATE_RECORDS_MAX)
        count = (size_t)reader_fail(reader);
    state->records = scratch_raw(scratch, (STATE_RECORDS_MAX + 1) * sizeof *state->records);
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

enum err_code state_decode(struct bytes bytes, struct scratch *scratch, struct member_state *out, struct err *err)
{
    static const uint8_t empty[] = {STATE_VERSION, 0, 0, 0, 0, 0};
    struct reader reader = reader_of(bytes.len > 0 ? bytes : (struct bytes){empty, sizeof empty});
    struct member_state state;
    uint64_t version = read_varint(&reader);
    if (version != STATE_VERSION)
        return err_set(err, ERR_BAD_STATE, "a member's state begins with version %llu; this build reads %d",
                       (unsigned long long)version, STATE_VERSION);
    uint64_t flags = read_varint(&reader);
    if (flags > FLAG_HAS_SPILLED)
        reader_fail(&reader);
    state.has_spilled = flags & FLAG_HAS_SPILLED;
    state.entry_count = read_natural(&reader);
    read_balances(&reader, scratch, &state);
    read_tallies(&reader, scratch, &state);
    read_records(&reader, scratch, &state);
    if (reader.bad || reader.at != reader.end)
        return err_set(err, ERR_BAD_STATE, "a member's state of %zu bytes is not well-formed", bytes.len);
    *out = state;
    return ERR_NONE;
}

/* ---- writing */

static size_t encoded_size_max(const struct member_state *state)
{
    size_t size = 6 * CODEC_VARINT_MAX;
    for (size_t i = 0; i < state->balance_count; i++)
        size += state->balances[i].currency.len + 3 * CODEC_VARINT_MAX;
    for (size_t i = 0; i < state->tally_count; i++)
        size += state->tallies[i].reward_id.len + 4 * CODEC_VARINT_MAX;
    for (size_t i = 0; i < state->record_count; i++)
        size += sizeof(struct hash16) + state->records[i].bytes.len + CODEC_VARINT_MAX;
    return size + CODEC_VARINT_MAX; /* a varint asks for its longest form */
}

struct bytes state_encode(const struct member_state *state, struct scratch *scratch)
{
    assert(state->record_count <= STATE_RECORDS_MAX);
    size_t size = encoded_size_max(state);
    uint8_t *at = scratch_raw(scratch, size);
    struct writer writer = {at, at + size};
    write_varint(&writer, STATE_VERSION);
    write_varint(&writer, state->has_spilled ? FLAG_HAS_SPILLED : 0);
    write_natural(&writer, state->entry_count);
    write_varint(&writer, state->balance_count);
    for (size_t i = 0; i < state->balance_count; i++) {
        write_text(&writer, state->balances[i].currency);
        write_signed(&writer, state->balances[i].available);
        write_signed(&writer, state->balances[i].lifetime);
    }
    write_varint(&writer, state->tally_count);
    for (size_t i = 0; i < state->tally_count; i++) {
        write_text(&writer, state->tallies[i].reward_id);
        write_natural(&writer, state->tallies[i].version);
        write_natural(&writer, state->tallies[i].count);
        write_signed(&writer, state->tallies[i].carry);
    }
    write_varint(&writer, state->record_count);
    for (size_t i = 0; i < state->record_count; i++) {
        const struct inline_record *record = &state->records[i];
        write_raw(&writer, record->key.bytes, sizeof record->key.bytes);
        write_varint(&writer, record->bytes.len);
        write_raw(&writer, record->bytes.at, record->bytes.len);
    }
    return (struct bytes){at, (size_t)(writer.at - at)};
}

/* ---- parts */

/* Twice the room, the same items. */
static void *grown(struct scratch *scratch, const void *items, size_t count, size_t *capacity, size_t item_size)
{
    *capacity *= 2;
    void *larger = scratch_raw(scratch, *capacity * item_size);
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

struct balance *state_balance(struct member_state *state, struct text currency, struct scratch *scratch)
{
    size_t at = 0;
    for (; at < state->balance_count; at++) {
        int order = text_compare(state->balances[at].currency, currency);
        if (order == 0)
            return &state->balances[at];
        if (order > 0)
            break;
    }
    if (state->balance_count == state->balance_capacity)
        state->balances =
            grown(scratch, state->balances, state->balance_count, &state->balance_capacity, sizeof *state->balances);
    memmove(&state->balances[at + 1], &state->balances[at], (state->balance_count - at) * sizeof *state->balances);
    state->balances[at] = (struct balance){.currency = currency};
    state->balance_count++;
    return &state->balances[at];
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

bool step_needs(struct bytes state, struct hash16 subject_key)
{
    struct reader reader = reader_of(state);
    if (read_varint(&reader) != STATE_VERSION || !(read_varint(&reader) & FLAG_HAS_SPILLED))
        return false;
    read_natural(&reader);
    for (size_t left = read_count(&reader, BALANCE_BYTES_MIN); left > 0; left--) {
        read_text(&reader);
        read_signed(&reader);
        read_signed(&reader);
    }
    for (size_t left = read_count(&reader, TALLY_BYTES_MIN); left > 0; left--) {
        read_text(&reader);
        read_natural(&reader);
        read_natural(&reader);
        read_signed(&reader);
    }
    for (size_t left = read_count(&reader, RECORD_BYTES_MIN); left > 0; left--) {
        struct hash16 key = read_hash16(&reader);
        read_bytes(&reader);
        if (!reader.bad && hash16_equal(key, subject_key))
            return false;
    }
    return true;
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
                                             .lifetime = decoded.balances[i].lifetime};
    *out = (struct state_summary){
        .balances = balances, .balance_count = decoded.balance_count, .entry_count = decoded.entry_count};
    return ERR_NONE;
}
