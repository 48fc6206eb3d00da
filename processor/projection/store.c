#include "projection/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "ledger/postgres.h"

enum { BINARY = 1 };

enum { COLUMN_KEY, COLUMN_VERSION, COLUMN_PROGRAM, COLUMN_MEMBER, COLUMN_STATE, COLUMN_COUNT };

enum err_code projection_store_identity(PGconn *connection, struct projection_identity *out, struct err *err)
{
    assert(connection && out);
    PGresult *rows = PQexec(connection, "SELECT identity, stale FROM projection");
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "reading the projection's identity", err);
    if (PQntuples(rows) != 1 || PQgetlength(rows, 0, 0) != IDENTITY_SIZE - 1) {
        PQclear(rows);
        return err_set(err, ERR_DATABASE, "table projection must hold one row");
    }
    memcpy(out->text, PQgetvalue(rows, 0, 0), IDENTITY_SIZE);
    out->stale = PQgetvalue(rows, 0, 1)[0] == 't';
    PQclear(rows);
    return ERR_NONE;
}

enum err_code projection_store_spoil(PGconn *connection, struct err *err)
{
    assert(connection);
    return postgres_run(connection, "UPDATE projection SET stale = true, identity = gen_random_uuid()", err);
}

enum err_code projection_store_mend(PGconn *connection, const char *identity, bool *done, struct err *err)
{
    assert(connection && identity && done);
    PGresult *result =
        PQexecParams(connection, "UPDATE projection SET stale = false WHERE identity = $1::uuid RETURNING true", 1,
                     NULL, &identity, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return postgres_failed(connection, result, "ending a rebuild", err);
    *done = PQntuples(result) == 1;
    PQclear(result);
    return ERR_NONE;
}

enum err_code projection_store_lock(PGconn *connection, bool *taken, struct err *err)
{
    assert(connection && taken);
    PGresult *rows = PQexec(connection, "SELECT pg_try_advisory_lock(1886350702, 2)");
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "taking the rebuild's lock", err);
    *taken = PQgetvalue(rows, 0, 0)[0] == 't';
    PQclear(rows);
    return ERR_NONE;
}

enum err_code projection_store_estimate(PGconn *connection, int64_t *out, struct err *err)
{
    assert(connection && out);
    PGresult *rows = PQexec(connection, "SELECT greatest(c.reltuples::bigint, s.n_live_tup, 0)"
                                        " FROM pg_class c LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid"
                                        " WHERE c.oid = 'members'::regclass");
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "estimating the number of members", err);
    *out = strtoll(PQgetvalue(rows, 0, 0), NULL, 10);
    PQclear(rows);
    return ERR_NONE;
}

/* "{hex,hex,...}", terminated. */
static void put_keys(struct buffer *out, const struct hash16 *keys, size_t count)
{
    char hex[33];
    buffer_put(out, "{", 1);
    for (size_t i = 0; i < count; i++) {
        hash16_hex(keys[i], hex);
        buffer_put(out, ",", i > 0 ? 1 : 0);
        buffer_put(out, hex, 32);
    }
    buffer_put(out, "}", 2);
}

static void copy_item(struct projection_item *item, struct arena *arena)
{
    item->program_id = arena_text(arena, item->program_id);
    item->member_id = arena_text(arena, item->member_id);
    item->state = arena_bytes(arena, item->state);
}

enum err_code projection_store_members(PGconn *connection, const struct hash16 *keys, size_t count, struct arena *arena,
                                       struct projection_item **out, size_t *found, struct err *err)
{
    assert(connection && arena && out && found);
    struct buffer list = {0};
    put_keys(&list, keys, count);
    const char *values[] = {(const char *)list.at};
    PGresult *rows = PQexecParams(connection,
                                  "SELECT member_key, version, program_id, member_id, state FROM members"
                                  " WHERE member_key = ANY ($1::uuid[])",
                                  1, NULL, values, NULL, NULL, BINARY);
    buffer_release(&list);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "reading members' states", err);
    struct projection_item *items = arena_array(arena, (size_t)PQntuples(rows), sizeof *items);
    *found = projection_store_items(rows, items);
    for (size_t i = 0; i < *found; i++)
        copy_item(&items[i], arena);
    PQclear(rows);
    *out = items;
    return ERR_NONE;
}

enum err_code projection_store_ask_page(PGconn *connection, struct hash16 after, int limit, struct err *err)
{
    assert(connection && limit > 0);
    char hex[33], digits[16];
    hash16_hex(after, hex);
    snprintf(digits, sizeof digits, "%d", limit);
    const char *values[] = {hex, digits};
    if (!PQsendQueryParams(connection,
                           "SELECT member_key, version, program_id, member_id, state FROM members"
                           " WHERE member_key > $1::uuid ORDER BY member_key LIMIT $2::integer",
                           2, NULL, values, NULL, NULL, BINARY))
        return postgres_failed(connection, NULL, "asking for a page of members", err);
    return ERR_NONE;
}

static struct text text_at(const PGresult *rows, int row, int column)
{
    return (struct text){PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column)};
}

size_t projection_store_items(const PGresult *rows, struct projection_item *items)
{
    assert(PQnfields(rows) == COLUMN_COUNT);
    int count = PQntuples(rows);
    for (int row = 0; row < count; row++) {
        struct projection_item *item = &items[row];
        uint64_t version;
        assert(PQgetlength(rows, row, COLUMN_KEY) == sizeof item->member_key);
        assert(PQgetlength(rows, row, COLUMN_VERSION) == sizeof version);
        memcpy(&item->member_key, PQgetvalue(rows, row, COLUMN_KEY), sizeof item->member_key);
        memcpy(&version, PQgetvalue(rows, row, COLUMN_VERSION), sizeof version);
        item->version = (int64_t)__builtin_bswap64(version);
        item->program_id = text_at(rows, row, COLUMN_PROGRAM);
        item->member_id = text_at(rows, row, COLUMN_MEMBER);
        item->state = (struct bytes){(const uint8_t *)PQgetvalue(rows, row, COLUMN_STATE),
                                     (size_t)PQgetlength(rows, row, COLUMN_STATE)};
    }
    return (size_t)count;
}
