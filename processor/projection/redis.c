#include <assert.h>
#include <stdlib.h>

#include "base/embedded.h"
#include "projection/redis_connection.h"

static const char *const script_files[SCRIPT_COUNT] = {"redis/project.lua", "redis/compare.lua", "redis/finish.lua"};

enum err_code redis_broken(const struct redis *redis, const char *what, struct err *err)
{
    const char *text = redis->context->err ? redis->context->errstr : "no answer";
    return err_set(err, ERR_REDIS, "Redis: %s: %s", what, text);
}

enum err_code redis_unexpected(redisReply *reply, const char *what, struct err *err)
{
    bool is_error = reply->type == REDIS_REPLY_ERROR;
    enum err_code code = err_set(err, ERR_REDIS, "Redis: %s: %s", what, is_error ? reply->str : "unexpected answer");
    freeReplyObject(reply);
    return code;
}

enum err_code redis_ask(struct redis *redis, const char *what, redisReply **out, struct err *err, int argc,
                        const char **argv)
{
    assert(redis->under_way == 0);
    redisReply *reply = redisCommandArgv(redis->context, argc, argv, NULL);
    if (!reply)
        return redis_broken(redis, what, err);
    if (reply->type == REDIS_REPLY_ERROR)
        return redis_unexpected(reply, what, err);
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
        return redis_broken(redis, "loading a script", err);
    if (reply->type != REDIS_REPLY_STRING || reply->len != SCRIPT_SHA_SIZE - 1)
        return redis_unexpected(reply, "loading a script", err);
    memcpy(redis->shas[script], reply->str, SCRIPT_SHA_SIZE);
    freeReplyObject(reply);
    return ERR_NONE;
}

enum err_code redis_load_scripts(struct redis *redis, struct err *err)
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
    code = redis_ask(redis, "authenticating", &reply, err, 2, argv);
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
        return redis_broken(redis, "connecting", err);
    enum err_code code = authenticate(redis, config, err);
    return code ? code : redis_load_scripts(redis, err);
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
