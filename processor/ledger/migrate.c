#include "ledger/migrate.h"

#include <assert.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>

#include "ledger/postgres.h"

static const struct text folder = {"sql/", 4};
static const struct text suffix = {".sql", 4};

/* "sql/001_ledger.sql" -> "001_ledger"; false for files of other folders. */
static bool stem(const char *path, struct text *out)
{
    struct text name = text_of(path);
    if (name.len <= folder.len + suffix.len || memcmp(name.at, folder.at, folder.len) != 0 ||
        memcmp(name.at + name.len - suffix.len, suffix.at, suffix.len) != 0)
        return false;
    *out = (struct text){name.at + folder.len, name.len - folder.len - suffix.len};
    return true;
}

static void sha256_hex(struct text content, char out[65])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)content.at, content.len);
    sodium_bin2hex(out, 65, hash, sizeof hash);
}

static bool number_of(struct text name, int *out)
{
    char *end;
    long number = strtol(name.at, &end, 10);
    if (end == name.at || *end != '_' || number <= 0 || number > INT_MAX)
        return false;
    *out = (int)number;
    return true;
}

enum err_code migrations_of(const struct embedded_file *files, struct arena *arena, struct migrations *out,
                            struct err *err)
{
    assert(files && arena && out);
    size_t most = 0;
    while (files[most].name)
        most++;
    struct migration *items = arena_array(arena, most, sizeof *items);
    size_t count = 0;
    for (const struct embedded_file *file = files; file->name; file++) {
        struct migration *item = &items[count];
        if (!stem(file->name, &item->name))
            continue;
        item->sql = (struct text){file->at, (size_t)(file->end - file->at)};
        if (!number_of(item->name, &item->number))
            return err_set(err, ERR_MIGRATION, "%s: a migration is named sql/NNN_name.sql", file->name);
        if (item->number != (int)count + 1)
            return err_set(err, ERR_MIGRATION, "%s: expected number %zu; numbers go 1, 2, 3 without gaps", file->name,
                           count + 1);
        sha256_hex(item->sql, item->sha256);
        count++;
    }
    *out = (struct migrations){items, count};
    return ERR_NONE;
}

static enum err_code refuse_difference(const struct migration *ours, const struct migration *applied, struct err *err)
{
    if (!text_equal(ours->name, applied->name))
        return err_set(err, ERR_MIGRATION,
                       "migration %d was applied as %.*s, but this build calls it %.*s; run the build that made this "
                       "database, or give the file its old name",
                       applied->number, (int)applied->name.len, applied->name.at, (int)ours->name.len, ours->name.at);
    return err_set(
        err, ERR_MIGRATION,
        "migration %.*s was changed after it was applied (sha256 %.12s..., now %.12s...); restore the file, and "
        "put the change into a new migration",
        (int)ours->name.len, ours->name.at, applied->sha256, ours->sha256);
}

enum err_code migrations_compare(struct migrations ours, struct migrations applied, bool newer_allowed, size_t *done,
                                 struct err *err)
{
    assert(done);
    for (size_t i = 0; i < applied.count; i++) {
        const struct migration *item = &applied.items[i];
        if (item->number != (int)i + 1)
            return err_set(err, ERR_MIGRATION,
                           "migration %zu was never applied, though %.*s was; restore the database's table migrations "
                           "from a backup",
                           i + 1, (int)item->name.len, item->name.at);
        if (i >= ours.count && newer_allowed)
            break;
        if (i >= ours.count)
            return err_set(err, ERR_MIGRATION,
                           "migration %.*s was applied by a newer build and is missing in this one; use that build or "
                           "a newer one",
                           (int)item->name.len, item->name.at);
        if (!text_equal(ours.items[i].name, item->name) || strcmp(ours.items[i].sha256, item->sha256) != 0)
            return refuse_difference(&ours.items[i], item, err);
    }
    *done = applied.count < ours.count ? applied.count : ours.count;
    return ERR_NONE;
}

