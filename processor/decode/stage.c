#include "decode/stage.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/waiting.h"

enum { UNKNOWN_SCHEMA_WAIT_MS = 250 };

struct inbox {
    rd_kafka_message_t **items;
    size_t count;
    uint64_t first; /* of the assignment's records, counted from 0, the place of items[0] */
};

struct decode_stage {
    const struct config *config;
    struct decode_hooks hooks;
    struct decoder *decoder; /* the thread's */
    struct batch *open;      /* the thread's */
    uint64_t decoded;        /* the thread's: records of the assignment so far */
    struct partition *last;  /* the thread's: of the last record */
    const char *last_topic;
    pthread_t thread;
    struct waiting waiting;
    /* under the lock */
    struct inbox inbox;
    struct inbox taken; /* empty while the thread does not work on it */
    const struct assignment *assignment;
    size_t open_count;
    bool parked; /* the thread holds nothing */
    bool quit;
};

/* ---- in the thread */

static bool is_over(struct decode_stage *stage, const struct assignment *assignment)
{
    waiting_lock(&stage->waiting);
    bool over = stage->quit || stage->assignment != assignment;
    waiting_unlock(&stage->waiting);
    return over;
}

static void note_open(struct decode_stage *stage)
{
    waiting_lock(&stage->waiting);
    stage->open_count = stage->open->count;
    waiting_unlock(&stage->waiting);
}

static bool offer(struct decode_stage *stage)
{
    if (stage->open->count == 0 || !stage->hooks.offer(stage->hooks.context, &stage->open))
        return false;
    batch_clear(stage->open); /* here, since the ledger's thread is the one that all others wait for */
    note_open(stage);
    return true;
}

static struct partition *partition_of(struct decode_stage *stage, const struct assignment *assignment,
                                      const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    if (!stage->last || topic != stage->last_topic || stage->last->number != message->partition) {
        stage->last = assignment_find(assignment, topic, message->partition);
        stage->last_topic = topic;
    }
    return stage->last;
}

/* A record without a timestamp has nothing to hold its event's time against: every event lies out of the bounds of the
 * end of time, so it is refused. */
static int64_t recorded_at(const rd_kafka_message_t *message)
{
    int64_t ms = rd_kafka_message_timestamp(message, NULL);
    return ms < 0 ? INT64_MAX : ms * 1000;
}

static void take_keys(struct record *record)
{
    record->event_key = hash_event(record->event.source, record->event.id);
    record->member_key = hash_member(record->event.program_id, record->event.member_id);
}

/* Retriable answers mean that the writer's schema cannot be had for now. */
static enum err_code decode_record(struct decode_stage *stage, struct record *record, struct arena *arena)
{
    struct err err;
    const rd_kafka_message_t *message = record->message;
    struct bytes value = {message->payload, message->len};
    enum err_code code =
        decoder_decode(stage->decoder, value, recorded_at(message), arena, &record->event, &record->content, &err);
    bool give_up = code == ERR_SCHEMA_UNKNOWN && stage->config->registry_unknown_id[0] == 'd';
    if (code == ERR_NONE) {
        take_keys(record);
        return ERR_NONE;
    }
    if (err_class(code) == ERR_CLASS_RETRY && !give_up) {
        log_event(LOG_WARN, "decode.waits", "error=%s detail=%s", err_name(code), log_quote(err.text));
        return code;
    }
    record->refused = code;
    record->stage = "decode";
    record->refusal = arena_text(arena, text_of(err.text));
    return ERR_NONE;
}

static void rest(struct decode_stage *stage, const struct assignment *assignment, int64_t ms)
{
    struct timespec until = waiting_deadline(ms);
    waiting_lock(&stage->waiting);
    while (!stage->quit && stage->assignment == assignment)
        if (waiting_until(&stage->waiting, &until))
            break;
    waiting_unlock(&stage->waiting);
}

static bool wait_for_room(struct decode_stage *stage, const struct assignment *assignment)
{
    size_t most_bytes = (size_t)stage->config->batch_max_kib * 1024;
    while (stage->open->count == stage->open->capacity || stage->open->bytes >= most_bytes) {
        if (offer(stage))
            break;
        if (is_over(stage, assignment))
            return false;
        rest(stage, assignment, 5);
    }
    return true;
}

