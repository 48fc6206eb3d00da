#include "projection/redis.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "base/embedded.h"
#include "projection/resp.h"
#include "rules/step.h"

enum {
    CHUNK = 64,      /* members per script call: a call of 64 keeps Redis busy for a quarter of a millisecond */
    WINDOW = 8,      /* calls under way while the next is being formatted */
    SHA_SIZE = 41,   /* 40 hexadecimal digits and a NUL */
    CURRENCIES = 64, /* of a chunk's members together; a program has at most 16 */
};

enum script { SCRIPT_PROJECT, SCRIPT_COMPARE, SCRIPT_FINISH, SCRIPT_COUNT };

static const char *const script_files[SCRIPT_COUNT] = {"redis/project.lua", "redis/compare.lua", "redis/finish.lua"};

struct redis {
    redisContext *context;
    struct text prefix;
    char shas[SCRIPT_COUNT][SHA_SIZE];
    struct arena *scratch; /* summaries of one chunk's states */
    struct buffer call;    /* being made */
    struct buffer name;    /* of one key */
    size_t under_way;      /* calls whose replies are not read yet */
};

/* Members that one call takes. */
struct chunk {
    const struct projection_item *items[CHUNK];
    struct state_summary summaries[CHUNK]; /* aligned with items */
    size_t count;
    struct text currencies[CURRENCIES];
    size_t currency_count;
    size_t unreadable;
};

/* What replies to a run of script calls add up to. */
struct tally {
    long long sums[4];
    bool unknown_script;
};

static enum err_code broken(const struct redis *redis, const char *what, struct err *err)
{
    const char *text = redis->context->err ? redis->context->errstr : "no answer";
    return err_set(err, ERR_REDIS, "Redis: %s: %s", what, text);
}

static enum err_code unexpected(redisReply *reply, const char *what, struct err *err)
{
    bool is_error = reply->type == REDIS_REPLY_ERROR;
    enum err_code code = err_set(err, ERR_REDIS, "Redis: %s: %s", what, is_error ? reply->str : "unexpected answer");
    freeReplyObject(reply);
    return code;
}

/* One command; the reply is never an error. */
static enum err_code ask(struct redis *redis, const char *what, redisReply **out, struct err *err, int argc,
                         const char **argv)
{
    assert(redis->under_way == 0);
    redisReply *reply = redisCommandArgv(redis->context, argc, argv, NULL);
    if (!reply)
        return broken(redis, what, err);
    if (reply->type == REDIS_REPLY_ERROR)
        return unexpected(reply, what, err);
    *out = reply;
    return ERR_NONE;
}

static enum err_code load_script(struct redis *redis, enum script script, struct err *err)
{
    const struct embedded_file *file = embedded_files;
    while (file->name && strcmp(file->name, script_files[script]) != 0)
        file++;
    assert(file->name);
    redisReply *reply = redisCommand(redis->context, "SCRIPT LOAD %b", file->at, (size_t)(file->end - file->at));
    if (!reply)
        return broken(redis, "loading a script", err);
    if (reply->type != REDIS_REPLY_STRING || reply->len != SHA_SIZE - 1)
        return unexpected(reply, "loading a script", err);
    memcpy(redis->shas[script], reply->str, SHA_SIZE);
    freeReplyObject(reply);
    return ERR_NONE;
}

static enum err_code load_scripts(struct redis *redis, struct err *err)
{
    enum err_code code = ERR_NONE;
    for (int script = 0; script < SCRIPT_COUNT && !code; script++)
        code = load_script(redis, (enum script)script, err);
    return code;
}

static enum err_code authenticate(struct redis *redis, const struct config *config, struct err *err)
{
    char *password = NULL;
    redisReply *reply = NULL;
    enum err_code code = config_secret(config->redis_password_file, &password, err);
    if (code || !password)
        return code;
    const char *argv[] = {"AUTH", password};
    code = ask(redis, "authenticating", &reply, err, 2, argv);
    freeReplyObject(reply);
    free(password);
    return code;
}

static enum err_code connect_to(struct redis *redis, const struct config *config, struct err *err)
{
    struct timeval limit = {.tv_sec = config->redis_timeout_ms / 1000,
                            .tv_usec = config->redis_timeout_ms % 1000 * 1000};
    redis->context = redisConnectWithTimeout(config->redis_host, (int)config->redis_port, limit);
    if (!redis->context)
        abort();
    if (redis->context->err || redisSetTimeout(redis->context, limit) || redisEnableKeepAlive(redis->context))
        return broken(redis, "connecting", err);
    enum err_code code = authenticate(redis, config, err);
    return code ? code : load_scripts(redis, err);
}

