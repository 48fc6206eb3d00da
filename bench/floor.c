/* What the machine gives for the processor's reads and writes alone: a thread reads and decodes, one writes the ledger,
 * one publishes, each a batch ahead of the next. Ends after --count orders and says how long they took. */
#include "floor.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "client.h"

struct options {
    const char *topic;
    const char *rewards;
    int64_t count;
};

/* Hands batches from the reader to the writer: there are two, and each has one. */
struct desk {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct floor_batch *full; /* the writer's; NULL: it waits */
    struct floor_ledger *ledger;
    struct floor_publisher *publisher;
};

/* ---- decode: the fields that are written again */

static int64_t take_long(const uint8_t **at)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
    }
}

static struct text take_text(const uint8_t **at)
{
    size_t len = (size_t)take_long(at);
    struct text text = {(const char *)*at, len};
    *at += len;
    return text;
}

/* Returns the sum over the lines, in minor units. */
static int64_t take_lines(const uint8_t **at)
{
    int64_t sum = 0;
    for (int64_t count; (count = take_long(at)) != 0;) {
        for (int64_t i = 0; i < count; i++) {
            for (int texts = 0; texts < 3; texts++)
                take_text(at);
            take_long(at); /* no labels */
            int64_t quantity = take_long(at);
            sum += quantity * take_long(at) - take_long(at);
            take_long(at);
        }
    }
    return sum;
}

/* Spreads as a hash does, for the price of two multiplications. */
static struct hash16 spread(struct text text)
{
    uint64_t a = 0x9e3779b97f4a7c15u, b = text.len;
    for (size_t i = 0; i < text.len; i++) {
        a = (a ^ (uint8_t)text.at[i]) * 0xff51afd7ed558ccdu;
        b = (b + a) * 0xc4ceb9fe1a85ec53u;
        b ^= b >> 32;
    }
    a ^= a >> 29;
    a = a * 0xbf58476d1ce4e5b9u ^ b;
    struct hash16 hash;
    memcpy(hash.bytes, &a, 8);
    memcpy(hash.bytes + 8, &b, 8);
    return hash;
}

static void decode(rd_kafka_message_t *message, struct floor_row *row)
{
    const uint8_t *at = (const uint8_t *)message->payload + CLIENT_HEAD;
    row->message = message;
    row->id = take_text(&at);
    take_text(&at); /* source */
    row->program_id = take_text(&at);
    take_text(&at); /* partner */
    row->member_id = take_text(&at);
    row->occurred_at = take_long(&at);
    take_long(&at); /* kind */
    row->order_id = take_text(&at);
    take_long(&at); /* revision */
    take_text(&at); /* currency */
    const uint8_t *lines = at;
    row->points = take_lines(&at) / 100;
    row->lines = (struct text){(const char *)lines, (size_t)(at - lines)};
    row->event_key = spread(row->id);
    row->member_key = spread(row->member_id);
}

/* ---- the threads */

static void *write_batches(void *context)
{
    struct desk *desk = context;
    for (;;) {
        pthread_mutex_lock(&desk->lock);
        while (!desk->full)
            pthread_cond_wait(&desk->changed, &desk->lock);
        struct floor_batch *batch = desk->full;
        pthread_mutex_unlock(&desk->lock);
        struct floor_publication publication;
        floor_ledger_apply(desk->ledger, batch, floor_publisher_positions(desk->publisher), &publication);
        floor_publisher_push(desk->publisher, &publication);
        for (size_t i = 0; i < batch->count; i++)
            rd_kafka_message_destroy(batch->rows[i].message);
        *batch = (struct floor_batch){.rows = batch->rows};
        pthread_mutex_lock(&desk->lock);
        desk->full = NULL;
        pthread_cond_broadcast(&desk->changed);
        pthread_mutex_unlock(&desk->lock);
    }
    return NULL;
}

