#include "ops/topic_reader.h"

#include <stdlib.h>

#include "source/quiet_client.h"

enum { METADATA_MS = 10000 };

struct topic_reader {
    rd_kafka_t *handle;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    int32_t partition_count;
    int32_t started; /* partitions whose fetching has begun */
    int32_t at_end;  /* partitions that were read to their end */
    bool *ended;     /* per partition */
};

static enum err_code make_handle(const struct config *config, rd_kafka_t **out, struct err *err)
{
    const char *settings[][2] = {{"isolation.level", "read_committed"},
                                 {"enable.partition.eof", "true"},
                                 {"check.crcs", "true"},
                                 {"fetch.wait.max.ms", "100"},
                                 {NULL, NULL}};
    return quiet_consumer(config, settings, out, err);
}

static enum err_code count_partitions(const struct config *config, struct topic_reader *reader, struct err *err)
{
    const rd_kafka_metadata_t *metadata;
    rd_kafka_resp_err_t failure = rd_kafka_metadata(reader->handle, 0, reader->topic, &metadata, METADATA_MS);
    if (failure)
        return err_set(err, ERR_KAFKA, "no answer from Kafka at %s: %s; is it running, and is kafka.brokers right?",
                       config->kafka_brokers, rd_kafka_err2str(failure));
    int count = metadata->topic_cnt == 1 && !metadata->topics[0].err ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    if (count == 0)
        return err_set(err, ERR_KAFKA, "topic %s does not exist at %s", rd_kafka_topic_name(reader->topic),
                       config->kafka_brokers);
    reader->partition_count = count;
    reader->ended = calloc((size_t)count, sizeof *reader->ended);
    if (!reader->ended)
        abort();
    return ERR_NONE;
}

static enum err_code start_partitions(struct topic_reader *reader, enum topic_start start, struct err *err)
{
    int64_t offset = start == TOPIC_FROM_END ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
    for (; reader->started < reader->partition_count; reader->started++)
        if (rd_kafka_consume_start_queue(reader->topic, reader->started, offset, reader->queue) != 0)
            return err_set(err, ERR_KAFKA, "partition %d: %s", reader->started,
                           rd_kafka_err2str(rd_kafka_last_error()));
    return ERR_NONE;
}

enum err_code topic_reader_open(const struct config *config, const char *topic, enum topic_start start,
                                struct topic_reader **out, struct err *err)
{
    struct topic_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        abort();
    enum err_code code = make_handle(config, &reader->handle, err);
    if (code) {
        topic_reader_close(reader);
        return code;
    }
    reader->topic = rd_kafka_topic_new(reader->handle, topic, NULL);
    reader->queue = rd_kafka_queue_new(reader->handle);
    code = reader->topic ? count_partitions(config, reader, err)
                         : err_set(err, ERR_KAFKA, "topic %s: %s", topic, rd_kafka_err2str(rd_kafka_last_error()));
    if (code == ERR_NONE)
        code = start_partitions(reader, start, err);
    if (code != ERR_NONE)
        topic_reader_close(reader);
    else
        *out = reader;
    return code;
}

struct topic_reader *topic_reader_close(struct topic_reader *reader)
{
    if (!reader)
        return NULL;
    for (int32_t i = 0; i < reader->started; i++)
        rd_kafka_consume_stop(reader->topic, i);
    if (reader->queue)
        rd_kafka_queue_destroy(reader->queue);
    if (reader->topic)
        rd_kafka_topic_destroy(reader->topic);
    if (reader->handle)
        rd_kafka_destroy(reader->handle);
    free(reader->ended);
    free(reader);
    return NULL;
}

static void note_end(struct topic_reader *reader, int32_t partition)
{
    if (partition < 0 || partition >= reader->partition_count || reader->ended[partition])
        return;
    reader->ended[partition] = true;
    reader->at_end++;
}

enum err_code topic_reader_next(struct topic_reader *reader, int timeout_ms, rd_kafka_message_t **out, struct err *err)
{
    rd_kafka_message_t *message = rd_kafka_consume_queue(reader->queue, timeout_ms);
    rd_kafka_poll(reader->handle, 0);
    if (!message || !message->err) {
        *out = message;
        return ERR_NONE;
    }
    enum err_code code = ERR_NONE;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        note_end(reader, message->partition);
    else
        code = err_set(err, ERR_KAFKA, "partition %d: %s", message->partition, rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    if (code == ERR_NONE)
        *out = NULL;
    return code;
}

bool topic_reader_at_end(const struct topic_reader *reader)
{
    return reader->at_end == reader->partition_count;
}
