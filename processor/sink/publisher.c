#include "sink/publisher.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/waiting.h"
#include "sink/producer.h"
#include "sink/signature.h"

enum {
    RETRY_FIRST_MS = 100,
    RETRY_MOST_MS = 5000,
};

/* What the thread does about the current assignment. */
enum publisher_state {
    PUBLISHER_IDLE,    /* no assignment, or nothing to send */
    PUBLISHER_SENDING, /* a transaction is under way */
    PUBLISHER_DOUBT,   /* rule 4: K must be read before anything is sent */
    PUBLISHER_STATE_COUNT
};

static const uint32_t transitions[PUBLISHER_STATE_COUNT] = {
    [PUBLISHER_IDLE] = MACHINE_BIT(PUBLISHER_SENDING),
    [PUBLISHER_SENDING] = MACHINE_BIT(PUBLISHER_IDLE) | MACHINE_BIT(PUBLISHER_DOUBT),
    [PUBLISHER_DOUBT] = MACHINE_BIT(PUBLISHER_IDLE) | MACHINE_BIT(PUBLISHER_DOUBT),
};

struct item {
    struct item *next;
    struct publication *publications;
    size_t count;
};

struct publisher {
    const struct config *config;
    struct publisher_hooks hooks;
    struct producer producer; /* the thread's */
    atomic_bool abandon;      /* ends the producer's waits */
    pthread_t thread;
    struct waiting waiting;
    /* under the lock */
    const struct assignment *assignment;
    struct item *first;
    struct item **last;
    size_t queued; /* bytes of outputs */
    bool busy;     /* the thread works on the assignment */
    bool closing;
    bool quit;
    struct machine machine;
    struct publisher_counts counts;
};

/* Ranges without outputs weigh something too: the queue has an end whatever is in it. */
static size_t bytes_of(const struct publication *publications, size_t count)
{
    size_t bytes = count * sizeof *publications;
    for (size_t i = 0; i < count; i++)
        bytes += publications[i].frames.len;
    return bytes;
}

static void item_free(struct item *item)
{
    for (size_t i = 0; i < item->count; i++)
        buffer_release(&item->publications[i].frames);
    free(item->publications);
    free(item);
}

static void list_free(struct item *item)
{
    while (item) {
        struct item *next = item->next;
        item_free(item);
        item = next;
    }
}

/* Under the lock. */
static struct item *take_all(struct publisher *publisher)
{
    struct item *items = publisher->first;
    publisher->first = NULL;
    publisher->last = &publisher->first;
    publisher->queued = 0;
    waiting_tell(&publisher->waiting);
    return items;
}

/* ---- one transaction, in the publisher's thread */

/* Delivery rule 2: a range is sent only if it begins exactly where this assignment's published position stands. */
static bool in_order(const struct publication *publication, int64_t position)
{
    return publication->from <= position && publication->to > position &&
           (publication->from == position || publication->partition->published == position);
}

static enum err_code send_frames(struct publisher *publisher, const struct publication *publication, int64_t from,
                                 uint64_t *outputs, struct err *err)
{
    const struct partition *partition = publication->partition;
    struct frame_header headers[FRAME_HEADERS_MAX];
    struct bytes frames = buffer_view(&publication->frames);
    for (size_t at = 0; at < frames.len;) {
        struct frame frame;
        enum err_code code = frame_next(frames, &at, &frame, headers, err);
        if (code)
            return code;
        if (frame.offset < from)
            continue; /* published by an older owner, whose batches were cut elsewhere */
        code =
            producer_send(&publisher->producer, &frame, partition->topic, partition->topic_no, partition->number, err);
        if (code)
            return code;
        ++*outputs;
    }
    return ERR_NONE;
}

static void put_offset(struct publisher *publisher, rd_kafka_topic_partition_list_t *offsets,
                       const struct partition *partition, int64_t to)
{
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_find(offsets, partition->topic, partition->number);
    if (!at)
        at = rd_kafka_topic_partition_list_add(offsets, partition->topic, partition->number);
    char *signature = malloc(SIGNATURE_LENGTH + 1);
    if (!signature)
        abort();
    signature_make(text_of(publisher->config->kafka_group), text_of(partition->topic), partition->number, to,
                   signature);
    free(at->metadata);
    at->metadata = signature; /* freed with the list */
    at->metadata_size = SIGNATURE_LENGTH;
    at->offset = to;
}

