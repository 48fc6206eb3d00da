#ifndef POINTS_PROJECTION_REBUILD_H
#define POINTS_PROJECTION_REBUILD_H

#include "base/config.h"
#include "projection/redis.h"

/* Writes every member's state to Redis, page by page in order of key, while updates go on: both use the script that
 * keeps the newer version. One process at a time, by a lock in PostgreSQL. */
struct rebuild;

struct rebuild_progress {
    int64_t estimated; /* members in the ledger, roughly */
    int64_t read;
    struct redis_written written;
    struct redis_difference difference; /* of a comparison */
};

/* Begins. compare: count differences, write nothing, take no lock. *out is NULL, without an error, while another
 * process rebuilds. */
enum err_code rebuild_start(const struct config *config, struct redis *redis, bool compare, struct rebuild **out,
                            struct err *err);

/* The next page. *finished is true after the last one. */
enum err_code rebuild_page(struct rebuild *rebuild, struct redis *redis, bool *finished, struct err *err);

/* After the last page: declares Redis complete. *done is false where updates were dropped or Redis was emptied
 * meanwhile, so that it must be done again. */
enum err_code rebuild_end(struct rebuild *rebuild, struct redis *redis, bool *done, struct err *err);

const struct rebuild_progress *rebuild_progress(const struct rebuild *rebuild);

/* Takes NULL; returns NULL. Gives the lock back. */
struct rebuild *rebuild_free(struct rebuild *rebuild);

#endif