/* Missing table: nothing was applied. */
static enum err_code read_applied(PGconn *connection, struct arena *arena, struct migrations *out, struct err *err)
{
    PGresult *rows = PQexec(connection, "SELECT to_regclass('migrations') IS NOT NULL");
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "looking for the table migrations", err);
    bool exists = PQgetvalue(rows, 0, 0)[0] == 't';
    PQclear(rows);
    if (!exists) {
        *out = (struct migrations){NULL, 0};
        return ERR_NONE;
    }
    rows = PQexec(connection, "SELECT number, name, encode(sha256, 'hex') FROM migrations ORDER BY number");
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "reading the table migrations", err);
    size_t count = (size_t)PQntuples(rows);
    struct migration *items = arena_array(arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i].number = (int)strtol(PQgetvalue(rows, (int)i, 0), NULL, 10);
        items[i].name = arena_text(arena, text_of(PQgetvalue(rows, (int)i, 1)));
        memcpy(items[i].sha256, PQgetvalue(rows, (int)i, 2), sizeof items[i].sha256 - 1);
    }
    PQclear(rows);
    *out = (struct migrations){items, count};
    return ERR_NONE;
}

/* The line of the file that the server points at; 0 where it does not say. */
static int line_of(const PGresult *result, struct text sql)
{
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    if (!position)
        return 0;
    int line = 1;
    long characters = strtol(position, NULL, 10);
    for (size_t i = 0; i < sql.len && characters > 1; i++) {
        if (sql.at[i] == '\n')
            line++;
        if (((unsigned char)sql.at[i] & 0xC0) != 0x80) /* the server counts characters, not bytes */
            characters--;
    }
    return line;
}

static enum err_code run_file(PGconn *connection, const struct migration *item, struct arena *arena, struct err *err)
{
    struct text sql = arena_printf(arena, "%.*s", (int)item->sql.len, item->sql.at);
    PGresult *result = PQexec(connection, sql.at);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
        int line = line_of(result, sql);
        struct text where = arena_printf(arena, "sql/%.*s.sql:%d", (int)item->name.len, item->name.at, line);
        return postgres_failed(connection, result, where.at, err);
    }
    PQclear(result);
    return ERR_NONE;
}