/* False when the assignment ended; the message is not taken then. */
static bool add_record(struct decode_stage *stage, const struct assignment *assignment, rd_kafka_message_t *message)
{
    if (!wait_for_room(stage, assignment))
        return false;
    struct record record = {
        .message = message, .partition = partition_of(stage, assignment, message), .offset = message->offset};
    assert(record.partition);
    while (decode_record(stage, &record, stage->open->arena)) {
        offer(stage); /* what came before need not wait for the registry */
        rest(stage, assignment, UNKNOWN_SCHEMA_WAIT_MS);
        if (is_over(stage, assignment))
            return false;
    }
    struct batch *batch = stage->open;
    batch->assignment = assignment;
    if (batch->count == 0)
        batch->first = stage->decoded;
    batch->records[batch->count++] = record;
    batch->bytes += message->len + message->key_len;
    return true;
}

/* Under the lock. */
static void drop(struct inbox *inbox, size_t from)
{
    for (size_t i = from; i < inbox->count; i++)
        rd_kafka_message_destroy(inbox->items[i]);
    inbox->count = 0;
}

static void work_on(struct decode_stage *stage, const struct assignment *assignment)
{
    enum { OFFER_EVERY = 256 };
    for (size_t i = 0; i < stage->taken.count; i++) {
        /* A record dropped on the way would be passed over by the next batch's range: better no process than that. */
        assert(stage->taken.first + i == stage->decoded);
        if (!add_record(stage, assignment, stage->taken.items[i])) {
            waiting_lock(&stage->waiting);
            drop(&stage->taken, i);
            waiting_unlock(&stage->waiting);
            return;
        }
        stage->decoded++;
        if (i % OFFER_EVERY == OFFER_EVERY - 1)
            offer(stage);
    }
    waiting_lock(&stage->waiting);
    stage->taken.count = 0;
    stage->open_count = stage->open->count;
    waiting_unlock(&stage->waiting);
    offer(stage);
}

/* Under the lock: what the thread holds of an assignment that is over. */
static void forget(struct decode_stage *stage)
{
    batch_clear(stage->open);
    stage->open_count = 0;
    stage->last = NULL;
    stage->last_topic = NULL;
    stage->decoded = 0;
    drop(&stage->inbox, 0);
    stage->inbox.first = 0;
    stage->parked = true;
    waiting_tell(&stage->waiting);
}

static void take_inbox(struct decode_stage *stage)
{
    struct inbox empty = stage->taken;
    assert(empty.count == 0);
    stage->taken = stage->inbox;
    stage->inbox = empty;
    stage->inbox.first = stage->taken.first + stage->taken.count;
    waiting_tell(&stage->waiting); /* there is room again */
}

/* Under the lock: waits for records while there are none, offering what is open. */
static void wait_for_records(struct decode_stage *stage, const struct assignment *mine)
{
    waiting_unlock(&stage->waiting);
    bool offered = offer(stage);
    waiting_lock(&stage->waiting);
    if (offered || stage->inbox.count > 0 || stage->assignment != mine || stage->quit)
        return;
    /* A wake-up between the offer and this wait is made good by the time-out. */
    struct timespec until = waiting_deadline(stage->open->count > 0 ? 2 : 100);
    waiting_until(&stage->waiting, &until);
}

static void *stage_main(void *argument)
{
    struct decode_stage *stage = argument;
    waiting_lock(&stage->waiting);
    while (!stage->quit) {
        const struct assignment *mine = stage->assignment;
        if (!mine) {
            if (!stage->parked)
                forget(stage);
            waiting_wait(&stage->waiting);
        } else if (stage->inbox.count == 0) {
            wait_for_records(stage, mine);
        } else {
            take_inbox(stage);
            waiting_unlock(&stage->waiting);
            work_on(stage, mine);
            waiting_lock(&stage->waiting);
        }
    }
    forget(stage);
    waiting_unlock(&stage->waiting);
    return NULL;
}

