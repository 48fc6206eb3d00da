#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rfc3339.h"
#include "ledger/postgres.h"
#include "program/store.h"
#include "program/zones.h"
#include "rules/program_model.h"

#define MICROSECONDS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

static const char list_sql[] = "SELECT program_id, version, effective_at, revision, " MICROSECONDS(
    "applied_at") ", applied_by, source,"
                  " encode(source_hash, 'hex'), replace(zones_hash::text, '-', '')"
                  " FROM program_versions WHERE $1::text = '' OR program_id = $1::text"
                  " ORDER BY program_id COLLATE \"C\", version";

enum {
    COLUMN_ID,
    COLUMN_VERSION,
    COLUMN_EFFECTIVE,
    COLUMN_REVISION,
    COLUMN_AT,
    COLUMN_BY,
    COLUMN_SOURCE,
    COLUMN_SOURCE_HASH,
    COLUMN_ZONES_HASH
};

static int64_t number_at(const PGresult *rows, int row, int column)
{
    return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

static struct text text_at(const PGresult *rows, int row, int column, struct arena *arena)
{
    return arena_text(arena, (struct text){PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column)});
}

enum err_code program_store_list(PGconn *connection, struct text program_id, struct arena *arena,
                                 struct stored_programs *out, struct err *err)
{
    assert(connection && arena && out);
    const char *values[] = {arena_printf(arena, "%.*s", (int)program_id.len, program_id.at ? program_id.at : "").at};
    PGresult *rows = PQexecParams(connection, list_sql, 1, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "reading the programs", err);
    size_t count = (size_t)PQntuples(rows);
    struct stored_program *items = arena_array(arena, count, sizeof *items);
    for (int row = 0; row < (int)count; row++)
        items[row] = (struct stored_program){.program_id = text_at(rows, row, COLUMN_ID, arena),
                                             .version = number_at(rows, row, COLUMN_VERSION),
                                             .effective_at = number_at(rows, row, COLUMN_EFFECTIVE),
                                             .revision = number_at(rows, row, COLUMN_REVISION),
                                             .applied_at = number_at(rows, row, COLUMN_AT),
                                             .applied_by = text_at(rows, row, COLUMN_BY, arena),
                                             .source = text_at(rows, row, COLUMN_SOURCE, arena),
                                             .source_hash = text_at(rows, row, COLUMN_SOURCE_HASH, arena),
                                             .zones_hash = text_at(rows, row, COLUMN_ZONES_HASH, arena)};
    PQclear(rows);
    *out = (struct stored_programs){items, count};
    return ERR_NONE;
}

/* ---- whether a version may be stored */

/* How many of those stored, which are in order, have a lower number. */
static size_t count_before(struct stored_programs stored, int64_t version)
{
    size_t count = 0;
    while (count < stored.count && stored.items[count].version < version)
        count++;
    return count;
}

static enum err_code check_order(struct stored_programs stored, size_t before, size_t after,
                                 const struct stored_program *wanted, struct err *err)
{
    char effective[RFC3339_SIZE];
    const struct stored_program *earlier = before > 0 ? &stored.items[before - 1] : NULL;
    const struct stored_program *later = after < stored.count ? &stored.items[after] : NULL;
    int id_len = (int)wanted->program_id.len;
    const char *id = wanted->program_id.at;
    if (earlier && wanted->effective_at <= earlier->effective_at)
        return err_set(err, ERR_PROGRAM,
                       "program %.*s version %" PRId64 " must take effect after version %" PRId64 ", which does at %s; "
                       "set a later `effective:`",
                       id_len, id, wanted->version, earlier->version, rfc3339_format(earlier->effective_at, effective));
    if (later && wanted->effective_at >= later->effective_at)
        return err_set(err, ERR_PROGRAM,
                       "program %.*s version %" PRId64 " must take effect before version %" PRId64
                       ", which does at %s; "
                       "set an earlier `effective:`",
                       id_len, id, wanted->version, later->version, rfc3339_format(later->effective_at, effective));
    return ERR_NONE;
}

