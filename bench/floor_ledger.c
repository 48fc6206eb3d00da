/* The floor's transaction: the rows of schemas/sql/001_ledger.sql, each table written in the cheapest way there is,
 * with contents as large as the processor's. */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>

#include "base/copy_row.h"
#include "client.h"
#include "floor.h"

enum { STATE_HEAD = 32, STATE_RECORD = 120, STATE_RECORDS = 12, ARRAYS = 4, CTID = 6 };
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TID = 27, OID_UUID = 2950 };

struct member {
    struct hash16 key;
    const struct floor_row *row; /* its first order in the batch */
    int64_t version;             /* 0: new */
    int64_t balance;
    int64_t entries;
    size_t record_count;
    uint8_t ctid[CTID];
    size_t state_at; /* in states */
    size_t state_len;
};

/* A row's place in the order of some key. */
struct place {
    struct hash16 key;
    uint32_t row;
};

struct floor_ledger {
    PGconn *connection;
    struct place *places;
    struct member *members;
    size_t member_count;
    struct buffer rows; /* of the COPY under way */
    struct buffer states;
    struct buffer arrays[ARRAYS];
};

/* ---- statements */

static void check(struct floor_ledger *ledger, PGresult *result, const char *what)
{
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN)
        client_die("%s: %s", what, PQerrorMessage(ledger->connection));
}

static void run(struct floor_ledger *ledger, const char *sql)
{
    PGresult *result = PQexec(ledger->connection, sql);
    check(ledger, result, sql);
    PQclear(result);
}

static void prepare(struct floor_ledger *ledger, const char *name, const char *sql)
{
    PGresult *result = PQprepare(ledger->connection, name, sql, 0, NULL);
    check(ledger, result, sql);
    PQclear(result);
}

static PGresult *run_arrays(struct floor_ledger *ledger, const char *name, int count)
{
    const char *values[ARRAYS];
    int lengths[ARRAYS], formats[ARRAYS];
    for (int i = 0; i < count; i++) {
        values[i] = (const char *)ledger->arrays[i].at;
        lengths[i] = (int)ledger->arrays[i].len;
        formats[i] = 1;
    }
    PGresult *result = PQexecPrepared(ledger->connection, name, count, values, lengths, formats, 1);
    check(ledger, result, name);
    return result;
}

static struct buffer *array(struct floor_ledger *ledger, int i, uint32_t oid, size_t count)
{
    struct buffer *out = &ledger->arrays[i];
    buffer_clear(out);
    buffer_put_be32(out, 1);
    buffer_put_be32(out, 0);
    buffer_put_be32(out, oid);
    buffer_put_be32(out, (uint32_t)count);
    buffer_put_be32(out, 1);
    return out;
}

static void begin_copy(struct floor_ledger *ledger)
{
    static const uint8_t head[19] = "PGCOPY\n\377\r\n";
    buffer_clear(&ledger->rows);
    buffer_put(&ledger->rows, head, sizeof head);
}

static void end_copy(struct floor_ledger *ledger, const char *sql)
{
    buffer_put_be16(&ledger->rows, UINT16_MAX);
    run(ledger, sql);
    if (PQputCopyData(ledger->connection, (const char *)ledger->rows.at, (int)ledger->rows.len) != 1 ||
        PQputCopyEnd(ledger->connection, NULL) != 1)
        client_die("%s: %s", sql, PQerrorMessage(ledger->connection));
    for (PGresult *result; (result = PQgetResult(ledger->connection));) {
        check(ledger, result, sql);
        PQclear(result);
    }
}

/* ---- the fold: members in order of their key, each with its orders as they came */

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = hash16_compare(x->key, y->key);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static void sort_by_member(struct floor_ledger *ledger, const struct floor_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        ledger->places[i] = (struct place){batch->rows[i].member_key, (uint32_t)i};
    qsort(ledger->places, batch->count, sizeof *ledger->places, compare_places);
    ledger->member_count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct place *place = &ledger->places[i];
        if (i == 0 || !hash16_equal(place->key, place[-1].key))
            ledger->members[ledger->member_count++] =
                (struct member){.key = place->key, .row = &batch->rows[place->row]};
    }
}

