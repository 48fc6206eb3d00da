#include "ledger/ledger.h"

#include <assert.h>
#include <stdlib.h>

#include "base/copy_row.h"
#include "base/table.h"
#include "fold/entry_row.h"
#include "ledger/budget_rows.h"
#include "ledger/session.h"
#include "program/store.h"

struct ledger {
    struct session session;
    struct buffer arrays[7]; /* one per array parameter; kept from batch to batch */
    struct buffer rows;
};

struct ledger *ledger_new(const struct config *config, atomic_bool *cancel)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger)
        abort();
    session_init(&ledger->session, config, cancel);
    return ledger;
}

struct ledger *ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return NULL;
    session_close(&ledger->session);
    for (size_t i = 0; i < sizeof ledger->arrays / sizeof *ledger->arrays; i++)
        buffer_release(&ledger->arrays[i]);
    buffer_release(&ledger->rows);
    free(ledger);
    return NULL;
}

enum err_code ledger_open(struct ledger *ledger, struct err *err)
{
    return session_open(&ledger->session, err);
}

static struct bytes text_bytes(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static struct buffer *array(struct ledger *ledger, size_t i, uint32_t oid, size_t count)
{
    struct buffer *out = &ledger->arrays[i];
    buffer_clear(out);
    array_start(out, oid, count);
    return out;
}

static struct parameters arrays_as_parameters(const struct ledger *ledger, int count)
{
    struct parameters parameters = {.count = count};
    for (int i = 0; i < count; i++)
        parameters.values[i] = buffer_view(&ledger->arrays[i]);
    return parameters;
}

/* ---- reading */

static void put_scalar(struct buffer *out, struct parameters *parameters, const void *at, size_t len)
{
    buffer_clear(out);
    buffer_put(out, at, len);
    parameters->values[parameters->count++] = buffer_view(out);
}

/* Runs a read outside a transaction. */
static enum err_code read_rows(struct ledger *ledger, const char *statement, const struct parameters *parameters,
                               PGresult **result, struct err *err)
{
    enum err_code code = session_open(&ledger->session, err);
    if (!code)
        code = exchange_run(&ledger->session.exchange, statement, parameters, result, err);
    if (code)
        session_abandon(&ledger->session, code);
    return code;
}

static struct hash16 result_hash(const PGresult *result, int row, int column)
{
    struct hash16 hash;
    struct bytes bytes = result_bytes(result, row, column);
    assert(bytes.len == sizeof hash.bytes);
    memcpy(hash.bytes, bytes.at, sizeof hash.bytes);
    return hash;
}

static enum err_code read_members(void *context, struct member **members, size_t count, struct arena *arena,
                                  struct err *err)
{
    struct ledger *ledger = context;
    struct table table = table_make(arena, count);
    struct buffer *keys = array(ledger, 0, OID_UUID, count);
    for (size_t i = 0; i < count; i++) {
        table_intern(&table, members[i]->key, (uint32_t)i);
        copy_hash(keys, members[i]->key);
    }
    struct parameters parameters = arrays_as_parameters(ledger, 1);
    PGresult *result = NULL;
    enum err_code code = read_rows(ledger, "load_members", &parameters, &result, err);
    if (code)
        return code;
    for (int row = 0; row < PQntuples(result); row++) {
        uint32_t at = table_find(&table, result_hash(result, row, 0));
        assert(at != TABLE_NONE);
        members[at]->version = result_i64(result, row, 1);
        members[at]->state = arena_bytes(arena, result_bytes(result, row, 2));
    }
    PQclear(result);
    return ERR_NONE;
}

static enum err_code read_sides(void *context, struct side_record *sides, size_t count, struct arena *arena,
                                struct err *err)
{
    struct ledger *ledger = context;
    struct buffer *members = array(ledger, 0, OID_UUID, count);
    struct buffer *subjects = array(ledger, 1, OID_UUID, count);
    struct buffer *at = array(ledger, 2, OID_INT4, count);
    for (size_t i = 0; i < count; i++) {
        copy_hash(members, sides[i].member_key);
        copy_hash(subjects, sides[i].subject_key);
        copy_i32(at, (int32_t)i);
    }
    struct parameters parameters = arrays_as_parameters(ledger, 3);
    PGresult *result = NULL;
    enum err_code code = read_rows(ledger, "load_sides", &parameters, &result, err);
    if (code)
        return code;
    for (int row = 0; row < PQntuples(result); row++) {
        int32_t i = result_i32(result, row, 0);
        assert(i >= 0 && (size_t)i < count);
        sides[i].record = arena_bytes(arena, result_bytes(result, row, 1));
    }
    PQclear(result);
    return ERR_NONE;
}

static enum err_code read_sides_of(void *context, struct hash16 member_key, struct arena *arena,
                                   struct side_record **sides, size_t *count, struct err *err)
{
    struct ledger *ledger = context;
    struct parameters parameters = {.count = 0};
    put_scalar(&ledger->arrays[0], &parameters, member_key.bytes, sizeof member_key.bytes);
    PGresult *result = NULL;
    enum err_code code = read_rows(ledger, "load_all_sides", &parameters, &result, err);
    if (code)
        return code;
    *count = (size_t)PQntuples(result);
    *sides = arena_array(arena, *count, sizeof **sides);
    for (int row = 0; row < PQntuples(result); row++)
        (*sides)[row] = (struct side_record){.member_key = member_key,
                                             .subject_key = result_hash(result, row, 0),
                                             .record = arena_bytes(arena, result_bytes(result, row, 1))};
    PQclear(result);
    return ERR_NONE;
}

/* The same key may stand in the batch more than once, so found rows are matched through a list sorted by key. */
struct wanted_key {
    struct hash16 key;
    size_t at;
};

static int compare_wanted(const void *a, const void *b)
{
    return hash16_compare(((const struct wanted_key *)a)->key, ((const struct wanted_key *)b)->key);
}

static void match_keys(const PGresult *result, const struct wanted_key *wanted, size_t count, struct hash16 *content,
                       bool *found)
{
    for (int row = 0; row < PQntuples(result); row++) {
        struct wanted_key probe = {result_hash(result, row, 0), 0};
        const struct wanted_key *hit = bsearch(&probe, wanted, count, sizeof *wanted, compare_wanted);
        assert(hit);
        while (hit > wanted && hash16_equal(hit[-1].key, probe.key))
            hit--;
        for (; hit < wanted + count && hash16_equal(hit->key, probe.key); hit++) {
            content[hit->at] = result_hash(result, row, 1);
            found[hit->at] = true;
        }
    }
}

static enum err_code read_budget(void *context, struct hash16 key, int64_t *used, struct err *err)
{
    struct ledger *ledger = context;
    struct parameters parameters = {.values = {{key.bytes, sizeof key.bytes}}, .count = 1};
    PGresult *result = NULL;
    enum err_code code = read_rows(ledger, "load_budget", &parameters, &result, err);
    if (code)
        return code;
    *used = PQntuples(result) == 1 ? result_i64(result, 0, 0) : 0;
    PQclear(result);
    return ERR_NONE;
}

static enum err_code read_keys(void *context, const struct hash16 *keys, size_t count, struct hash16 *content,
                               bool *found, struct err *err)
{
    struct ledger *ledger = context;
    struct wanted_key *wanted = malloc((count + 1) * sizeof *wanted);
    if (!wanted)
        abort();
    for (size_t i = 0; i < count; i++)
        wanted[i] = (struct wanted_key){keys[i], i};
    qsort(wanted, count, sizeof *wanted, compare_wanted);
    struct buffer *sorted = array(ledger, 0, OID_UUID, count);
    for (size_t i = 0; i < count; i++)
        copy_hash(sorted, wanted[i].key);
    struct parameters parameters = arrays_as_parameters(ledger, 1);
    PGresult *result = NULL;
    enum err_code code = read_rows(ledger, "find_keys", &parameters, &result, err);
    if (!code) {
        match_keys(result, wanted, count, content, found);
        PQclear(result);
    }
    free(wanted);
    return code;
}

static void put_i32(struct buffer *out, struct parameters *parameters, int32_t value)
{
    uint32_t be = __builtin_bswap32((uint32_t)value);
    put_scalar(out, parameters, &be, sizeof be);
}

static void put_i64(struct buffer *out, struct parameters *parameters, int64_t value)
{
    uint64_t be = __builtin_bswap64((uint64_t)value);
    put_scalar(out, parameters, &be, sizeof be);
}

static enum err_code read_refused(void *context, const struct partition *partition, int64_t from, int64_t to,
                                  struct arena *arena, int64_t **offsets, size_t *count, struct err *err)
{
    struct ledger *ledger = context;
    struct parameters parameters = {.count = 0};
    put_i32(&ledger->arrays[0], &parameters, partition->topic_no);
    put_i32(&ledger->arrays[1], &parameters, partition->number);
    put_i64(&ledger->arrays[2], &parameters, from);
    put_i64(&ledger->arrays[3], &parameters, to);
    PGresult *result = NULL;
    enum err_code code = read_rows(ledger, "find_refused", &parameters, &result, err);
    if (code)
        return code;
    *count = (size_t)PQntuples(result);
    *offsets = arena_array(arena, *count, sizeof **offsets);
    for (int row = 0; row < PQntuples(result); row++)
        (*offsets)[row] = result_i64(result, row, 0);
    PQclear(result);
    return ERR_NONE;
}

struct fold_reader ledger_reader(struct ledger *ledger)
{
    return (struct fold_reader){ledger, read_members, read_sides, read_sides_of, read_budget, read_keys, read_refused};
}

enum err_code ledger_programs(struct ledger *ledger, struct arena *arena, struct program_set *out, struct err *err)
{
    enum err_code code = session_open(&ledger->session, err);
    if (code)
        return code;
    PQsetnonblocking(ledger->session.exchange.connection, 0);
    code = program_store_load(ledger->session.exchange.connection, arena, out, err);
    if (code)
        session_abandon(&ledger->session, code);
    else
        PQsetnonblocking(ledger->session.exchange.connection, 1);
    return code;
}

/* ---- writing: one function per step of the transaction, in its order */

/* Delivery rule 6 and the zombie's hazard: (P, epoch) is compared before anything else is written. */
static enum err_code swap_positions(struct ledger *ledger, const struct changes *changes, struct err *err)
{
    size_t count = changes->range_count;
    struct buffer *topic_no = array(ledger, 0, OID_INT4, count), *number = array(ledger, 1, OID_INT4, count);
    struct buffer *epoch = array(ledger, 2, OID_INT8, count), *from = array(ledger, 3, OID_INT8, count);
    struct buffer *to = array(ledger, 4, OID_INT8, count), *newest = array(ledger, 5, OID_INT8, count);
    for (size_t i = 0; i < count; i++) {
        const struct range *range = &changes->ranges[i];
        copy_i32(topic_no, range->partition->topic_no);
        copy_i32(number, range->partition->number);
        copy_i64(epoch, range->partition->owner_epoch);
        copy_i64(from, range->from);
        copy_i64(to, range->to);
        copy_i64(newest, range->newest_event_at);
    }
    struct parameters parameters = arrays_as_parameters(ledger, 6);
    parameters.values[parameters.count++] = text_bytes(ledger->session.config->kafka_group);
    PGresult *result = NULL;
    enum err_code code = exchange_run(&ledger->session.exchange, "swap_positions", &parameters, &result, err);
    if (code)
        return code;
    int64_t touched = exchange_touched(result);
    PQclear(result);
    if (touched != (int64_t)count)
        return err_set(err, ERR_OWNER_CHANGED, "%lld of %zu partitions are still this instance's", (long long)touched,
                       count);
    return ERR_NONE;
}

static enum err_code compare_revision(struct ledger *ledger, const struct changes *changes, struct err *err)
{
    struct parameters none = {.count = 0};
    PGresult *result = NULL;
    enum err_code code = exchange_run(&ledger->session.exchange, "lock_revision", &none, &result, err);
    if (code)
        return code;
    int64_t revision = PQntuples(result) == 1 ? result_i64(result, 0, 0) : -1;
    PQclear(result);
    if (revision != changes->revision)
        return err_set(err, ERR_REVISION, "programs are at revision %lld, the batch was decided under %lld",
                       (long long)revision, (long long)changes->revision);
    return ERR_NONE;
}

static enum err_code copy_rows(struct ledger *ledger, const char *sql, struct err *err)
{
    if (ledger->rows.len == 0)
        return ERR_NONE;
    return exchange_copy(&ledger->session.exchange, sql, buffer_view(&ledger->rows), err);
}

static enum err_code write_keys(struct ledger *ledger, const struct changes *changes, struct err *err)
{
    buffer_clear(&ledger->rows);
    for (size_t i = 0; i < changes->key_count; i++) {
        copy_row(&ledger->rows, 2);
        copy_hash(&ledger->rows, changes->keys[i].key);
        copy_hash(&ledger->rows, changes->keys[i].content);
    }
    return copy_rows(ledger, "COPY event_keys (event_key, content) FROM STDIN (FORMAT binary)", err);
}

static enum err_code write_entries(struct ledger *ledger, const struct changes *changes, struct err *err)
{
    if (changes->entry_count == 0)
        return ERR_NONE;
    return exchange_copy(&ledger->session.exchange, "COPY entries (" ENTRY_COLUMNS ") FROM STDIN (FORMAT binary)",
                         buffer_view(changes->entries), err);
}

/* A null in place of `none`. */
static void copy_due(struct buffer *rows, int64_t due_at, int64_t none)
{
    if (due_at == none)
        copy_null(rows);
    else
        copy_i64(rows, due_at);
}

static enum err_code insert_members(struct ledger *ledger, const struct changes *changes, struct err *err)
{
    buffer_clear(&ledger->rows);
    for (size_t i = 0; i < changes->member_count; i++) {
        const struct member *member = &changes->members[i];
        if (!member->changed || member->version > 0)
            continue;
        copy_row(&ledger->rows, 6);
        copy_hash(&ledger->rows, member->key);
        copy_i64(&ledger->rows, 1);
        copy_text(&ledger->rows, member->program_id);
        copy_text(&ledger->rows, member->erased ? (struct text){NULL, 0} : member->member_id);
        copy_bytes(&ledger->rows, member->state.at, member->state.len);
        copy_due(&ledger->rows, member->due_at, INT64_MAX);
    }
    return copy_rows(ledger,
                     "COPY members (member_key, version, program_id, member_id, state, due_at)"
                     " FROM STDIN (FORMAT binary)",
                     err);
}

/* The optimistic version: a member that another instance changed meanwhile is not hit, and the batch folds again. */
static enum err_code update_members(struct ledger *ledger, const struct changes *changes, struct err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < changes->member_count; i++)
        count += changes->members[i].changed && changes->members[i].version > 0;
    if (count == 0)
        return ERR_NONE;
    struct buffer *keys = array(ledger, 0, OID_UUID, count), *versions = array(ledger, 1, OID_INT8, count);
    struct buffer *states = array(ledger, 2, OID_BYTEA, count), *dues = array(ledger, 3, OID_INT8, count);
    for (size_t i = 0; i < changes->member_count; i++) {
        const struct member *member = &changes->members[i];
        if (!member->changed || member->version == 0)
            continue;
        copy_hash(keys, member->key);
        copy_i64(versions, member->version);
        copy_bytes(states, member->state.at, member->state.len);
        copy_due(dues, member->due_at, DUE_AS_BEFORE);
    }
    struct parameters parameters = arrays_as_parameters(ledger, 4);
    PGresult *result = NULL;
    enum err_code code = exchange_run(&ledger->session.exchange, "update_members", &parameters, &result, err);
    if (code)
        return code;
    int64_t touched = exchange_touched(result);
    PQclear(result);
    if (touched != (int64_t)count)
        return err_set(err, ERR_CONFLICT, "%lld of %zu members still had the version loaded", (long long)touched,
                       count);
    return ERR_NONE;
}