static enum err_code check_replacement(struct stored_programs stored, size_t place, const struct stored_program *wanted,
                                       int64_t decided_until, enum program_fate *out, struct err *err)
{
    char effective[RFC3339_SIZE];
    const struct stored_program *old = &stored.items[place];
    *out = text_equal(old->source, wanted->source) ? PROGRAM_PRESENT : PROGRAM_REPLACES;
    if (*out == PROGRAM_PRESENT)
        return ERR_NONE;
    if (old->effective_at <= decided_until)
        return err_set(err, ERR_PROGRAM,
                       "program %.*s version %" PRId64 " is stored with another content and in effect since %s, grants "
                       "may stand on it; make this `version: %" PRId64 "` with a later `effective:`",
                       (int)wanted->program_id.len, wanted->program_id.at, wanted->version,
                       rfc3339_format(old->effective_at, effective), stored.items[stored.count - 1].version + 1);
    return check_order(stored, place, place + 1, wanted, err);
}

enum err_code program_store_check(struct stored_programs stored, const struct stored_program *wanted,
                                  int64_t decided_until, enum program_fate *out, struct err *err)
{
    assert(wanted && out);
    int id_len = (int)wanted->program_id.len;
    const char *id = wanted->program_id.at;
    size_t place = count_before(stored, wanted->version);
    if (wanted->version < 1 || wanted->version > INT32_MAX)
        return err_set(err, ERR_PROGRAM, "program %.*s: version must be from 1 to %" PRId32, id_len, id, INT32_MAX);
    if (place < stored.count && stored.items[place].version == wanted->version)
        return check_replacement(stored, place, wanted, decided_until, out, err);
    if (place < stored.count)
        return err_set(err, ERR_PROGRAM,
                       "program %.*s version %" PRId64 " is older than version %" PRId64 ", which is stored; make it "
                       "`version: %" PRId64 "`",
                       id_len, id, wanted->version, stored.items[place].version,
                       stored.items[stored.count - 1].version + 1);
    *out = PROGRAM_ADDED;
    return check_order(stored, place, place, wanted, err);
}

/* ---- storing it */

/* The row's lock makes changes wait for each other, and each batch compare with a revision that stays. */
static enum err_code lock_revision(PGconn *connection, int64_t *revision, struct err *err)
{
    PGresult *rows = PQexec(connection, "SELECT revision FROM program_revision FOR UPDATE");
    if (PQresultStatus(rows) != PGRES_TUPLES_OK || PQntuples(rows) != 1)
        return postgres_failed(connection, rows, "locking the programs' revision", err);
    *revision = number_at(rows, 0, 0);
    PQclear(rows);
    return ERR_NONE;
}

/* Up to when events may have been decided: all that came, and all that could have come by now. */
static enum err_code read_decided_until(PGconn *connection, int64_t *out, struct err *err)
{
    PGresult *rows =
        PQexec(connection,
               "SELECT greatest(" MICROSECONDS("clock_timestamp()") ","
                                                                    " (SELECT max(newest_event_at) FROM positions))");
    if (PQresultStatus(rows) != PGRES_TUPLES_OK || PQntuples(rows) != 1)
        return postgres_failed(connection, rows, "reading the newest event's time", err);
    *out = number_at(rows, 0, 0);
    PQclear(rows);
    return ERR_NONE;
}

