#ifndef POINTS_PROJECTION_REDIS_CONNECTION_H
#define POINTS_PROJECTION_REDIS_CONNECTION_H

#include <hiredis/hiredis.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "projection/redis.h"

/* What is inside a struct redis: shared by the files that are behind projection/redis.h. */

enum { SCRIPT_SHA_SIZE = 41 }; /* 40 hexadecimal digits and a NUL */

enum script { SCRIPT_PROJECT, SCRIPT_COMPARE, SCRIPT_FINISH, SCRIPT_COUNT };

struct redis {
    redisContext *context;
    struct text prefix; /* terminated */
    char shas[SCRIPT_COUNT][SCRIPT_SHA_SIZE];
    struct arena *scratch; /* summaries of one chunk's states; names of keys */
    struct buffer call;    /* being made */
    struct buffer name;    /* of one key */
    size_t under_way;      /* calls whose replies are not read yet */
};

/* ERR_REDIS for a connection that broke. */
enum err_code redis_broken(const struct redis *redis, const char *what, struct err *err);

/* ERR_REDIS for a reply that is an error, or not of the kind that it should be. Frees it. */
enum err_code redis_unexpected(redisReply *reply, const char *what, struct err *err);

/* One command, while none is under way; the reply is never an error, and the caller's to free. */
enum err_code redis_ask(struct redis *redis, const char *what, redisReply **out, struct err *err, int argc,
                        const char **argv);

/* Loads the scripts, which Redis may forget at any time. */
enum err_code redis_load_scripts(struct redis *redis, struct err *err);

#endif