/* Where the transaction will have brought each partition; published itself moves only once it is committed. */
static int64_t position_in(const rd_kafka_topic_partition_list_t *offsets, const struct partition *partition)
{
    const rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_find(
        (rd_kafka_topic_partition_list_t *)(uintptr_t)offsets, partition->topic, partition->number);
    return at ? at->offset : partition->published;
}

static enum err_code send_items(struct publisher *publisher, const struct item *items,
                                rd_kafka_topic_partition_list_t *offsets, uint64_t *outputs, struct err *err)
{
    for (const struct item *item = items; item; item = item->next) {
        for (size_t i = 0; i < item->count; i++) {
            const struct publication *publication = &item->publications[i];
            int64_t position = position_in(offsets, publication->partition);
            if (!in_order(publication, position)) {
                log_event(LOG_DEBUG, "publication.dropped", "topic=%s partition=%d from=%lld to=%lld published=%lld",
                          publication->partition->topic, publication->partition->number, (long long)publication->from,
                          (long long)publication->to, (long long)position);
                continue;
            }
            enum err_code code = send_frames(publisher, publication, position, outputs, err);
            if (code)
                return code;
            put_offset(publisher, offsets, publication->partition, publication->to);
        }
    }
    return ERR_NONE;
}

static void advance(const struct assignment *assignment, const rd_kafka_topic_partition_list_t *offsets)
{
    for (int i = 0; i < offsets->cnt; i++) {
        struct partition *partition = assignment_find(assignment, offsets->elems[i].topic, offsets->elems[i].partition);
        assert(partition && partition->published < offsets->elems[i].offset);
        partition->published = offsets->elems[i].offset;
        atomic_store(&partition->confirmed, offsets->elems[i].offset);
    }
}

static enum producer_end run_transaction(struct publisher *publisher, const struct assignment *assignment,
                                         const struct item *items, struct err *err)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(8);
    uint64_t outputs = 0;
    enum producer_end end = PRODUCER_ABORTED;
    enum err_code code = producer_open(&publisher->producer, err);
    if (!code)
        code = producer_begin(&publisher->producer, err);
    if (!code)
        code = send_items(publisher, items, offsets, &outputs, err);
    if (!code && offsets->cnt > 0) {
        end = producer_end(&publisher->producer, offsets, assignment->metadata, err);
    } else {
        producer_abandon(&publisher->producer);
        if (!code)
            end = PRODUCER_COMMITTED; /* nothing was in order: nothing to end */
        else if (err_class(code) == ERR_CLASS_FATAL)
            end = PRODUCER_FATAL;
    }
    if (end == PRODUCER_COMMITTED && offsets->cnt > 0) {
        advance(assignment, offsets);
        waiting_lock(&publisher->waiting);
        publisher->counts.transactions++;
        publisher->counts.outputs += outputs;
        waiting_unlock(&publisher->waiting);
    }
    rd_kafka_topic_partition_list_destroy(offsets);
    return end;
}

/* ---- doubt */

static bool ended(struct publisher *publisher, const struct assignment *assignment)
{
    waiting_lock(&publisher->waiting);
    bool over = publisher->quit || publisher->assignment != assignment || atomic_load(&publisher->abandon);
    waiting_unlock(&publisher->waiting);
    return over;
}

static void pause_ms(struct publisher *publisher, const struct assignment *assignment, int64_t ms)
{
    struct timespec until = waiting_deadline(ms);
    waiting_lock(&publisher->waiting);
    while (!publisher->quit && publisher->assignment == assignment && !atomic_load(&publisher->abandon))
        if (waiting_until(&publisher->waiting, &until))
            break;
    waiting_unlock(&publisher->waiting);
}

/* A new producer first: its init ends what the old one left open, so that reading K need not wait for a time-out. */
static enum err_code read_again(struct publisher *publisher, const struct assignment *assignment, struct item **items,
                                struct err *err)
{
    int64_t *published = calloc(assignment->count + 1, sizeof *published);
    struct item *item = calloc(1, sizeof *item);
    if (!published || !item)
        abort();
    enum err_code code = producer_open(&publisher->producer, err);
    if (!code)
        code = publisher->hooks.read_published(publisher->hooks.context, assignment, published, err);
    for (size_t i = 0; !code && i < assignment->count; i++) {
        struct partition *partition = &assignment->partitions[i];
        code = publisher->hooks.read_outbox(publisher->hooks.context, partition, published[i], &item->publications,
                                            &item->count, err);
        if (!code) {
            partition->published = published[i];
            atomic_store(&partition->confirmed, published[i]);
        }
    }
    free(published);
    if (code) {
        item_free(item);
        return code;
    }
    *items = item;
    return ERR_NONE;
}

