#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "decode/registry.h"
#include "decode/wire.h"
#include "ops/publish.h"

/* Registers the type's schema under "<topic>-value", as other serialisers name it, and gives its id. */
static enum err_code register_schema(const struct publish_sink *sink, enum event_type type, int32_t *id,
                                     struct err *err)
{
    const struct config *config = sink->config;
    char subject[TOPIC_NAME_SIZE + 8];
    char *password = NULL;
    struct registry *registry = NULL;
    snprintf(subject, sizeof subject, "%s-value", sink->routes->topics[type]);
    if (!config->registry_url[0])
        return err_set(err, ERR_CONFIG, "--format confluent needs the setting registry.url");
    enum err_code code = config_secret(config->registry_password_file, &password, err);
    if (code == ERR_NONE) {
        struct registry_options options = {.url = config->registry_url,
                                           .user = config->registry_user,
                                           .password = password ? password : "",
                                           .timeout_ms = config->registry_timeout_ms};
        code = registry_new(&options, &registry, err);
    }
    if (code == ERR_NONE)
        code = registry_register(registry, subject, event_schema_text(type), id, err);
    registry_free(registry);
    free(password);
    return code;
}

/* What is done once: open the producer, look the topic up. */
static enum err_code prepare_topic(struct publish_sink *sink, const char *topic, struct err *err)
{
    if (!sink->sender) {
        enum err_code code = sender_open(sink->config, &sink->sender, err);
        if (code != ERR_NONE)
            return code;
    }
    return sender_require_topic(sink->sender, topic, err);
}

/* What is done once for each type: its topic, and the head of its values. */
static enum err_code prepare_type(struct publish_sink *sink, enum event_type type, struct err *err)
{
    int32_t id = 0;
    enum err_code code = prepare_topic(sink, sink->routes->topics[type], err);
    if (code == ERR_NONE && sink->options->confluent)
        code = register_schema(sink, type, &id, err);
    if (code != ERR_NONE)
        return code;
    uint64_t fingerprint = avro_json_fingerprint(sink->routes->schemas[type]);
    sink->head_lens[type] = sink->options->confluent ? wire_head_confluent(id, sink->heads[type])
                                                     : wire_head_single_object(fingerprint, sink->heads[type]);
    assert(sink->head_lens[type] > 0);
    return ERR_NONE;
}

/* Kafka takes whole milliseconds after 1970; what lies before them gets the first one. */
static int64_t record_time_ms(const struct publish_sink *sink, int64_t occurred_at)
{
    if (sink->options->now)
        return 0;
    return occurred_at < 1000 ? 1 : occurred_at / 1000;
}

enum err_code publish_sink_send(struct publish_sink *sink, const struct event_record *record, struct err *err)
{
    enum event_type type = record->type;
    if (!sink->head_lens[type]) {
        enum err_code code = prepare_type(sink, type, err);
        if (code != ERR_NONE)
            return code;
    }
    buffer_clear(&sink->value);
    buffer_put(&sink->value, sink->heads[type], sink->head_lens[type]);
    buffer_put(&sink->value, record->body.at, record->body.len);
    enum err_code code = sender_send(sink->sender, sink->routes->topics[type], buffer_view(&record->key),
                                     buffer_view(&sink->value), record_time_ms(sink, record->occurred_at), err);
    if (code == ERR_NONE)
        sink->report->sent[type]++;
    return code;
}

enum err_code publish_sink_send_raw(struct publish_sink *sink, struct bytes line, struct err *err)
{
    enum err_code code = sink->sender ? ERR_NONE : prepare_topic(sink, sink->options->topic, err);
    if (code == ERR_NONE)
        code = sender_send(sink->sender, sink->options->topic, (struct bytes){NULL, 0}, line, 0, err);
    if (code == ERR_NONE)
        sink->report->sent[EVENT_TYPE_COUNT]++;
    return code;
}

enum err_code publish_sink_finish(struct publish_sink *sink, struct err *err)
{
    return sink->sender ? sender_finish(sink->sender, err) : ERR_NONE;
}

void publish_sink_release(struct publish_sink *sink)
{
    sink->sender = sender_close(sink->sender);
    buffer_release(&sink->value);
}
