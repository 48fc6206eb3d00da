#include "audit/output_topic.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "source/quiet_client.h"

enum { ANSWER_MS = 10000, POLL_MS = 200 };

static enum err_code make_client(const struct config *config, const char *isolation, rd_kafka_t **out, struct err *err)
{
    const char *settings[][2] = {{"isolation.level", isolation},
                                 {"enable.partition.eof", "true"},
                                 {"auto.offset.reset", "error"},
                                 {"check.crcs", "true"},
                                 {"fetch.wait.max.ms", "100"},
                                 {"queued.max.messages.kbytes", "16384"},
                                 {NULL, NULL}};
    return quiet_consumer(config, settings, out, err);
}

enum err_code output_ends_read(const struct config *config, const char *topic, struct arena *arena,
                               struct output_ends *out, struct err *err)
{
    assert(config && topic && arena && out);
    rd_kafka_t *client = NULL;
    struct output_ends ends = {.topic = topic};
    enum err_code code = make_client(config, "read_uncommitted", &client, err);
    if (!code)
        code = quiet_partitions(client, topic, ANSWER_MS, &ends.count, err);
    if (!code && ends.count == 0)
        code = err_set(err, ERR_KAFKA, "topic %s does not exist", topic);
    ends.low = arena_array(arena, (size_t)ends.count, sizeof *ends.low);
    ends.high = arena_array(arena, (size_t)ends.count, sizeof *ends.high);
    for (int32_t p = 0; p < ends.count && !code; p++)
        code = quiet_ends(client, topic, p, ANSWER_MS, &ends.low[p], &ends.high[p], err);
    if (client)
        rd_kafka_destroy(client);
    if (!code)
        *out = ends;
    return code;
}

struct reading {
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    const struct output_ends *ends;
    bool *started; /* by partition */
    bool *done;
    int32_t left; /* partitions that are not done */
    int64_t read;
    int64_t total;
    int64_t progress_at; /* µs, monotonic */
};

static enum err_code start(struct reading *reading, struct err *err)
{
    const struct output_ends *ends = reading->ends;
    for (int32_t p = 0; p < ends->count; p++) {
        reading->done[p] = ends->low[p] >= ends->high[p];
        if (reading->done[p])
            continue;
        if (rd_kafka_consume_start_queue(reading->topic, p, ends->low[p], reading->queue) != 0)
            return err_set(err, ERR_KAFKA, "reading %s/%d: %s", ends->topic, p,
                           rd_kafka_err2str(rd_kafka_last_error()));
        reading->started[p] = true;
        reading->left++;
        reading->total += ends->high[p] - ends->low[p];
    }
    return ERR_NONE;
}

/* Everything before `offset` was read. */
static void reached(struct reading *reading, int32_t partition, int64_t offset)
{
    if (!reading->done[partition] && offset >= reading->ends->high[partition]) {
        reading->done[partition] = true;
        reading->left--;
    }
}

static enum err_code failed(const struct reading *reading, const rd_kafka_message_t *message, struct err *err)
{
    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        return err_set(err, ERR_KAFKA, "%s/%d: retention took records away before they were read; run it again",
                       reading->ends->topic, message->partition);
    return err_set(err, ERR_KAFKA, "reading %s/%d: %s", reading->ends->topic, message->partition,
                   rd_kafka_message_errstr(message));
}

/* An end that is reached before the one we look for is an open transaction's begin: the message says where. */
static enum err_code take(struct reading *reading, const rd_kafka_message_t *message,
                          const struct output_visitor *visitor, struct err *err)
{
    enum err_code code = ERR_NONE;
    int32_t partition = message->partition;
    bool at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (message->err && !at_end)
        return failed(reading, message, err);
    if (partition < 0 || partition >= reading->ends->count)
        return ERR_NONE;
    reading->progress_at = clock_monotonic_us();
    if (!at_end && message->offset < reading->ends->high[partition]) {
        code = visitor->record(visitor->context, message, err);
        reading->read++;
    }
    reached(reading, partition, message->offset + (at_end ? 0 : 1));
    return code;
}

static enum err_code held_back(const struct reading *reading, struct err *err)
{
    int32_t partition = 0;
    while (partition < reading->ends->count && reading->done[partition])
        partition++;
    return err_set(err, ERR_KAFKA,
                   "%s/%d cannot be read to its end: a transaction has been open there for too long; look for its "
                   "producer, or wait until the broker ends it, then run the audit again",
                   reading->ends->topic, partition);
}

static enum err_code read_all(const struct config *config, struct reading *reading,
                              const struct output_visitor *visitor, struct ticker *ticker, struct err *err)
{
    int64_t patience_us = (2 * config->kafka_transaction_timeout_ms + ANSWER_MS) * 1000;
    enum err_code code = ERR_NONE;
    reading->progress_at = clock_monotonic_us();
    while (reading->left > 0 && !code) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(reading->queue, POLL_MS);
        rd_kafka_poll(reading->client, 0);
        if (message) {
            code = take(reading, message, visitor, err);
            rd_kafka_message_destroy(message);
        } else if (clock_monotonic_us() - reading->progress_at > patience_us) {
            code = held_back(reading, err);
        }
        bool waits = !message && clock_monotonic_us() - reading->progress_at > 1000000;
        ticker_show(ticker, waits ? "waiting for an open transaction; records" : "records", reading->read,
                    reading->total);
    }
    return code;
}

static void end(struct reading *reading)
{
    for (int32_t p = 0; reading->started && p < reading->ends->count; p++)
        if (reading->started[p])
            rd_kafka_consume_stop(reading->topic, p);
    if (reading->queue)
        rd_kafka_queue_destroy(reading->queue);
    if (reading->topic)
        rd_kafka_topic_destroy(reading->topic);
    if (reading->client)
        rd_kafka_destroy(reading->client);
    free(reading->started);
    free(reading->done);
}

enum err_code output_topic_read(const struct config *config, const struct output_ends *ends,
                                const struct output_visitor *visitor, struct ticker *ticker, struct err *err)
{
    assert(config && ends && visitor && ticker);
    struct reading reading = {.ends = ends,
                              .started = calloc((size_t)ends->count + 1, sizeof *reading.started),
                              .done = calloc((size_t)ends->count + 1, sizeof *reading.done)};
    if (!reading.started || !reading.done)
        abort();
    enum err_code code = make_client(config, "read_committed", &reading.client, err);
    if (!code) {
        reading.queue = rd_kafka_queue_new(reading.client);
        reading.topic = rd_kafka_topic_new(reading.client, ends->topic, NULL);
        if (!reading.topic)
            code = err_set(err, ERR_KAFKA, "topic %s: %s", ends->topic, rd_kafka_err2str(rd_kafka_last_error()));
    }
    if (!code)
        code = start(&reading, err);
    if (!code)
        code = read_all(config, &reading, visitor, ticker, err);
    end(&reading);
    ticker_clear(ticker);
    return code;
}
