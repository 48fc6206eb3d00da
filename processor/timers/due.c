#include "timers/due.h"

#include <assert.h>

#include "base/copy_row.h"

#define NOT_IN_VAIN                                                                                                    \
    " NOT EXISTS (SELECT FROM timers_in_vain v WHERE v.member_key = m.member_key AND v.due_at = m.due_at"              \
    " AND v.revision = r.revision AND v.noted_at > now() - interval '1 hour')"

enum err_code due_prepare(struct exchange *ledger, struct err *err)
{
    static const char *const statements[][2] = {
        {"first_due", "SELECT m.due_at FROM members m, program_revision r WHERE m.due_at <= $1::bigint AND" NOT_IN_VAIN
                      " ORDER BY m.due_at LIMIT 1"},
        {"read_due", "SELECT m.member_key, m.version, m.due_at, m.program_id, m.member_id, r.revision"
                     " FROM members m, program_revision r WHERE m.due_at <= $1::bigint AND" NOT_IN_VAIN
                     " ORDER BY m.due_at, m.member_key LIMIT $2::bigint"},
        {"settle_due",
         "INSERT INTO timers_in_vain (member_key, due_at, revision)"
         " SELECT m.member_key, m.due_at, $3::bigint FROM unnest($1::uuid[], $2::bigint[], $4::bigint[])"
         " AS v(member_key, due_at, version)"
         " JOIN members m ON m.member_key = v.member_key AND m.due_at = v.due_at AND m.version <= v.version + 1"
         " ON CONFLICT (member_key) DO UPDATE"
         " SET due_at = excluded.due_at, revision = excluded.revision, noted_at = excluded.noted_at"},
    };
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < sizeof statements / sizeof *statements && !code; i++)
        code = exchange_prepare(ledger, statements[i][0], statements[i][1], err);
    return code;
}

static const char count_sql[] =
    "SELECT count(*) FILTER (WHERE m.due_at <= $1::bigint), count(v.due_at) FILTER (WHERE m.due_at <= $1::bigint),"
    " count(*) FILTER (WHERE m.due_at > $1::bigint),"
    " coalesce(min(m.due_at) FILTER (WHERE m.due_at > $1::bigint), 9223372036854775807)"
    " FROM members m LEFT JOIN timers_in_vain v ON v.member_key = m.member_key AND v.due_at = m.due_at"
    " WHERE m.due_at IS NOT NULL";

static struct bytes be64(const uint64_t *be)
{
    return (struct bytes){(const uint8_t *)be, sizeof *be};
}

enum err_code due_first(struct exchange *ledger, int64_t until, int64_t *out, struct err *err)
{
    uint64_t be_until = __builtin_bswap64((uint64_t)until);
    struct parameters parameters = {{be64(&be_until)}, 1};
    PGresult *rows = NULL;
    enum err_code code = exchange_run(ledger, "first_due", &parameters, &rows, err);
    if (code)
        return code;
    *out = PQntuples(rows) == 1 ? result_i64(rows, 0, 0) : INT64_MAX;
    PQclear(rows);
    return ERR_NONE;
}

static struct text text_at(const PGresult *rows, int row, int column, struct arena *arena)
{
    struct bytes bytes = result_bytes(rows, row, column);
    return arena_text(arena, (struct text){(const char *)bytes.at, bytes.len});
}

static struct due_member member_at(const PGresult *rows, int row, struct arena *arena)
{
    struct due_member member = {.version = result_i64(rows, row, 1),
                                .due_at = result_i64(rows, row, 2),
                                .program_id = text_at(rows, row, 3, arena),
                                .member_id = text_at(rows, row, 4, arena)};
    struct bytes key = result_bytes(rows, row, 0);
    assert(key.len == sizeof member.key.bytes);
    memcpy(member.key.bytes, key.at, sizeof member.key.bytes);
    return member;
}

enum err_code due_read(struct exchange *ledger, int64_t until, int64_t limit, struct arena *arena,
                       struct due_members *out, struct err *err)
{
    uint64_t be_until = __builtin_bswap64((uint64_t)until), be_limit = __builtin_bswap64((uint64_t)limit);
    struct parameters parameters = {{be64(&be_until), be64(&be_limit)}, 2};
    PGresult *rows = NULL;
    enum err_code code = exchange_run(ledger, "read_due", &parameters, &rows, err);
    if (code)
        return code;
    size_t count = (size_t)PQntuples(rows);
    *out = (struct due_members){arena_array(arena, count, sizeof *out->items), count,
                                count > 0 ? result_i64(rows, 0, 5) : 0};
    for (size_t i = 0; i < count; i++)
        out->items[i] = member_at(rows, (int)i, arena);
    PQclear(rows);
    return ERR_NONE;
}

enum err_code due_settle(struct exchange *ledger, const struct due_members *sent, int64_t *in_vain, struct err *err)
{
    struct buffer keys = {0}, dues = {0}, versions = {0};
    array_start(&keys, OID_UUID, sent->count);
    array_start(&dues, OID_INT8, sent->count);
    array_start(&versions, OID_INT8, sent->count);
    for (size_t i = 0; i < sent->count; i++) {
        copy_hash(&keys, sent->items[i].key);
        copy_i64(&dues, sent->items[i].due_at);
        copy_i64(&versions, sent->items[i].version);
    }
    uint64_t be_revision = __builtin_bswap64((uint64_t)sent->revision);
    struct parameters parameters = {
        {buffer_view(&keys), buffer_view(&dues), be64(&be_revision), buffer_view(&versions)}, 4};
    PGresult *rows = NULL;
    enum err_code code = exchange_run(ledger, "settle_due", &parameters, &rows, err);
    if (!code)
        *in_vain = exchange_touched(rows);
    PQclear(rows);
    buffer_release(&keys);
    buffer_release(&dues);
    buffer_release(&versions);
    return code;
}

enum err_code due_count(struct exchange *ledger, int64_t until, struct due_counts *out, struct err *err)
{
    uint64_t be_until = __builtin_bswap64((uint64_t)until);
    struct parameters parameters = {{be64(&be_until)}, 1};
    PGresult *rows = NULL;
    enum err_code code = exchange_prepare(ledger, "count_due", count_sql, err);
    if (!code)
        code = exchange_run(ledger, "count_due", &parameters, &rows, err);
    if (code)
        return code;
    *out = (struct due_counts){result_i64(rows, 0, 0), result_i64(rows, 0, 1), result_i64(rows, 0, 2),
                               result_i64(rows, 0, 3)};
    PQclear(rows);
    return ERR_NONE;
}