enum err_code redis_open(const struct config *config, struct redis **out, struct err *err)
{
    assert(config && out);
    struct redis *redis = calloc(1, sizeof *redis);
    char *prefix = strdup(config->redis_prefix);
    if (!redis || !prefix)
        abort();
    redis->prefix = text_of(prefix);
    redis->scratch = arena_new(256 * 1024);
    enum err_code code = connect_to(redis, config, err);
    if (code) {
        redis_close(redis);
        return err_wrap(err, "%s:%lld", config->redis_host, (long long)config->redis_port);
    }
    *out = redis;
    return ERR_NONE;
}

struct redis *redis_close(struct redis *redis)
{
    if (!redis)
        return NULL;
    redisFree(redis->context);
    free((char *)redis->prefix.at);
    arena_free(redis->scratch);
    buffer_release(&redis->call);
    buffer_release(&redis->name);
    free(redis);
    return NULL;
}

/* PREFIX:{PROGRAM/MEMBER}: the braces are Redis Cluster's hash tag. */
static void put_key(struct redis *redis, const struct projection_item *item)
{
    struct buffer *name = &redis->name;
    buffer_clear(name);
    buffer_put(name, redis->prefix.at, redis->prefix.len);
    buffer_put(name, ":{", 2);
    buffer_put(name, item->program_id.at, item->program_id.len);
    buffer_put(name, "/", 1);
    buffer_put(name, item->member_id.at, item->member_id.len);
    buffer_put(name, "}", 1);
    resp_text(&redis->call, (struct text){(const char *)name->at, name->len});
}

static bool chunk_has(const struct chunk *chunk, struct text currency)
{
    for (size_t i = 0; i < chunk->currency_count; i++)
        if (text_equal(chunk->currencies[i], currency))
            return true;
    return false;
}

/* Adds the balances' currencies to the chunk's; false, and nothing is added, where they are too many. A chunk's first
 * member always fits. */
static bool add_currencies(struct chunk *chunk, const struct state_summary *summary)
{
    size_t before = chunk->currency_count;
    for (size_t i = 0; i < summary->balance_count; i++) {
        struct text currency = summary->balances[i].currency;
        if (chunk_has(chunk, currency))
            continue;
        if (chunk->currency_count == CURRENCIES) {
            chunk->currency_count = before;
            return false;
        }
        chunk->currencies[chunk->currency_count++] = currency;
    }
    return true;
}

/* Takes items from the front of the list until the chunk is full; returns how many, those with unreadable states
 * counted. */
static size_t fill_chunk(struct redis *redis, struct chunk *chunk, const struct projection_item *items, size_t count)
{
    size_t at = 0;
    arena_reset(redis->scratch);
    chunk->count = chunk->currency_count = chunk->unreadable = 0;
    for (; at < count && chunk->count < CHUNK; at++) {
        struct state_summary *summary = &chunk->summaries[chunk->count];
        assert(items[at].version > 0);
        if (state_summarise(items[at].state, redis->scratch, summary, NULL) || summary->balance_count > CURRENCIES)
            chunk->unreadable++;
        else if (add_currencies(chunk, summary))
            chunk->items[chunk->count++] = &items[at];
        else
            break;
    }
    return at;
}

static const struct state_balance *balance_of(const struct state_summary *summary, size_t hint, struct text currency)
{
    if (hint < summary->balance_count && text_equal(summary->balances[hint].currency, currency))
        return &summary->balances[hint];
    for (size_t i = 0; i < summary->balance_count; i++)
        if (text_equal(summary->balances[i].currency, currency))
            return &summary->balances[i];
    return NULL;
}

static void put_values(struct buffer *to, const struct chunk *chunk, size_t member)
{
    resp_number(to, chunk->items[member]->version);
    for (size_t i = 0; i < chunk->currency_count; i++) {
        const struct state_balance *balance = balance_of(&chunk->summaries[member], i, chunk->currencies[i]);
        if (balance) {
            resp_number(to, balance->available);
            resp_number(to, balance->lifetime);
        } else {
            resp_text(to, (struct text){NULL, 0});
            resp_text(to, (struct text){NULL, 0});
        }
    }
}

/* One script call for the chunk: see project.lua for its arguments. */
static void send_chunk(struct redis *redis, enum script script, const struct chunk *chunk)
{
    struct buffer *to = &redis->call;
    size_t arguments = 2 + chunk->currency_count + chunk->count * (1 + 2 * chunk->currency_count);
    if (chunk->count == 0)
        return;
    buffer_clear(to);
    resp_command(to, 3 + chunk->count + arguments);
    resp_text(to, TEXT("EVALSHA"));
    resp_text(to, (struct text){redis->shas[script], SHA_SIZE - 1});
    resp_number(to, (int64_t)chunk->count);
    for (size_t i = 0; i < chunk->count; i++)
        put_key(redis, chunk->items[i]);
    resp_number(to, (int64_t)redis->prefix.len + 3);
    resp_number(to, (int64_t)chunk->currency_count);
    for (size_t i = 0; i < chunk->currency_count; i++)
        resp_text(to, chunk->currencies[i]);
    for (size_t i = 0; i < chunk->count; i++)
        put_values(to, chunk, i);
    if (redisAppendFormattedCommand(redis->context, (const char *)to->at, to->len) != REDIS_OK)
        abort(); /* out of memory is all that can fail here */
    redis->under_way++;
}

