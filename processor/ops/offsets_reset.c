#include "ops/offsets_reset.h"

#include <assert.h>
#include <inttypes.h>

#include "ledger/postgres.h"
#include "projection/store.h"
#include "sink/signature.h"

struct reset reset_plan(const struct offsets *offsets, enum offsets_target target, struct arena *arena)
{
    assert(offsets && arena);
    struct reset reset = {arena_array(arena, offsets->count, sizeof *reset.steps), 0};
    for (size_t i = 0; i < offsets->count; i++) {
        struct offsets_plan plan = offsets_plan(&offsets->items[i], target);
        if (plan.changes)
            reset.steps[reset.count++] = (struct reset_step){&offsets->items[i], plan};
    }
    return reset;
}

enum err_code reset_check(const struct reset *reset, rd_kafka_t *client, const struct config *config, struct err *err)
{
    assert(reset && client && config);
    int members = 0;
    for (size_t i = 0; i < reset->count; i++) {
        const struct reset_step *step = &reset->steps[i];
        if (step->plan.refusal)
            return err_set(err, ERR_POSITION_REFUSED, "%.*s/%" PRId32 ": %s", (int)step->from->topic.len,
                           step->from->topic.at, step->from->partition, step->plan.refusal);
    }
    enum err_code code = offsets_group_members(client, config->kafka_group, &members, err);
    if (!code && members > 0)
        return err_set(err, ERR_POSITION_REFUSED,
                       "consumer group %s has %d members; stop every instance, and wait until a killed one has left "
                       "(kafka.session_timeout_ms)",
                       config->kafka_group, members);
    return code;
}

static enum err_code set_position(const struct reset_step *step, PGconn *ledger, const char *group, struct arena *arena,
                                  struct err *err)
{
    const char *values[] = {
        arena_printf(arena, "%" PRId32, step->from->topic_no).at,
        arena_printf(arena, "%" PRId32, step->from->partition).at,
        group,
        arena_printf(arena, "%" PRId64, step->from->owner_epoch).at,
        arena_printf(arena, "%" PRId64, step->plan.applied).at,
    };
    PGresult *result = PQexecParams(ledger,
                                    "UPDATE positions SET applied = $5::bigint, owner_epoch = owner_epoch + 1"
                                    " WHERE topic_no = $1::integer AND partition = $2::integer AND consumer = $3"
                                    " AND owner_epoch = $4::bigint RETURNING true",
                                    5, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return postgres_failed(ledger, result, "setting a position", err);
    int count = PQntuples(result);
    PQclear(result);
    if (count != 1)
        return err_set(err, ERR_POSITION_REFUSED,
                       "an instance took %.*s/%" PRId32 " at this moment; stop every instance",
                       (int)step->from->topic.len, step->from->topic.at, step->from->partition);
    return ERR_NONE;
}

/* Rows below the old K were published; that Redis shows their members is not known of all, so it is rebuilt. */
static enum err_code empty_outbox(const struct reset_step *step, PGconn *ledger, const char *group, struct arena *arena,
                                  struct err *err)
{
    const char *values[] = {arena_printf(arena, "%" PRId32, step->from->topic_no).at,
                            arena_printf(arena, "%" PRId32, step->from->partition).at, group,
                            arena_printf(arena, "%" PRId64, step->from->committed).at};
    PGresult *result = PQexecParams(ledger,
                                    "DELETE FROM outbox WHERE topic_no = $1::integer AND partition = $2::integer"
                                    " AND consumer = $3 AND to_offset <= $4::bigint RETURNING true",
                                    4, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return postgres_failed(ledger, result, "emptying the outbox", err);
    int count = PQntuples(result);
    PQclear(result);
    return count > 0 ? projection_store_spoil(ledger, err) : ERR_NONE;
}

static enum err_code set_ledger(const struct reset *reset, PGconn *ledger, const char *group, struct arena *arena,
                                struct err *err)
{
    enum err_code code = postgres_run(ledger, "BEGIN", err);
    for (size_t i = 0; i < reset->count && !code; i++) {
        const struct reset_step *step = &reset->steps[i];
        code = set_position(step, ledger, group, arena, err);
        if (!code && step->plan.applied != step->from->applied)
            code = empty_outbox(step, ledger, group, arena, err);
    }
    if (!code)
        code = postgres_run(ledger, "COMMIT", err);
    if (code && PQtransactionStatus(ledger) != PQTRANS_IDLE)
        PQclear(PQexec(ledger, "ROLLBACK"));
    return code;
}

static void add_signed(rd_kafka_topic_partition_list_t *list, const struct reset_step *step, struct text group,
                       struct arena *arena)
{
    char signature[SIGNATURE_LENGTH + 1];
    const struct partition_offsets *from = step->from;
    signature_make(group, from->topic, from->partition, step->plan.commit, signature);
    rd_kafka_topic_partition_t *item = rd_kafka_topic_partition_list_add(
        list, arena_printf(arena, "%.*s", (int)from->topic.len, from->topic.at).at, from->partition);
    item->offset = step->plan.commit;
    item->metadata = strdup(signature); /* the list frees it */
    item->metadata_size = SIGNATURE_LENGTH;
    assert(item->metadata);
}

static enum err_code set_kafka(const struct reset *reset, rd_kafka_t *client, struct text group, struct arena *arena,
                               struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)reset->count);
    for (size_t i = 0; i < reset->count; i++)
        add_signed(list, &reset->steps[i], group, arena);
    rd_kafka_resp_err_t failure = rd_kafka_commit(client, list, 0);
    for (int i = 0; i < list->cnt && !failure; i++)
        failure = list->elems[i].err;
    rd_kafka_topic_partition_list_destroy(list);
    if (failure)
        return err_set(err, ERR_KAFKA,
                       "the ledger's positions are set, but Kafka did not take the offsets: %s; run it "
                       "again",
                       rd_kafka_err2str(failure));
    return ERR_NONE;
}

enum err_code reset_run(const struct reset *reset, PGconn *ledger, rd_kafka_t *client, const struct config *config,
                        struct arena *arena, struct err *err)
{
    assert(reset && ledger && client && config && arena);
    if (reset->count == 0)
        return ERR_NONE;
    enum err_code code = set_ledger(reset, ledger, config->kafka_group, arena, err);
    if (!code)
        code = set_kafka(reset, client, text_of(config->kafka_group), arena, err);
    return code;
}
