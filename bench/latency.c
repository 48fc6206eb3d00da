/* Reads the rewards topic as a downstream service does (read_committed) and says how long after their event's time
 * rewards became readable, and for how long at most a partition gave none. Prints "ready" once it stands at the end of
 * every partition, and what it found when it is told to stop (SIGTERM). The rewards of the first `skip` seconds are
 * warm-up. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "client.h"

struct options {
    const char *topic;
    int64_t skip_s;
};

enum { PARTITIONS_MAX = 64, SAMPLES_MAX = 20 * 1000 * 1000 };

static volatile sig_atomic_t told_to_stop;

static void stop(int signal)
{
    (void)signal;
    told_to_stop = 1;
}

struct watch {
    int64_t *samples; /* µs, of rewards after the warm-up */
    size_t sample_count;
    size_t reward_count;
    int64_t first_arrival; /* µs of the monotonic clock; 0: none yet */
    int64_t last_of[PARTITIONS_MAX];
    int64_t gap_us; /* the longest silence of a partition, once any gave a reward */
};

static rd_kafka_t *open_consumer(void)
{
    rd_kafka_conf_t *conf = client_conf();
    client_set(conf, "group.id", "bench-latency");
    client_set(conf, "isolation.level", "read_committed");
    client_set(conf, "enable.auto.commit", "false");
    client_set(conf, "fetch.wait.max.ms", "10");
    client_set(conf, "fetch.error.backoff.ms", "10");
    rd_kafka_t *consumer = client_new(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(consumer);
    return consumer;
}

/* Stands at the end of every partition: offsets are asked for, so that nothing written after "ready" is missed. */
static void assign_at_end(rd_kafka_t *consumer, const char *topic)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, topic, NULL);
    if (rd_kafka_metadata(consumer, 0, handle, &metadata, 10000) || metadata->topics[0].partition_cnt < 1)
        client_die("no topic %s", topic);
    if (metadata->topics[0].partition_cnt > PARTITIONS_MAX)
        client_die("%s has more than %d partitions", topic, PARTITIONS_MAX);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS_MAX);
    for (int32_t i = 0; i < metadata->topics[0].partition_cnt; i++) {
        int64_t low, high;
        if (rd_kafka_query_watermark_offsets(consumer, topic, i, &low, &high, 10000))
            client_die("no offsets of %s/%" PRId32, topic, i);
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = high;
    }
    rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
}

static int64_t take_long(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
    }
    client_die("a reward is cut short");
}

/* occurred_at of schemas/avro/reward.avsc: behind id, type, program_id, partner_id, member_id. */
static int64_t occurred_at(const rd_kafka_message_t *message)
{
    const uint8_t *at = (const uint8_t *)message->payload + CLIENT_HEAD, *end = at - CLIENT_HEAD + message->len;
    for (int field = 0; field < 5; field++) {
        int64_t number = take_long(&at, end);
        if (field == 1)
            continue;
        if (number < 0 || number > end - at)
            client_die("a reward is not what its schema says");
        at += number;
    }
    return take_long(&at, end);
}

static void see(struct watch *watch, const struct options *options, const rd_kafka_message_t *message)
{
    int64_t now = clock_monotonic_us();
    if (!watch->first_arrival)
        watch->first_arrival = now;
    int64_t *last = &watch->last_of[message->partition];
    int64_t since = *last ? *last : watch->first_arrival; /* others gave rewards already */
    if (now - since > watch->gap_us)
        watch->gap_us = now - since;
    *last = now;
    watch->reward_count++;
    if (now - watch->first_arrival >= options->skip_s * 1000000 && watch->sample_count < SAMPLES_MAX)
        watch->samples[watch->sample_count++] = clock_utc_us() - occurred_at(message);
}

static void hear(rd_kafka_t *consumer, const struct options *options, struct watch *watch)
{
    while (!told_to_stop) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        if (message && !message->err)
            see(watch, options, message);
        if (message)
            rd_kafka_message_destroy(message);
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct watch *watch, unsigned hundredth)
{
    return watch->sample_count ? (double)watch->samples[(watch->sample_count - 1) * hundredth / 100] / 1e3 : 0;
}

static struct options parse(int argc, char **argv)
{
    static const struct option names[] = {
        {"topic", required_argument, NULL, 't'},
        {"skip", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {"loyalty.rewards", 0};
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case 't':
            options.topic = optarg;
            break;
        case 'k':
            options.skip_s = client_number(optarg, 0);
            break;
        default:
            client_die("usage: latency [--topic T] [--skip SECONDS]");
        }
    }
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct watch watch = {.samples = malloc(SAMPLES_MAX * sizeof *watch.samples)};
    if (!watch.samples)
        client_die("out of memory");
    rd_kafka_t *consumer = open_consumer();
    assign_at_end(consumer, options.topic);
    signal(SIGTERM, stop);
    puts("ready");
    fflush(stdout);
    hear(consumer, &options, &watch);
    qsort(watch.samples, watch.sample_count, sizeof *watch.samples, compare);
    printf("{\"rewards\": %zu, \"samples\": %zu, \"p50_ms\": %.1f, \"p90_ms\": %.1f, \"p99_ms\": %.1f,"
           " \"max_ms\": %.1f, \"longest_silence_s\": %.3f}\n",
           watch.reward_count, watch.sample_count, percentile(&watch, 50), percentile(&watch, 90),
           percentile(&watch, 99), percentile(&watch, 100), (double)watch.gap_us / 1e6);
    rd_kafka_destroy(consumer);
    free(watch.samples);
    return 0;
}
