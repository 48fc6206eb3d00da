#include "timers/inputs.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "source/quiet_client.h"

enum { ANSWER_MS = 2000, LOOK_MS = 2000, POLL_MS = 100, INPUTS_FIRST = 64 };

/* The next name of a comma-separated list; empty at its end. */
static struct text next_name(const char **list)
{
    *list += strspn(*list, ", ");
    struct text name = {*list, strcspn(*list, ", ")};
    *list += name.len;
    return name;
}

static bool list_has(const char *list, struct text wanted)
{
    for (struct text name; (name = next_name(&list)).len > 0;)
        if (text_equal(name, wanted))
            return true;
    return false;
}

enum err_code inputs_check(const struct config *config, struct err *err)
{
    const char *list = config->kafka_history_topics;
    for (struct text name; (name = next_name(&list)).len > 0;)
        if (!list_has(config->kafka_topics, name))
            return err_set(err, ERR_CONFIG, "kafka.history_topics names %.*s, which is not one of kafka.topics",
                           (int)name.len, name.at);
    return ERR_NONE;
}

bool inputs_have_timers(const struct config *config)
{
    return list_has(config->kafka_topics, text_of(config->kafka_timers_topic));
}

enum err_code inputs_client(const struct config *config, rd_kafka_t **out, struct err *err)
{
    const char *settings[][2] = {{"isolation.level", "read_committed"},
                                 {"enable.partition.eof", "true"},
                                 {"auto.offset.reset", "error"},
                                 {"fetch.wait.max.ms", "10"},
                                 {"fetch.message.max.bytes", "1024"},
                                 {"queued.min.messages", "1"},
                                 {NULL, NULL}};
    return quiet_consumer(config, settings, out, err);
}

enum err_code inputs_prepare(struct exchange *ledger, struct err *err)
{
    return exchange_prepare(ledger, "read_positions",
                            "SELECT t.name, p.partition, p.applied, p.newest_event_at"
                            " FROM positions p JOIN topics t USING (topic_no)"
                            " WHERE p.consumer = $2::text AND t.cluster_id = $1::text AND t.incarnation ="
                            " (SELECT max(n.incarnation) FROM topics n"
                            " WHERE n.cluster_id = t.cluster_id AND n.name = t.name)",
                            err);
}

static struct watermark_input *add(struct inputs *inputs, size_t *capacity, struct arena *arena)
{
    if (inputs->count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : INPUTS_FIRST;
        struct watermark_input *items = arena_array(arena, *capacity, sizeof *items);
        if (inputs->count > 0)
            memcpy(items, inputs->items, inputs->count * sizeof *items);
        inputs->items = items;
    }
    return &inputs->items[inputs->count++];
}

static enum err_code read_ends(rd_kafka_t *client, const struct config *config, const char *topics, struct arena *arena,
                               struct inputs *inputs, struct err *err)
{
    size_t capacity = 0;
    enum err_code code = ERR_NONE;
    for (struct text name; !code && (name = next_name(&topics)).len > 0;) {
        struct text topic = arena_printf(arena, "%.*s", (int)name.len, name.at);
        struct watermark_input made = {.topic = topic,
                                       .is_timers = text_equal(topic, text_of(config->kafka_timers_topic)),
                                       .is_history = list_has(config->kafka_history_topics, topic)};
        int32_t count = 0;
        code = quiet_partitions(client, topic.at, ANSWER_MS, &count, err);
        for (made.partition = 0; made.partition < count && !code; made.partition++) {
            code = quiet_ends(client, topic.at, made.partition, ANSWER_MS, &made.low, &made.high, err);
            *add(inputs, &capacity, arena) = made;
        }
    }
    return code;
}

static void take_position(struct inputs *inputs, const PGresult *rows, int row)
{
    struct bytes name = result_bytes(rows, row, 0);
    struct text topic = {(const char *)name.at, name.len};
    int32_t partition = result_i32(rows, row, 1);
    for (size_t i = 0; i < inputs->count; i++) {
        struct watermark_input *input = &inputs->items[i];
        if (input->partition != partition || !text_equal(input->topic, topic))
            continue;
        input->applied = result_i64(rows, row, 2);
        input->newest_event_at = result_i64(rows, row, 3);
    }
}

static enum err_code read_applied(rd_kafka_t *client, struct exchange *ledger, const struct config *config,
                                  struct inputs *inputs, struct err *err)
{
    char *cluster = rd_kafka_clusterid(client, ANSWER_MS);
    if (!cluster)
        return err_set(err, ERR_KAFKA, "no answer from Kafka");
    struct text cluster_id = text_of(cluster), group = text_of(config->kafka_group);
    struct parameters parameters = {
        {{(const uint8_t *)cluster_id.at, cluster_id.len}, {(const uint8_t *)group.at, group.len}}, 2};
    PGresult *rows = NULL;
    enum err_code code = exchange_run(ledger, "read_positions", &parameters, &rows, err);
    rd_kafka_mem_free(client, cluster);
    if (code)
        return code;
    for (int row = 0; row < PQntuples(rows); row++)
        take_position(inputs, rows, row);
    PQclear(rows);
    return ERR_NONE;
}

enum err_code inputs_read(rd_kafka_t *client, struct exchange *ledger, const struct config *config, const char *topics,
                          struct arena *arena, struct inputs *out, struct err *err)
{
    assert(client && ledger && config && topics && arena && out);
    struct inputs inputs = {0};
    enum err_code code = read_ends(client, config, topics, arena, &inputs, err);
    if (!code)
        code = read_applied(client, ledger, config, &inputs, err);
    if (!code)
        *out = inputs;
    return code;
}

/* ---- looking at what stands behind the position applied */

/* Reads until the first record, the end, or the time is up. */
static enum err_code look(rd_kafka_t *client, rd_kafka_topic_t *topic, struct watermark_input *input,
                          rd_kafka_queue_t *queue, struct err *err)
{
    int64_t from = input->applied > input->low ? input->applied : input->low;
    int64_t until = clock_monotonic_us() + LOOK_MS * 1000;
    if (rd_kafka_consume_start_queue(topic, input->partition, from, queue) != 0)
        return err_set(err, ERR_KAFKA, "reading %s/%d: %s", input->topic.at, input->partition,
                       rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_message_t *message = NULL;
    while (!message && clock_monotonic_us() < until) {
        message = rd_kafka_consume_queue(queue, POLL_MS);
        rd_kafka_poll(client, 0);
    }
    input->rest_is_empty = message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (message)
        rd_kafka_message_destroy(message);
    rd_kafka_consume_stop(topic, input->partition);
    return ERR_NONE;
}

/* With a queue of its own, so that no record of an earlier look is taken for this one's. */
static enum err_code look_at(rd_kafka_t *client, struct watermark_input *input, struct err *err)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, input->topic.at, NULL);
    if (!topic)
        return err_set(err, ERR_KAFKA, "topic %s: %s", input->topic.at, rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    enum err_code code = look(client, topic, input, queue, err);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_destroy(topic);
    return code;
}

enum err_code inputs_look(rd_kafka_t *client, struct inputs *inputs, int64_t due, int64_t now, struct err *err)
{
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < inputs->count && !code; i++)
        if (watermark_is_in_doubt(&inputs->items[i], due, now))
            code = look_at(client, &inputs->items[i], err);
    return code;
}
