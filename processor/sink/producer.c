#include "sink/producer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "sink/output_id.h"
#include "source/kafka_conf.h"

enum {
    CALL_MS = 1000, /* one attempt of a blocking call; it is resumed until its limit */
    INIT_LIMIT_MS = 30000,
    END_LIMIT_MS = 30000,
    RENEW_AFTER_US = 500000, /* rule 3: below it librdkafka 2.0.2 cannot have retried, see retry.backoff.ms */
    RETRY_BACKOFF_MS = 1000,
    MARKERS_US = 3000, /* after a commit the coordinator writes markers, and refuses the next transaction meanwhile */
};

static const uint32_t transitions[PRODUCER_STATE_COUNT] = {
    [PRODUCER_NONE] = MACHINE_BIT(PRODUCER_READY),
    [PRODUCER_READY] = MACHINE_BIT(PRODUCER_OPEN) | MACHINE_BIT(PRODUCER_NONE),
    [PRODUCER_OPEN] = MACHINE_BIT(PRODUCER_ENDING) | MACHINE_BIT(PRODUCER_NONE),
    [PRODUCER_ENDING] = MACHINE_BIT(PRODUCER_READY) | MACHINE_BIT(PRODUCER_NONE),
};

void producer_init(struct producer *producer, const struct config *config, atomic_bool *cancel)
{
    *producer = (struct producer){
        .config = config,
        .cancel = cancel,
        .machine = {"producer", transitions, PRODUCER_STATE_COUNT, PRODUCER_NONE},
    };
}

static bool cancelled(const struct producer *producer)
{
    return atomic_load(producer->cancel);
}

