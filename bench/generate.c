/* Fills a topic with paid orders of about 130 bytes and three lines each, in Avro single-object encoding: as fast as
 * the broker takes them, or at a fixed rate with occurred_at set to the moment each was due. The same arguments give
 * the same bytes (except for the times, at a fixed rate). */
#include <getopt.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <time.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "client.h"

struct options {
    const char *topic;
    int64_t count;
    int64_t first; /* number of the first order: further runs give other orders */
    uint64_t members;
    uint64_t seed;
    int64_t rate; /* orders a second; 0: as fast as possible */
};

enum { ORDER_KIND_PAID = 2, LINES = 3 };

static const int64_t FIRST_ORDER_AT = 1780272000000000; /* 2026-06-01T00:00:00Z */

/* SplitMix64: a number of the order's own, whatever order it is made in. */
static uint64_t mix(uint64_t seed, uint64_t n)
{
    uint64_t x = seed + n * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void put_long(struct buffer *out, int64_t value)
{
    buffer_put_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void put_text(struct buffer *out, const char *text)
{
    size_t len = strlen(text);
    put_long(out, (int64_t)len);
    buffer_put(out, text, len);
}

static void put_line(struct buffer *out, uint64_t random)
{
    char sku[16];
    snprintf(sku, sizeof sku, "s%05u", (unsigned)(random % 50000));
    put_text(out, "");
    put_text(out, sku);
    put_text(out, "");
    put_long(out, 0); /* labels */
    put_long(out, 1 + (int64_t)(random >> 20) % 3);
    put_long(out, 199 + (int64_t)(random >> 24) % 3000);
    put_long(out, 0);
    put_long(out, 38 + (int64_t)(random >> 40) % 500);
}

/* The fields of schemas/avro/order.avsc, in its order. */
static void put_order(struct buffer *out, const struct options *options, int64_t number, int64_t at, char member[24])
{
    char id[32];
    uint64_t random = mix(options->seed, (uint64_t)number);
    snprintf(member, 24, "m%07" PRIu64, random % options->members);
    snprintf(id, sizeof id, "p%09" PRId64, number);
    put_text(out, id);
    put_text(out, "/shop");
    put_text(out, "shop");
    put_text(out, "");
    put_text(out, member);
    put_long(out, at);
    put_long(out, ORDER_KIND_PAID);
    id[0] = 'o';
    put_text(out, id);
    put_long(out, 0);
    put_text(out, "EUR");
    put_long(out, LINES);
    for (uint64_t i = 0; i < LINES; i++)
        put_line(out, mix(random, i));
    put_long(out, 0); /* the end of the lines */
    put_long(out, 490);
    for (int zero = 0; zero < 3; zero++) /* discount, refund_amount, points_used */
        put_long(out, 0);
    put_text(out, "web");
    put_text(out, "");
}

/* Returns how late it is already, µs. */
static int64_t wait_until(int64_t monotonic_us)
{
    int64_t left = monotonic_us - clock_monotonic_us();
    if (left <= 0)
        return -left;
    nanosleep(&(struct timespec){left / 1000000, left % 1000000 * 1000}, NULL);
    return 0;
}

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    (void)producer;
    (void)opaque;
    if (message->err)
        client_die("delivery: %s", rd_kafka_err2str(message->err));
}

static rd_kafka_t *open_producer(const struct options *options)
{
    rd_kafka_conf_t *conf = client_conf();
    client_set(conf, "acks", "all");
    client_set(conf, "partitioner", "murmur2_random"); /* as the rewards: a member keeps to one number of partition */
    client_set(conf, "queue.buffering.max.messages", "200000");
    client_set(conf, "batch.size", options->rate ? "65536" : "1000000");
    client_set(conf, "linger.ms", options->rate ? "5" : "20");
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    return client_new(RD_KAFKA_PRODUCER, conf);
}

static void send_order(rd_kafka_t *producer, rd_kafka_topic_t *topic, const struct buffer *value, const char *member)
{
    while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value->at, value->len, member,
                            strlen(member), NULL)) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            client_die("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(producer, 50);
    }
}

static void generate(rd_kafka_t *producer, const struct options *options)
{
    struct buffer value = {0};
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, options->topic, NULL);
    char member[24];
    uint8_t prefix[CLIENT_HEAD];
    client_schema_head("avro/order.avsc", prefix);
    int64_t begin = clock_monotonic_us(), begin_utc = clock_utc_us();
    int64_t latest = 0;
    size_t bytes = 0;
    for (int64_t i = 0; i < options->count; i++) {
        int64_t at = FIRST_ORDER_AT + (options->first + i) * 1000;
        if (options->rate) {
            int64_t due = i * 1000000 / options->rate;
            int64_t late = wait_until(begin + due);
            latest = late > latest ? late : latest;
            at = begin_utc + due;
        }
        buffer_clear(&value);
        buffer_put(&value, prefix, sizeof prefix);
        put_order(&value, options, options->first + i, at, member);
        bytes += value.len;
        send_order(producer, topic, &value, member);
        if (options->rate || i % 1000 == 0)
            rd_kafka_poll(producer, 0);
    }
    if (rd_kafka_flush(producer, 60000))
        client_die("the broker did not take everything within a minute");
    double seconds = (double)(clock_monotonic_us() - begin) / 1e6;
    printf("{\"events\": %" PRId64 ", \"seconds\": %.3f, \"bytes_per_event\": %.1f, \"behind_ms\": %.1f}\n",
           options->count, seconds, (double)bytes / (double)options->count, (double)latest / 1e3);
    rd_kafka_topic_destroy(topic);
    buffer_release(&value);
}

static struct options parse(int argc, char **argv)
{
    static const struct option names[] = {
        {"topic", required_argument, NULL, 't'},
        {"count", required_argument, NULL, 'c'},
        {"first", required_argument, NULL, 'f'},
        {"members", required_argument, NULL, 'm'},
        {"seed", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {"loyalty.orders", 1000000, 0, 1000000, 1, 0};
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case 't':
            options.topic = optarg;
            break;
        case 'c':
            options.count = client_number(optarg, 1);
            break;
        case 'f':
            options.first = client_number(optarg, 0);
            break;
        case 'm':
            options.members = (uint64_t)client_number(optarg, 1);
            break;
        case 's':
            options.seed = (uint64_t)client_number(optarg, 0);
            break;
        case 'r':
            options.rate = client_number(optarg, 0);
            break;
        default:
            client_die("usage: generate [--topic T] [--count N] [--first N] [--members N] [--seed N] [--rate N]");
        }
    }
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    rd_kafka_t *producer = open_producer(&options);
    generate(producer, &options);
    rd_kafka_destroy(producer);
    return 0;
}
