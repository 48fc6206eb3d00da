#ifndef POINTS_PROJECTION_REDIS_H
#define POINTS_PROJECTION_REDIS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/config.h"
#include "base/err.h"
#include "projection/item.h"

/* A connection to Redis that writes members' hashes. Keys: PREFIX:{PROGRAM/MEMBER}, with fields version, program,
 * member and per point currency balance:CUR and lifetime:CUR; PREFIX:{meta}:identity and PREFIX:{meta}:server say which
 * ledger's projection is complete in which server process; PREFIX:{meta}:rebuild holds the token of a rebuild under
 * way. Every call blocks at most redis.timeout_ms for each answer. After ERR_REDIS the connection is to be closed. */
struct redis;

/* Connects, authenticates, loads the scripts. ERR_REDIS where that fails. */
enum err_code redis_open(const struct config *config, struct redis **out, struct err *err);

/* Takes NULL; returns NULL. */
struct redis *redis_close(struct redis *redis);

struct redis_written {
    size_t written;    /* newer ones were there for the rest */
    size_t unreadable; /* states that this build cannot read: skipped */
};

/* Writes the items, each unless Redis holds a newer version. Items without a version (0) are not allowed. Adds to *out.
 */
enum err_code redis_write(struct redis *redis, const struct projection_item *items, size_t count,
                          struct redis_written *out, struct err *err);

struct redis_difference {
    size_t missing;
    size_t behind;  /* an older version */
    size_t ahead;   /* a newer version: written since the item was read, or by a ledger that was restored */
    size_t altered; /* the right version with other fields */
    size_t unreadable;
};

/* Writes nothing, counts what redis_write would mend. Adds to *out. */
enum err_code redis_compare(struct redis *redis, const struct projection_item *items, size_t count,
                            struct redis_difference *out, struct err *err);

/* True where this server process was marked as complete for the identity: not emptied, not restarted since. */
enum err_code redis_is_complete(struct redis *redis, const char *identity, bool *out, struct err *err);

/* Leaves the token that redis_end_rebuild looks for. */
enum err_code redis_begin_rebuild(struct redis *redis, const char *token, struct err *err);

/* Marks the server as complete for the identity. *done is false where it was emptied since, or another rebuild began.
 */
enum err_code redis_end_rebuild(struct redis *redis, const char *token, const char *identity, bool *done,
                                struct err *err);

/* Deletes the marks and all members' hashes under the prefix; *deleted counts keys. */
enum err_code redis_empty(struct redis *redis, size_t *deleted, struct err *err);

struct redis_member_name {
    struct text program_id;
    struct text member_id;
};

enum { REDIS_CURSOR_SIZE = 24 };

/* The next members that Redis has a key of, whether the ledger knows them or not; names are the arena's. cursor: "0" at
 * the beginning, and again when all were listed. A step may list nothing, and a member may be listed twice. */
enum err_code redis_list_members(struct redis *redis, char cursor[REDIS_CURSOR_SIZE], struct arena *arena,
                                 struct redis_member_name **out, size_t *count, struct err *err);

#endif
