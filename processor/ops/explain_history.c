#include "ops/explain_history.h"

#include <inttypes.h>
#include <stdlib.h>

#include "audit/input_record.h"
#include "cases/grow.h"
#include "cases/words.h"
#include "decode/decode.h"
#include "decode/registry.h"
#include "decode/stage.h"
#include "ops/topic_reader.h"

enum { WAIT_MS = 500, PASSES_MOST = 4, MS = 1000, IDS_MOST = 4096 };

/* ---- decoding, as the processor does */

struct decoding {
    struct registry *registry;
    struct decoder *decoder;
};

static enum err_code open_decoding(const struct config *config, struct decoding *out, struct err *err)
{
    struct decode_limits limits = decode_limits_of(config);
    enum err_code code = ERR_NONE;
    *out = (struct decoding){NULL, NULL};
    if (config->registry_url[0] != '\0') {
        char *password = NULL;
        code = config_secret(config->registry_password_file, &password, err);
        struct registry_options options = {config->registry_url, config->registry_user, password ? password : "",
                                           config->registry_timeout_ms};
        if (!code)
            code = registry_new(&options, &out->registry, err);
        free(password);
    }
    return code ? code : decoder_new(&limits, out->registry, &out->decoder, err);
}

static void close_decoding(struct decoding *decoding)
{
    decoder_free(decoding->decoder);
    if (decoding->registry)
        registry_free(decoding->registry);
}

static enum err_code decode(struct decoding *decoding, const rd_kafka_message_t *message, struct arena *arena,
                            struct event *out, struct err *err)
{
    struct hash16 content;
    int64_t recorded_at = rd_kafka_message_timestamp(message, NULL) * MS;
    struct bytes value = arena_bytes(arena, (struct bytes){message->payload, message->len});
    return decoder_decode(decoding->decoder, value, recorded_at, arena, out, &content, err);
}

enum err_code history_event_at(const struct config *config, const char *topic, int32_t partition, int64_t offset,
                               struct arena *arena, struct event *out, struct err *err)
{
    struct input_records *records = NULL;
    struct decoding decoding = {NULL, NULL};
    const rd_kafka_message_t *message = NULL;
    enum err_code code = open_decoding(config, &decoding, err);
    if (!code)
        code = input_records_new(config, &records, err);
    if (!code)
        code = input_records_get(records, topic, partition, offset, &message, err);
    if (!code && !message)
        code = err_set(err, ERR_USAGE, "%s/%" PRId32 " has no record at offset %" PRId64 " any more", topic, partition,
                       offset);
    if (!code)
        code = decode(&decoding, message, arena, out, err);
    input_records_free(records);
    close_decoding(&decoding);
    return code;
}

/* ---- whose events are wanted */

struct wanted {
    struct text ids[IDS_MOST];
    size_t count;
    size_t own; /* the first so many are the member and what was merged into it */
};

struct gathering {
    const struct config *config;
    const struct member_view *member;
    struct arena *arena;
    struct decoding decoding;
    struct wanted *wanted;
    struct history history;
    size_t capacity;
};

static bool is_wanted(const struct wanted *wanted, size_t among, struct text id)
{
    for (size_t i = 0; i < among; i++)
        if (text_equal(wanted->ids[i], id))
            return true;
    return false;
}

static void want(struct wanted *wanted, struct text id)
{
    if (id.len > 0 && wanted->count < IDS_MOST && !is_wanted(wanted, wanted->count, id))
        wanted->ids[wanted->count++] = id;
}

/* The same for an account that the member took over. */
static void want_own(struct wanted *wanted, struct text id)
{
    if (is_wanted(wanted, wanted->own, id))
        return;
    want(wanted, id);
    for (size_t i = wanted->own; i < wanted->count; i++) {
        if (!text_equal(wanted->ids[i], id))
            continue;
        wanted->ids[i] = wanted->ids[wanted->own];
        wanted->ids[wanted->own++] = id;
        return;
    }
}

static bool concerns(const struct wanted *wanted, const struct event *event)
{
    bool referral = event->type == EVENT_REFERRAL;
    return is_wanted(wanted, wanted->count, event->member_id) ||
           (referral && (is_wanted(wanted, wanted->count, event->referral.referrer) ||
                         is_wanted(wanted, wanted->count, event->referral.referee))) ||
           (event->kind == MEMBER_MERGED && is_wanted(wanted, wanted->count, event->member.merged_into));
}

/* Who else is party to the events of the member itself. */
static void want_others(struct gathering *gathering)
{
    struct wanted *wanted = gathering->wanted;
    for (size_t i = 0; i < gathering->history.count; i++) {
        const struct event *event = &gathering->history.items[i].event.event;
        if (event->kind == MEMBER_MERGED && is_wanted(wanted, wanted->own, event->member.merged_into))
            want_own(wanted, event->member_id);
    }
    for (size_t i = 0; i < gathering->history.count; i++) {
        const struct event *event = &gathering->history.items[i].event.event;
        bool own = event->type == EVENT_REFERRAL && (is_wanted(wanted, wanted->own, event->referral.referrer) ||
                                                     is_wanted(wanted, wanted->own, event->referral.referee));
        if (!own)
            continue;
        want(wanted, event->referral.referrer);
        want(wanted, event->referral.referee);
    }
}

