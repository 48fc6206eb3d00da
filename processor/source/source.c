#include "source/source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/machine.h"
#include "sink/signature.h"
#include "source/kafka_conf.h"

enum {
    QUERY_MS = 2000,
    REJOIN_PAUSE_MS = 500,
};

enum group_state {
    GROUP_OUT,     /* not subscribed */
    GROUP_JOINING, /* subscribed, no assignment */
    GROUP_ASSIGNED,
    GROUP_LEAVING, /* unsubscribed; joins again when the partitions are given back */
    GROUP_STATE_COUNT
};

static const uint32_t transitions[GROUP_STATE_COUNT] = {
    [GROUP_OUT] = MACHINE_BIT(GROUP_JOINING),
    [GROUP_JOINING] = MACHINE_BIT(GROUP_ASSIGNED) | MACHINE_BIT(GROUP_LEAVING) | MACHINE_BIT(GROUP_JOINING),
    [GROUP_ASSIGNED] = MACHINE_BIT(GROUP_JOINING) | MACHINE_BIT(GROUP_LEAVING),
    [GROUP_LEAVING] = MACHINE_BIT(GROUP_LEAVING) | MACHINE_BIT(GROUP_JOINING),
};

struct source {
    uint32_t magic; /* librdkafka hands the opaque pointer back as void * */
    const struct config *config;
    struct source_hooks hooks;
    rd_kafka_t *handle;
    rd_kafka_topic_partition_list_t *topics;
    struct machine group;
    struct assignment *assignment;
    uint64_t assignments;
    int64_t rejoin_at;
    struct err failure; /* fatal, from a callback */
    char *cluster_id;
    bool paused;
    bool rejoin_wanted;
};

enum { SOURCE_MAGIC = 0x50534f55 };

/* ---- making */

static void split_topics(struct source *source)
{
    char *list = strdup(source->config->kafka_topics);
    if (!list)
        abort();
    source->topics = rd_kafka_topic_partition_list_new(9);
    char *rest = list;
    for (char *topic; (topic = strsep(&rest, ", "));)
        if (*topic)
            rd_kafka_topic_partition_list_add(source->topics, topic, RD_KAFKA_PARTITION_UA);
    free(list);
}

static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                         void *opaque);

static rd_kafka_conf_t *consumer_conf(struct source *source, struct err *err)
{
    const struct config *config = source->config;
    char session[24], poll[24];
    snprintf(session, sizeof session, "%lld", (long long)config->kafka_session_timeout_ms);
    snprintf(poll, sizeof poll, "%lld", (long long)config->kafka_max_poll_interval_ms);
    const char *settings[][2] = {
        {"group.id", config->kafka_group},
        {"isolation.level", "read_committed"}, /* of K too: an owner's pending offsets are waited for */
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"}, /* a position that the log does not have is for the operator */
        /* Eager: cooperative is unsafe before librdkafka 2.10. */
        {"partition.assignment.strategy", "range,roundrobin"},
        {"session.timeout.ms", session},
        {"heartbeat.interval.ms", config->kafka_session_timeout_ms < 6000 ? "500" : "2000"},
        {"max.poll.interval.ms", poll},
        {"topic.metadata.refresh.interval.ms", "10000"}, /* how soon new partitions are noticed */
        /* What is read ahead of the inbox, of all partitions together. Where it is reached, librdkafka 2.0.2 reads
         * nothing for a second: so it has to hold what is processed in a second. */
        {"queued.max.messages.kbytes", "16384"},
        {"queued.min.messages", "60000"},
        {"fetch.message.max.bytes", "262144"}, /* of a partition at once: what the queue may hold beyond its bounds */
        {"fetch.max.bytes", "4194304"},
        {"fetch.wait.max.ms", "20"},
        {NULL, NULL}, /* group.instance.id, where wanted */
        {NULL, NULL},
    };
    if (config->kafka_static_membership) {
        size_t last = sizeof settings / sizeof *settings - 2;
        settings[last][0] = "group.instance.id";
        settings[last][1] = config->instance;
    }
    return kafka_conf(config, settings, err);
}