static enum err_code insert_zones(PGconn *connection, const struct zones *zones, struct arena *arena, struct err *err)
{
    enum { TEXT_FORMAT, BINARY_FORMAT };
    char hex[33];
    hash16_hex(zones->hash, hex);
    struct bytes files = zones_pack(zones, arena);
    const char *values[] = {hex, (const char *)files.at};
    const int lengths[] = {0, (int)files.len};
    const int formats[] = {TEXT_FORMAT, BINARY_FORMAT};
    PGresult *result = PQexecParams(
        connection, "INSERT INTO zone_databases (hash, files) VALUES ($1::uuid, $2::bytea) ON CONFLICT DO NOTHING", 2,
        NULL, values, lengths, formats, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return postgres_failed(connection, result, "storing the time zones", err);
    PQclear(result);
    return ERR_NONE;
}

static enum err_code insert(PGconn *connection, const struct stored_program *wanted, struct arena *arena,
                            struct err *err)
{
    const char *values[] = {
        arena_printf(arena, "%.*s", (int)wanted->program_id.len, wanted->program_id.at).at,
        arena_printf(arena, "%" PRId64, wanted->version).at,
        arena_printf(arena, "%" PRId64, wanted->effective_at).at,
        arena_printf(arena, "%.*s", (int)wanted->source.len, wanted->source.at).at,
        wanted->source_hash.at,
        arena_printf(arena, "%" PRId64, wanted->revision).at,
        wanted->zones_hash.at,
    };
    PGresult *result = PQexecParams(
        connection,
        "WITH raised AS (UPDATE program_revision SET revision = $6::bigint)"
        " INSERT INTO programs (program_id, version, effective_at, source, source_hash, revision, zones_hash)"
        " VALUES ($1, $2::bigint, $3::bigint, $4, decode($5, 'hex'), $6::bigint, $7::uuid)",
        7, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return postgres_failed(connection, result, "storing the program", err);
    PQclear(result);
    return ERR_NONE;
}

/* What the version follows: the one of its own number that it replaces, else the one before. */
static void find_previous(struct stored_programs stored, const struct stored_program *wanted,
                          struct program_change *out)
{
    size_t before = count_before(stored, wanted->version + (out->fate == PROGRAM_REPLACES));
    if (before == 0)
        return;
    out->previous = stored.items[before - 1].source;
    out->previous_version = stored.items[before - 1].version;
    out->previous_zones = stored.items[before - 1].zones_hash;
}

/* In a transaction. */
static enum err_code apply_locked(PGconn *connection, struct stored_program *wanted, const struct zones *zones,
                                  bool dry_run, struct arena *arena, struct program_change *out, struct err *err)
{
    struct stored_programs stored;
    int64_t decided_until = 0;
    enum err_code code = lock_revision(connection, &out->revision, err);
    if (!code)
        code = read_decided_until(connection, &decided_until, err);
    if (!code)
        code = program_store_list(connection, wanted->program_id, arena, &stored, err);
    if (!code)
        code = program_store_check(stored, wanted, decided_until, &out->fate, err);
    if (!code)
        find_previous(stored, wanted, out);
    if (code || out->fate == PROGRAM_PRESENT || dry_run)
        return code;
    wanted->revision = ++out->revision;
    code = insert_zones(connection, zones, arena, err);
    return code ? code : insert(connection, wanted, arena, err);
}

static struct text sha256_of(struct text source, struct arena *arena)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof hash + 1];
    crypto_hash_sha256(hash, (const unsigned char *)source.at, source.len);
    return arena_printf(arena, "%s", sodium_bin2hex(hex, sizeof hex, hash, sizeof hash));
}

static struct text hash_of(const struct zones *zones, struct arena *arena)
{
    char hex[33];
    hash16_hex(zones->hash, hex);
    return arena_printf(arena, "%s", hex);
}

enum err_code program_store_apply(PGconn *connection, const struct program *program, struct text source, bool dry_run,
                                  struct arena *arena, struct program_change *out, struct err *err)
{
    assert(connection && program && arena && out);
    struct program_change change = {0};
    struct stored_program wanted = {.program_id = program->id,
                                    .version = program->version,
                                    .effective_at = program->effective_at,
                                    .source = source,
                                    .source_hash = sha256_of(source, arena),
                                    .zones_hash = hash_of(program->zones, arena)};
    enum err_code code = postgres_run(connection, "BEGIN", err);
    if (!code)
        code = apply_locked(connection, &wanted, program->zones, dry_run, arena, &change, err);
    if (!code)
        code = postgres_run(connection, dry_run ? "ROLLBACK" : "COMMIT", err);
    if (code && PQtransactionStatus(connection) != PQTRANS_IDLE)
        PQclear(PQexec(connection, "ROLLBACK"));
    if (!code)
        *out = change;
    return code;
}
