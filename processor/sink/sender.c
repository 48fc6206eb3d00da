#include "sink/sender.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/quiet_client.h"

enum { MAGIC = 0x53656e64, METADATA_MS = 10000, DELIVERY_MS = 30000, POLL_MS = 100 };

struct sender {
    uint32_t magic; /* checked where it comes back through a void * */
    rd_kafka_t *handle;
    const char *brokers;
    int64_t sent;
    int64_t acknowledged;
    int64_t failed;
    rd_kafka_resp_err_t first_failure;
};

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    struct sender *sender = opaque;
    (void)handle;
    assert(sender->magic == MAGIC);
    if (!message->err) {
        sender->acknowledged++;
        return;
    }
    if (sender->failed++ == 0)
        sender->first_failure = message->err;
}

enum err_code sender_open(const struct config *config, struct sender **out, struct err *err)
{
    char timeout[16];
    snprintf(timeout, sizeof timeout, "%d", DELIVERY_MS);
    const char *settings[][2] = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"message.timeout.ms", timeout},
        {"partitioner", "murmur2_random"}, /* the Java clients' choice: same member, same place */
        {"linger.ms", "5"},
        {NULL, NULL}};
    rd_kafka_conf_t *conf = quiet_conf(config, settings, err);
    if (!conf)
        return err->code;
    struct sender *sender = calloc(1, sizeof *sender);
    if (!sender)
        abort();
    *sender = (struct sender){.magic = MAGIC, .brokers = config->kafka_brokers};
    rd_kafka_conf_set_opaque(conf, sender);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    enum err_code code = quiet_client(RD_KAFKA_PRODUCER, conf, &sender->handle, err);
    if (code) {
        free(sender);
        return code;
    }
    *out = sender;
    return ERR_NONE;
}

struct sender *sender_close(struct sender *sender)
{
    if (!sender)
        return NULL;
    rd_kafka_purge(sender->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(sender->handle);
    sender->magic = 0;
    free(sender);
    return NULL;
}

enum err_code sender_require_topic(struct sender *sender, const char *topic, struct err *err)
{
    const rd_kafka_metadata_t *metadata;
    /* All topics: asking for one by name may make it. */
    rd_kafka_resp_err_t failure = rd_kafka_metadata(sender->handle, 1, NULL, &metadata, METADATA_MS);
    if (failure)
        return err_set(err, ERR_KAFKA, "no answer from Kafka at %s: %s; is it running, and is kafka.brokers right?",
                       sender->brokers, rd_kafka_err2str(failure));
    bool found = false;
    for (int i = 0; i < metadata->topic_cnt; i++)
        found = found || strcmp(metadata->topics[i].topic, topic) == 0;
    rd_kafka_metadata_destroy(metadata);
    if (!found)
        return err_set(err, ERR_KAFKA, "topic %s does not exist at %s; make it first, or name another", topic,
                       sender->brokers);
    return ERR_NONE;
}

static rd_kafka_resp_err_t produce(struct sender *sender, const char *topic, struct bytes key, struct bytes value,
                                   int64_t time_ms)
{
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key.at, key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value.at, value.len}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = time_ms},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(sender->handle, parts, sizeof parts / sizeof *parts);
    rd_kafka_resp_err_t failure = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_error_destroy(error);
    return failure;
}

enum err_code sender_send(struct sender *sender, const char *topic, struct bytes key, struct bytes value,
                          int64_t time_ms, struct err *err)
{
    static const uint8_t empty = 0; /* a value of no bytes is no tombstone */
    if (!value.at)
        value.at = &empty;
    rd_kafka_resp_err_t failure;
    while ((failure = produce(sender, topic, key, value, time_ms)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(sender->handle, POLL_MS);
    if (failure)
        return err_set(err, ERR_KAFKA, "topic %s: %s", topic, rd_kafka_err2str(failure));
    sender->sent++;
    rd_kafka_poll(sender->handle, 0);
    return ERR_NONE;
}

bool sender_is_settled(struct sender *sender, int wait_ms)
{
    if (sender->acknowledged + sender->failed < sender->sent)
        rd_kafka_poll(sender->handle, wait_ms);
    return sender->acknowledged + sender->failed == sender->sent;
}

enum err_code sender_finish(struct sender *sender, struct err *err)
{
    while (!sender_is_settled(sender, POLL_MS))
        continue;
    if (sender->failed)
        return err_set(err, ERR_KAFKA, "%lld of %lld records were not acknowledged: %s", (long long)sender->failed,
                       (long long)sender->sent, rd_kafka_err2str(sender->first_failure));
    return ERR_NONE;
}

int64_t sender_acknowledged(const struct sender *sender)
{
    return sender->acknowledged;
}
