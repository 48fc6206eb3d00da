#include <criterion/criterion.h>
#include <unistd.h>

#include "sink/frames.h"
#include "sink/publisher.h"

#include <librdkafka/rdkafka_mock.h> /* after rdkafka.h */

/* The publisher against librdkafka's mock cluster, which serves to inject faults: it neither keeps transactional
 * offsets nor fences, so what is shown here is what the publisher does, not what Kafka keeps. */

enum { API_PRODUCE = 0, API_TXN_OFFSET_COMMIT = 28, API_END_TXN = 26 };

struct world {
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *cluster;
    struct config config;
    atomic_bool stop;
    struct partition partition;
    struct assignment assignment;
    struct publisher *publisher;
    atomic_int reads_of_k;
    atomic_int lost;
    atomic_int failed;
    struct err failure;
    int64_t k;            /* what reading K gives */
    struct buffer frames; /* what the outbox holds: [100, 110) */
};

static enum err_code read_published(void *context, const struct assignment *assignment, int64_t *published,
                                    struct err *err)
{
    struct world *world = context;
    (void)assignment, (void)err;
    atomic_fetch_add(&world->reads_of_k, 1);
    published[0] = world->k;
    return ERR_NONE;
}

static void put_frame(struct buffer *frames, int64_t offset)
{
    struct frame frame = {.kind = FRAME_REWARD,
                          .offset = offset,
                          .key = {(const uint8_t *)"m", 1},
                          .value = {(const uint8_t *)"v", 1},
                          .type = TEXT("points.granted"),
                          .program_id = TEXT("shop")};
    frame_append(frames, &frame);
}

static enum err_code read_outbox(void *context, struct partition *partition, int64_t published,
                                 struct publication **items, size_t *count, struct err *err)
{
    struct world *world = context;
    (void)published, (void)err;
    *items = realloc(*items, (*count + 1) * sizeof **items);
    (*items)[*count] = (struct publication){.partition = partition, .from = 100, .to = 110};
    buffer_put(&(*items)[(*count)++].frames, world->frames.at, world->frames.len);
    return ERR_NONE;
}

static void on_failed(void *context, const struct err *err)
{
    struct world *world = context;
    world->failure = *err;
    atomic_fetch_add(&world->failed, 1);
}

static void on_lost(void *context)
{
    struct world *world = context;
    atomic_fetch_add(&world->lost, 1);
}

static void open_world(struct world *world)
{
    struct err err = {0};
    char text[256];
    *world = (struct world){.k = 100};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    world->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    world->cluster = rd_kafka_mock_cluster_new(world->host, 1);
    cr_assert_eq(setenv("POINTS_KAFKA_BROKERS", rd_kafka_mock_cluster_bootstraps(world->cluster), 1), 0);
    cr_assert_eq(config_load(NULL, &world->config, &err), ERR_NONE, "%s", err.text);
    rd_kafka_mock_topic_create(world->cluster, "loyalty.rewards", 1, 1);
    world->partition = (struct partition){.topic = (char *)(uintptr_t) "in", .topic_no = 1, .published = 100};
    world->assignment =
        (struct assignment){.number = 1,
                            .metadata = rd_kafka_consumer_group_metadata_new_with_genid("points", 1, "member", NULL),
                            .partitions = &world->partition,
                            .count = 1};
    struct publisher_hooks hooks = {world, read_published, read_outbox, on_failed, on_lost};
    cr_assert_eq(publisher_new(&world->config, &hooks, &world->stop, &world->publisher, &err), ERR_NONE, "%s",
                 err.text);
    publisher_begin(world->publisher, &world->assignment);
}

static void close_world(struct world *world)
{
    publisher_free(world->publisher);
    rd_kafka_consumer_group_metadata_destroy(world->assignment.metadata);
    config_release(&world->config);
    buffer_release(&world->frames);
    rd_kafka_mock_cluster_destroy(world->cluster);
    rd_kafka_destroy(world->host);
}

/* Queues [from, to) with a reward for each offset. */
static bool push(struct world *world, int64_t from, int64_t to)
{
    struct publication *items = calloc(1, sizeof *items);
    *items = (struct publication){.partition = &world->partition, .from = from, .to = to};
    for (int64_t offset = from; offset < to; offset++)
        put_frame(&items->frames, offset);
    bool taken = publisher_push(world->publisher, items, 1);
    if (!taken) {
        buffer_release(&items->frames);
        free(items);
    }
    return taken;
}

static bool becomes(atomic_int *value, int least)
{
    for (int i = 0; i < 1000 && atomic_load(value) < least; i++)
        usleep(10000);
    return atomic_load(value) >= least;
}

