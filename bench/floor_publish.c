/* The floor's second half: rewards with CloudEvents headers and the group's offsets in one Kafka transaction, then
 * Redis. All that waits goes into one transaction. */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "client.h"
#include "floor.h"
#include "projection/resp.h"

enum { QUEUE_MAX = 4, CHUNK = 64, WINDOW = 8, CALL_MS = 30000 };

struct floor_publisher {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct floor_publication queue[QUEUE_MAX];
    size_t count;
    bool busy;
    atomic_llong positions[FLOOR_PARTITIONS_MAX];
    rd_kafka_t *consumer;
    rd_kafka_t *producer;
    const char *topic;
    const char *rewards;
    redisContext *redis;
    char script[41];
    struct buffer call, arguments;
};

static void check(rd_kafka_error_t *error, const char *what)
{
    if (error)
        client_die("%s: %s", what, rd_kafka_error_string(error));
}

/* ---- Kafka */

static uint32_t get_be32(const uint8_t *at)
{
    uint32_t be;
    memcpy(&be, at, sizeof be);
    return __builtin_bswap32(be);
}

static int64_t get_be64(const uint8_t *at)
{
    uint64_t be;
    memcpy(&be, at, sizeof be);
    return (int64_t)__builtin_bswap64(be);
}

static void add_header(rd_kafka_headers_t *headers, const char *name, const char *value, size_t len)
{
    rd_kafka_header_add(headers, name, -1, value, (ssize_t)len);
}

static rd_kafka_headers_t *reward_headers(const uint8_t *key, size_t key_len, int64_t time_us, int32_t partition,
                                          int64_t offset)
{
    char text[64];
    struct tm parts;
    time_t seconds = (time_t)(time_us / 1000000);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    add_header(headers, "ce_specversion", "1.0", 3);
    int len = snprintf(text, sizeof text, "%d-%" PRId32 "-%" PRId64 "-0", FLOOR_TOPIC_NO, partition, offset);
    add_header(headers, "ce_id", text, (size_t)len);
    add_header(headers, "ce_source", "/points/shop", 12);
    add_header(headers, "ce_type", "points.granted", 14);
    gmtime_r(&seconds, &parts);
    size_t at = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    len = snprintf(text + at, sizeof text - at, ".%06dZ", (int)(time_us % 1000000));
    add_header(headers, "ce_time", text, at + (size_t)len);
    add_header(headers, "ce_subject", (const char *)key, key_len);
    add_header(headers, "content-type", "application/avro", 16);
    return headers;
}

/* Takes the headers over. The array form, because the variadic macros are no C11 to clang. */
static void send_reward(struct floor_publisher *publisher, struct bytes key, struct bytes value,
                        rd_kafka_headers_t *headers)
{
    const rd_kafka_vu_t record[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = publisher->rewards},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key.at, key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value.at, value.len}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    check(rd_kafka_produceva(publisher->producer, record, sizeof record / sizeof *record), "produce");
}

/* The frames stay where they are until the transaction ends, so that nothing is copied. */
static void send_frames(struct floor_publisher *publisher, const struct buffer *frames, int32_t partition)
{
    for (size_t at = 0; at < frames->len;) {
        const uint8_t *frame = frames->at + at;
        uint32_t len = get_be32(frame), key_len = get_be32(frame + 20);
        const uint8_t *key = frame + 24, *value = key + key_len;
        size_t value_len = (size_t)(frame + 4 + len - value);
        rd_kafka_headers_t *headers =
            reward_headers(key, key_len, get_be64(frame + 12), partition, get_be64(frame + 4));
        send_reward(publisher, (struct bytes){key, key_len}, (struct bytes){value, value_len}, headers);
        at += 4 + len;
    }
}

