#include <jansson.h>
#include <time.h>

#include "ops/command.h"
#include "ops/database.h"
#include "ops/ticker.h"
#include "projection/rebuild.h"

enum { ATTEMPTS = 3 };

static void pause_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Starts, after another process has ended its rebuild. */
static enum err_code start(const struct invocation *invocation, struct redis *redis, bool compare, struct rebuild **out,
                           struct err *err)
{
    bool told = false;
    struct rebuild *rebuild = NULL;
    for (;;) {
        enum err_code code = rebuild_start(invocation->config, redis, compare, &rebuild, err);
        if (code)
            return code;
        if (rebuild) {
            *out = rebuild;
            return ERR_NONE;
        }
        if (!told)
            fputs("another process rebuilds at this moment; waiting for it\n", invocation->errors);
        told = true;
        pause_ms(250);
    }
}

/* All pages. *done is false where Redis was emptied or updates were dropped meanwhile. */
static enum err_code one_pass(const struct invocation *invocation, struct redis *redis, bool compare,
                              struct rebuild_progress *out, bool *done, struct err *err)
{
    struct rebuild *rebuild = NULL;
    struct ticker ticker = ticker_on(invocation->errors);
    enum err_code code = start(invocation, redis, compare, &rebuild, err);
    bool finished = false;
    *done = compare;
    while (!code && !finished) {
        code = rebuild_page(rebuild, redis, &finished, err);
        if (!code)
            ticker_show(&ticker, "members", rebuild_progress(rebuild)->read, rebuild_progress(rebuild)->estimated);
    }
    if (!code && !compare)
        code = rebuild_end(rebuild, redis, done, err);
    ticker_clear(&ticker);
    if (!code)
        *out = *rebuild_progress(rebuild);
    rebuild_free(rebuild);
    return code;
}

static enum err_code all_passes(const struct invocation *invocation, struct redis *redis, bool compare,
                                struct rebuild_progress *out, struct err *err)
{
    bool done = false;
    for (int attempt = 0; attempt < ATTEMPTS && !done; attempt++) {
        enum err_code code = one_pass(invocation, redis, compare, out, &done, err);
        if (code)
            return code;
        if (!done)
            fputs("Redis was emptied, or a processor dropped updates, meanwhile; again\n", invocation->errors);
    }
    if (!done)
        return err_set(err, ERR_REDIS,
                       "Redis loses what is written to it; look for what empties it, or whether a "
                       "processor logs projection.stale");
    return ERR_NONE;
}

static enum err_code rebuild_or_compare(const struct invocation *invocation, bool compare, struct rebuild_progress *out,
                                        size_t *deleted, struct err *err)
{
    struct redis *redis = NULL;
    if (invocation->config->redis_host[0] == '\0')
        return err_set(err, ERR_CONFIG, "redis.host is empty: there is no projection to rebuild");
    PGconn *connection = NULL;
    enum err_code code = database_open(invocation->config, POSTGRES_RUNTIME, &connection, err);
    postgres_close(connection);
    if (!code)
        code = redis_open(invocation->config, &redis, err);
    if (!code && option_given(invocation, "--empty-first") && !compare)
        code = redis_empty(redis, deleted, err);
    if (!code)
        code = all_passes(invocation, redis, compare, out, err);
    redis_close(redis);
    return code;
}

static void print_rebuilt(const struct invocation *invocation, const struct rebuild_progress *progress, size_t deleted)
{
    if (invocation->json) {
        json_t *object = json_pack("{s:b, s:I, s:I, s:I, s:I}", "dry_run", 0, "members", (json_int_t)progress->read,
                                   "written", (json_int_t)progress->written.written, "unreadable",
                                   (json_int_t)progress->written.unreadable, "deleted", (json_int_t)deleted);
        json_dumpf(object, invocation->out, JSON_COMPACT);
        fputc('\n', invocation->out);
        json_decref(object);
        return;
    }
    fprintf(invocation->out, "%lld members in the ledger, %zu written to Redis", (long long)progress->read,
            progress->written.written);
    if ((size_t)progress->read > progress->written.written + progress->written.unreadable)
        fputs("; of the rest Redis holds newer versions", invocation->out);
    if (progress->written.unreadable > 0)
        fprintf(invocation->out, "; %zu states cannot be read by this version", progress->written.unreadable);
    fputc('\n', invocation->out);
}

static void print_compared(const struct invocation *invocation, const struct rebuild_progress *progress)
{
    const struct redis_difference *difference = &progress->difference;
    if (invocation->json) {
        json_t *object = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "dry_run", 1, "members",
                                   (json_int_t)progress->read, "missing", (json_int_t)difference->missing, "behind",
                                   (json_int_t)difference->behind, "ahead", (json_int_t)difference->ahead, "altered",
                                   (json_int_t)difference->altered, "unreadable", (json_int_t)difference->unreadable);
        json_dumpf(object, invocation->out, JSON_COMPACT);
        fputc('\n', invocation->out);
        json_decref(object);
        return;
    }
    fprintf(invocation->out,
            "%lld members in the ledger. In Redis: %zu missing, %zu behind, %zu ahead, %zu altered; nothing was "
            "written\n",
            (long long)progress->read, difference->missing, difference->behind, difference->ahead, difference->altered);
    if (difference->ahead > 0)
        fputs("ahead: written while this was counted, or left by a ledger that was restored from a backup; then "
              "`points redis rebuild --empty-first`\n",
              invocation->out);
}

static int run(const struct invocation *invocation)
{
    struct err err = {.code = ERR_NONE};
    struct rebuild_progress progress = {0};
    size_t deleted = 0;
    bool compare = option_given(invocation, "--dry-run");
    if (rebuild_or_compare(invocation, compare, &progress, &deleted, &err))
        return command_failed(invocation, &err);
    if (!compare) {
        print_rebuilt(invocation, &progress, deleted);
        return EXIT_OK;
    }
    print_compared(invocation, &progress);
    const struct redis_difference *difference = &progress.difference;
    bool equal = difference->missing + difference->behind + difference->ahead + difference->altered == 0;
    return equal ? EXIT_OK : EXIT_DIFFERENCE;
}

const struct command command_redis_rebuild = {
    .name = "redis rebuild",
    .arguments = "",
    .summary = "write all balances to Redis anew, from the ledger",
    .description =
        "Writes every member's balances from the ledger to Redis, through the script that keeps the newer version: "
        "processors go on meanwhile, and nothing newer is overwritten. They rebuild by themselves when Redis was "
        "emptied or restarted, or was away for so long that they dropped updates; this command is for all other "
        "doubts.\n\n"
        "With --dry-run it counts what differs, writes nothing, and exits with 1 when something does. A processor that "
        "writes at that moment makes a few members look behind or ahead.",
    .loads_config = true,
    .json = true,
    .options = {{"--dry-run", NULL, "count differences, write nothing"},
                {"--empty-first", NULL,
                 "delete all keys under redis.prefix first: after the database was restored from a backup, or to get "
                 "rid of foreign keys; readers miss balances for a moment"}},
    .examples = {{"points redis rebuild --dry-run", "is Redis right?"}, {"points redis rebuild", "make it so"}},
    .run = run,
};
