#include "pipeline.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/waiting.h"
#include "decode/registry.h"
#include "decode/stage.h"
#include "ledger/migrate.h"
#include "ledger/postgres.h"
#include "ledger/stage.h"
#include "meter.h"
#include "projection/projection.h"
#include "sink/publisher.h"
#include "source/claim.h"
#include "source/source.h"
#include "timers/timers.h"

/* The stages, each with a thread of its own, in the order in which a record passes them:
 *
 *   source (this thread) --> decode --> ledger: fold, one transaction --> publisher: Kafka transaction, K
 *                                                                     `-> projection: Redis
 *
 * Beside them the timers find members whom nothing wakes, and send them an event of their own through the source.
 *
 * The poll thread never sleeps and never talks to the database, but for the steps of an assignment. */

enum {
    POLL_MS = 50,
    HELD_MOST = 64,
    PUT_MS = 20,
    PAUSE_AFTER_US = 1000000, /* a stall this long rests the partitions, so that polling can go on */
    STOP_DRAIN_MS = 1500,
    RETRY_US = 500000, /* between tries to reach what the start needs */
};

struct pipeline {
    const struct config *config;
    struct source *source;
    struct decode_stage *decode;
    struct ledger_stage *ledger;
    struct publisher *publisher;
    struct projection *projection;
    struct timers *timers;
    struct registry *registry;
    struct reward_frame frame;
    struct claim claim;           /* the poll thread's */
    struct claim publisher_claim; /* the publisher's */
    atomic_bool rejoin;
    atomic_bool failed;
    struct waiting waiting; /* guards failure */
    struct err failure;
    rd_kafka_message_t *held[HELD_MOST]; /* read, but the inbox was full; in order */
    size_t held_count;
    int64_t held_since;
    int64_t busy_at; /* when something was last read, or under way */
    bool assigned;
};

/* ---- signals: the only state that a handler may touch */

static atomic_bool stop_wanted;