/* ---- from other threads */

struct decode_limits decode_limits_of(const struct config *config)
{
    return (struct decode_limits){
        .message_bytes = (size_t)config->limit_message_bytes,
        .lines = (size_t)config->limit_lines,
        .string_bytes = (size_t)config->limit_string_bytes,
        .member_id_bytes = (size_t)config->limit_member_id_bytes,
        .future_us = config->limit_future_s * 1000000,
        .past_us = config->limit_past_s * 1000000,
    };
}

static enum err_code make_decoder(const struct config *config, struct registry *registry, struct decoder **out,
                                  struct err *err)
{
    struct decode_limits limits = decode_limits_of(config);
    return decoder_new(&limits, registry, out, err);
}

enum err_code decode_stage_new(const struct config *config, struct registry *registry, const struct decode_hooks *hooks,
                               struct decode_stage **out, struct err *err)
{
    struct decode_stage *stage = calloc(1, sizeof *stage);
    if (!stage)
        abort();
    size_t most = (size_t)config->batch_max_events;
    *stage = (struct decode_stage){.config = config, .hooks = *hooks, .parked = true};
    enum err_code code = make_decoder(config, registry, &stage->decoder, err);
    if (code) {
        free(stage);
        return code;
    }
    stage->open = batch_new(most);
    stage->inbox.items = calloc(most, sizeof *stage->inbox.items);
    stage->taken.items = calloc(most, sizeof *stage->taken.items);
    if (!stage->inbox.items || !stage->taken.items)
        abort();
    waiting_init(&stage->waiting);
    if (pthread_create(&stage->thread, NULL, stage_main, stage))
        abort();
    *out = stage;
    return ERR_NONE;
}

void decode_stage_begin(struct decode_stage *stage, const struct assignment *assignment)
{
    waiting_lock(&stage->waiting);
    assert(stage->parked && stage->inbox.count == 0);
    stage->assignment = assignment;
    stage->parked = false;
    waiting_tell(&stage->waiting);
    waiting_unlock(&stage->waiting);
}

void decode_stage_end(struct decode_stage *stage)
{
    waiting_lock(&stage->waiting);
    stage->assignment = NULL;
    waiting_tell(&stage->waiting);
    while (!stage->parked)
        waiting_wait(&stage->waiting);
    waiting_unlock(&stage->waiting);
}

bool decode_stage_put(struct decode_stage *stage, rd_kafka_message_t *message, int64_t wait_ms)
{
    size_t most = (size_t)stage->config->batch_max_events;
    waiting_lock(&stage->waiting);
    if (stage->inbox.count == most) {
        struct timespec until = waiting_deadline(wait_ms);
        while (stage->inbox.count == most)
            if (waiting_until(&stage->waiting, &until))
                break;
    }
    bool room = stage->inbox.count < most;
    if (room) {
        stage->inbox.items[stage->inbox.count++] = message;
        if (stage->inbox.count == 1)
            waiting_tell(&stage->waiting);
    }
    waiting_unlock(&stage->waiting);
    return room;
}

void decode_stage_wake(struct decode_stage *stage)
{
    waiting_lock(&stage->waiting);
    waiting_tell(&stage->waiting);
    waiting_unlock(&stage->waiting);
}

bool decode_stage_idle(struct decode_stage *stage)
{
    waiting_lock(&stage->waiting);
    bool idle = stage->inbox.count == 0 && stage->taken.count == 0 && stage->open_count == 0;
    waiting_unlock(&stage->waiting);
    return idle;
}

struct decode_stage *decode_stage_free(struct decode_stage *stage)
{
    if (!stage)
        return NULL;
    waiting_lock(&stage->waiting);
    stage->quit = true;
    waiting_tell(&stage->waiting);
    waiting_unlock(&stage->waiting);
    pthread_join(stage->thread, NULL);
    decoder_free(stage->decoder);
    batch_free(stage->open);
    free(stage->inbox.items);
    free(stage->taken.items);
    waiting_destroy(&stage->waiting);
    free(stage);
    return NULL;
}
