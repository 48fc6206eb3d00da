#include "program/store.h"

#include <assert.h>
#include <stdlib.h>

#include "ledger/postgres.h"
#include "program/load.h"
#include "program/zones.h"

/* One statement is one snapshot. A revision without programs gives one row whose program columns are null. */
static const char load_sql[] = "SELECT r.revision, p.program_id, p.version, p.source"
                               " FROM program_revision r LEFT JOIN programs p ON true"
                               " ORDER BY p.program_id COLLATE \"C\", p.effective_at";

enum { COLUMN_REVISION, COLUMN_ID, COLUMN_VERSION, COLUMN_SOURCE };

static struct text field(const PGresult *rows, int row, int column)
{
    return (struct text){PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column)};
}

/* What PostgreSQL holds was checked when it was applied; an error here means a program file that a newer or older build
 * wrote. */
static enum err_code load_row(const PGresult *rows, int row, const struct zones *zones, struct arena *arena,
                              struct program **out, struct err *err)
{
    struct program_errors errors = {0};
    struct program *program = NULL;
    struct text source = arena_text(arena, field(rows, row, COLUMN_SOURCE));
    const char *id = PQgetvalue(rows, row, COLUMN_ID);
    const char *version = PQgetvalue(rows, row, COLUMN_VERSION);
    if (program_load(source, zones, arena, &program, &errors, err)) {
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
    const struct zones *zones = NULL;
    enum err_code code = zones_load(ZONES_FOLDER, arena, &zones, err);
    if (code)
        return code;
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
    for (int row = 0; row < count && !code; row++)
        code = load_row(rows, row, zones, arena, &programs[row], err);
    if (!code)
        *out = (struct program_set){.revision = strtoll(PQgetvalue(rows, 0, COLUMN_REVISION), NULL, 10),
                                    .programs = programs,
                                    .count = (size_t)count};
    PQclear(rows);
    return code;
}