static void on_signal(int number)
{
    (void)number;
    if (atomic_exchange(&stop_wanted, true))
        _exit(130);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    atomic_store(&stop_wanted, false);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- what the stages tell */

static void on_failed(void *context, const struct err *err)
{
    struct pipeline *pipeline = context;
    waiting_lock(&pipeline->waiting);
    if (!atomic_load(&pipeline->failed)) {
        pipeline->failure = *err;
        atomic_store(&pipeline->failed, true);
    }
    waiting_unlock(&pipeline->waiting);
}

static void on_rejoin(void *context)
{
    struct pipeline *pipeline = context;
    atomic_store(&pipeline->rejoin, true);
}

static void on_ledger_free(void *context)
{
    struct pipeline *pipeline = context;
    decode_stage_wake(pipeline->decode);
}

static bool offer_batch(void *context, struct batch **batch)
{
    struct pipeline *pipeline = context;
    return ledger_stage_offer(pipeline->ledger, batch);
}

static enum err_code read_published(void *context, const struct assignment *assignment, int64_t *published,
                                    struct err *err)
{
    struct pipeline *pipeline = context;
    enum err_code code = source_published(pipeline->source, assignment, published, err);
    for (size_t i = 0; !code && i < assignment->count; i++)
        if (published[i] < 0) /* rule 7: it was there when the partition was claimed */
            code = err_set(err, ERR_OFFSET_MISSING, "%s[%d]: the committed offset is gone",
                           assignment->partitions[i].topic, assignment->partitions[i].number);
    return code;
}

static void take_rows(struct outbox_rows *rows, struct partition *partition, struct publication **items, size_t *count)
{
    *items = realloc(*items, (*count + rows->count + 1) * sizeof **items);
    if (!*items)
        abort();
    for (size_t i = 0; i < rows->count; i++) {
        struct outbox_row *row = &rows->items[i];
        (*items)[(*count)++] = (struct publication){partition, row->from, row->to, row->frames};
        row->frames = (struct buffer){0};
    }
}

static enum err_code read_outbox(void *context, struct partition *partition, int64_t published,
                                 struct publication **items, size_t *count, struct err *err)
{
    struct pipeline *pipeline = context;
    struct outbox_rows rows = {0};
    enum err_code code = claim_outbox(&pipeline->publisher_claim, partition, published, &rows, err);
    if (code)
        return code;
    take_rows(&rows, partition, items, count);
    outbox_release(&rows);
    return ERR_NONE;
}

/* ---- the group's callbacks */

/* What an earlier owner applied is published again, and shown again where that is not certain. */
static void hand_over(struct pipeline *pipeline, struct assignment *assignment, struct claimed *claimed)
{
    struct publication *items = NULL;
    size_t count = 0;
    publisher_begin(pipeline->publisher, assignment);
    ledger_stage_begin(pipeline->ledger, assignment);
    for (size_t i = 0; i < assignment->count; i++) {
        struct partition *partition = &assignment->partitions[i];
        struct outbox_rows *rows = &claimed[i].rows;
        int64_t ticket = projection_reload(pipeline->projection, (const struct hash16 *)(const void *)rows->touched.at,
                                           rows->touched.len / sizeof(struct hash16));
        ledger_stage_row(pipeline->ledger, partition, partition->applied, ticket);
        take_rows(rows, partition, &items, &count);
        outbox_release(rows);
    }
    if (count > 0)
        log_event(LOG_INFO, "outbox.republish", "rows=%zu", count);
    if (count == 0 || !publisher_push(pipeline->publisher, items, count))
        free(items);
    decode_stage_begin(pipeline->decode, assignment);
    timers_turn(pipeline->timers, assignment_find(assignment, pipeline->config->kafka_timers_topic, 0) != NULL);
}

static enum err_code on_assigned(void *context, struct assignment *assignment, int64_t *start, struct err *err)
{
    struct pipeline *pipeline = context;
    struct claimed *claimed = calloc(assignment->count + 1, sizeof *claimed);
    if (!claimed)
        abort();
    /* The open transaction of an owner that died is waited for, until its time-out has ended it. */
    int64_t wait_ms = pipeline->config->kafka_transaction_timeout_ms + 10000;
    if (wait_ms > pipeline->config->kafka_max_poll_interval_ms * 2 / 3)
        wait_ms = pipeline->config->kafka_max_poll_interval_ms * 2 / 3;
    enum err_code code = claim_partitions(&pipeline->claim, assignment, claimed, wait_ms, err);
    for (size_t i = 0; i < assignment->count; i++)
        start[i] = claimed[i].start;
    if (!code) {
        hand_over(pipeline, assignment, claimed);
        pipeline->assigned = true;
        pipeline->busy_at = clock_monotonic_us();
    }
    free(claimed);
    return code;
}

static void drop_held(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->held_count; i++)
        rd_kafka_message_destroy(pipeline->held[i]);
    pipeline->held_count = 0;
}

/* Rule 5. A partition that is lost may be another instance's already: nothing is waited for then. */
static void on_revoked(void *context, struct assignment *assignment, bool lost)
{
    struct pipeline *pipeline = context;
    int64_t wait_ms = lost ? 0 : pipeline->config->kafka_max_poll_interval_ms / 4;
    (void)assignment;
    timers_turn(pipeline->timers, false);
    drop_held(pipeline);
    publisher_closing(pipeline->publisher);
    decode_stage_end(pipeline->decode);
    ledger_stage_end(pipeline->ledger, wait_ms);
    publisher_end(pipeline->publisher, lost, wait_ms);
    pipeline->assigned = false;
}

/* ---- the poll thread */

/* What is held goes to the inbox first; true when nothing is held any more. */
static bool pass_held(struct pipeline *pipeline)
{
    size_t passed = 0;
    while (passed < pipeline->held_count && decode_stage_put(pipeline->decode, pipeline->held[passed], PUT_MS))
        passed++;
    memmove(pipeline->held, pipeline->held + passed, (pipeline->held_count - passed) * sizeof *pipeline->held);
    pipeline->held_count -= passed;
    if (passed > 0)
        pipeline->held_since = clock_monotonic_us();
    return pipeline->held_count == 0;
}

