#include "source/claim.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "ledger/positions.h"
#include "ledger/postgres.h"

enum { RETRY_MS = 250 };

void claim_init(struct claim *claim, const struct config *config, struct source *source)
{
    *claim = (struct claim){config, source, {NULL, config->postgres_statement_timeout_ms, NULL}};
}

void claim_release(struct claim *claim)
{
    claim->exchange.connection = postgres_close(claim->exchange.connection);
}

static enum err_code open_database(struct claim *claim, struct err *err)
{
    if (claim->exchange.connection)
        return ERR_NONE;
    enum err_code code = postgres_open(claim->config, POSTGRES_RUNTIME, &claim->exchange.connection, err);
    if (!code)
        code = positions_prepare(&claim->exchange, err);
    if (code)
        claim_release(claim);
    return code;
}

/* ---- the checks of a partition taken over */

static enum err_code check_position(const struct partition *partition, int64_t published, int64_t low, int64_t high,
                                    struct err *err)
{
    const char *topic = partition->topic;
    long long applied = (long long)partition->applied;
    if (published < 0 && applied > 0)
        return err_set(err, ERR_OFFSET_MISSING,
                       "%s[%d]: %lld is applied, but the group has no committed offset (it expired, or the group was"
                       " deleted); `points offsets reset --to-ledger` goes on from there",
                       topic, partition->number, applied);
    if (published > applied)
        return err_set(
            err, ERR_OFFSET_AHEAD,
            "%s[%d]: offset %lld is published, but the database has applied only %lld: it was restored from a"
            " backup; `points offsets reset --to-ledger` goes on from there, and publishes again with the same ids",
            topic, partition->number, (long long)published, applied);
    if (applied > high)
        return err_set(err, ERR_TOPIC_RECREATED,
                       "%s[%d]: %lld is applied, but the log ends at %lld: the topic was made anew", topic,
                       partition->number, applied, (long long)high);
    if (applied > 0 && applied < low)
        return err_set(err, ERR_TOPIC_RECREATED,
                       "%s[%d]: %lld is applied, but the log begins at %lld: records were deleted by retention, or the"
                       " topic was made anew",
                       topic, partition->number, applied, (long long)low);
    return ERR_NONE;
}

static enum err_code claim_one(struct claim *claim, struct partition *partition, const char *cluster_id,
                               int64_t published, struct err *err)
{
    struct position position;
    enum err_code code =
        positions_topic(&claim->exchange, text_of(cluster_id), text_of(partition->topic), &partition->topic_no, err);
    if (!code)
        code = positions_claim(&claim->exchange, partition->topic_no, partition->number,
                               text_of(claim->config->kafka_group), &position, err);
    if (code)
        return code;
    partition->owner_epoch = position.owner_epoch;
    partition->applied = partition->folded = position.applied;
    partition->highest = position.highest;
    int64_t low, high;
    code = source_watermarks(claim->source, partition, &low, &high, err);
    return code ? code : check_position(partition, published, low, high, err);
}

static enum err_code read_rows(struct claim *claim, struct partition *partition, int64_t published,
                               struct claimed *claimed, struct err *err)
{
    partition->published = published;
    atomic_store(&partition->confirmed, published);
    enum err_code code =
        outbox_read(&claim->exchange, partition->topic_no, partition->number, text_of(claim->config->kafka_group),
                    published, partition->applied, &claimed->rows, err);
    /* Nothing applied yet: begin where the log begins. */
    int64_t low = 0, high = 0;
    if (!code && partition->applied == 0)
        code = source_watermarks(claim->source, partition, &low, &high, err);
    claimed->start = partition->applied > low ? partition->applied : low;
    return code;
}

static enum err_code attempt(struct claim *claim, const struct assignment *assignment, int64_t *published,
                             struct claimed *claimed, struct err *err)
{
    const char *cluster_id = source_cluster_id(claim->source);
    if (!cluster_id)
        return err_set(err, ERR_KAFKA, "no broker answers");
    enum err_code code = open_database(claim, err);
    if (!code)
        code = source_published(claim->source, assignment, published, err);
    for (size_t i = 0; !code && i < assignment->count; i++)
        code = claim_one(claim, &assignment->partitions[i], cluster_id, published[i], err);
    if (!code)
        code = source_commit_first(claim->source, assignment, published, err);
    for (size_t i = 0; !code && i < assignment->count; i++)
        code = read_rows(claim, &assignment->partitions[i], published[i], &claimed[i], err);
    return code;
}

static void release_all(struct claimed *claimed, size_t count)
{
    for (size_t i = 0; i < count; i++)
        outbox_release(&claimed[i].rows);
}

enum err_code claim_partitions(struct claim *claim, const struct assignment *assignment, struct claimed *claimed,
                               int64_t wait_ms, struct err *err)
{
    int64_t until = clock_monotonic_us() + wait_ms * 1000;
    int64_t *published = calloc(assignment->count + 1, sizeof *published);
    if (!published)
        abort();
    for (;;) {
        enum err_code code = attempt(claim, assignment, published, claimed, err);
        if (code == ERR_NONE)
            break;
        release_all(claimed, assignment->count);
        if (code == ERR_DATABASE_AWAY)
            claim_release(claim);
        if (err_class(code) != ERR_CLASS_RETRY || clock_monotonic_us() >= until) {
            free(published);
            return code;
        }
        log_event(LOG_WARN, "claim.waits", "error=%s detail=%s", err_name(code), log_quote(err->text));
        nanosleep(&(struct timespec){0, RETRY_MS * 1000000L}, NULL);
    }
    free(published);
    return ERR_NONE;
}

enum err_code claim_outbox(struct claim *claim, const struct partition *partition, int64_t published,
                           struct outbox_rows *out, struct err *err)
{
    enum err_code code = open_database(claim, err);
    if (!code)
        code = outbox_read(&claim->exchange, partition->topic_no, partition->number,
                           text_of(claim->config->kafka_group), published, published, out, err);
    if (code == ERR_DATABASE_AWAY)
        claim_release(claim);
    return code;
}
