#include "program/store.h"

#include <assert.h>
#include <stdlib.h>

#include "ledger/postgres.h"
#include "program/load.h"
#include "program/zones.h"

/* One statement is one snapshot. A revision without programs gives one row whose program columns are null. */
static const char load_sql[] = "SELECT r.revision, p.program_id, p.version, p.source, p.zones_hash"
                               " FROM program_revision r LEFT JOIN program_versions p ON true"
                               " ORDER BY p.program_id COLLATE \"C\", p.effective_at";

enum { COLUMN_REVISION, COLUMN_ID, COLUMN_VERSION, COLUMN_SOURCE, COLUMN_ZONES, ZONE_DATABASES_MAX = 64 };

/* The time-zone databases of the versions, each read once. */
struct databases {
    PGconn *connection;
    struct arena *arena;
    const char *hashes[ZONE_DATABASES_MAX]; /* as PostgreSQL writes them; empty: this machine's */
    const struct zones *zones[ZONE_DATABASES_MAX];
    size_t count;
};

static enum err_code read_database(struct databases *databases, const char *hash, const struct zones **out,
                                   struct err *err)
{
    enum { BINARY = 1 };
    if (!*hash)
        return zones_load(ZONES_FOLDER, databases->arena, out, err);
    PGresult *rows = PQexecParams(databases->connection, "SELECT files FROM zone_databases WHERE hash = $1::uuid", 1,
                                  NULL, &hash, NULL, NULL, BINARY);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK || PQntuples(rows) != 1)
        return postgres_failed(databases->connection, rows, "reading the time zones", err);
    struct bytes files = {(const uint8_t *)PQgetvalue(rows, 0, 0), (size_t)PQgetlength(rows, 0, 0)};
    enum err_code code = zones_unpack(files, databases->arena, out, err);
    PQclear(rows);
    return code;
}

static enum err_code find_database(struct databases *databases, const char *hash, const struct zones **out,
                                   struct err *err)
{
    for (size_t i = 0; i < databases->count; i++) {
        if (strcmp(databases->hashes[i], hash) != 0)
            continue;
        *out = databases->zones[i];
        return ERR_NONE;
    }
    enum err_code code = read_database(databases, hash, out, err);
    if (!code && databases->count < ZONE_DATABASES_MAX) {
        databases->hashes[databases->count] = hash;
        databases->zones[databases->count++] = *out;
    }
    return code;
}

static struct text field(const PGresult *rows, int row, int column)
{
    return (struct text){PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column)};
}

/* What PostgreSQL holds was checked when it was applied; an error here means a program file that a newer or older build
 * wrote. */
static enum err_code load_row(const PGresult *rows, int row, struct databases *databases, struct program **out,
                              struct err *err)
{
    struct program_errors errors = {0};
    struct program *program = NULL;
    const struct zones *zones = NULL;
    struct text source = arena_text(databases->arena, field(rows, row, COLUMN_SOURCE));
    const char *id = PQgetvalue(rows, row, COLUMN_ID);
    const char *version = PQgetvalue(rows, row, COLUMN_VERSION);
    enum err_code code = find_database(databases, PQgetvalue(rows, row, COLUMN_ZONES), &zones, err);
    if (code)
        return code;
    if (program_load(source, zones, databases->arena, &program, &errors, err)) {
        if (errors.count > 0)
            err_set(err, ERR_PROGRAM, "%d:%d: %.*s", errors.items[0].line, errors.items[0].column,
                    (int)errors.items[0].message.len, errors.items[0].message.at);
        return err_wrap(err, "program %s version %s as stored", id, version);
    }
    if (!text_equal(program_id(program), field(rows, row, COLUMN_ID)) ||
        program_version(program) != strtoll(version, NULL, 10))
        return err_set(err, ERR_PROGRAM, "program %s version %s as stored names itself otherwise", id, version);
    *out = program;
    return ERR_NONE;
}

enum err_code program_store_load(PGconn *connection, struct arena *arena, struct program_set *out, struct err *err)
{
    assert(connection && arena && out);
    struct databases databases = {.connection = connection, .arena = arena};
    PGresult *rows = PQexec(connection, load_sql);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "reading the programs", err);
    int count = PQntuples(rows);
    if (count == 0) {
        PQclear(rows);
        return err_set(err, ERR_DATABASE, "table program_revision is empty; it must hold one row");
    }
    if (PQgetisnull(rows, 0, COLUMN_ID))
        count = 0;
    struct program **programs = arena_array(arena, (size_t)count, sizeof(struct program *));
    enum err_code code = ERR_NONE;
    for (int row = 0; row < count && !code; row++)
        code = load_row(rows, row, &databases, &programs[row], err);
    if (!code)
        *out = (struct program_set){.revision = strtoll(PQgetvalue(rows, 0, COLUMN_REVISION), NULL, 10),
                                    .programs = programs,
                                    .count = (size_t)count};
    PQclear(rows);
    return code;
}
