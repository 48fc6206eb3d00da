#include "audit/mender.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "audit/input_record.h"
#include "audit/ledger_walk.h"
#include "audit/output_record.h"
#include "audit/rebuild_reward.h"
#include "base/hash.h"
#include "decode/registry.h"
#include "decode/stage.h"
#include "ledger/exchange.h"
#include "ledger/postgres.h"
#include "program/store.h"
#include "sink/output_id.h"
#include "sink/producer.h"
#include "sink/reward_avro.h"

enum { TRANSACTION_MOST = 1000, BINARY = 1 };

struct mender {
    struct config config; /* the instance's name is "audit": the transactional.id follows from it */
    PGconn *connection;
    bool repair;
    atomic_bool cancel;
    struct producer producer;
    size_t open; /* records in the open transaction */
    struct registry *registry;
    struct decoder *decoder;
    struct reward_frame frame;
    struct input_records *inputs;
    struct arena *programs_arena;
    struct program_set programs;
    struct arena *arena; /* of one input */
};

/* ---- building */

static enum err_code open_registry(struct mender *mender, struct err *err)
{
    const struct config *config = &mender->config;
    char *password = NULL;
    if (config->registry_url[0] == '\0')
        return ERR_NONE;
    enum err_code code = config_secret(config->registry_password_file, &password, err);
    if (code)
        return code;
    struct registry_options options = {config->registry_url, config->registry_user, password ? password : "",
                                       config->registry_timeout_ms};
    code = registry_new(&options, &mender->registry, err);
    free(password);
    return code;
}

/* As the processor frames them. */
static enum err_code choose_frame(struct mender *mender, struct err *err)
{
    char subject[300];
    int32_t id = 0;
    reward_frame_single_object(&mender->frame);
    if (strcmp(mender->config.rewards_format, "confluent") != 0)
        return ERR_NONE;
    if (!mender->registry)
        return err_set(err, ERR_CONFIG, "rewards.format is confluent, which wants registry.url");
    snprintf(subject, sizeof subject, "%s-value", mender->config.kafka_rewards_topic);
    enum err_code code = registry_register(mender->registry, subject, reward_schema_json(), &id, err);
    if (!code)
        reward_frame_confluent(id, &mender->frame);
    return code;
}

static enum err_code prepare(struct mender *mender, struct err *err)
{
    struct decode_limits limits = decode_limits_of(&mender->config);
    enum err_code code = open_registry(mender, err);
    if (!code)
        code = choose_frame(mender, err);
    if (!code)
        code = decoder_new(&limits, mender->registry, &mender->decoder, err);
    if (!code)
        code = input_records_new(&mender->config, &mender->inputs, err);
    if (!code)
        code = program_store_load(mender->connection, mender->programs_arena, &mender->programs, err);
    if (!code && mender->repair)
        code = producer_open(&mender->producer, err);
    return code;
}

enum err_code mender_new(const struct config *config, PGconn *connection, bool repair, struct mender **out,
                         struct err *err)
{
    assert(config && connection && out);
    struct mender *mender = calloc(1, sizeof *mender);
    if (!mender)
        abort();
    mender->config = *config;
    mender->config.instance = "audit";
    mender->connection = connection;
    mender->repair = repair;
    mender->arena = arena_new(1 << 16);
    mender->programs_arena = arena_new(0);
    producer_init(&mender->producer, &mender->config, &mender->cancel);
    mender->producer.mark = "audit";
    enum err_code code = prepare(mender, err);
    if (code)
        mender_free(mender);
    else
        *out = mender;
    return code;
}

struct mender *mender_free(struct mender *mender)
{
    if (!mender)
        return NULL;
    producer_abandon(&mender->producer);
    input_records_free(mender->inputs);
    decoder_free(mender->decoder);
    registry_free(mender->registry);
    arena_free(mender->programs_arena);
    arena_free(mender->arena);
    free(mender);
    return NULL;
}

/* ---- sending */

static enum err_code commit(struct mender *mender, struct err *err)
{
    if (mender->open == 0)
        return ERR_NONE;
    enum producer_end end = producer_end_without_offsets(&mender->producer, err);
    mender->open = 0;
    if (end == PRODUCER_COMMITTED)
        return ERR_NONE;
    err_wrap(err, end == PRODUCER_UNKNOWN ? "it is not known whether the last outputs were published; run it again"
                                          : "the last outputs were not published");
    return err->code;
}