static enum err_code write_sides(struct ledger *ledger, const struct changes *changes, struct err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < changes->side_count; i++)
        count += changes->sides[i].changed;
    if (count == 0)
        return ERR_NONE;
    struct buffer *members = array(ledger, 0, OID_UUID, count), *subjects = array(ledger, 1, OID_UUID, count);
    struct buffer *records = array(ledger, 2, OID_BYTEA, count);
    for (size_t i = 0; i < changes->side_count; i++) {
        const struct side_record *side = &changes->sides[i];
        if (!side->changed)
            continue;
        copy_hash(members, side->member_key);
        copy_hash(subjects, side->subject_key);
        copy_bytes(records, side->record.at, side->record.len);
    }
    struct parameters parameters = arrays_as_parameters(ledger, 3);
    return exchange_run(&ledger->session.exchange, "put_sides", &parameters, NULL, err);
}

/* The rows of erased members are locked by now, in order of their keys. */
static enum err_code forget_erased(struct ledger *ledger, const struct changes *changes, struct err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < changes->member_count; i++)
        count += changes->members[i].erased;
    if (count == 0)
        return ERR_NONE;
    struct buffer *keys = array(ledger, 0, OID_UUID, count);
    for (size_t i = 0; i < changes->member_count; i++)
        if (changes->members[i].erased)
            copy_hash(keys, changes->members[i].key);
    struct parameters parameters = arrays_as_parameters(ledger, 1);
    enum err_code code = exchange_run(&ledger->session.exchange, "forget_members", &parameters, NULL, err);
    return code ? code : exchange_run(&ledger->session.exchange, "forget_sides", &parameters, NULL, err);
}

