#include "audit/input_record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "source/quiet_client.h"

enum { ANSWER_MS = 10000, POLL_MS = 200, READ_ON_MOST = 5000 };

struct input_records {
    rd_kafka_t *client;
    rd_kafka_topic_t *topic; /* what is being read; NULL: nothing */
    int32_t partition;
    int64_t next;                /* offset that reading goes on at */
    rd_kafka_message_t *message; /* the last one */
};

enum err_code input_records_new(const struct config *config, struct input_records **out, struct err *err)
{
    const char *settings[][2] = {{"isolation.level", "read_committed"},
                                 {"enable.partition.eof", "true"},
                                 {"auto.offset.reset", "error"},
                                 {"fetch.wait.max.ms", "100"},
                                 {NULL, NULL}};
    struct input_records *records = calloc(1, sizeof *records);
    if (!records)
        abort();
    enum err_code code = quiet_consumer(config, settings, &records->client, err);
    if (code)
        input_records_free(records);
    else
        *out = records;
    return code;
}

static void drop_message(struct input_records *records)
{
    if (records->message)
        rd_kafka_message_destroy(records->message);
    records->message = NULL;
}

static void stop(struct input_records *records)
{
    drop_message(records);
    if (!records->topic)
        return;
    rd_kafka_consume_stop(records->topic, records->partition);
    rd_kafka_topic_destroy(records->topic);
    records->topic = NULL;
}

struct input_records *input_records_free(struct input_records *records)
{
    if (!records)
        return NULL;
    stop(records);
    if (records->client)
        rd_kafka_destroy(records->client);
    free(records);
    return NULL;
}

static enum err_code start(struct input_records *records, const char *topic, int32_t partition, int64_t offset,
                           struct err *err)
{
    stop(records);
    records->topic = rd_kafka_topic_new(records->client, topic, NULL);
    if (!records->topic)
        return err_set(err, ERR_KAFKA, "topic %s: %s", topic, rd_kafka_err2str(rd_kafka_last_error()));
    records->partition = partition;
    records->next = offset;
    if (rd_kafka_consume_start(records->topic, partition, offset) != 0) {
        rd_kafka_topic_destroy(records->topic);
        records->topic = NULL;
        return err_set(err, ERR_KAFKA, "reading %s/%d: %s", topic, partition, rd_kafka_err2str(rd_kafka_last_error()));
    }
    return ERR_NONE;
}

static bool reads_towards(const struct input_records *records, const char *topic, int32_t partition, int64_t offset)
{
    return records->topic && strcmp(rd_kafka_topic_name(records->topic), topic) == 0 &&
           records->partition == partition && offset >= records->next && offset - records->next <= READ_ON_MOST;
}

/* Takes the next record or sign; *over: there is none at that offset, or it was found. */
static enum err_code step(struct input_records *records, int64_t offset, bool *over, struct err *err)
{
    drop_message(records);
    rd_kafka_message_t *message = rd_kafka_consume(records->topic, records->partition, POLL_MS);
    rd_kafka_poll(records->client, 0);
    if (!message)
        return ERR_NONE;
    records->message = message;
    bool gone = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
                message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
                message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
    if (message->err && !gone)
        return err_set(err, ERR_KAFKA, "reading %s/%d: %s", rd_kafka_topic_name(records->topic), records->partition,
                       rd_kafka_message_errstr(message));
    if (!gone)
        records->next = message->offset + 1;
    *over = gone || message->offset >= offset;
    return ERR_NONE;
}

enum err_code input_records_get(struct input_records *records, const char *topic, int32_t partition, int64_t offset,
                                const rd_kafka_message_t **out, struct err *err)
{
    assert(records && topic && out);
    enum err_code code = ERR_NONE;
    bool over = false;
    if (!reads_towards(records, topic, partition, offset))
        code = start(records, topic, partition, offset, err);
    int64_t until = clock_monotonic_us() + ANSWER_MS * 1000LL;
    while (!code && !over) {
        code = step(records, offset, &over, err);
        if (!code && !over && clock_monotonic_us() > until)
            code = err_set(err, ERR_KAFKA, "%s/%d does not give offset %lld", topic, partition, (long long)offset);
    }
    if (code)
        return code;
    bool found = !records->message->err && records->message->offset == offset;
    if (records->message->err)
        stop(records);
    *out = found ? records->message : NULL;
    return ERR_NONE;
}