static enum err_code send_frame(struct mender *mender, const struct audit_input *input, const struct frame *frame,
                                struct err *err)
{
    enum err_code code = ERR_NONE;
    assert(frame->offset < input->published);
    if (!mender->repair)
        return ERR_NONE;
    if (mender->open == TRANSACTION_MOST)
        code = commit(mender, err);
    if (!code)
        code = producer_open(&mender->producer, err); /* a slow commit leaves none */
    if (!code && mender->open == 0)
        code = producer_begin(&mender->producer, err);
    if (!code)
        code = producer_send(&mender->producer, frame, input->topic, input->topic_no, input->partition, err);
    if (!code)
        mender->open++;
    return code;
}

enum err_code mender_finish(struct mender *mender, struct err *err)
{
    return commit(mender, err);
}

/* ---- one input's outputs */

/* The group at hand, and what was found out about it. */
struct job {
    struct mender *mender;
    const struct audit_input *input;
    const struct evidence *group;
    size_t count;
    const struct verdict *verdict;
    struct mending *mending;
};

static void refuse(struct job *job, const char *why)
{
    snprintf(job->mending->why, sizeof job->mending->why, "%s", why);
}

static const struct evidence *on_topic(const struct job *job, uint32_t index)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->group[i].origin == FROM_TOPIC && job->group[i].index == index)
            return &job->group[i];
    return NULL;
}

static enum err_code read_outbox(const struct job *job, PGresult **out, struct err *err)
{
    char topic_no[16], partition[16], offset[24];
    snprintf(topic_no, sizeof topic_no, "%" PRId32, job->input->topic_no);
    snprintf(partition, sizeof partition, "%" PRId32, job->input->partition);
    snprintf(offset, sizeof offset, "%" PRId64, job->group[0].offset);
    const char *values[] = {topic_no, partition, job->mender->config.kafka_group, offset};
    PGresult *rows = PQexecParams(job->mender->connection,
                                  "SELECT frames FROM outbox WHERE topic_no = $1::int AND partition = $2::int"
                                  " AND consumer = $3::text AND from_offset <= $4::bigint AND to_offset > $4::bigint",
                                  4, NULL, values, NULL, NULL, BINARY);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(job->mender->connection, rows, "looking for outputs in the outbox", err);
    *out = rows;
    return ERR_NONE;
}

static bool is_wanted(const struct job *job, const struct frame *frame)
{
    enum evidence_kind kind = frame->kind == FRAME_REWARD ? EVIDENCE_REWARD : EVIDENCE_DEAD_LETTER;
    return frame->offset == job->group[0].offset && kind == job->group[0].kind && !on_topic(job, frame->index);
}

/* The exact bytes, where the row is not pruned yet. */
static enum err_code mend_from_outbox(struct job *job, bool *has_row, struct err *err)
{
    struct frame_header headers[FRAME_HEADERS_MAX];
    PGresult *rows = NULL;
    enum err_code code = read_outbox(job, &rows, err);
    if (code)
        return code;
    *has_row = PQntuples(rows) > 0;
    struct bytes frames = *has_row ? result_bytes(rows, 0, 0) : (struct bytes){0};
    for (size_t at = 0; at < frames.len && !code;) {
        struct frame frame;
        code = frame_next(frames, &at, &frame, headers, err);
        if (code || !is_wanted(job, &frame))
            continue;
        code = send_frame(job->mender, job->input, &frame, err);
        job->mending->mended++;
    }
    PQclear(rows);
    return code;
}

static struct bytes original(const void *at, size_t len)
{
    return (struct bytes){at, at ? len : 0};
}