/* Rule 4: the queue was dropped; new producer, read K, queue [K, P). Retried until it succeeds or the assignment ends.
 */
static enum err_code settle_doubt(struct publisher *publisher, const struct assignment *assignment, struct item **items,
                                  struct err *err)
{
    int64_t wait = RETRY_FIRST_MS;
    while (!ended(publisher, assignment)) {
        waiting_lock(&publisher->waiting);
        list_free(take_all(publisher));
        waiting_unlock(&publisher->waiting);
        enum err_code code = read_again(publisher, assignment, items, err);
        if (code == ERR_NONE || err_class(code) == ERR_CLASS_FATAL)
            return code;
        log_event(LOG_WARN, "publisher.waits", "error=%s detail=%s", err_name(code), log_quote(err->text));
        pause_ms(publisher, assignment, wait);
        wait = wait * 2 < RETRY_MOST_MS ? wait * 2 : RETRY_MOST_MS;
    }
    return ERR_STOPPED;
}

/* ---- the thread */

static void go(struct publisher *publisher, enum publisher_state to)
{
    waiting_lock(&publisher->waiting);
    machine_go(&publisher->machine, to);
    waiting_unlock(&publisher->waiting);
}

/* Works on the items until they are published or the assignment ends. */
static void publish(struct publisher *publisher, const struct assignment *assignment, struct item *items)
{
    struct err err = {0};
    while (items) {
        go(publisher, PUBLISHER_SENDING);
        enum producer_end end = run_transaction(publisher, assignment, items, &err);
        list_free(items);
        items = NULL;
        if (end == PRODUCER_COMMITTED) {
            go(publisher, PUBLISHER_IDLE);
            return;
        }
        go(publisher, PUBLISHER_DOUBT);
        if (end == PRODUCER_FATAL) {
            publisher->hooks.failed(publisher->hooks.context, &err);
        } else {
            log_event(LOG_WARN, "publisher.in_doubt", "end=%d detail=%s", (int)end, log_quote(err.text));
            waiting_lock(&publisher->waiting);
            publisher->counts.in_doubt++;
            waiting_unlock(&publisher->waiting);
            if (end == PRODUCER_REFUSED)
                publisher->hooks.lost(publisher->hooks.context);
            enum err_code code =
                end == PRODUCER_REFUSED ? ERR_STOPPED : settle_doubt(publisher, assignment, &items, &err);
            if (code && err_class(code) == ERR_CLASS_FATAL)
                publisher->hooks.failed(publisher->hooks.context, &err);
        }
        go(publisher, PUBLISHER_IDLE);
    }
}

static void *publisher_main(void *argument)
{
    struct publisher *publisher = argument;
    waiting_lock(&publisher->waiting);
    while (!publisher->quit) {
        if (!publisher->first || !publisher->assignment) {
            waiting_wait(&publisher->waiting);
            continue;
        }
        const struct assignment *assignment = publisher->assignment;
        struct item *items = take_all(publisher);
        publisher->busy = true;
        waiting_unlock(&publisher->waiting);
        publish(publisher, assignment, items);
        waiting_lock(&publisher->waiting);
        publisher->busy = false;
        waiting_tell(&publisher->waiting);
    }
    waiting_unlock(&publisher->waiting);
    producer_abandon(&publisher->producer);
    return NULL;
}

/* ---- from other threads */

static enum err_code open_producer(struct publisher *publisher, atomic_bool *stop, struct err *err)
{
    for (;;) {
        enum err_code code = producer_open(&publisher->producer, err);
        if (code == ERR_NONE || err_class(code) == ERR_CLASS_FATAL || atomic_load(stop))
            return code;
        log_event(LOG_WARN, "kafka.waits", "detail=%s", log_quote(err->text));
    }
}