/* A destroyed producer forgets what it had queued; what the broker holds open ends when the next one initialises. */
static void destroy(struct producer *producer)
{
    for (size_t i = 0; i < PRODUCER_TOPICS; i++) {
        if (producer->topics[i])
            rd_kafka_topic_destroy(producer->topics[i]);
        producer->topics[i] = NULL;
    }
    if (producer->handle) {
        rd_kafka_purge(producer->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy_flags(producer->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    producer->handle = NULL;
    if (producer->machine.state != PRODUCER_NONE)
        machine_go(&producer->machine, PRODUCER_NONE);
}

static bool is_fenced(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

static enum err_code fatal(rd_kafka_resp_err_t code, const char *what, const char *text, struct err *err)
{
    if (is_fenced(code))
        return err_set(err, ERR_FENCED, "%s: another producer with this transactional.id has begun: %s", what, text);
    return err_set(err, ERR_KAFKA_FATAL, "%s: %s", what, text);
}

/* Takes the error over. */
static enum err_code failed(rd_kafka_error_t *error, const char *what, struct err *err)
{
    enum err_code code;
    if (rd_kafka_error_is_fatal(error))
        code = fatal(rd_kafka_error_code(error), what, rd_kafka_error_string(error), err);
    else
        code = err_set(err, ERR_KAFKA, "%s: %s", what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return code;
}

static rd_kafka_conf_t *producer_conf(const struct producer *producer, struct err *err)
{
    const struct config *config = producer->config;
    char id[512], transaction[24], backoff[24];
    snprintf(id, sizeof id, "%s-%s", config->kafka_group, config->instance);
    snprintf(transaction, sizeof transaction, "%lld", (long long)config->kafka_transaction_timeout_ms);
    snprintf(backoff, sizeof backoff, "%d", RETRY_BACKOFF_MS);
    const char *settings[][2] = {
        {"transactional.id", id},
        {"transaction.timeout.ms", transaction},
        {"message.timeout.ms", transaction}, /* at most the transaction's */
        {"retry.backoff.ms", backoff},
        {"linger.ms", "2"},
        {"compression.codec", "lz4"},
        {"partitioner", "murmur2_random"}, /* as the Java clients, so that joins by member work */
        {"queue.buffering.max.messages", "500000"},
        {NULL, NULL},
    };
    return kafka_conf(config, settings, err);
}

static enum err_code init_transactions(struct producer *producer, struct err *err)
{
    int64_t until = clock_monotonic_us() + INIT_LIMIT_MS * 1000LL;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(producer->handle, CALL_MS);
        if (!error)
            return ERR_NONE;
        bool again = rd_kafka_error_is_retriable(error) && !cancelled(producer) && clock_monotonic_us() < until;
        if (!again)
            return failed(error, "init_transactions", err);
        rd_kafka_error_destroy(error);
    }
}

/* Asks for the partitions of the topics that outputs go to: librdkafka itself would ask a second after the first
 * record, and each new producer's first transaction would take that long. What is not answered, it asks for itself. */
static void learn_topics(struct producer *producer)
{
    const char *names[PRODUCER_TOPICS] = {producer->config->kafka_rewards_topic,
                                          producer->config->kafka_dead_letter_topic};
    for (size_t i = 0; i < PRODUCER_TOPICS; i++) {
        const rd_kafka_metadata_t *found = NULL;
        producer->topics[i] = rd_kafka_topic_new(producer->handle, names[i], NULL);
        if (producer->topics[i] &&
            rd_kafka_metadata(producer->handle, 0, producer->topics[i], &found, CALL_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_metadata_destroy(found);
    }
}

/* An output that is not taken fails its transaction, so there is nothing to do here. But without a callback
 * librdkafka's flush looks only every 10 ms whether all are taken, which was half of a transaction's time. */
static void on_delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    (void)handle;
    (void)message;
    (void)opaque;
}

enum err_code producer_open(struct producer *producer, struct err *err)
{
    char text[256];
    if (producer->machine.state != PRODUCER_NONE)
        return ERR_NONE;
    rd_kafka_conf_t *conf = producer_conf(producer, err);
    if (!conf)
        return err->code;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    producer->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!producer->handle) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, ERR_KAFKA_FATAL, "making a producer: %s", text);
    }
    enum err_code code = init_transactions(producer, err);
    if (code) {
        destroy(producer);
        return code;
    }
    learn_topics(producer);
    machine_go(&producer->machine, PRODUCER_READY);
    return ERR_NONE;
}

/* A transaction refused while the markers of the last one are written is tried again by librdkafka 20 ms later, which
 * is longer than they take: a third fewer transactions a second. */
static void wait_for_markers(const struct producer *producer)
{
    int64_t since = clock_monotonic_us() - producer->committed_at;
    if (since < MARKERS_US)
        nanosleep(&(struct timespec){0, (MARKERS_US - since) * 1000}, NULL);
}

enum err_code producer_begin(struct producer *producer, struct err *err)
{
    wait_for_markers(producer);
    rd_kafka_error_t *error = rd_kafka_begin_transaction(producer->handle);
    if (error) {
        enum err_code code = failed(error, "begin_transaction", err);
        destroy(producer);
        return code;
    }
    machine_go(&producer->machine, PRODUCER_OPEN);
    return ERR_NONE;
}

/* ---- records */

static void add_header(rd_kafka_headers_t *headers, const char *name, struct text value)
{
    rd_kafka_header_add(headers, name, -1, value.at, (ssize_t)value.len);
}

/* CloudEvents 1.0, Kafka protocol binding, binary content mode. */
static rd_kafka_headers_t *reward_headers(const struct frame *frame, struct text place)
{
    static const char origin[] = "/points/";
    enum { ORIGIN = sizeof origin - 1, SOURCE_MOST = 300 };
    char time[RFC3339_SIZE], source[SOURCE_MOST];
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    size_t len = frame->program_id.len < SOURCE_MOST - ORIGIN ? frame->program_id.len : SOURCE_MOST - ORIGIN;
    memcpy(source, origin, ORIGIN);
    memcpy(source + ORIGIN, frame->program_id.at, len);
    add_header(headers, "ce_specversion", TEXT("1.0"));
    add_header(headers, "ce_id", frame->id.len > 0 ? frame->id : place);
    add_header(headers, "ce_source", (struct text){source, ORIGIN + len});
    add_header(headers, "ce_type", frame->type);
    add_header(headers, "ce_time", text_of(rfc3339_format(frame->time, time)));
    add_header(headers, "ce_subject", (struct text){(const char *)frame->key.at, frame->key.len});
    add_header(headers, "content-type", TEXT("application/avro"));
    if (frame->id.len > 0)
        add_header(headers, SETTLED_BY_HEADER, place);
    return headers;
}

static void add_number(rd_kafka_headers_t *headers, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    add_header(headers, name, text_of(text));
}

/* The original headers, then Kafka Connect's names for what went wrong. */
static rd_kafka_headers_t *dead_letter_headers(const struct frame *frame, const char *input_topic, int32_t partition,
                                               struct text id)
{
    char name[256];
    rd_kafka_headers_t *headers = rd_kafka_headers_new(frame->header_count + 10);
    for (size_t i = 0; i < frame->header_count; i++) {
        const struct frame_header *header = &frame->headers[i];
        rd_kafka_header_add(headers, header->name.at, (ssize_t)header->name.len, header->value.at,
                            (ssize_t)header->value.len);
    }
    snprintf(name, sizeof name, "points.%.*s", (int)frame->stage.len, frame->stage.at);
    add_header(headers, "__connect.errors.topic", text_of(input_topic));
    add_number(headers, "__connect.errors.partition", partition);
    add_number(headers, "__connect.errors.offset", frame->offset);
    add_header(headers, "__connect.errors.connector.name", TEXT("points"));
    add_header(headers, "__connect.errors.stage", frame->stage);
    add_header(headers, "__connect.errors.class.name", text_of(name));
    add_header(headers, "__connect.errors.exception.class.name", frame->reason);
    add_header(headers, "__connect.errors.exception.message", frame->detail);
    add_number(headers, "points.original.timestamp", frame->time / 1000);
    add_header(headers, "points.output.id", id);
    return headers;
}

static enum err_code produce(struct producer *producer, const char *topic, const struct frame *frame,
                             rd_kafka_headers_t *headers, struct err *err)
{
    /* The array form: rd_kafka_producev's macros are GNU statement expressions, which clang refuses as pedantic. */
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)frame->key.at, frame->key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)frame->value.at, frame->value.len}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_produceva(producer->handle, parts, sizeof parts / sizeof *parts);
        rd_kafka_resp_err_t code = rd_kafka_error_code(error);
        rd_kafka_error_destroy(error);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return ERR_NONE; /* the headers are librdkafka's now */
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && !cancelled(producer)) {
            rd_kafka_poll(producer->handle, 10);
            continue;
        }
        rd_kafka_headers_destroy(headers);
        return err_set(err, ERR_KAFKA, "producing to %s: %s", topic, rd_kafka_err2str(code));
    }
}