static int64_t get_be64(const void *at)
{
    uint64_t be;
    memcpy(&be, at, sizeof be);
    return (int64_t)__builtin_bswap64(be);
}

static void take_loaded(struct member *member, const PGresult *result, int row)
{
    int64_t head[4];
    member->version = get_be64(PQgetvalue(result, row, 1));
    memcpy(member->ctid, PQgetvalue(result, row, 3), CTID);
    memcpy(head, PQgetvalue(result, row, 2), sizeof head);
    member->balance = head[0];
    member->entries = head[2];
    member->record_count = (size_t)head[3];
}

/* Both the array and an index scan over it are in order of the key. */
static PGresult *load(struct floor_ledger *ledger)
{
    struct buffer *keys = array(ledger, 0, OID_UUID, ledger->member_count);
    for (size_t i = 0; i < ledger->member_count; i++)
        copy_hash(keys, ledger->members[i].key);
    PGresult *result = run_arrays(ledger, "load", 1);
    struct member *member = ledger->members;
    for (int row = 0; row < PQntuples(result); row++) {
        while (memcmp(member->key.bytes, PQgetvalue(result, row, 0), sizeof member->key.bytes) != 0)
            member++;
        take_loaded(member, result, row);
    }
    return result;
}

static void put_entry(struct buffer *rows, const struct floor_row *row)
{
    copy_row(rows, 18);
    copy_hash(rows, row->member_key);
    copy_i64(rows, row->sequence);
    copy_hash(rows, row->event_key);
    copy_i64(rows, row->points);
    copy_i64(rows, row->points);
    copy_i64(rows, row->occurred_at);
    copy_i64(rows, row->message->offset);
    copy_i32(rows, FLOOR_TOPIC_NO);
    copy_i32(rows, row->message->partition);
    copy_i32(rows, 1);
    copy_i16(rows, 1);
    copy_i16(rows, 1);
    copy_i16(rows, 2);
    copy_text(rows, row->program_id);
    copy_text(rows, TEXT(""));
    copy_text(rows, TEXT("points"));
    copy_text(rows, TEXT("order-points"));
    copy_text(rows, row->order_id);
}

static void put_state(struct floor_ledger *ledger, struct member *member, const PGresult *loaded, int loaded_row,
                      size_t new_records)
{
    struct buffer *states = &ledger->states;
    size_t kept = member->record_count;
    if (kept + new_records > STATE_RECORDS)
        kept = new_records > STATE_RECORDS ? 0 : STATE_RECORDS - new_records;
    int64_t head[STATE_HEAD / 8] = {member->balance, member->balance, member->entries,
                                    (int64_t)(kept + new_records < STATE_RECORDS ? kept + new_records : STATE_RECORDS)};
    member->state_at = states->len;
    buffer_put(states, head, sizeof head);
    if (kept)
        buffer_put(states, PQgetvalue(loaded, loaded_row, 2) + STATE_HEAD, kept * STATE_RECORD);
}

static void put_record(struct buffer *states, const struct floor_row *row)
{
    uint8_t record[STATE_RECORD] = {0};
    size_t len = row->lines.len < STATE_RECORD - 16 ? row->lines.len : STATE_RECORD - 16;
    memcpy(record, row->event_key.bytes, 16);
    memcpy(record + 16, row->lines.at, len);
    buffer_put(states, record, sizeof record);
}