static void publish(struct floor_publisher *publisher, struct floor_publication *items, size_t count)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(FLOOR_PARTITIONS_MAX);
    check(rd_kafka_begin_transaction(publisher->producer), "begin");
    for (int32_t p = 0; p < FLOOR_PARTITIONS_MAX; p++) {
        int64_t to = 0;
        for (size_t i = 0; i < count; i++) {
            send_frames(publisher, &items[i].ranges[p].frames, p);
            to = items[i].ranges[p].to ? items[i].ranges[p].to : to;
        }
        if (to)
            rd_kafka_topic_partition_list_add(offsets, publisher->topic, p)->offset = to;
    }
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(publisher->consumer);
    check(rd_kafka_send_offsets_to_transaction(publisher->producer, offsets, group, CALL_MS), "offsets");
    check(rd_kafka_commit_transaction(publisher->producer, CALL_MS), "commit");
    for (int i = 0; i < offsets->cnt; i++)
        atomic_store(&publisher->positions[offsets->elems[i].partition], offsets->elems[i].offset);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(offsets);
}

/* ---- Redis */

static void await_reply(struct floor_publisher *publisher)
{
    void *reply = NULL;
    if (redisGetReply(publisher->redis, &reply) != REDIS_OK || ((redisReply *)reply)->type != REDIS_REPLY_INTEGER)
        client_die("Redis: %s", reply ? ((redisReply *)reply)->str : publisher->redis->errstr);
    freeReplyObject(reply);
}

/* The hashes of schemas/redis/project.lua for one currency. ARGV per member: version, balance. */
static const char SCRIPT[] =
    "for i, key in ipairs(KEYS) do\n"
    "  local version, balance, stored = ARGV[2 * i - 1], ARGV[2 * i], redis.call('HGET', key, 'version')\n"
    "  if not stored then\n"
    "    local slash = string.find(key, '/', 8, true)\n"
    "    redis.call('HSET', key, 'version', version, 'balance:points', balance, 'lifetime:points', balance,\n"
    "      'program', string.sub(key, 8, slash - 1), 'member', string.sub(key, slash + 1, -2))\n"
    "  elseif tonumber(stored) < tonumber(version) then\n"
    "    redis.call('HSET', key, 'version', version, 'balance:points', balance, 'lifetime:points', balance)\n"
    "  end\n"
    "end\n"
    "return #KEYS\n";

static size_t send_chunk(struct floor_publisher *publisher, const struct buffer *members, size_t at, size_t *left)
{
    size_t count = *left < CHUNK ? *left : CHUNK;
    struct buffer *call = &publisher->call, *arguments = &publisher->arguments;
    buffer_clear(call);
    buffer_clear(arguments);
    resp_command(call, 3 + count * 3);
    resp_text(call, TEXT("EVALSHA"));
    resp_text(call, (struct text){publisher->script, sizeof publisher->script - 1});
    resp_number(call, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        char key[256];
        struct floor_shown shown;
        memcpy(&shown, members->at + at, sizeof shown);
        at += sizeof shown;
        int len = snprintf(key, sizeof key, "floor:{%.*s}", (int)shown.key_len, (const char *)members->at + at);
        resp_text(call, (struct text){key, (size_t)len});
        resp_number(arguments, shown.version);
        resp_number(arguments, shown.balance);
        at += shown.key_len;
    }
    buffer_put(call, arguments->at, arguments->len);
    redisAppendFormattedCommand(publisher->redis, (const char *)call->at, call->len);
    *left -= count;
    return at;
}

static void show(struct floor_publisher *publisher, const struct floor_publication *item)
{
    size_t at = 0, left = item->member_count, under_way = 0;
    while (left > 0) {
        if (under_way == WINDOW) {
            await_reply(publisher);
            under_way--;
        }
        at = send_chunk(publisher, &item->members, at, &left);
        under_way++;
    }
    while (under_way-- > 0)
        await_reply(publisher);
}

/* ---- the thread */

static void release(struct floor_publication *item)
{
    for (int p = 0; p < FLOOR_PARTITIONS_MAX; p++)
        buffer_release(&item->ranges[p].frames);
    buffer_release(&item->members);
}

