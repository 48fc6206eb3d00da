#ifndef POINTS_SOURCE_SOURCE_H
#define POINTS_SOURCE_SOURCE_H

#include "base/config.h"
#include "base/err.h"
#include "source/assignment.h"

/* The consumer group's member: poll API, eager assignor, read_committed. Everything here but source_published and
 * source_cluster_id is for the poll thread alone. */
struct source;

struct source_hooks {
    void *context;
    /* Delivery rule 1, inside the assign callback. The hook fills each partition and start[i], the offset to read from.
     * The assignment stays alive until `revoked` returns. A retry code makes the member leave and join again, a fatal
     * one ends the process by way of source_poll. */
    enum err_code (*assigned)(void *context, struct assignment *assignment, int64_t *start, struct err *err);
    /* Rule 5. lost: the partitions may have another owner already. On return nothing refers to the assignment. */
    void (*revoked)(void *context, struct assignment *assignment, bool lost);
};

enum err_code source_new(const struct config *config, const struct source_hooks *hooks, struct source **out,
                         struct err *err);

/* Joins the group. */
enum err_code source_join(struct source *source, struct err *err);

/* Serves callbacks and gives the next record, or NULL after timeout_ms. Fatal codes: stop. */
enum err_code source_poll(struct source *source, int timeout_ms, rd_kafka_message_t **out, struct err *err);

/* Rule 6: leaves the group; joins again, as a new member, from a later source_poll. */
void source_rejoin(struct source *source);

/* While what was read cannot be taken: partitions rest, but the group's heartbeat and callbacks are served. */
void source_pause(struct source *source);
void source_resume(struct source *source);

/* Leaves the group, with its revoke callback, and frees. Takes NULL; returns NULL. */
struct source *source_close(struct source *source);

/* K: the group's committed offsets, read stable (read_committed). published[i] is -1 where there is none.
 * ERR_OFFSET_UNSIGNED where one does not carry our signature; ERR_KAFKA where it could not be read, which never means
 * that it is missing. */
enum err_code source_published(struct source *source, const struct assignment *assignment, int64_t *published,
                               struct err *err);

/* Commits K = 0 with our signature for the partitions where published[i] is -1, and sets those to 0. */
enum err_code source_commit_first(struct source *source, const struct assignment *assignment, int64_t *published,
                                  struct err *err);

/* The log's first offset and the one behind its last. */
enum err_code source_watermarks(struct source *source, const struct partition *partition, int64_t *low, int64_t *high,
                                struct err *err);

/* The cluster's id; the source's. NULL while no broker has answered. */
const char *source_cluster_id(struct source *source);

#endif
