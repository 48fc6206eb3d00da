#include "source/quiet_client.h"

#include <assert.h>

#include "base/clock.h"
#include "source/kafka_conf.h"

enum { AGAIN_MS = 200 };

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    (void)level;
    (void)facility;
    (void)text;
}

rd_kafka_conf_t *quiet_conf(const struct config *config, const char *settings[][2], struct err *err)
{
    rd_kafka_conf_t *conf = kafka_conf(config, settings, err);
    if (conf)
        rd_kafka_conf_set_log_cb(conf, on_log);
    return conf;
}

enum err_code quiet_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out, struct err *err)
{
    char text[256];
    rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof text);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, ERR_CONFIG, "Kafka client: %s", text);
    }
    *out = client;
    return ERR_NONE;
}

enum err_code quiet_consumer(const struct config *config, const char *settings[][2], rd_kafka_t **out, struct err *err)
{
    static const char *const always[][2] = {
        {"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"}, {"allow.auto.create.topics", "false"}};
    char text[256];
    struct err own;
    rd_kafka_conf_t *conf = quiet_conf(config, settings, err ? err : &own);
    if (!conf)
        return err ? err->code : own.code;
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        rd_kafka_conf_res_t set = rd_kafka_conf_set(conf, always[i][0], always[i][1], text, sizeof text);
        assert(set == RD_KAFKA_CONF_OK);
    }
    return quiet_client(RD_KAFKA_CONSUMER, conf, out, err);
}

enum err_code quiet_partitions(rd_kafka_t *client, const char *topic, int wait_ms, int32_t *out, struct err *err)
{
    const rd_kafka_metadata_t *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    if (!handle)
        return err_set(err, ERR_KAFKA, "topic %s: %s", topic, rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_resp_err_t failure = rd_kafka_metadata(client, 0, handle, &metadata, wait_ms);
    rd_kafka_topic_destroy(handle);
    if (failure)
        return err_set(err, ERR_KAFKA, "asking for topic %s: %s", topic, rd_kafka_err2str(failure));
    *out = metadata->topic_cnt == 1 && !metadata->topics[0].err ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    return ERR_NONE;
}

enum err_code quiet_ends(rd_kafka_t *client, const char *topic, int32_t partition, int wait_ms, int64_t *low,
                         int64_t *high, struct err *err)
{
    int64_t until = clock_monotonic_us() + wait_ms * 1000LL;
    for (;;) {
        rd_kafka_resp_err_t failure = rd_kafka_query_watermark_offsets(client, topic, partition, low, high, wait_ms);
        if (!failure)
            return ERR_NONE;
        bool moves =
            failure == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || failure == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
        if (!moves || clock_monotonic_us() >= until)
            return err_set(err, ERR_KAFKA, "asking for the ends of %s/%d: %s", topic, partition,
                           rd_kafka_err2str(failure));
        rd_kafka_poll(client, AGAIN_MS);
    }
}