static enum err_code add_reply(redisReply *reply, struct tally *tally, struct err *err)
{
    if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0) {
        tally->unknown_script = true;
    } else if (reply->type == REDIS_REPLY_INTEGER) {
        tally->sums[0] += reply->integer;
    } else if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 4) {
        for (size_t i = 0; i < reply->elements; i++)
            tally->sums[i] += reply->element[i]->integer;
    } else {
        return unexpected(reply, "running a script", err);
    }
    freeReplyObject(reply);
    return ERR_NONE;
}

static enum err_code read_reply(struct redis *redis, struct tally *tally, struct err *err)
{
    void *reply = NULL;
    assert(redis->under_way > 0);
    if (redisGetReply(redis->context, &reply) != REDIS_OK || !reply)
        return broken(redis, "running a script", err);
    redis->under_way--;
    return add_reply(reply, tally, err);
}

static enum err_code run_once(struct redis *redis, enum script script, const struct projection_item *items,
                              size_t count, struct tally *tally, size_t *unreadable, struct err *err)
{
    enum err_code code = ERR_NONE;
    struct chunk chunk;
    for (size_t at = 0; at < count && !code;) {
        at += fill_chunk(redis, &chunk, items + at, count - at);
        *unreadable += chunk.unreadable;
        if (redis->under_way == WINDOW)
            code = read_reply(redis, tally, err);
        if (!code)
            send_chunk(redis, script, &chunk);
    }
    while (redis->under_way > 0 && !code)
        code = read_reply(redis, tally, err);
    return code;
}

/* Redis may forget scripts at any time (SCRIPT FLUSH): then they are loaded again and the whole run is repeated, which
 * changes nothing where it was done. */
static enum err_code run(struct redis *redis, enum script script, const struct projection_item *items, size_t count,
                         struct tally *tally, size_t *unreadable, struct err *err)
{
    for (int attempt = 0; attempt < 3; attempt++) {
        size_t skipped = 0;
        *tally = (struct tally){0};
        enum err_code code = run_once(redis, script, items, count, tally, &skipped, err);
        if (!code && !tally->unknown_script) {
            *unreadable += skipped;
            return ERR_NONE;
        }
        if (!code)
            code = load_scripts(redis, err);
        if (code)
            return code;
    }
    return err_set(err, ERR_REDIS, "Redis forgets scripts as fast as they are loaded");
}

enum err_code redis_write(struct redis *redis, const struct projection_item *items, size_t count,
                          struct redis_written *out, struct err *err)
{
    assert(redis && out);
    struct tally tally;
    size_t unreadable = 0;
    enum err_code code = run(redis, SCRIPT_PROJECT, items, count, &tally, &unreadable, err);
    if (code)
        return code;
    out->written += (size_t)tally.sums[0];
    out->unreadable += unreadable;
    return ERR_NONE;
}

enum err_code redis_compare(struct redis *redis, const struct projection_item *items, size_t count,
                            struct redis_difference *out, struct err *err)
{
    assert(redis && out);
    struct tally tally;
    size_t unreadable = 0;
    enum err_code code = run(redis, SCRIPT_COMPARE, items, count, &tally, &unreadable, err);
    if (code)
        return code;
    out->missing += (size_t)tally.sums[0];
    out->behind += (size_t)tally.sums[1];
    out->ahead += (size_t)tally.sums[2];
    out->altered += (size_t)tally.sums[3];
    out->unreadable += unreadable;
    return ERR_NONE;
}

/* The keys of the marks; views into the arena, terminated. */
struct marks {
    const char *token;
    const char *identity;
    const char *server;
};

static struct marks mark_keys(struct redis *redis)
{
    arena_reset(redis->scratch);
    const char *prefix = redis->prefix.at;
    return (struct marks){arena_printf(redis->scratch, "%s:{meta}:rebuild", prefix).at,
                          arena_printf(redis->scratch, "%s:{meta}:identity", prefix).at,
                          arena_printf(redis->scratch, "%s:{meta}:server", prefix).at};
}

enum { RUN_ID_SIZE = 41 };