/* While the inbox is full nothing is read; after a long stall the partitions rest, so that the group's callbacks can be
 * served without reading more. */
static enum err_code poll_once(struct pipeline *pipeline, struct err *err)
{
    if (atomic_exchange(&pipeline->rejoin, false))
        source_rejoin(pipeline->source);
    if (pass_held(pipeline))
        source_resume(pipeline->source);
    else if (clock_monotonic_us() - pipeline->held_since < PAUSE_AFTER_US || pipeline->held_count == HELD_MOST)
        return ERR_NONE;
    else
        source_pause(pipeline->source);
    rd_kafka_message_t *message = NULL;
    enum err_code code = source_poll(pipeline->source, POLL_MS, &message, err);
    if (!message)
        return code;
    pipeline->busy_at = clock_monotonic_us();
    if (pipeline->held_count > 0 || !decode_stage_put(pipeline->decode, message, PUT_MS)) {
        if (pipeline->held_count == 0)
            pipeline->held_since = pipeline->busy_at;
        pipeline->held[pipeline->held_count++] = message;
    }
    return ERR_NONE;
}

/* True when nothing came and nothing was under way for so long, and nobody is due to be woken. */
static bool is_idle(struct pipeline *pipeline, int64_t idle_s)
{
    if (idle_s == 0 || !pipeline->assigned)
        return false;
    bool at_rest = pipeline->held_count == 0 && decode_stage_idle(pipeline->decode) &&
                   ledger_stage_drain(pipeline->ledger, 0) && publisher_drain(pipeline->publisher, 0);
    if (!at_rest)
        pipeline->busy_at = clock_monotonic_us();
    return at_rest && clock_monotonic_us() - pipeline->busy_at >= idle_s * 1000000 &&
           timers_are_idle(pipeline->timers, pipeline->busy_at);
}

static enum err_code poll_until_stopped(struct pipeline *pipeline, const struct pipeline_options *options,
                                        struct meter *meter, struct err *err)
{
    enum err_code code = source_join(pipeline->source, err);
    while (!code && !atomic_load(&stop_wanted) && !is_idle(pipeline, options->exit_when_idle_s)) {
        if (atomic_load(&pipeline->failed)) {
            *err = pipeline->failure;
            return err->code;
        }
        code = poll_once(pipeline, err);
        if (meter_due(meter))
            meter_show(meter, ledger_stage_counts(pipeline->ledger), publisher_counts(pipeline->publisher));
    }
    return code;
}

/* ---- building and taking down */

static enum err_code make_registry(struct pipeline *pipeline, struct err *err)
{
    const struct config *config = pipeline->config;
    if (config->registry_url[0] == '\0')
        return ERR_NONE;
    char *password = NULL;
    enum err_code code = config_secret(config->registry_password_file, &password, err);
    if (code)
        return code;
    struct registry_options options = {config->registry_url, config->registry_user, password ? password : "",
                                       config->registry_timeout_ms};
    code = registry_new(&options, &pipeline->registry, err);
    free(password);
    return code;
}

static enum err_code choose_frame(struct pipeline *pipeline, struct err *err)
{
    int32_t id;
    char subject[300];
    reward_frame_single_object(&pipeline->frame);
    if (strcmp(pipeline->config->rewards_format, "confluent") != 0)
        return ERR_NONE;
    if (!pipeline->registry)
        return err_set(err, ERR_CONFIG, "rewards.format is confluent, which wants registry.url");
    snprintf(subject, sizeof subject, "%s-value", pipeline->config->kafka_rewards_topic);
    for (;;) {
        enum err_code code = registry_register(pipeline->registry, subject, reward_schema_json(), &id, err);
        if (code == ERR_NONE)
            break;
        if (err_class(code) != ERR_CLASS_RETRY || atomic_load(&stop_wanted))
            return code;
        log_event(LOG_WARN, "registry.waits", "detail=%s", log_quote(err->text));
        usleep(RETRY_US);
    }
    reward_frame_confluent(id, &pipeline->frame);
    return ERR_NONE;
}