static enum err_code write_dead_letters(struct ledger *ledger, const struct changes *changes, struct err *err)
{
    static const struct hash16 none;
    buffer_clear(&ledger->rows);
    for (size_t i = 0; i < changes->dead_count; i++) {
        const struct dead_row *dead = &changes->dead[i];
        copy_row(&ledger->rows, 7);
        copy_i32(&ledger->rows, dead->partition->topic_no);
        copy_i32(&ledger->rows, dead->partition->number);
        copy_i64(&ledger->rows, dead->offset);
        copy_text(&ledger->rows, text_of(err_name(dead->reason)));
        copy_text(&ledger->rows, text_of(dead->stage));
        copy_text(&ledger->rows, dead->detail);
        if (hash16_equal(dead->event_key, none))
            copy_null(&ledger->rows);
        else
            copy_hash(&ledger->rows, dead->event_key);
    }
    return copy_rows(ledger,
                     "COPY dead_letters (topic_no, partition, input_offset, reason, stage, detail, event_key)"
                     " FROM STDIN (FORMAT binary)",
                     err);
}

static void put_touched(struct buffer *rows, const struct changes *changes)
{
    size_t count = 0;
    for (size_t i = 0; i < changes->member_count; i++)
        count += changes->members[i].changed;
    buffer_put_be32(rows, (uint32_t)(count * sizeof(struct hash16)));
    for (size_t i = 0; i < changes->member_count; i++)
        if (changes->members[i].changed)
            buffer_put(rows, changes->members[i].key.bytes, sizeof(struct hash16));
}

