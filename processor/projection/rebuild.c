#include "projection/rebuild.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "ledger/postgres.h"
#include "projection/store.h"

enum { PAGE = 4096, TOKEN_BYTES = 16 };

struct rebuild {
    PGconn *connection;
    bool compare;
    struct projection_identity identity; /* as it was at the start */
    char token[2 * TOKEN_BYTES + 1];
    struct projection_item items[PAGE];
    struct rebuild_progress progress;
};

/* The identity is read before the first page, so that a drop that the pages may have missed changes it. */
static enum err_code begin(struct rebuild *rebuild, struct redis *redis, bool *locked, struct err *err)
{
    unsigned char random[TOKEN_BYTES];
    struct hash16 first = {{0}};
    enum err_code code = ERR_NONE;
    *locked = true;
    if (!rebuild->compare)
        code = projection_store_lock(rebuild->connection, locked, err);
    if (code || !*locked)
        return code;
    /* Pages come in the key's order from its index, also where statistics are missing and a sort looks cheap. */
    code = postgres_run(rebuild->connection, "SET enable_sort = off", err);
    if (!code)
        code = projection_store_identity(rebuild->connection, &rebuild->identity, err);
    if (!code)
        code = projection_store_estimate(rebuild->connection, &rebuild->progress.estimated, err);
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(rebuild->token, sizeof rebuild->token, random, sizeof random);
    if (!code && !rebuild->compare)
        code = redis_begin_rebuild(redis, rebuild->token, err);
    if (!code)
        code = projection_store_ask_page(rebuild->connection, first, PAGE, err);
    return code;
}

enum err_code rebuild_start(const struct config *config, struct redis *redis, bool compare, struct rebuild **out,
                            struct err *err)
{
    assert(config && redis && out);
    bool locked = false;
    struct rebuild *rebuild = calloc(1, sizeof *rebuild);
    if (!rebuild)
        abort();
    rebuild->compare = compare;
    enum err_code code = postgres_open(config, POSTGRES_RUNTIME, &rebuild->connection, err);
    if (!code)
        code = begin(rebuild, redis, &locked, err);
    if (code || !locked)
        rebuild = rebuild_free(rebuild);
    if (!code)
        *out = rebuild;
    return code;
}

/* The page asked for; PostgreSQL sends one result, then none. */
static enum err_code take_page(struct rebuild *rebuild, PGresult **out, struct err *err)
{
    PGresult *rows = PQgetResult(rebuild->connection);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(rebuild->connection, rows, "reading a page of members", err);
    PGresult *more = PQgetResult(rebuild->connection);
    if (more) {
        PQclear(rows);
        return postgres_failed(rebuild->connection, more, "reading a page of members", err);
    }
    *out = rows;
    return ERR_NONE;
}

/* While Redis takes this page, PostgreSQL reads the next. */
enum err_code rebuild_page(struct rebuild *rebuild, struct redis *redis, bool *finished, struct err *err)
{
    assert(rebuild && redis && finished);
    PGresult *rows = NULL;
    enum err_code code = take_page(rebuild, &rows, err);
    if (code)
        return code;
    struct rebuild_progress *progress = &rebuild->progress;
    size_t count = projection_store_items(rows, rebuild->items);
    bool last = count < PAGE;
    if (!last)
        code = projection_store_ask_page(rebuild->connection, rebuild->items[count - 1].member_key, PAGE, err);
    if (!code && rebuild->compare)
        code = redis_compare(redis, rebuild->items, count, &progress->difference, err);
    else if (!code)
        code = redis_write(redis, rebuild->items, count, &progress->written, err);
    PQclear(rows);
    if (code)
        return code;
    progress->read += (int64_t)count;
    *finished = last;
    return ERR_NONE;
}

/* PostgreSQL first: stopping between the two leaves a mark missing, and so a rebuild to be done again. */
enum err_code rebuild_end(struct rebuild *rebuild, struct redis *redis, bool *done, struct err *err)
{
    assert(rebuild && !rebuild->compare && redis && done);
    bool mended, marked = false;
    enum err_code code = projection_store_mend(rebuild->connection, rebuild->identity.text, &mended, err);
    if (!code && mended)
        code = redis_end_rebuild(redis, rebuild->token, rebuild->identity.text, &marked, err);
    if (!code)
        *done = mended && marked;
    return code;
}

const struct rebuild_progress *rebuild_progress(const struct rebuild *rebuild)
{
    return &rebuild->progress;
}

struct rebuild *rebuild_free(struct rebuild *rebuild)
{
    if (!rebuild)
        return NULL;
    postgres_close(rebuild->connection);
    free(rebuild);
    return NULL;
}