enum err_code source_new(const struct config *config, const struct source_hooks *hooks, struct source **out,
                         struct err *err)
{
    char text[256];
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        abort();
    *source = (struct source){.magic = SOURCE_MAGIC,
                              .config = config,
                              .hooks = *hooks,
                              .group = {"group", transitions, GROUP_STATE_COUNT, GROUP_OUT}};
    rd_kafka_conf_t *conf = consumer_conf(source, err);
    if (!conf) {
        free(source);
        return err->code;
    }
    rd_kafka_conf_set_opaque(conf, source);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    source->handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!source->handle) {
        rd_kafka_conf_destroy(conf);
        free(source);
        return err_set(err, ERR_KAFKA_FATAL, "making a consumer: %s", text);
    }
    rd_kafka_poll_set_consumer(source->handle);
    split_topics(source);
    *out = source;
    return ERR_NONE;
}

enum err_code source_join(struct source *source, struct err *err)
{
    rd_kafka_resp_err_t code = rd_kafka_subscribe(source->handle, source->topics);
    if (code)
        return err_set(err, ERR_KAFKA_FATAL, "subscribing: %s", rd_kafka_err2str(code));
    machine_go(&source->group, GROUP_JOINING);
    return ERR_NONE;
}

/* ---- the group's callbacks */

/* Rule 1: a generation below 0 or an empty member id is refused; the broker would not fence offsets sent with them.
 * librdkafka tells neither but in its serialised form: "CGMDv2:", generation (native int32), group, NUL, member, NUL,
 * …. */
static bool metadata_is_current(const rd_kafka_consumer_group_metadata_t *metadata)
{
    void *bytes = NULL;
    size_t len = 0;
    rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(metadata, &bytes, &len);
    if (error) {
        rd_kafka_error_destroy(error);
        return false;
    }
    const char *at = bytes, *end = at + len;
    int32_t generation = -1;
    bool current = false;
    if (len > 7 + sizeof generation && memcmp(at, "CGMDv2:", 7) == 0) {
        memcpy(&generation, at + 7, sizeof generation);
        const char *group = at + 7 + sizeof generation;
        const char *member = memchr(group, '\0', (size_t)(end - group));
        current = generation >= 0 && member && member + 1 < end && member[1] != '\0';
    }
    rd_kafka_mem_free(NULL, bytes);
    return current;
}

static struct assignment *make_assignment(struct source *source, const rd_kafka_topic_partition_list_t *list)
{
    struct assignment *assignment = calloc(1, sizeof *assignment);
    struct partition *partitions = calloc((size_t)list->cnt + 1, sizeof *partitions);
    if (!assignment || !partitions)
        abort();
    assignment->number = ++source->assignments;
    assignment->metadata = rd_kafka_consumer_group_metadata(source->handle);
    assignment->partitions = partitions;
    assignment->count = (size_t)list->cnt;
    for (int i = 0; i < list->cnt; i++) {
        partitions[i].topic = strdup(list->elems[i].topic);
        partitions[i].number = list->elems[i].partition;
        if (!partitions[i].topic)
            abort();
    }
    return assignment;
}

static enum err_code take_assignment(struct source *source, rd_kafka_topic_partition_list_t *list, struct err *err)
{
    struct assignment *assignment = make_assignment(source, list);
    int64_t *start = calloc(assignment->count + 1, sizeof *start);
    if (!start)
        abort();
    enum err_code code = ERR_NONE;
    if (!assignment->metadata || !metadata_is_current(assignment->metadata))
        code = err_set(err, ERR_KAFKA, "the group's generation is gone already");
    if (!code)
        code = source->hooks.assigned(source->hooks.context, assignment, start, err);
    for (size_t i = 0; i < assignment->count; i++)
        list->elems[i].offset = start[i];
    free(start);
    if (code) {
        assignment_free(assignment);
        return code;
    }
    source->assignment = assignment;
    return ERR_NONE;
}