/* One row per partition, also where it has no outputs, so that rows tile [K, P) and a gap can be told. The members
 * touched stand on the first row only: whoever takes that partition over projects them. */
static enum err_code write_outbox(struct ledger *ledger, const struct changes *changes, struct err *err)
{
    buffer_clear(&ledger->rows);
    for (size_t i = 0; i < changes->range_count; i++) {
        const struct range *range = &changes->ranges[i];
        copy_row(&ledger->rows, 7);
        copy_i32(&ledger->rows, range->partition->topic_no);
        copy_i32(&ledger->rows, range->partition->number);
        copy_text(&ledger->rows, text_of(ledger->session.config->kafka_group));
        copy_i64(&ledger->rows, range->from);
        copy_i64(&ledger->rows, range->to);
        copy_bytes(&ledger->rows, range->frames.at, range->frames.len);
        if (i == 0)
            put_touched(&ledger->rows, changes);
        else
            copy_bytes(&ledger->rows, NULL, 0);
    }
    return copy_rows(ledger,
                     "COPY outbox (topic_no, partition, consumer, from_offset, to_offset, frames, touched)"
                     " FROM STDIN (FORMAT binary)",
                     err);
}

static enum err_code prune(struct ledger *ledger, const struct prune *prunes, size_t count, struct err *err)
{
    if (count == 0)
        return ERR_NONE;
    struct buffer *topic_no = array(ledger, 0, OID_INT4, count), *number = array(ledger, 1, OID_INT4, count);
    struct buffer *below = array(ledger, 2, OID_INT8, count);
    for (size_t i = 0; i < count; i++) {
        copy_i32(topic_no, prunes[i].partition->topic_no);
        copy_i32(number, prunes[i].partition->number);
        copy_i64(below, prunes[i].below);
    }
    struct parameters parameters = arrays_as_parameters(ledger, 3);
    parameters.values[parameters.count++] = text_bytes(ledger->session.config->kafka_group);
    return exchange_run(&ledger->session.exchange, "prune_outbox", &parameters, NULL, err);
}