enum err_code producer_send(struct producer *producer, const struct frame *frame, const char *input_topic,
                            int32_t topic_no, int32_t partition, struct err *err)
{
    assert(producer->machine.state == PRODUCER_OPEN);
    char room[OUTPUT_ID_SIZE];
    struct text id = output_id(topic_no, partition, frame->offset, frame->index, room);
    bool is_reward = frame->kind == FRAME_REWARD;
    rd_kafka_headers_t *headers =
        is_reward ? reward_headers(frame, id) : dead_letter_headers(frame, input_topic, partition, id);
    if (producer->mark)
        add_header(headers, "points.republished", text_of(producer->mark));
    const struct config *config = producer->config;
    return produce(producer, is_reward ? config->kafka_rewards_topic : config->kafka_dead_letter_topic, frame, headers,
                   err);
}

/* ---- ending */

void producer_abandon(struct producer *producer)
{
    if (producer->machine.state == PRODUCER_OPEN && producer->handle) {
        rd_kafka_purge(producer->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_error_t *error = rd_kafka_abort_transaction(producer->handle, CALL_MS);
        if (error)
            rd_kafka_error_destroy(error); /* the next producer's init ends it */
    }
    destroy(producer);
}

static bool is_stale_group(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID || code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
}

static enum producer_end gave_up(struct producer *producer, rd_kafka_error_t *error, const char *what, struct err *err)
{
    bool stale = is_stale_group(rd_kafka_error_code(error));
    enum err_code code = failed(error, what, err);
    if (code == ERR_FENCED || code == ERR_KAFKA_FATAL) {
        destroy(producer);
        return PRODUCER_FATAL;
    }
    producer_abandon(producer);
    return stale ? PRODUCER_REFUSED : PRODUCER_ABORTED;
}

/* Waits until the broker has every output, so that the time of the calls after it is theirs alone. */
static enum err_code flush(struct producer *producer, int64_t until, struct err *err)
{
    while (rd_kafka_flush(producer->handle, CALL_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        if (cancelled(producer) || clock_monotonic_us() >= until)
            return err_set(err, ERR_KAFKA, "outputs were not taken in time");
    return ERR_NONE;
}

/* Sends the offsets until they are accepted; the call may be resumed. */
static rd_kafka_error_t *send_offsets(struct producer *producer, const rd_kafka_topic_partition_list_t *offsets,
                                      const rd_kafka_consumer_group_metadata_t *metadata, int64_t until)
{
    for (;;) {
        rd_kafka_error_t *error =
            rd_kafka_send_offsets_to_transaction(producer->handle, offsets, metadata, CALL_MS * 5);
        if (!error || !rd_kafka_error_is_retriable(error) || cancelled(producer) || clock_monotonic_us() >= until)
            return error;
        rd_kafka_error_destroy(error);
    }
}

static enum producer_end end_unknown(struct producer *producer, rd_kafka_error_t *error, struct err *err)
{
    failed(error, "commit_transaction", err);
    destroy(producer);
    return PRODUCER_UNKNOWN;
}

static enum producer_end commit(struct producer *producer, int64_t until, struct err *err)
{
    int64_t began = clock_monotonic_us();
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_commit_transaction(producer->handle, CALL_MS);
        if (!error)
            break;
        if (rd_kafka_error_is_fatal(error) || rd_kafka_error_txn_requires_abort(error))
            return gave_up(producer, error, "commit_transaction", err);
        if (!rd_kafka_error_is_retriable(error) || cancelled(producer) || clock_monotonic_us() >= until)
            return end_unknown(producer, error, err);
        rd_kafka_error_destroy(error);
    }
    machine_go(&producer->machine, PRODUCER_READY);
    producer->committed_at = clock_monotonic_us();
    if (producer->committed_at - began >= RENEW_AFTER_US) {
        log_event(LOG_INFO, "producer.renewed", "reason=slow_commit");
        destroy(producer);
    }
    return PRODUCER_COMMITTED;
}

enum producer_end producer_end(struct producer *producer, const rd_kafka_topic_partition_list_t *offsets,
                               const rd_kafka_consumer_group_metadata_t *metadata, struct err *err)
{
    assert(producer->machine.state == PRODUCER_OPEN);
    int64_t until = clock_monotonic_us() + END_LIMIT_MS * 1000LL;
    if (flush(producer, until, err)) {
        producer_abandon(producer);
        return PRODUCER_ABORTED;
    }
    int64_t began = clock_monotonic_us();
    rd_kafka_error_t *error = send_offsets(producer, offsets, metadata, until);
    if (error)
        return gave_up(producer, error, "send_offsets_to_transaction", err);
    bool slow = clock_monotonic_us() - began >= RENEW_AFTER_US;
    machine_go(&producer->machine, PRODUCER_ENDING);
    enum producer_end end = commit(producer, until, err);
    if (end == PRODUCER_COMMITTED && slow)
        destroy(producer); /* a late copy of TxnOffsetCommit could hit the next transaction */
    return end;
}

enum producer_end producer_end_without_offsets(struct producer *producer, struct err *err)
{
    assert(producer->machine.state == PRODUCER_OPEN);
    int64_t until = clock_monotonic_us() + END_LIMIT_MS * 1000LL;
    if (flush(producer, until, err)) {
        producer_abandon(producer);
        return PRODUCER_ABORTED;
    }
    machine_go(&producer->machine, PRODUCER_ENDING);
    return commit(producer, until, err);
}
