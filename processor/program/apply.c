#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/rfc3339.h"
#include "ledger/postgres.h"
#include "program/store.h"

#define MICROSECONDS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

static const char list_sql[] = "SELECT program_id, version, effective_at, revision, " MICROSECONDS(
    "applied_at") ","
                  " applied_by, source FROM programs"
                  " WHERE $1::text = '' OR program_id = $1::text"
                  " ORDER BY program_id COLLATE \"C\", version";

enum { COLUMN_ID, COLUMN_VERSION, COLUMN_EFFECTIVE, COLUMN_REVISION, COLUMN_AT, COLUMN_BY, COLUMN_SOURCE };

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
                                             .source = text_at(rows, row, COLUMN_SOURCE, arena)};
    PQclear(rows);
    *out = (struct stored_programs){items, count};
    return ERR_NONE;
}

enum err_code program_store_check(struct stored_programs stored, const struct stored_program *wanted, bool *present,
                                  struct err *err)
{
    assert(wanted && present);
    const char *id = wanted->program_id.at;
    int id_len = (int)wanted->program_id.len;
    const struct stored_program *newest = stored.count ? &stored.items[stored.count - 1] : NULL;
    char effective[RFC3339_SIZE];
    if (wanted->version < 1 || wanted->version > INT32_MAX)
        return err_set(err, ERR_PROGRAM, "program %.*s: version must be from 1 to %" PRId32, id_len, id, INT32_MAX);
    for (size_t i = 0; i < stored.count; i++) {
        if (stored.items[i].version != wanted->version)
            continue;
        *present = text_equal(stored.items[i].source, wanted->source);
        if (*present)
            return ERR_NONE;
        return err_set(err, ERR_PROGRAM,
                       "program %.*s version %" PRId64 " is stored with another content, and grants may stand on it; "
                       "make this `version: %" PRId64 "` with a later `effective:`",
                       id_len, id, wanted->version, newest->version + 1);
    }
    if (newest && wanted->version < newest->version)
        return err_set(err, ERR_PROGRAM,
                       "program %.*s version %" PRId64 " is older than version %" PRId64 ", which is stored; make it "
                       "`version: %" PRId64 "`",
                       id_len, id, wanted->version, newest->version, newest->version + 1);
    if (newest && wanted->effective_at <= newest->effective_at)
        return err_set(err, ERR_PROGRAM,
                       "program %.*s version %" PRId64 " must take effect after version %" PRId64 ", which does at %s; "
                       "set a later `effective:`",
                       id_len, id, wanted->version, newest->version, rfc3339_format(newest->effective_at, effective));
    *present = false;
    return ERR_NONE;
}

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

static enum err_code insert(PGconn *connection, const struct stored_program *wanted, struct arena *arena,
                            struct err *err)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof hash + 1];
    crypto_hash_sha256(hash, (const unsigned char *)wanted->source.at, wanted->source.len);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    const char *values[] = {
        arena_printf(arena, "%.*s", (int)wanted->program_id.len, wanted->program_id.at).at,
        arena_printf(arena, "%" PRId64, wanted->version).at,
        arena_printf(arena, "%" PRId64, wanted->effective_at).at,
        arena_printf(arena, "%.*s", (int)wanted->source.len, wanted->source.at).at,
        hex,
        arena_printf(arena, "%" PRId64, wanted->revision).at,
    };
    PGresult *result =
        PQexecParams(connection,
                     "WITH raised AS (UPDATE program_revision SET revision = $6::bigint)"
                     " INSERT INTO programs (program_id, version, effective_at, source, source_hash, revision)"
                     " VALUES ($1, $2::bigint, $3::bigint, $4, decode($5, 'hex'), $6::bigint)",
                     6, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return postgres_failed(connection, result, "storing the program", err);
    PQclear(result);
    return ERR_NONE;
}

/* In a transaction. */
static enum err_code apply_locked(PGconn *connection, struct stored_program *wanted, bool dry_run, struct arena *arena,
                                  struct program_change *out, struct err *err)
{
    struct stored_programs stored;
    enum err_code code = lock_revision(connection, &out->revision, err);
    if (!code)
        code = program_store_list(connection, wanted->program_id, arena, &stored, err);
    if (!code && stored.count > 0) {
        out->previous = stored.items[stored.count - 1].source;
        out->previous_version = stored.items[stored.count - 1].version;
    }
    if (!code)
        code = program_store_check(stored, wanted, &out->present, err);
    if (code || out->present || dry_run)
        return code;
    wanted->revision = ++out->revision;
    return insert(connection, wanted, arena, err);
}

enum err_code program_store_apply(PGconn *connection, const struct program *program, struct text source, bool dry_run,
                                  struct arena *arena, struct program_change *out, struct err *err)
{
    assert(connection && program && arena && out);
    struct program_change change = {0};
    struct stored_program wanted = {.program_id = program_id(program),
                                    .version = program_version(program),
                                    .effective_at = program_effective_at(program),
                                    .source = source};
    enum err_code code = postgres_run(connection, "BEGIN", err);
    if (!code)
        code = apply_locked(connection, &wanted, dry_run, arena, &change, err);
    if (!code)
        code = postgres_run(connection, dry_run ? "ROLLBACK" : "COMMIT", err);
    if (code && PQtransactionStatus(connection) != PQTRANS_IDLE)
        PQclear(PQexec(connection, "ROLLBACK"));
    if (!code)
        *out = change;
    return code;
}