static enum err_code write_all(struct ledger *ledger, const struct changes *changes, const struct prune *prunes,
                               size_t prune_count, struct err *err)
{
    static enum err_code (*const steps[])(struct ledger *, const struct changes *, struct err *) = {
        swap_positions, compare_revision, write_keys,    write_entries,      insert_members,
        update_members, write_sides,      forget_erased, write_dead_letters, write_outbox,
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        enum err_code code = steps[i](ledger, changes, err);
        if (code)
            return code;
    }
    enum err_code code = prune(ledger, prunes, prune_count, err);
    return code ? code : budget_rows_write(&ledger->session.exchange, &changes->budgets, err);
}

enum err_code ledger_apply(struct ledger *ledger, const struct changes *changes, const struct prune *prunes,
                           size_t prune_count, struct err *err)
{
    assert(changes->range_count > 0);
    enum err_code code = session_open(&ledger->session, err);
    if (!code)
        code = session_begin(&ledger->session, err);
    if (!code)
        code = write_all(ledger, changes, prunes, prune_count, err);
    if (!code)
        return session_commit(&ledger->session, err);
    session_abandon(&ledger->session, code);
    return code;
}

enum err_code ledger_resolve(struct ledger *ledger, const struct changes *changes, bool *applied, struct err *err)
{
    const struct range *range = &changes->ranges[0];
    enum err_code code = session_open(&ledger->session, err);
    if (code)
        return code;
    struct parameters parameters = {.count = 0};
    put_i32(&ledger->arrays[0], &parameters, range->partition->topic_no);
    put_i32(&ledger->arrays[1], &parameters, range->partition->number);
    parameters.values[parameters.count++] = text_bytes(ledger->session.config->kafka_group);
    PGresult *result = NULL;
    code = exchange_run(&ledger->session.exchange, "resolve_position", &parameters, &result, err);
    if (code) {
        session_close(&ledger->session);
        return code;
    }
    bool found = PQntuples(result) == 1;
    int64_t epoch = found ? result_i64(result, 0, 0) : -1;
    int64_t position = found ? result_i64(result, 0, 1) : -1;
    PQclear(result);
    session_resolved(&ledger->session);
    if (epoch != range->partition->owner_epoch)
        return err_set(err, ERR_OWNER_CHANGED, "the partition has another owner since");
    assert(position == range->from || position == range->to);
    *applied = position == range->to;
    return ERR_NONE;
}

void ledger_forget(struct ledger *ledger)
{
    if (ledger->session.machine.state == SESSION_IN_DOUBT)
        session_resolved(&ledger->session);
}

enum err_code ledger_prune(struct ledger *ledger, const struct prune *prunes, size_t prune_count, struct err *err)
{
    enum err_code code = session_open(&ledger->session, err);
    if (!code)
        code = prune(ledger, prunes, prune_count, err);
    if (code)
        session_abandon(&ledger->session, code);
    return code;
}
