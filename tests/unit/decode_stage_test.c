#include <criterion/criterion.h>
#include <unistd.h>

#include "decode/stage.h"

#include <librdkafka/rdkafka_mock.h> /* after rdkafka.h */

/* The stage with real records, of librdkafka's mock cluster, and a ledger that only counts. */

struct world {
    rd_kafka_t *host;
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *cluster;
    struct config config;
    struct decode_stage *stage;
    struct batch *spare;
    struct partition partition;
    struct assignment assignment;
    atomic_int taken;
    atomic_bool busy;
};

enum { ROUNDS = 60, RECORDS = 3 };

static bool take(void *context, struct batch **batch)
{
    struct world *world = context;
    if (atomic_load(&world->busy))
        return false;
    for (size_t i = 0; i < (*batch)->count; i++)
        cr_assert_eq((*batch)->records[i].offset, world->partition.applied++, "a record was passed over");
    atomic_fetch_add(&world->taken, (int)(*batch)->count);
    struct batch *spent = world->spare;
    world->spare = *batch;
    *batch = spent;
    return true;
}

static void produce(struct world *world, int count)
{
    for (int i = 0; i < count; i++)
        cr_assert_eq(rd_kafka_producev(world->client, RD_KAFKA_V_TOPIC("in"), RD_KAFKA_V_PARTITION(0),
                                       RD_KAFKA_V_VALUE("no event", 8), RD_KAFKA_V_END),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert_eq(rd_kafka_flush(world->client, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static rd_kafka_t *make_client(const char *bootstrap, rd_kafka_type_t type)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    cr_assert_eq(rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, text, sizeof text), RD_KAFKA_CONF_OK);
    return rd_kafka_new(type, conf, text, sizeof text);
}

static void open_world(struct world *world)
{
    struct err err = {0};
    char text[256];
    *world = (struct world){.spare = batch_new(100)};
    world->host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    world->cluster = rd_kafka_mock_cluster_new(world->host, 1);
    rd_kafka_mock_topic_create(world->cluster, "in", 1, 1);
    world->client = make_client(rd_kafka_mock_cluster_bootstraps(world->cluster), RD_KAFKA_PRODUCER);
    cr_assert_eq(config_load(NULL, &world->config, &err), ERR_NONE, "%s", err.text);
    world->config.batch_max_events = 100;
    struct decode_hooks hooks = {world, take};
    cr_assert_eq(decode_stage_new(&world->config, NULL, &hooks, &world->stage, &err), ERR_NONE, "%s", err.text);
    world->partition = (struct partition){.topic = (char *)(uintptr_t) "in"};
    world->assignment = (struct assignment){.number = 1, .partitions = &world->partition, .count = 1};
}

static bool all_taken(struct world *world, int count)
{
    for (int i = 0; i < 500 && atomic_load(&world->taken) < count; i++)
        usleep(2000);
    return atomic_load(&world->taken) == count;
}

Test(decode_stage, keeps_records_that_come_before_its_thread_has_seen_the_assignment)
{
    struct world world;
    open_world(&world);
    produce(&world, ROUNDS * RECORDS);
    rd_kafka_t *reader = make_client(rd_kafka_mock_cluster_bootstraps(world.cluster), RD_KAFKA_CONSUMER);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(reader, "in", NULL);
    cr_assert_eq(rd_kafka_consume_start(topic, 0, 0), 0);
    for (int round = 0; round < ROUNDS; round++) {
        rd_kafka_message_t *messages[RECORDS];
        for (int i = 0; i < RECORDS; i++)
            while (!(messages[i] = rd_kafka_consume(topic, 0, 1000)) || messages[i]->err)
                continue;
        decode_stage_begin(world.stage, &world.assignment);
        for (int i = 0; i < RECORDS; i++)
            cr_assert(decode_stage_put(world.stage, messages[i], 1000));
        cr_assert(all_taken(&world, (round + 1) * RECORDS), "round %d: %d taken", round, atomic_load(&world.taken));
        decode_stage_end(world.stage);
        cr_assert(decode_stage_idle(world.stage));
    }
    decode_stage_free(world.stage);
    batch_free(world.spare); /* its records hold the reader */
    rd_kafka_consume_stop(topic, 0);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(reader);
    rd_kafka_destroy(world.client);
    rd_kafka_mock_cluster_destroy(world.cluster);
    rd_kafka_destroy(world.host);
    config_release(&world.config);
}