/* The server process' own id; a restart that loaded an old dump has another. Empty where INFO is not to be had. */
static enum err_code server_run_id(struct redis *redis, char out[RUN_ID_SIZE], struct err *err)
{
    redisReply *reply = redisCommand(redis->context, "INFO server");
    if (!reply)
        return broken(redis, "asking for the server's id", err);
    const char *at = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "run_id:") : NULL;
    size_t len = at ? strspn(at + 7, "0123456789abcdef") : 0;
    len = len < RUN_ID_SIZE ? len : RUN_ID_SIZE - 1;
    if (len > 0)
        memcpy(out, at + 7, len);
    out[len] = '\0';
    freeReplyObject(reply);
    return ERR_NONE;
}

static bool reply_is(const redisReply *reply, const char *expected)
{
    return reply->type == REDIS_REPLY_STRING && strcmp(reply->str, expected) == 0;
}

enum err_code redis_is_complete(struct redis *redis, const char *identity, bool *out, struct err *err)
{
    assert(redis && identity && out);
    char run_id[RUN_ID_SIZE];
    struct marks marks = mark_keys(redis);
    const char *argv[] = {"MGET", marks.identity, marks.server};
    redisReply *reply;
    enum err_code code = server_run_id(redis, run_id, err);
    if (!code)
        code = ask(redis, "reading the marks", &reply, err, 3, argv);
    if (code)
        return code;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return unexpected(reply, "reading the marks", err);
    *out = reply_is(reply->element[0], identity) && reply_is(reply->element[1], run_id);
    freeReplyObject(reply);
    return ERR_NONE;
}

enum err_code redis_begin_rebuild(struct redis *redis, const char *token, struct err *err)
{
    assert(redis && token);
    const char *argv[] = {"SET", mark_keys(redis).token, token};
    redisReply *reply;
    enum err_code code = ask(redis, "beginning a rebuild", &reply, err, 3, argv);
    if (!code)
        freeReplyObject(reply);
    return code;
}

enum err_code redis_end_rebuild(struct redis *redis, const char *token, const char *identity, bool *done,
                                struct err *err)
{
    assert(redis && token && identity && done);
    char run_id[RUN_ID_SIZE];
    struct marks marks = mark_keys(redis);
    redisReply *reply;
    enum err_code code = server_run_id(redis, run_id, err);
    if (!code)
        code = load_script(redis, SCRIPT_FINISH, err);
    const char *argv[] = {
        "EVALSHA", redis->shas[SCRIPT_FINISH], "3", marks.token, marks.identity, marks.server, token, identity, run_id};
    if (!code)
        code = ask(redis, "ending a rebuild", &reply, err, 9, argv);
    if (code)
        return code;
    if (reply->type != REDIS_REPLY_INTEGER)
        return unexpected(reply, "ending a rebuild", err);
    *done = reply->integer == 1;
    freeReplyObject(reply);
    return ERR_NONE;
}

/* Characters that mean something in a pattern are escaped. */
static const char *pattern_of(struct redis *redis)
{
    struct buffer *out = &redis->name;
    buffer_clear(out);
    for (size_t i = 0; i < redis->prefix.len; i++) {
        if (strchr("*?[]\\", redis->prefix.at[i]))
            buffer_put(out, "\\", 1);
        buffer_put(out, &redis->prefix.at[i], 1);
    }
    buffer_put(out, ":{*", 4);
    return (const char *)out->at;
}

static enum err_code unlink_all(struct redis *redis, const redisReply *keys, size_t *deleted, struct err *err)
{
    redisReply *reply;
    arena_reset(redis->scratch);
    const char **argv = arena_array(redis->scratch, keys->elements + 1, sizeof *argv);
    argv[0] = "UNLINK";
    for (size_t i = 0; i < keys->elements; i++)
        argv[i + 1] = keys->element[i]->str;
    enum err_code code = ask(redis, "deleting keys", &reply, err, (int)keys->elements + 1, argv);
    if (code)
        return code;
    *deleted += (size_t)reply->integer;
    freeReplyObject(reply);
    return ERR_NONE;
}

enum err_code redis_empty(struct redis *redis, size_t *deleted, struct err *err)
{
    assert(redis && deleted);
    char cursor[24] = "0";
    size_t count = 0;
    enum err_code code = ERR_NONE;
    do {
        const char *argv[] = {"SCAN", cursor, "MATCH", pattern_of(redis), "COUNT", "1000"};
        redisReply *reply;
        code = ask(redis, "listing keys", &reply, err, 6, argv);
        if (code)
            return code;
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || reply->element[0]->len >= (int)sizeof cursor)
            return unexpected(reply, "listing keys", err);
        strcpy(cursor, reply->element[0]->str);
        if (reply->element[1]->elements > 0)
            code = unlink_all(redis, reply->element[1], &count, err);
        freeReplyObject(reply);
    } while (!code && strcmp(cursor, "0") != 0);
    if (!code)
        *deleted = count;
    return code;
}