static enum err_code remember(PGconn *connection, const struct migration *item, struct arena *arena, struct err *err)
{
    const char *values[] = {arena_printf(arena, "%d", item->number).at,
                            arena_printf(arena, "%.*s", (int)item->name.len, item->name.at).at, item->sha256};
    PGresult *result = PQexecParams(connection,
                                    "INSERT INTO migrations (number, name, sha256)"
                                    " VALUES ($1::integer, $2, decode($3, 'hex'))",
                                    3, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return postgres_failed(connection, result, "writing the table migrations", err);
    PQclear(result);
    return ERR_NONE;
}

static enum err_code apply_one(PGconn *connection, const struct migration *item, struct arena *arena, struct err *err)
{
    enum err_code code = postgres_run(connection, "BEGIN", err);
    if (!code)
        code = run_file(connection, item, arena, err);
    if (!code)
        code = remember(connection, item, arena, err);
    if (!code)
        code = postgres_run(connection, "COMMIT", err);
    if (code && PQtransactionStatus(connection) != PQTRANS_IDLE)
        PQclear(PQexec(connection, "ROLLBACK"));
    return code;
}

/* SET ROLE needs membership. A login that may not grant is right where a role was granted to it before. Another
 * database of the cluster may be migrated at the same time: roles are the cluster's. */
static const char grant_sql[] = "DO $$ DECLARE wanted text; BEGIN"
                                " FOREACH wanted IN ARRAY ARRAY['points_runtime', 'points_reader'] LOOP"
                                "   BEGIN EXECUTE format('GRANT %I TO %I', wanted, session_user);"
                                "   EXCEPTION WHEN unique_violation THEN NULL;"
                                "   WHEN insufficient_privilege THEN"
                                "     IF NOT pg_has_role(session_user, wanted, 'MEMBER') THEN"
                                "       RAISE insufficient_privilege USING MESSAGE ="
                                "         format('an administrator must run: GRANT %I TO %I', wanted, session_user);"
                                "     END IF;"
                                "   END;"
                                " END LOOP; END $$;"
                                "GRANT SELECT ON migrations TO points_runtime, points_reader";

static enum err_code grant_roles(PGconn *connection, struct err *err)
{
    PGresult *result = PQexec(connection, grant_sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return postgres_failed(connection, result, "granting the roles", err);
    PQclear(result);
    return ERR_NONE;
}

static enum err_code apply_missing(PGconn *connection, struct arena *arena, struct migrate_report *report,
                                   struct err *err)
{
    enum err_code code = postgres_run(connection,
                                      "CREATE TABLE IF NOT EXISTS migrations ("
                                      " number integer PRIMARY KEY,"
                                      " name text NOT NULL,"
                                      " sha256 bytea NOT NULL CHECK (length(sha256) = 32),"
                                      " applied_at timestamptz NOT NULL DEFAULT now())",
                                      err);
    for (size_t i = report->already; i < report->all.count && !code; i++) {
        code = apply_one(connection, &report->all.items[i], arena, err);
        report->applied += code ? 0 : 1;
    }
    return code ? code : grant_roles(connection, err);
}

static enum err_code look(PGconn *connection, bool newer_allowed, struct arena *arena, struct migrate_report *out,
                          struct err *err)
{
    struct migrations applied;
    struct migrate_report report = {0};
    enum err_code code = migrations_of(embedded_files, arena, &report.all, err);
    if (!code)
        code = read_applied(connection, arena, &applied, err);
    if (!code)
        code = migrations_compare(report.all, applied, newer_allowed, &report.already, err);
    if (!code)
        *out = report;
    return code;
}

/* One waits for the other for up to ten minutes; a migration itself may take as long as it needs, but not hold up
 * everybody behind its wait for a lock. */
static enum err_code lock(PGconn *connection, struct err *err)
{
    enum err_code code =
        postgres_run(connection,
                     "SELECT set_config('points.lock_timeout', current_setting('lock_timeout'), false),"
                     " set_config('lock_timeout', '10min', false), set_config('statement_timeout', '0', false)",
                     err);
    if (!code)
        code = postgres_run(connection, "SELECT pg_advisory_lock(1886350702, 1)", err);
    if (!code)
        code = postgres_run(connection,
                            "SELECT set_config('lock_timeout', current_setting('points.lock_timeout'), false)", err);
    return code;
}

enum err_code migrate(PGconn *connection, bool dry_run, struct arena *arena, struct migrate_report *out,
                      struct err *err)
{
    assert(connection && arena && out);
    struct err own;
    if (!err)
        err = &own;
    struct migrate_report report = {0};
    enum err_code code = dry_run ? ERR_NONE : lock(connection, err);
    if (code)
        return err_wrap(err, "taking the migrations' lock");
    code = look(connection, false, arena, &report, err);
    if (!code && dry_run)
        report.applied = report.all.count - report.already;
    else if (!code)
        code = apply_missing(connection, arena, &report, err);
    if (!dry_run && PQstatus(connection) == CONNECTION_OK)
        PQclear(PQexec(connection, "SELECT pg_advisory_unlock(1886350702, 1)"));
    if (!code)
        *out = report;
    return code;
}

enum err_code migrate_verify(PGconn *connection, struct arena *arena, struct err *err)
{
    assert(connection && arena);
    struct migrate_report report = {0};
    enum err_code code = look(connection, true, arena, &report, err);
    if (code)
        return code;
    if (report.already < report.all.count)
        return err_set(err, ERR_MIGRATION, "the database lacks migration %.*s; run `points migrate`",
                       (int)report.all.items[report.already].name.len, report.all.items[report.already].name.at);
    return ERR_NONE;
}
