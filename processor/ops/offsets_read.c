#include "ops/offsets_read.h"

#include <assert.h>
#include <stdlib.h>

#include "ledger/postgres.h"
#include "sink/signature.h"
#include "source/quiet_client.h"

enum { ANSWER_MS = 10000 };

enum err_code offsets_client(const struct config *config, rd_kafka_t **out, struct err *err)
{
    assert(config && out);
    const char *settings[][2] = {
        {"group.id", config->kafka_group}, {"isolation.level", "read_committed"}, {NULL, NULL}};
    return quiet_consumer(config, settings, out, err);
}

static struct partition_offsets *find(struct offsets *offsets, struct text topic, int32_t partition)
{
    for (size_t i = 0; i < offsets->count; i++)
        if (offsets->items[i].partition == partition && text_equal(offsets->items[i].topic, topic))
            return &offsets->items[i];
    return NULL;
}

static struct partition_offsets *add(struct offsets *offsets, struct text topic, int32_t partition, struct arena *arena)
{
    if (offsets->count == offsets->capacity) {
        size_t capacity = offsets->capacity ? offsets->capacity * 2 : 64;
        struct partition_offsets *items = arena_array(arena, capacity, sizeof *items);
        if (offsets->count > 0)
            memcpy(items, offsets->items, offsets->count * sizeof *items);
        offsets->items = items;
        offsets->capacity = capacity;
    }
    struct partition_offsets *item = &offsets->items[offsets->count++];
    *item = (struct partition_offsets){.topic = topic,
                                       .partition = partition,
                                       .low = OFFSET_NONE,
                                       .high = OFFSET_NONE,
                                       .committed = OFFSET_NONE,
                                       .outbox_from = OFFSET_NONE};
    return item;
}

static enum err_code silent(const char *what, rd_kafka_resp_err_t failure, struct err *err)
{
    return err_set(err, ERR_KAFKA, "%s: %s", what, rd_kafka_err2str(failure));
}

/* The partitions that the cluster has now, of one topic. */
static enum err_code add_from_cluster(rd_kafka_t *client, struct text topic, struct arena *arena,
                                      struct offsets *offsets, struct err *err)
{
    const char *name = arena_printf(arena, "%.*s", (int)topic.len, topic.at).at;
    int32_t count = 0;
    enum err_code code = quiet_partitions(client, name, ANSWER_MS, &count, err);
    for (int32_t partition = 0; partition < count && !code; partition++) {
        struct partition_offsets *item = add(offsets, topic, partition, arena);
        code = quiet_ends(client, name, partition, ANSWER_MS, &item->low, &item->high, err);
    }
    return code;
}

static const char positions_sql[] =
    "SELECT p.partition, p.topic_no, p.applied, p.highest, p.owner_epoch,"
    " coalesce(o.first, -1), coalesce(o.rows, 0)"
    " FROM positions p LEFT JOIN"
    " (SELECT topic_no, partition, consumer, min(from_offset) AS first, count(*) AS rows FROM outbox GROUP BY 1, 2, 3) "
    "o"
    " USING (topic_no, partition, consumer)"
    " WHERE p.consumer = $3 AND p.topic_no ="
    " (SELECT topic_no FROM topics WHERE cluster_id = $1 AND name = $2 ORDER BY incarnation DESC LIMIT 1)"
    " ORDER BY p.partition";

