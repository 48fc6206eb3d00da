#include <assert.h>

#include "projection/redis_connection.h"

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
        return redis_broken(redis, "asking for the server's id", err);
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
        code = redis_ask(redis, "reading the marks", &reply, err, 3, argv);
    if (code)
        return code;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return redis_unexpected(reply, "reading the marks", err);
    *out = reply_is(reply->element[0], identity) && reply_is(reply->element[1], run_id);
    freeReplyObject(reply);
    return ERR_NONE;
}

enum err_code redis_begin_rebuild(struct redis *redis, const char *token, struct err *err)
{
    assert(redis && token);
    const char *argv[] = {"SET", mark_keys(redis).token, token};
    redisReply *reply;
    enum err_code code = redis_ask(redis, "beginning a rebuild", &reply, err, 3, argv);
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
        code = redis_load_scripts(redis, err);
    const char *argv[] = {
        "EVALSHA", redis->shas[SCRIPT_FINISH], "3", marks.token, marks.identity, marks.server, token, identity, run_id};
    if (!code)
        code = redis_ask(redis, "ending a rebuild", &reply, err, 9, argv);
    if (code)
        return code;
    if (reply->type != REDIS_REPLY_INTEGER)
        return redis_unexpected(reply, "ending a rebuild", err);
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
    enum err_code code = redis_ask(redis, "deleting keys", &reply, err, (int)keys->elements + 1, argv);
    if (code)
        return code;
    *deleted += (size_t)reply->integer;
    freeReplyObject(reply);
    return ERR_NONE;
}

/* One step of a scan over all keys under the prefix; the cursor is "0" before the first and after the last one. */
static enum err_code scan(struct redis *redis, char cursor[REDIS_CURSOR_SIZE], redisReply **out, struct err *err)
{
    const char *argv[] = {"SCAN", cursor, "MATCH", pattern_of(redis), "COUNT", "1000"};
    redisReply *reply;
    enum err_code code = redis_ask(redis, "listing keys", &reply, err, 6, argv);
    if (code)
        return code;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || reply->element[0]->len >= REDIS_CURSOR_SIZE)
        return redis_unexpected(reply, "listing keys", err);
    memcpy(cursor, reply->element[0]->str, (size_t)reply->element[0]->len + 1);
    *out = reply;
    return ERR_NONE;
}

enum err_code redis_empty(struct redis *redis, size_t *deleted, struct err *err)
{
    assert(redis && deleted);
    char cursor[REDIS_CURSOR_SIZE] = "0";
    size_t count = 0;
    enum err_code code = ERR_NONE;
    do {
        redisReply *reply;
        code = scan(redis, cursor, &reply, err);
        if (code)
            return code;
        if (reply->element[1]->elements > 0)
            code = unlink_all(redis, reply->element[1], &count, err);
        freeReplyObject(reply);
    } while (!code && strcmp(cursor, "0") != 0);
    if (!code)
        *deleted = count;
    return code;
}

/* PREFIX:{PROGRAM/MEMBER}, parted at the first slash as project.lua does it. */
static bool part_key(const struct redis *redis, struct text key, struct redis_member_name *out)
{
    size_t begin = redis->prefix.len + 2;
    if (key.len <= begin || key.at[key.len - 1] != '}')
        return false;
    const char *slash = memchr(key.at + begin, '/', key.len - begin);
    if (!slash)
        return false;
    *out = (struct redis_member_name){{key.at + begin, (size_t)(slash - key.at) - begin},
                                      {slash + 1, key.len - (size_t)(slash - key.at) - 2}};
    return true;
}

enum err_code redis_list_members(struct redis *redis, char cursor[REDIS_CURSOR_SIZE], struct arena *arena,
                                 struct redis_member_name **out, size_t *count, struct err *err)
{
    assert(redis && cursor && arena && out && count);
    redisReply *reply;
    enum err_code code = scan(redis, cursor, &reply, err);
    if (code)
        return code;
    const redisReply *keys = reply->element[1];
    struct redis_member_name *names = arena_array(arena, keys->elements, sizeof *names);
    *count = 0;
    for (size_t i = 0; i < keys->elements; i++) {
        struct text key = arena_text(arena, (struct text){keys->element[i]->str, (size_t)keys->element[i]->len});
        if (part_key(redis, key, &names[*count]))
            ++*count;
    }
    freeReplyObject(reply);
    *out = names;
    return ERR_NONE;
}