static size_t copy_headers(const rd_kafka_message_t *message, struct frame_header *out)
{
    rd_kafka_headers_t *headers;
    size_t count = 0, len;
    const char *name;
    const void *value;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    while (count < FRAME_HEADERS_MAX &&
           rd_kafka_header_get_all(headers, count, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR)
        out[count++] = (struct frame_header){text_of(name), original(value, len)};
    return count;
}

static enum err_code read_refusal(const struct job *job, PGresult **out, struct err *err)
{
    char topic_no[16], partition[16], offset[24];
    snprintf(topic_no, sizeof topic_no, "%" PRId32, job->input->topic_no);
    snprintf(partition, sizeof partition, "%" PRId32, job->input->partition);
    snprintf(offset, sizeof offset, "%" PRId64, job->group[0].offset);
    const char *values[] = {topic_no, partition, offset};
    PGresult *rows = PQexecParams(job->mender->connection,
                                  "SELECT reason, stage, detail FROM dead_letters WHERE topic_no = $1::int"
                                  " AND partition = $2::int AND input_offset = $3::bigint",
                                  3, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK || PQntuples(rows) != 1)
        return postgres_failed(job->mender->connection, rows, "reading a dead letter's row", err);
    *out = rows;
    return ERR_NONE;
}

/* Its record is the input's own, with what its row says. */
static enum err_code mend_dead_letter(struct job *job, const rd_kafka_message_t *message, struct err *err)
{
    struct frame_header headers[FRAME_HEADERS_MAX];
    PGresult *rows = NULL;
    enum err_code code = read_refusal(job, &rows, err);
    if (code)
        return code;
    struct frame frame = {
        .kind = FRAME_DEAD_LETTER,
        .offset = job->group[0].offset,
        .key = original(message->key, message->key_len),
        .value = original(message->payload, message->len),
        .time = rd_kafka_message_timestamp(message, NULL) * 1000,
        .reason = text_of(PQgetvalue(rows, 0, 0)),
        .stage = text_of(PQgetvalue(rows, 0, 1)),
        .detail = text_of(PQgetvalue(rows, 0, 2)),
        .headers = headers,
        .header_count = copy_headers(message, headers),
    };
    code = send_frame(job->mender, job->input, &frame, err);
    job->mending->mended++;
    PQclear(rows);
    return code;
}

/* What can be said before anything is read; NULL: nothing speaks against it. */
static const char *check_rewards(const struct job *job)
{
    const struct evidence *first = &job->group[0];
    if (job->verdict->altered > 0)
        return "an output of the same input says something else than its entry";
    if (job->verdict->entries == 0)
        return "it moved no points, so the ledger keeps no trace of what it said, and its outbox row is pruned";
    for (size_t i = 0; i < job->verdict->entries; i++) {
        if (job->group[i].doubtful)
            return "its member's rows contradict each other, and what is wrong is not published";
        if (!hash16_equal(job->group[i].member_key, first->member_key))
            return "its input's outputs belong to two members, whose order the ledger does not keep, so that its id "
                   "is not certain";
    }
    return NULL;
}

/* The outputs that are there must stand where the rebuilt ones would. */
static const char *check_places(const struct job *job)
{
    for (size_t i = 0; i < job->verdict->entries; i++) {
        const struct evidence *there = on_topic(job, (uint32_t)i);
        if (there && !hash16_equal(there->content, job->group[i].content))
            return "the outputs of its input that are there do not stand in the order of their entries";
    }
    return NULL;
}

/* How many of the input's entries before that one have its cause. */
static uint32_t index_in_cause(const struct rebuild_input *from, size_t at)
{
    uint32_t before = 0;
    for (size_t i = from->first; i < at; i++)
        before += hash16_equal(from->rows[i].event_key, from->rows[at].event_key);
    return before;
}

static struct frame frame_of(const struct job *job, const struct rebuild_input *from, const struct reward *reward,
                             uint32_t index)
{
    struct mender *mender = job->mender;
    const struct event *event = from->event;
    const struct ledger_row *row = &from->rows[from->first + index];
    bool settled = !hash16_equal(row->event_key, hash_event(event->source, event->id));
    char *room = arena_raw(mender->arena, OUTPUT_ID_SIZE), *hex = arena_raw(mender->arena, HASH16_HEX_SIZE);
    hash16_hex(row->event_key, hex);
    struct reward_context context = {
        .program_id = event->program_id,
        .member_id = event->member_id,
        .occurred_at = row->occurred_at,
        .event_source = settled ? TEXT(SETTLEMENT_SOURCE) : event->source,
        .event_id = settled ? text_of(hex) : event->id,
        .id = settled ? output_id_of_settlement(row->event_key, index_in_cause(from, from->first + index), room)
                      : output_id(job->input->topic_no, job->input->partition, job->group[0].offset, index, room),
    };
    return (struct frame){
        .kind = FRAME_REWARD,
        .offset = job->group[0].offset,
        .index = index,
        .key = {(const uint8_t *)event->member_id.at, event->member_id.len},
        .value = reward_encode(&mender->frame, reward, &context, mender->arena),
        .time = row->occurred_at,
        .type = text_of(reward_type_name(reward->type)),
        .program_id = event->program_id,
        .id = settled ? context.id : TEXT(""),
    };
}

static enum err_code send_rewards(struct job *job, const struct rebuild_input *from, struct err *err)
{
    const char *refusal = NULL;
    size_t count = from->row_count - from->first;
    struct reward *rewards = arena_array(job->mender->arena, count, sizeof *rewards);
    rebuild_rewards(from, job->mender->arena, rewards, &refusal);
    if (!refusal)
        refusal = check_places(job);
    if (refusal) {
        refuse(job, refusal);
        return ERR_NONE;
    }
    enum err_code code = ERR_NONE;
    for (uint32_t i = 0; i < count && !code; i++) {
        if (on_topic(job, i))
            continue;
        struct frame frame = frame_of(job, from, &rewards[i], i);
        code = send_frame(job->mender, job->input, &frame, err);
        job->mending->mended++;
    }
    if (!code && job->mending->mended < job->verdict->missing)
        refuse(job, "it moved no points, so the ledger keeps no trace of what it said, and its outbox row is pruned");
    return code;
}

/* The member's entries up to the last that this input caused; *first is the first of those. */
static enum err_code read_rows(struct job *job, struct rebuild_input *from, struct err *err)
{
    const struct evidence *first = &job->group[0], *last = &job->group[job->verdict->entries - 1];
    struct ledger_row *rows = NULL;
    enum err_code code = ledger_entries_of(job->mender->connection, first->member_key, last->place, job->mender->arena,
                                           &rows, &from->row_count, err);
    from->rows = rows;
    while (!code && from->first < from->row_count && rows[from->first].sequence < first->place)
        from->first++;
    if (!code && from->row_count - from->first != job->verdict->entries)
        code = err_set(err, ERR_DATABASE, "the ledger's entries changed while they were read");
    return code;
}

static enum err_code mend_rewards(struct job *job, const rd_kafka_message_t *message, struct err *err)
{
    struct event event;
    struct hash16 content;
    struct err why;
    struct bytes value = {message->payload, message->payload ? message->len : 0};
    int64_t recorded_at = rd_kafka_message_timestamp(message, NULL) * 1000;
    if (decoder_decode(job->mender->decoder, value, recorded_at, job->mender->arena, &event, &content, &why)) {
        refuse(job, "its input record cannot be decoded with these settings");
        return ERR_NONE;
    }
    struct rebuild_input from = {.event = &event, .programs = &job->mender->programs};
    enum err_code code = read_rows(job, &from, err);
    return code ? code : send_rewards(job, &from, err);
}

static enum err_code mend_from_input(struct job *job, struct err *err)
{
    const rd_kafka_message_t *message = NULL;
    bool is_reward = job->group[0].kind == EVIDENCE_REWARD;
    const char *refusal = is_reward ? check_rewards(job) : NULL;
    if (refusal) {
        refuse(job, refusal);
        return ERR_NONE;
    }
    enum err_code code = input_records_get(job->mender->inputs, job->input->topic, job->input->partition,
                                           job->group[0].offset, &message, err);
    if (code)
        return code;
    if (!message) {
        refuse(job, "its outbox row is pruned and its input record is not on its topic any more");
        return ERR_NONE;
    }
    return is_reward ? mend_rewards(job, message, err) : mend_dead_letter(job, message, err);
}

enum err_code mender_mend(struct mender *mender, const struct audit_input *input, const struct evidence *group,
                          size_t count, const struct verdict *verdict, struct mending *out, struct err *err)
{
    assert(mender && input && group && count > 0 && verdict && out);
    struct job job = {mender, input, group, count, verdict, out};
    bool has_row = false;
    *out = (struct mending){0};
    arena_reset(mender->arena);
    enum err_code code = mend_from_outbox(&job, &has_row, err);
    return code || has_row ? code : mend_from_input(&job, err);
}