enum err_code publisher_new(const struct config *config, const struct publisher_hooks *hooks, atomic_bool *stop,
                            struct publisher **out, struct err *err)
{
    struct publisher *publisher = calloc(1, sizeof *publisher);
    if (!publisher)
        abort();
    publisher->config = config;
    publisher->hooks = *hooks;
    publisher->last = &publisher->first;
    publisher->machine = (struct machine){"publisher", transitions, PUBLISHER_STATE_COUNT, PUBLISHER_IDLE};
    waiting_init(&publisher->waiting);
    producer_init(&publisher->producer, config, stop);
    enum err_code code = open_producer(publisher, stop, err);
    if (!code) {
        publisher->producer.cancel = &publisher->abandon;
        if (pthread_create(&publisher->thread, NULL, publisher_main, publisher))
            code = err_set(err, ERR_MEMORY, "the publisher's thread cannot be started");
    }
    if (code) {
        producer_abandon(&publisher->producer);
        free(publisher);
        return code;
    }
    *out = publisher;
    return ERR_NONE;
}

void publisher_begin(struct publisher *publisher, const struct assignment *assignment)
{
    waiting_lock(&publisher->waiting);
    assert(!publisher->assignment && !publisher->first && !publisher->busy);
    publisher->assignment = assignment;
    publisher->closing = false;
    atomic_store(&publisher->abandon, false);
    waiting_tell(&publisher->waiting);
    waiting_unlock(&publisher->waiting);
}

bool publisher_push(struct publisher *publisher, struct publication *items, size_t count)
{
    waiting_lock(&publisher->waiting);
    size_t most = (size_t)publisher->config->publish_max_behind_kib * 1024;
    while (publisher->assignment && !publisher->quit && !publisher->closing && publisher->queued >= most)
        waiting_wait(&publisher->waiting);
    bool taken = publisher->assignment && !publisher->quit && publisher->queued < most;
    if (taken) {
        struct item *item = calloc(1, sizeof *item);
        if (!item)
            abort();
        item->publications = items;
        item->count = count;
        *publisher->last = item;
        publisher->last = &item->next;
        publisher->queued += bytes_of(items, count);
        waiting_tell(&publisher->waiting);
    }
    waiting_unlock(&publisher->waiting);
    return taken;
}

void publisher_closing(struct publisher *publisher)
{
    waiting_lock(&publisher->waiting);
    publisher->closing = true;
    waiting_tell(&publisher->waiting);
    waiting_unlock(&publisher->waiting);
}

/* Under the lock: waits until the thread rests (and the queue is empty, where wanted). */
static bool wait_idle(struct publisher *publisher, bool queue_too, int64_t wait_ms)
{
    struct timespec until = waiting_deadline(wait_ms);
    while (publisher->busy || (queue_too && publisher->first))
        if (waiting_until(&publisher->waiting, &until))
            return !publisher->busy && !(queue_too && publisher->first);
    return true;
}

void publisher_end(struct publisher *publisher, bool abort, int64_t wait_ms)
{
    waiting_lock(&publisher->waiting);
    publisher->assignment = NULL; /* a doubt is left to the next owner */
    list_free(take_all(publisher));
    if (abort || !wait_idle(publisher, false, wait_ms)) {
        atomic_store(&publisher->abandon, true);
        while (publisher->busy)
            waiting_wait(&publisher->waiting);
    }
    waiting_unlock(&publisher->waiting);
}

bool publisher_drain(struct publisher *publisher, int64_t wait_ms)
{
    waiting_lock(&publisher->waiting);
    bool idle = wait_idle(publisher, true, wait_ms);
    waiting_unlock(&publisher->waiting);
    return idle;
}

struct publisher_counts publisher_counts(struct publisher *publisher)
{
    waiting_lock(&publisher->waiting);
    struct publisher_counts counts = publisher->counts;
    waiting_unlock(&publisher->waiting);
    return counts;
}

struct publisher *publisher_free(struct publisher *publisher)
{
    if (!publisher)
        return NULL;
    publisher_end(publisher, false, 1000);
    waiting_lock(&publisher->waiting);
    publisher->quit = true;
    waiting_tell(&publisher->waiting);
    waiting_unlock(&publisher->waiting);
    pthread_join(publisher->thread, NULL);
    waiting_destroy(&publisher->waiting);
    free(publisher);
    return NULL;
}