static size_t take(struct floor_publisher *publisher, struct floor_publication items[QUEUE_MAX])
{
    pthread_mutex_lock(&publisher->lock);
    publisher->busy = false;
    pthread_cond_broadcast(&publisher->changed);
    while (publisher->count == 0)
        pthread_cond_wait(&publisher->changed, &publisher->lock);
    size_t count = publisher->count;
    memcpy(items, publisher->queue, count * sizeof *items);
    publisher->count = 0;
    publisher->busy = true;
    pthread_cond_broadcast(&publisher->changed);
    pthread_mutex_unlock(&publisher->lock);
    return count;
}

static void *work(void *context)
{
    struct floor_publisher *publisher = context;
    for (;;) {
        struct floor_publication items[QUEUE_MAX];
        size_t count = take(publisher, items);
        publish(publisher, items, count);
        for (size_t i = 0; i < count; i++) {
            show(publisher, &items[i]);
            release(&items[i]);
        }
    }
    return NULL;
}

void floor_publisher_push(struct floor_publisher *publisher, const struct floor_publication *publication)
{
    pthread_mutex_lock(&publisher->lock);
    while (publisher->count == QUEUE_MAX)
        pthread_cond_wait(&publisher->changed, &publisher->lock);
    publisher->queue[publisher->count++] = *publication;
    pthread_cond_broadcast(&publisher->changed);
    pthread_mutex_unlock(&publisher->lock);
}

void floor_publisher_drain(struct floor_publisher *publisher)
{
    pthread_mutex_lock(&publisher->lock);
    while (publisher->count > 0 || publisher->busy)
        pthread_cond_wait(&publisher->changed, &publisher->lock);
    pthread_mutex_unlock(&publisher->lock);
}

const atomic_llong *floor_publisher_positions(const struct floor_publisher *publisher)
{
    return publisher->positions;
}

static void open_redis(struct floor_publisher *publisher)
{
    publisher->redis =
        redisConnect(client_env("POINTS_REDIS_HOST"), (int)client_number(client_env("POINTS_REDIS_PORT"), 1));
    if (!publisher->redis || publisher->redis->err)
        client_die("no Redis");
    redisReply *reply = redisCommand(publisher->redis, "SCRIPT LOAD %s", SCRIPT);
    if (!reply || reply->type != REDIS_REPLY_STRING || reply->len != sizeof publisher->script - 1)
        client_die("Redis did not take the script");
    memcpy(publisher->script, reply->str, sizeof publisher->script);
    freeReplyObject(reply);
}

/* The settings that the processor's producer has. */
static rd_kafka_t *open_producer(void)
{
    rd_kafka_conf_t *conf = client_conf();
    client_set(conf, "transactional.id", FLOOR_GROUP);
    client_set(conf, "transaction.timeout.ms", "60000");
    client_set(conf, "linger.ms", "2");
    client_set(conf, "compression.codec", "lz4");
    client_set(conf, "partitioner", "murmur2_random");
    client_set(conf, "queue.buffering.max.messages", "500000");
    rd_kafka_t *producer = client_new(RD_KAFKA_PRODUCER, conf);
    check(rd_kafka_init_transactions(producer, CALL_MS), "init");
    return producer;
}

struct floor_publisher *floor_publisher_start(rd_kafka_t *consumer, const char *topic, const char *rewards)
{
    struct floor_publisher *publisher = calloc(1, sizeof *publisher);
    pthread_t thread;
    pthread_mutex_init(&publisher->lock, NULL);
    pthread_cond_init(&publisher->changed, NULL);
    publisher->consumer = consumer;
    publisher->topic = topic;
    publisher->rewards = rewards;
    publisher->producer = open_producer();
    open_redis(publisher);
    if (pthread_create(&thread, NULL, work, publisher))
        client_die("no thread");
    return publisher;
}