static void on_assign(struct source *source, rd_kafka_topic_partition_list_t *list)
{
    struct err err = {0};
    enum err_code code = take_assignment(source, list, &err);
    if (code == ERR_NONE) {
        machine_go(&source->group, GROUP_ASSIGNED);
        rd_kafka_assign(source->handle, list);
        log_event(LOG_INFO, "group.assigned", "partitions=%d assignment=%llu", list->cnt,
                  (unsigned long long)source->assignments);
        return;
    }
    rd_kafka_assign(source->handle, NULL);
    if (err_class(code) == ERR_CLASS_FATAL) {
        source->failure = err;
        return;
    }
    log_event(LOG_WARN, "group.assignment_failed", "error=%s detail=%s", err_name(code), log_quote(err.text));
    source->rejoin_wanted = true; /* not from within the callback */
}

static void give_back(struct source *source, bool lost)
{
    if (source->assignment) {
        source->hooks.revoked(source->hooks.context, source->assignment, lost);
        log_event(LOG_INFO, lost ? "group.lost" : "group.revoked", "partitions=%zu", source->assignment->count);
    }
    source->assignment = assignment_free(source->assignment);
    source->paused = false;
    if (source->group.state == GROUP_ASSIGNED)
        machine_go(&source->group, GROUP_JOINING);
}

static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                         void *opaque)
{
    struct source *source = opaque;
    assert(source->magic == SOURCE_MAGIC && (!source->handle || source->handle == handle));
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && source->group.state == GROUP_JOINING) {
        on_assign(source, partitions);
        return;
    }
    give_back(source, rd_kafka_assignment_lost(handle) != 0);
    rd_kafka_assign(handle, NULL);
}

/* ---- polling */

void source_rejoin(struct source *source)
{
    if (source->group.state == GROUP_LEAVING || source->group.state == GROUP_OUT)
        return;
    log_event(LOG_INFO, "group.rejoin", "pause_ms=%d", REJOIN_PAUSE_MS);
    machine_go(&source->group, GROUP_LEAVING);
    source->rejoin_at = clock_monotonic_us() + REJOIN_PAUSE_MS * 1000;
    rd_kafka_unsubscribe(source->handle);
}

static enum err_code join_again(struct source *source, struct err *err)
{
    if (source->group.state != GROUP_LEAVING || source->assignment || clock_monotonic_us() < source->rejoin_at)
        return ERR_NONE;
    return source_join(source, err);
}

static enum err_code judge(struct source *source, const rd_kafka_message_t *message, struct err *err)
{
    char text[256];
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return err_set(
            err, ERR_TOPIC_RECREATED,
            "%s: the log does not hold the position applied: the topic was made anew, or records were deleted"
            " by retention before they were applied",
            rd_kafka_message_errstr(message));
    case RD_KAFKA_RESP_ERR__FATAL:
        return err_set(err, ERR_KAFKA_FATAL, "consumer: %s: %s",
                       rd_kafka_err2name(rd_kafka_fatal_error(source->handle, text, sizeof text)), text);
    default:
        log_event(LOG_WARN, "kafka.consumer", "code=%s detail=%s", rd_kafka_err2name(message->err),
                  log_quote(rd_kafka_message_errstr(message)));
        return ERR_NONE;
    }
}

enum err_code source_poll(struct source *source, int timeout_ms, rd_kafka_message_t **out, struct err *err)
{
    *out = NULL;
    enum err_code code = join_again(source, err);
    if (code)
        return code;
    rd_kafka_message_t *message = rd_kafka_consumer_poll(source->handle, timeout_ms);
    if (source->rejoin_wanted) {
        source->rejoin_wanted = false;
        source_rejoin(source);
    }
    if (source->failure.code) {
        if (message)
            rd_kafka_message_destroy(message);
        if (err)
            *err = source->failure;
        return source->failure.code;
    }
    if (message && message->err) {
        code = judge(source, message, err);
        rd_kafka_message_destroy(message);
        return code;
    }
    if (message && !source->assignment) { /* fetched for an assignment that is over */
        rd_kafka_message_destroy(message);
        return ERR_NONE;
    }
    *out = message;
    return ERR_NONE;
}

static void set_paused(struct source *source, bool paused)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    if (source->paused == paused || rd_kafka_assignment(source->handle, &list) || !list)
        return;
    if (paused)
        rd_kafka_pause_partitions(source->handle, list);
    else
        rd_kafka_resume_partitions(source->handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    source->paused = paused;
}

void source_pause(struct source *source)
{
    set_paused(source, true);
}