/* ---- reading */

static int64_t sequence_at(const struct member_view *member, const char *topic, int32_t partition, int64_t offset)
{
    for (size_t i = 0; i < member->entry_count; i++) {
        const struct member_entry *entry = &member->entries[i];
        if (entry->offset == offset && entry->partition == partition && text_equal(entry->topic, text_of(topic)))
            return entry->sequence;
    }
    return 0;
}

static void take(struct gathering *gathering, const char *topic, const rd_kafka_message_t *message)
{
    struct history *history = &gathering->history;
    struct event event;
    struct err err;
    if (!message->payload || decode(&gathering->decoding, message, gathering->arena, &event, &err) ||
        !text_equal(event.program_id, gathering->member->program_id) || !concerns(gathering->wanted, &event))
        return;
    history->items =
        grown(gathering->arena, history->items, history->count, &gathering->capacity, sizeof *history->items);
    struct text title =
        arena_printf(gathering->arena, "%s/%" PRId32 "@%" PRId64 " %s.%s of %.*s", topic, message->partition,
                     message->offset, event_type_name(event.type), event_kind_name(event.kind), VIEW(event.member_id));
    history->items[history->count++] =
        (struct history_event){.event = {.text = title, .event = event, .named = true},
                               .topic = topic,
                               .partition = message->partition,
                               .offset = message->offset,
                               .recorded_at = rd_kafka_message_timestamp(message, NULL) * MS,
                               .sequence = sequence_at(gathering->member, topic, message->partition, message->offset)};
}

static enum err_code read_topic(struct gathering *gathering, const char *topic, struct err *err)
{
    struct topic_reader *reader = NULL;
    enum err_code code = topic_reader_open(gathering->config, topic, TOPIC_FROM_BEGINNING, &reader, err);
    while (!code && !topic_reader_at_end(reader)) {
        rd_kafka_message_t *message = NULL;
        code = topic_reader_next(reader, WAIT_MS, &message, err);
        if (!code && message)
            take(gathering, topic, message);
        if (message)
            rd_kafka_message_destroy(message);
    }
    topic_reader_close(reader);
    return code;
}

static enum err_code read_topics(struct gathering *gathering, struct err *err)
{
    struct text rest = text_of(gathering->config->kafka_topics);
    enum err_code code = ERR_NONE;
    gathering->history.count = 0;
    while (!code && rest.len > 0) {
        struct text name = take_until(&rest, ',');
        while (name.len > 0 && name.at[0] == ' ')
            name = without_first(name, 1);
        code = read_topic(gathering, arena_printf(gathering->arena, "%.*s", VIEW(name)).at, err);
    }
    return code;
}

/* ---- order */

static bool same_partition(const struct history_event *a, const struct history_event *b)
{
    return a->partition == b->partition && strcmp(a->topic, b->topic) == 0;
}

/* Whether the event may be the next one of those from `from` on. */
static bool may_come(const struct history *history, size_t from, size_t at)
{
    const struct history_event *event = &history->items[at];
    for (size_t i = from; i < history->count; i++) {
        const struct history_event *other = &history->items[i];
        if (same_partition(event, other) && other->offset < event->offset)
            return false;
        if (event->sequence > 0 && other->sequence > 0 && other->sequence < event->sequence)
            return false;
    }
    return true;
}

static void put_in_order(struct history *history)
{
    for (size_t from = 0; from < history->count; from++) {
        size_t next = history->count;
        for (size_t i = from; i < history->count; i++)
            if ((next == history->count || history->items[i].recorded_at < history->items[next].recorded_at) &&
                may_come(history, from, i))
                next = i;
        if (next == history->count) /* entries and offsets contradict each other */
            return;
        struct history_event event = history->items[next];
        memmove(&history->items[from + 1], &history->items[from], (next - from) * sizeof event);
        history->items[from] = event;
    }
}

enum err_code history_read(const struct config *config, const struct member_view *member, struct arena *arena,
                           struct history *out, struct err *err)
{
    struct gathering gathering = {
        .config = config, .member = member, .arena = arena, .wanted = arena_alloc(arena, sizeof(struct wanted))};
    want(gathering.wanted, member->member_id);
    gathering.wanted->own = 1;
    enum err_code code = open_decoding(config, &gathering.decoding, err);
    size_t known = 0;
    for (int pass = 0; !code && pass < PASSES_MOST && known < gathering.wanted->count; pass++) {
        known = gathering.wanted->count;
        code = read_topics(&gathering, err);
        want_others(&gathering);
    }
    close_decoding(&gathering.decoding);
    if (code)
        return code;
    put_in_order(&gathering.history);
    *out = gathering.history;
    return ERR_NONE;
}