/* The tables must be those of this build before anything is claimed. A database that is away is waited for. */
static enum err_code check_tables(const struct config *config, struct err *err)
{
    for (;;) {
        PGconn *connection = NULL;
        struct arena *arena = arena_new(0);
        enum err_code code = postgres_open(config, POSTGRES_RUNTIME, &connection, err);
        if (!code)
            code = migrate_verify(connection, arena, err);
        postgres_close(connection);
        arena_free(arena);
        if (err_class(code) != ERR_CLASS_RETRY || atomic_load(&stop_wanted))
            return code;
        log_event(LOG_WARN, "database.waits", "detail=%s", log_quote(err->text));
        usleep(RETRY_US);
    }
}

static enum err_code build(struct pipeline *pipeline, struct err *err)
{
    const struct config *config = pipeline->config;
    struct source_hooks source_hooks = {pipeline, on_assigned, on_revoked};
    struct publisher_hooks publisher_hooks = {pipeline, read_published, read_outbox, on_failed, on_rejoin};
    struct ledger_hooks ledger_hooks = {pipeline, on_ledger_free, on_rejoin, on_failed};
    struct decode_hooks decode_hooks = {pipeline, offer_batch};
    enum err_code code = check_tables(config, err);
    if (!code)
        code = make_registry(pipeline, err);
    if (!code)
        code = choose_frame(pipeline, err);
    if (!code)
        code = projection_new(config, &pipeline->projection, err);
    if (!code)
        code = timers_new(config, &pipeline->timers, err);
    if (!code)
        code = source_new(config, &source_hooks, &pipeline->source, err);
    if (code)
        return code;
    claim_init(&pipeline->claim, config, pipeline->source);
    claim_init(&pipeline->publisher_claim, config, pipeline->source);
    code = publisher_new(config, &publisher_hooks, &stop_wanted, &pipeline->publisher, err);
    if (code)
        return code;
    pipeline->ledger =
        ledger_stage_new(config, &pipeline->frame, pipeline->publisher, pipeline->projection, &ledger_hooks);
    return decode_stage_new(config, pipeline->registry, &decode_hooks, &pipeline->decode, err);
}

/* Finishes the batch under way and publishes it; what was only read is read again by the next owner. */
static void finish(struct pipeline *pipeline)
{
    if (!pipeline->assigned)
        return;
    drop_held(pipeline);
    decode_stage_end(pipeline->decode);
    ledger_stage_drain(pipeline->ledger, STOP_DRAIN_MS);
    publisher_drain(pipeline->publisher, STOP_DRAIN_MS);
}

static void take_down(struct pipeline *pipeline)
{
    source_close(pipeline->source); /* its revoke callback still needs the stages */
    timers_free(pipeline->timers);
    decode_stage_free(pipeline->decode);
    ledger_stage_free(pipeline->ledger);
    publisher_free(pipeline->publisher);
    projection_free(pipeline->projection);
    registry_free(pipeline->registry);
    claim_release(&pipeline->claim);
    claim_release(&pipeline->publisher_claim);
    waiting_destroy(&pipeline->waiting);
}

enum err_code pipeline_run(const struct config *config, const struct pipeline_options *options, struct err *err)
{
    struct pipeline pipeline = {.config = config};
    struct meter meter;
    waiting_init(&pipeline.waiting);
    catch_signals();
    meter_start(&meter, options->progress);
    enum err_code code = build(&pipeline, err);
    if (!code) {
        log_event(LOG_INFO, "started", "group=%s instance=%s", config->kafka_group, config->instance);
        code = poll_until_stopped(&pipeline, options, &meter, err);
        if (!code)
            finish(&pipeline);
        meter_end(&meter, ledger_stage_counts(pipeline.ledger), publisher_counts(pipeline.publisher));
    }
    take_down(&pipeline);
    if (code == ERR_STOPPED || (code && atomic_load(&stop_wanted) && err_class(code) == ERR_CLASS_RETRY))
        code = ERR_NONE;
    log_event(LOG_INFO, "stopped", "error=%s", err_name(code));
    return code;
}