/* Fills balances, sequences, the entries' rows and the states. */
static void fold(struct floor_ledger *ledger, struct floor_batch *batch, const PGresult *loaded)
{
    size_t place = 0;
    int loaded_row = 0;
    begin_copy(ledger);
    buffer_clear(&ledger->states);
    for (size_t i = 0; i < ledger->member_count; i++) {
        struct member *member = &ledger->members[i];
        size_t first = place;
        for (; place < batch->count && hash16_equal(ledger->places[place].key, member->key); place++) {
            struct floor_row *row = &batch->rows[ledger->places[place].row];
            row->points += row->points == 0;
            row->balance = member->balance += row->points;
            row->sequence = ++member->entries;
            put_entry(&ledger->rows, row);
        }
        put_state(ledger, member, loaded, loaded_row, place - first);
        loaded_row += member->version > 0;
        for (size_t p = first; p < place && p < first + STATE_RECORDS; p++)
            put_record(&ledger->states, &batch->rows[ledger->places[p].row]);
        member->state_len = ledger->states.len - member->state_at;
    }
}

/* ---- outputs */

static void put_long(struct buffer *out, int64_t value)
{
    buffer_put_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void put_text(struct buffer *out, struct text text)
{
    put_long(out, (int64_t)text.len);
    buffer_put(out, text.at, text.len);
}

/* The fields of schemas/avro/reward.avsc, in its order. */
static void put_reward(struct buffer *out, const struct floor_row *row)
{
    char text[96];
    int len = snprintf(text, sizeof text, "%d-%" PRId32 "-%" PRId64 "-0", FLOOR_TOPIC_NO, row->message->partition,
                       row->message->offset);
    put_text(out, (struct text){text, (size_t)len});
    put_long(out, 1);
    put_text(out, row->program_id);
    put_text(out, TEXT(""));
    put_text(out, row->member_id);
    put_long(out, row->occurred_at);
    put_long(out, row->points);
    put_text(out, TEXT("points"));
    put_long(out, row->balance);
    put_long(out, row->balance);
    put_text(out, TEXT("order-points"));
    put_long(out, 1);
    put_text(out, row->order_id);
    put_text(out, TEXT(""));
    len = snprintf(text, sizeof text, "%" PRId64 " points for order %.*s", row->points, (int)row->order_id.len,
                   row->order_id.at);
    put_text(out, (struct text){text, (size_t)len});
    put_text(out, TEXT("/shop"));
    put_text(out, row->id);
}

/* A frame: length of all that follows, offset, time, length of the key, key, value. */
static void put_frames(struct floor_batch *batch)
{
    static uint8_t head[CLIENT_HEAD];
    if (!head[0])
        client_schema_head("avro/reward.avsc", head);
    for (size_t i = 0; i < batch->count; i++) {
        const struct floor_row *row = &batch->rows[i];
        struct buffer *frames = &batch->ranges[row->message->partition].frames;
        size_t begin = frames->len;
        buffer_put_be32(frames, 0);
        buffer_put_be64(frames, (uint64_t)row->message->offset);
        buffer_put_be64(frames, (uint64_t)row->occurred_at);
        buffer_put_be32(frames, (uint32_t)row->member_id.len);
        buffer_put(frames, row->member_id.at, row->member_id.len);
        buffer_put(frames, head, sizeof head);
        put_reward(frames, row);
        uint32_t len = __builtin_bswap32((uint32_t)(frames->len - begin - 4));
        memcpy(frames->at + begin, &len, sizeof len);
    }
}

static void put_shown(const struct floor_ledger *ledger, struct floor_publication *out)
{
    out->members = (struct buffer){0};
    out->member_count = ledger->member_count;
    for (size_t i = 0; i < ledger->member_count; i++) {
        const struct member *member = &ledger->members[i];
        struct text program = member->row->program_id, id = member->row->member_id;
        struct floor_shown shown = {member->version + 1, member->balance, (uint32_t)(program.len + id.len + 1)};
        buffer_put(&out->members, &shown, sizeof shown);
        buffer_put(&out->members, program.at, program.len);
        buffer_put(&out->members, "/", 1);
        buffer_put(&out->members, id.at, id.len);
    }
}

/* ---- the transaction's steps */

static void swap_positions(struct floor_ledger *ledger, const struct floor_batch *batch)
{
    struct buffer *partitions = array(ledger, 0, OID_INT8, 0), *until = array(ledger, 1, OID_INT8, 0);
    uint32_t count = 0;
    for (int i = 0; i < FLOOR_PARTITIONS_MAX; i++) {
        if (batch->ranges[i].to == 0)
            continue;
        copy_i64(partitions, i);
        copy_i64(until, batch->ranges[i].to);
        count++;
    }
    count = __builtin_bswap32(count);
    memcpy(partitions->at + 12, &count, sizeof count);
    memcpy(until->at + 12, &count, sizeof count);
    PQclear(run_arrays(ledger, "swap", 2));
    run(ledger, "SELECT revision FROM program_revision FOR SHARE");
}

static void copy_keys(struct floor_ledger *ledger, const struct floor_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        ledger->places[i] = (struct place){batch->rows[i].event_key, (uint32_t)i};
    qsort(ledger->places, batch->count, sizeof *ledger->places, compare_places);
    begin_copy(ledger);
    for (size_t i = 0; i < batch->count; i++) {
        copy_row(&ledger->rows, 2);
        copy_hash(&ledger->rows, ledger->places[i].key);
        copy_hash(&ledger->rows, batch->rows[ledger->places[i].row].member_key);
    }
    end_copy(ledger, "COPY event_keys FROM STDIN BINARY");
}

static void copy_new_members(struct floor_ledger *ledger)
{
    begin_copy(ledger);
    for (size_t i = 0; i < ledger->member_count; i++) {
        const struct member *member = &ledger->members[i];
        if (member->version)
            continue;
        copy_row(&ledger->rows, 5);
        copy_hash(&ledger->rows, member->key);
        copy_i64(&ledger->rows, 1);
        copy_text(&ledger->rows, member->row->program_id);
        copy_text(&ledger->rows, member->row->member_id);
        copy_bytes(&ledger->rows, ledger->states.at + member->state_at, member->state_len);
    }
    end_copy(ledger, "COPY members (member_key, version, program_id, member_id, state) FROM STDIN BINARY");
}

static void update_members(struct floor_ledger *ledger)
{
    size_t count = 0;
    for (size_t i = 0; i < ledger->member_count; i++)
        count += ledger->members[i].version > 0;
    struct buffer *at = array(ledger, 0, OID_TID, count), *keys = array(ledger, 1, OID_UUID, count);
    struct buffer *versions = array(ledger, 2, OID_INT8, count), *states = array(ledger, 3, OID_BYTEA, count);
    for (size_t i = 0; i < ledger->member_count; i++) {
        const struct member *member = &ledger->members[i];
        if (!member->version)
            continue;
        copy_bytes(at, member->ctid, CTID);
        copy_hash(keys, member->key);
        copy_i64(versions, member->version);
        copy_bytes(states, ledger->states.at + member->state_at, member->state_len);
    }
    if (count)
        PQclear(run_arrays(ledger, "update", 4));
}

static void copy_outbox(struct floor_ledger *ledger, const struct floor_batch *batch)
{
    bool first = true;
    begin_copy(ledger);
    for (int32_t i = 0; i < FLOOR_PARTITIONS_MAX; i++) {
        const struct floor_range *range = &batch->ranges[i];
        if (range->to == 0)
            continue;
        copy_row(&ledger->rows, 7);
        copy_i32(&ledger->rows, FLOOR_TOPIC_NO);
        copy_i32(&ledger->rows, i);
        copy_text(&ledger->rows, TEXT(FLOOR_GROUP));
        copy_i64(&ledger->rows, range->from);
        copy_i64(&ledger->rows, range->to);
        copy_bytes(&ledger->rows, range->frames.at, range->frames.len);
        buffer_put_be32(&ledger->rows, first ? (uint32_t)(ledger->member_count * sizeof(struct hash16)) : 0);
        for (size_t m = 0; first && m < ledger->member_count; m++)
            buffer_put(&ledger->rows, ledger->members[m].key.bytes, sizeof(struct hash16));
        first = false;
    }
    end_copy(ledger, "COPY outbox (topic_no, partition, consumer, from_offset, to_offset, frames, touched)"
                     " FROM STDIN BINARY");
}

static void prune(struct floor_ledger *ledger, const struct floor_batch *batch, const atomic_llong *below)
{
    uint32_t count = 0;
    struct buffer *partitions = array(ledger, 0, OID_INT8, 0), *until = array(ledger, 1, OID_INT8, 0);
    for (int i = 0; i < FLOOR_PARTITIONS_MAX; i++) {
        if (batch->ranges[i].to == 0)
            continue;
        copy_i64(partitions, i);
        copy_i64(until, atomic_load(&below[i]));
        count++;
    }
    count = __builtin_bswap32(count);
    memcpy(partitions->at + 12, &count, sizeof count);
    memcpy(until->at + 12, &count, sizeof count);
    PQclear(run_arrays(ledger, "prune", 2));
}

void floor_ledger_apply(struct floor_ledger *ledger, struct floor_batch *batch, const atomic_llong *below,
                        struct floor_publication *out)
{
    sort_by_member(ledger, batch);
    run(ledger, "BEGIN");
    swap_positions(ledger, batch);
    PGresult *loaded = load(ledger);
    fold(ledger, batch, loaded);
    PQclear(loaded);
    end_copy(ledger, "COPY entries FROM STDIN BINARY");
    copy_keys(ledger, batch);
    copy_new_members(ledger);
    update_members(ledger);
    put_frames(batch);
    copy_outbox(ledger, batch);
    prune(ledger, batch, below);
    run(ledger, "COMMIT");
    memcpy(out->ranges, batch->ranges, sizeof out->ranges);
    out->event_count = batch->count;
    put_shown(ledger, out);
}

static void add_topic(struct floor_ledger *ledger, const char *topic)
{
    PGresult *result = PQexecParams(ledger->connection, "INSERT INTO topics (cluster_id, name) VALUES ('floor', $1)", 1,
                                    NULL, &topic, NULL, NULL, 0);
    check(ledger, result, "topics");
    PQclear(result);
    run(ledger, "INSERT INTO positions (topic_no, partition, consumer)"
                " SELECT 1, p, '" FLOOR_GROUP "' FROM generate_series(0, 63) p");
}

struct floor_ledger *floor_ledger_open(const char *topic)
{
    struct floor_ledger *ledger = calloc(1, sizeof *ledger);
    ledger->connection = PQconnectdb(client_env("POINTS_POSTGRES_URL"));
    ledger->places = calloc(FLOOR_BATCH_MAX, sizeof *ledger->places);
    ledger->members = calloc(FLOOR_BATCH_MAX, sizeof *ledger->members);
    if (PQstatus(ledger->connection) != CONNECTION_OK)
        client_die("%s", PQerrorMessage(ledger->connection));
    run(ledger, "SET client_min_messages = warning; SET jit = off; SET max_parallel_workers_per_gather = 0;"
                "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
                "SET enable_bitmapscan = off; SET enable_sort = off");
    add_topic(ledger, topic);
    prepare(ledger, "swap",
            "UPDATE positions p SET applied = v.until, highest = v.until"
            " FROM unnest($1::bigint[], $2::bigint[]) v(partition, until)"
            " WHERE p.topic_no = 1 AND p.partition = v.partition AND p.consumer = '" FLOOR_GROUP "'");
    prepare(ledger, "load",
            "SELECT member_key, version, state, ctid FROM members WHERE member_key = ANY($1::uuid[])"
            " ORDER BY member_key");
    prepare(ledger, "update",
            "UPDATE members m SET version = v.version + 1, state = v.state"
            " FROM unnest($1::tid[], $2::uuid[], $3::bigint[], $4::bytea[]) v(at, member_key, version, state)"
            " WHERE m.ctid = v.at AND m.member_key = v.member_key AND m.version = v.version");
    prepare(ledger, "prune",
            "DELETE FROM outbox o USING unnest($1::bigint[], $2::bigint[]) v(partition, below)"
            " WHERE o.topic_no = 1 AND o.partition = v.partition AND o.to_offset <= v.below");
    return ledger;
}