Test(publisher, sends_ranges_that_follow_each_other_and_moves_k)
{
    struct world world;
    open_world(&world);
    cr_assert(push(&world, 100, 110));
    cr_assert(publisher_drain(world.publisher, 10000));
    cr_assert(push(&world, 110, 115));
    cr_assert(publisher_drain(world.publisher, 10000));
    cr_assert_eq(atomic_load(&world.partition.confirmed), 115);
    cr_assert_eq(publisher_counts(world.publisher).outputs, 15);
    cr_assert_eq(publisher_counts(world.publisher).transactions, 2);
    close_world(&world);
}

Test(publisher, drops_a_range_that_does_not_begin_at_the_published_position)
{
    struct world world;
    open_world(&world);
    cr_assert(push(&world, 105, 110));
    cr_assert(publisher_drain(world.publisher, 10000));
    cr_assert_eq(publisher_counts(world.publisher).outputs, 0);
    cr_assert_eq(world.partition.published, 100);
    cr_assert(push(&world, 100, 105));
    cr_assert(push(&world, 100, 105));
    cr_assert(publisher_drain(world.publisher, 10000));
    cr_assert_eq(publisher_counts(world.publisher).outputs, 5, "the second copy is behind the position");
    cr_assert_eq(atomic_load(&world.partition.confirmed), 105);
    close_world(&world);
}

Test(publisher, skips_frames_below_k_of_a_row_that_begins_before_it)
{
    struct world world;
    open_world(&world);
    cr_assert(push(&world, 95, 103));
    cr_assert(publisher_drain(world.publisher, 10000));
    cr_assert_eq(publisher_counts(world.publisher).outputs, 3);
    cr_assert_eq(atomic_load(&world.partition.confirmed), 103);
    close_world(&world);
}

Test(publisher, reads_k_and_the_outbox_after_an_abort_before_it_sends_again)
{
    struct world world;
    open_world(&world);
    put_frame(&world.frames, 100);
    put_frame(&world.frames, 104);
    rd_kafka_mock_push_request_errors(world.cluster, API_TXN_OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    cr_assert(push(&world, 100, 110));
    cr_assert(publisher_drain(world.publisher, 20000));
    cr_assert_eq(atomic_load(&world.reads_of_k), 1);
    cr_assert_eq(publisher_counts(world.publisher).in_doubt, 1);
    cr_assert_eq(publisher_counts(world.publisher).outputs, 2, "the outbox's bytes, not those of memory");
    cr_assert_eq(atomic_load(&world.partition.confirmed), 110);
    close_world(&world);
}

Test(publisher, says_that_the_assignment_is_lost_when_the_group_refuses_its_generation)
{
    struct world world;
    open_world(&world);
    rd_kafka_mock_push_request_errors(world.cluster, API_TXN_OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
    cr_assert(push(&world, 100, 110));
    cr_assert(becomes(&world.lost, 1));
    cr_assert(publisher_drain(world.publisher, 10000));
    cr_assert_eq(atomic_load(&world.reads_of_k), 0, "what is another's is not read again");
    cr_assert_eq(atomic_load(&world.partition.confirmed), 0);
    publisher_end(world.publisher, true, 0);
    cr_assert_not(push(&world, 100, 110), "nothing is taken without an assignment");
    close_world(&world);
}

Test(publisher, ends_the_process_when_it_is_fenced)
{
    struct world world;
    open_world(&world);
    rd_kafka_mock_push_request_errors(world.cluster, API_END_TXN, 1, RD_KAFKA_RESP_ERR_PRODUCER_FENCED);
    cr_assert(push(&world, 100, 110));
    cr_assert(becomes(&world.failed, 1));
    cr_assert_eq(world.failure.code, ERR_FENCED, "%s", world.failure.text);
    cr_assert_eq(atomic_load(&world.partition.confirmed), 0);
    close_world(&world);
}

Test(publisher, does_not_hold_up_the_ledger_while_the_assignment_ends)
{
    struct world world;
    open_world(&world);
    rd_kafka_mock_broker_set_down(world.cluster, 1);
    world.config.publish_max_behind_kib = 64;
    cr_assert(push(&world, 100, 101));
    publisher_closing(world.publisher);
    while (push(&world, 500, 501))
        continue;
    publisher_end(world.publisher, false, 100);
    cr_assert_eq(atomic_load(&world.partition.confirmed), 0);
    rd_kafka_mock_broker_set_up(world.cluster, 1);
    close_world(&world);
}