static int64_t number_at(const PGresult *rows, int row, int column)
{
    return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

static void fill_from_ledger(const PGresult *rows, int row, struct partition_offsets *item)
{
    item->in_ledger = true;
    item->topic_no = (int32_t)number_at(rows, row, 1);
    item->applied = number_at(rows, row, 2);
    item->highest = number_at(rows, row, 3);
    item->owner_epoch = number_at(rows, row, 4);
    item->outbox_from = number_at(rows, row, 5);
    item->outbox_rows = number_at(rows, row, 6);
}

static enum err_code add_from_ledger(PGconn *ledger, const struct config *config, struct text topic,
                                     struct arena *arena, struct offsets *offsets, struct err *err)
{
    const char *values[] = {offsets->cluster_id.at, arena_printf(arena, "%.*s", (int)topic.len, topic.at).at,
                            config->kafka_group};
    PGresult *rows = PQexecParams(ledger, positions_sql, 3, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(ledger, rows, "reading positions", err);
    for (int row = 0; row < PQntuples(rows); row++) {
        int32_t partition = (int32_t)number_at(rows, row, 0);
        struct partition_offsets *item = find(offsets, topic, partition);
        fill_from_ledger(rows, row, item ? item : add(offsets, topic, partition, arena));
    }
    PQclear(rows);
    return ERR_NONE;
}

static void fill_committed(struct partition_offsets *item, struct text group, const rd_kafka_topic_partition_t *answer)
{
    struct text metadata = {answer->metadata, answer->metadata_size};
    item->committed = answer->offset >= 0 ? answer->offset : OFFSET_NONE;
    item->is_signed = signature_valid(group, item->topic, item->partition, answer->offset, metadata);
}

static enum err_code read_committed(rd_kafka_t *client, const struct config *config, struct arena *arena,
                                    struct offsets *offsets, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)offsets->count);
    for (size_t i = 0; i < offsets->count; i++) {
        const struct partition_offsets *item = &offsets->items[i];
        rd_kafka_topic_partition_list_add(list, arena_printf(arena, "%.*s", (int)item->topic.len, item->topic.at).at,
                                          item->partition);
    }
    rd_kafka_resp_err_t failure = offsets->count > 0 ? rd_kafka_committed(client, list, ANSWER_MS) : 0;
    for (int i = 0; i < list->cnt && !failure; i++) {
        failure = list->elems[i].err;
        fill_committed(&offsets->items[i], text_of(config->kafka_group), &list->elems[i]);
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (failure)
        return silent("asking for the group's offsets (they wait for open transactions to end)", failure, err);
    return ERR_NONE;
}

static enum err_code read_cluster_id(rd_kafka_t *client, struct arena *arena, struct offsets *offsets, struct err *err)
{
    char *id = rd_kafka_clusterid(client, ANSWER_MS);
    if (!id)
        return err_set(err, ERR_KAFKA, "no answer from Kafka; is it running, and is kafka.brokers right?");
    offsets->cluster_id = arena_printf(arena, "%s", id);
    rd_kafka_mem_free(client, id);
    return ERR_NONE;
}

enum err_code offsets_read(rd_kafka_t *client, PGconn *ledger, const struct config *config, const char *topics,
                           struct arena *arena, struct offsets *out, struct err *err)
{
    assert(client && ledger && config && topics && arena && out);
    struct offsets offsets = {0};
    enum err_code code = read_cluster_id(client, arena, &offsets, err);
    while (*topics && !code) {
        struct text topic = {topics, strcspn(topics, ",")};
        if (topic.len > 0)
            code = add_from_cluster(client, topic, arena, &offsets, err);
        if (topic.len > 0 && !code)
            code = add_from_ledger(ledger, config, topic, arena, &offsets, err);
        topics += topic.len + (topics[topic.len] == ',' ? 1 : 0);
    }
    if (!code)
        code = read_committed(client, config, arena, &offsets, err);
    if (!code)
        *out = offsets;
    return code;
}

enum err_code offsets_group_members(rd_kafka_t *client, const char *group, int *out, struct err *err)
{
    assert(client && group && out);
    const struct rd_kafka_group_list *list = NULL;
    rd_kafka_resp_err_t failure = rd_kafka_list_groups(client, group, &list, ANSWER_MS);
    if (failure)
        return silent("asking for the group's members", failure, err);
    int members = 0;
    for (int i = 0; i < list->group_cnt; i++)
        members += list->groups[i].member_cnt;
    rd_kafka_group_list_destroy(list);
    *out = members;
    return ERR_NONE;
}

static struct offsets_plan plan_beginning(const struct partition_offsets *offsets)
{
    struct offsets_plan plan = {.applied = offsets->low, .commit = offsets->low};
    bool published = offsets->is_signed ? offsets->committed >= offsets->applied : offsets->outbox_rows == 0;
    if (!offsets->in_ledger ||
        (offsets->applied == offsets->low && offsets->committed == offsets->low && offsets->is_signed))
        return plan;
    plan.changes = true;
    if (!published)
        plan.refusal = "outputs are not published yet: let `points run` publish them, then stop it";
    return plan;
}

static struct offsets_plan plan_ledger(const struct partition_offsets *offsets)
{
    bool has_rows = offsets->outbox_rows > 0 && offsets->outbox_from < offsets->applied;
    struct offsets_plan plan = {.applied = offsets->applied,
                                .commit = has_rows ? offsets->outbox_from : offsets->applied};
    if (!offsets->in_ledger)
        return plan;
    if (offsets->is_signed && offsets->committed >= plan.commit && offsets->committed <= offsets->applied)
        plan.commit = offsets->committed;
    plan.changes = !offsets->is_signed || offsets->committed != plan.commit;
    return plan;
}

struct offsets_plan offsets_plan(const struct partition_offsets *offsets, enum offsets_target target)
{
    assert(offsets);
    struct offsets_plan plan = target == TARGET_BEGINNING ? plan_beginning(offsets) : plan_ledger(offsets);
    if (plan.changes && offsets->low == OFFSET_NONE)
        plan.refusal = "the cluster does not have this partition";
    return plan;
}