/* Gives the batch to the writer if it waits, or must_wait. */
static bool hand_over(struct desk *desk, struct floor_batch *batch, bool must_wait)
{
    pthread_mutex_lock(&desk->lock);
    while (desk->full && must_wait)
        pthread_cond_wait(&desk->changed, &desk->lock);
    bool taken = !desk->full;
    if (taken) {
        desk->full = batch;
        pthread_cond_broadcast(&desk->changed);
    }
    pthread_mutex_unlock(&desk->lock);
    return taken;
}

static void wait_idle(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    while (desk->full)
        pthread_cond_wait(&desk->changed, &desk->lock);
    pthread_mutex_unlock(&desk->lock);
}

static void add(struct floor_batch *batch, rd_kafka_message_t *message)
{
    if (message->err)
        client_die("reading: %s", rd_kafka_message_errstr(message));
    struct floor_range *range = &batch->ranges[message->partition];
    if (range->to == 0)
        range->from = message->offset;
    range->to = message->offset + 1;
    decode(message, &batch->rows[batch->count++]);
}

/* Returns the monotonic time of the first order, µs. */
static int64_t read_all(rd_kafka_t *consumer, struct desk *desk, int64_t count)
{
    struct floor_batch batches[2];
    for (int i = 0; i < 2; i++)
        batches[i] = (struct floor_batch){.rows = calloc(FLOOR_BATCH_MAX, sizeof(struct floor_row))};
    int current = 0;
    int64_t begin = 0, seen = 0;
    while (seen < count || batches[current].count > 0) {
        struct floor_batch *batch = &batches[current];
        rd_kafka_message_t *message =
            seen < count ? rd_kafka_consumer_poll(consumer, batch->count > 0 ? 0 : 100) : NULL;
        if (message) {
            begin = begin ? begin : clock_monotonic_us();
            add(batch, message);
            seen++;
        }
        bool full = batch->count == FLOOR_BATCH_MAX || seen == count;
        if (batch->count > 0 && (full || !message) && hand_over(desk, batch, full))
            current = !current;
    }
    wait_idle(desk);
    for (int i = 0; i < 2; i++)
        free(batches[i].rows);
    return begin;
}

static rd_kafka_t *open_consumer(const char *topic)
{
    rd_kafka_conf_t *conf = client_conf();
    client_set(conf, "group.id", FLOOR_GROUP);
    client_set(conf, "isolation.level", "read_committed");
    client_set(conf, "enable.auto.commit", "false");
    client_set(conf, "enable.auto.offset.store", "false");
    client_set(conf, "auto.offset.reset", "earliest");
    client_set(conf, "queued.max.messages.kbytes", "16384");
    rd_kafka_t *consumer = client_new(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    if (rd_kafka_subscribe(consumer, topics))
        client_die("cannot subscribe to %s", topic);
    rd_kafka_topic_partition_list_destroy(topics);
    return consumer;
}

static struct options parse(int argc, char **argv)
{
    static const struct option names[] = {
        {"topic", required_argument, NULL, 't'},
        {"rewards", required_argument, NULL, 'r'},
        {"count", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {"loyalty.orders", "floor.rewards", 1000000};
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case 't':
            options.topic = optarg;
            break;
        case 'r':
            options.rewards = optarg;
            break;
        case 'c':
            options.count = client_number(optarg, 1);
            break;
        default:
            client_die("usage: floor [--topic T] [--rewards T] [--count N]");
        }
    }
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct desk desk = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    rd_kafka_t *consumer = open_consumer(options.topic);
    desk.ledger = floor_ledger_open(options.topic);
    desk.publisher = floor_publisher_start(consumer, options.topic, options.rewards);
    pthread_t writer;
    if (pthread_create(&writer, NULL, write_batches, &desk))
        client_die("no thread");
    int64_t begin = read_all(consumer, &desk, options.count);
    floor_publisher_drain(desk.publisher);
    double seconds = (double)(clock_monotonic_us() - begin) / 1e6;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"events\": %" PRId64 ", \"seconds\": %.3f, \"events_per_s\": %.0f, \"peak_mib\": %ld}\n", options.count,
           seconds, (double)options.count / seconds, usage.ru_maxrss / 1024);
    rd_kafka_consumer_close(consumer);
    return 0;
}