void source_resume(struct source *source)
{
    set_paused(source, false);
}

struct source *source_close(struct source *source)
{
    if (!source)
        return NULL;
    rd_kafka_consumer_close(source->handle); /* serves the revoke callback */
    give_back(source, false);
    rd_kafka_topic_partition_list_destroy(source->topics);
    rd_kafka_destroy(source->handle);
    free(source->cluster_id);
    free(source);
    return NULL;
}

/* ---- offsets */

static rd_kafka_topic_partition_list_t *list_of(const struct assignment *assignment)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)assignment->count);
    for (size_t i = 0; i < assignment->count; i++)
        rd_kafka_topic_partition_list_add(list, assignment->partitions[i].topic, assignment->partitions[i].number);
    return list;
}

static enum err_code check_published(const struct source *source, const rd_kafka_topic_partition_t *at,
                                     int64_t *published, struct err *err)
{
    if (at->err)
        return err_set(err, ERR_KAFKA, "committed offset of %s[%d]: %s", at->topic, at->partition,
                       rd_kafka_err2str(at->err));
    if (at->offset < 0) {
        *published = -1;
        return ERR_NONE;
    }
    struct text metadata = {at->metadata, at->metadata_size};
    if (!signature_valid(text_of(source->config->kafka_group), text_of(at->topic), at->partition, at->offset, metadata))
        return err_set(err, ERR_OFFSET_UNSIGNED,
                       "the committed offset %lld of %s[%d] was set by another tool; `points offsets show` compares it"
                       " with the database, `points offsets reset --to-ledger` goes on from there",
                       (long long)at->offset, at->topic, at->partition);
    *published = at->offset;
    return ERR_NONE;
}

enum err_code source_published(struct source *source, const struct assignment *assignment, int64_t *published,
                               struct err *err)
{
    if (assignment->count == 0)
        return ERR_NONE;
    rd_kafka_topic_partition_list_t *list = list_of(assignment);
    enum err_code code = ERR_NONE;
    rd_kafka_resp_err_t answer = rd_kafka_committed(source->handle, list, QUERY_MS);
    if (answer)
        code = err_set(err, ERR_KAFKA, "reading committed offsets: %s", rd_kafka_err2str(answer));
    for (int i = 0; !code && i < list->cnt; i++)
        code = check_published(source, &list->elems[i], &published[i], err);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

static void sign_first(const struct source *source, rd_kafka_topic_partition_list_t *list,
                       const struct partition *partition)
{
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_add(list, partition->topic, partition->number);
    char *signature = malloc(SIGNATURE_LENGTH + 1);
    if (!signature)
        abort();
    signature_make(text_of(source->config->kafka_group), text_of(partition->topic), partition->number, 0, signature);
    at->offset = 0;
    at->metadata = signature;
    at->metadata_size = SIGNATURE_LENGTH;
}

enum err_code source_commit_first(struct source *source, const struct assignment *assignment, int64_t *published,
                                  struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    for (size_t i = 0; i < assignment->count; i++)
        if (published[i] < 0)
            sign_first(source, list, &assignment->partitions[i]);
    rd_kafka_resp_err_t answer = list->cnt > 0 ? rd_kafka_commit(source->handle, list, 0) : RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
    if (answer)
        return err_set(err, ERR_KAFKA, "committing the first offsets: %s", rd_kafka_err2str(answer));
    for (size_t i = 0; i < assignment->count; i++)
        if (published[i] < 0)
            published[i] = 0;
    return ERR_NONE;
}

enum err_code source_watermarks(struct source *source, const struct partition *partition, int64_t *low, int64_t *high,
                                struct err *err)
{
    rd_kafka_resp_err_t answer =
        rd_kafka_query_watermark_offsets(source->handle, partition->topic, partition->number, low, high, QUERY_MS);
    if (answer)
        return err_set(err, ERR_KAFKA, "watermarks of %s[%d]: %s", partition->topic, partition->number,
                       rd_kafka_err2str(answer));
    return ERR_NONE;
}

const char *source_cluster_id(struct source *source)
{
    if (!source->cluster_id)
        source->cluster_id = rd_kafka_clusterid(source->handle, QUERY_MS);
    return source->cluster_id;
}
