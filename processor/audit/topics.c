#include "audit/topics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "audit/expected.h"
#include "audit/output_record.h"
#include "audit/output_topic.h"
#include "audit/retention.h"
#include "audit/sorter.h"
#include "ledger/exchange.h"
#include "ledger/postgres.h"

enum { IN_MEMORY = 262144, PAGE = 4096, BINARY = 1, ANSWER_MS = 10000 };

/* A list of evidence that grows. */
struct pile {
    struct evidence *items;
    size_t count;
    size_t capacity;
};

struct topics {
    struct topics_audit *audit;
    struct arena *arena;
    rd_kafka_t *client;
    struct mender *mender;
    struct audit_inputs inputs;
    struct output_ends ends[EVIDENCE_KIND_COUNT];
    struct retention *retention[EVIDENCE_KIND_COUNT];
    struct sorter *sorter;
    enum evidence_kind reading; /* the topic at hand */
    struct ledger_row *rows;    /* of the member at hand: its name comes after them */
    size_t row_count;
    size_t row_capacity;
    struct pile group;
};

static void pile_add(struct pile *pile, const struct evidence *evidence)
{
    if (pile->count == pile->capacity) {
        pile->capacity = pile->capacity ? pile->capacity * 2 : 64;
        pile->items = realloc(pile->items, pile->capacity * sizeof *pile->items);
        if (!pile->items)
            abort();
    }
    pile->items[pile->count++] = *evidence;
}

/* ---- K and the ends */

/* A topic's end was asked for before K, which a processor may have moved past it meanwhile: only an end that is asked
 * for after K can tell that the topic was made anew. */
static enum err_code ask_again(struct topics *topics, struct offsets *offsets, struct err *err)
{
    for (size_t i = 0; i < offsets->count; i++) {
        struct partition_offsets *item = &offsets->items[i];
        if (item->high >= item->committed)
            continue;
        const char *topic = arena_printf(topics->arena, "%.*s", (int)item->topic.len, item->topic.at).at;
        rd_kafka_resp_err_t failure = rd_kafka_query_watermark_offsets(topics->client, topic, item->partition,
                                                                       &item->low, &item->high, ANSWER_MS);
        if (failure)
            return err_set(err, ERR_KAFKA, "asking for the end of %s/%" PRId32 ": %s", topic, item->partition,
                           rd_kafka_err2str(failure));
    }
    return ERR_NONE;
}

static enum err_code read_inputs(struct topics *topics, struct audit_inputs *out, struct findings *findings,
                                 struct err *err)
{
    const struct config *config = topics->audit->config;
    struct offsets offsets;
    enum err_code code = offsets_read(topics->client, topics->audit->connection, config, config->kafka_topics,
                                      topics->arena, &offsets, err);
    if (!code)
        code = ask_again(topics, &offsets, err);
    if (!code)
        inputs_from_offsets(&offsets, topics->arena, out, findings);
    return code;
}

static enum err_code begin(struct topics *topics, struct err *err)
{
    struct topics_audit *audit = topics->audit;
    const struct config *config = audit->config;
    const char *names[] = {
        [EVIDENCE_REWARD] = config->kafka_rewards_topic, [EVIDENCE_DEAD_LETTER] = config->kafka_dead_letter_topic};
    enum err_code code = mender_new(config, audit->connection, audit->repair, &topics->mender, err);
    if (!code)
        code = offsets_client(config, &topics->client, err);
    if (!code)
        code = read_inputs(topics, &topics->inputs, audit->findings, err);
    for (int kind = 0; kind < EVIDENCE_KIND_COUNT && !code; kind++) {
        struct output_ends *ends = &topics->ends[kind];
        code = output_ends_read(config, names[kind], topics->arena, ends, err);
        if (code)
            return code;
        topics->retention[kind] = retention_new(topics->inputs.count, (size_t)ends->count);
        for (int32_t p = 0; p < ends->count; p++)
            if (ends->low[p] > 0)
                retention_cut(topics->retention[kind], (size_t)p);
    }
    return code ? code : sorter_new(IN_MEMORY, &topics->sorter, err);
}

enum err_code topics_begin(struct topics_audit *audit, struct topics **out, struct err *err)
{
    assert(audit && out);
    struct topics *topics = calloc(1, sizeof *topics);
    if (!topics)
        abort();
    topics->audit = audit;
    topics->arena = arena_new(0);
    enum err_code code = begin(topics, err);
    if (code)
        topics_free(topics);
    else
        *out = topics;
    return code;
}

struct topics *topics_free(struct topics *topics)
{
    if (!topics)
        return NULL;
    mender_free(topics->mender);
    if (topics->client)
        rd_kafka_destroy(topics->client);
    for (int kind = 0; kind < EVIDENCE_KIND_COUNT; kind++)
        retention_free(topics->retention[kind]);
    sorter_free(topics->sorter);
    arena_free(topics->arena);
    free(topics->group.items);
    free(topics->rows);
    free(topics);
    return NULL;
}

/* ---- the topics */

static void add_foreign(struct topics *topics, const rd_kafka_message_t *message)
{
    struct finding finding = {.kind = FINDING_FOREIGN, .fate = FATE_REPORTED};
    snprintf(finding.where, sizeof finding.where, "%s/%" PRId32 "@%" PRId64, topics->ends[topics->reading].topic,
             message->partition, message->offset);
    findings_add(topics->audit->findings, &finding);
}

static enum err_code take_record(void *context, const rd_kafka_message_t *message, struct err *err)
{
    struct topics *topics = context;
    struct output_record record;
    if (topics->reading == EVIDENCE_REWARD)
        topics->audit->rewards++;
    else
        topics->audit->dead_letters++;
    if (!output_record_read(message, topics->reading, &record)) {
        add_foreign(topics, message);
        return ERR_NONE;
    }
    int input = inputs_find(&topics->inputs, record.evidence.topic_no, record.evidence.partition);
    if (input != INPUT_NONE && !record.republished)
        retention_see(topics->retention[topics->reading], (size_t)input, (size_t)message->partition,
                      record.evidence.offset);
    return sorter_add(topics->sorter, &record.evidence, err);
}

enum err_code topics_read(struct topics *topics, struct err *err)
{
    assert(topics);
    struct output_visitor visitor = {topics, take_record};
    struct ticker ticker = ticker_on(topics->audit->errors);
    enum err_code code = ERR_NONE;
    for (int kind = 0; kind < EVIDENCE_KIND_COUNT && !code; kind++) {
        topics->reading = (enum evidence_kind)kind;
        code = output_topic_read(topics->audit->config, &topics->ends[kind], &visitor, &ticker, err);
    }
    return code;
}

/* ---- the ledger */

/* True where the output must be there. */
static bool lies_below(struct topics *topics, int32_t topic_no, int32_t partition, int64_t offset)
{
    int input = inputs_find(&topics->inputs, topic_no, partition);
    bool below = input != INPUT_NONE && offset < topics->inputs.items[input].published;
    topics->audit->expected += below;
    topics->audit->above += !below;
    return below;
}

static enum err_code take_entry(void *context, const struct ledger_row *row, struct err *err)
{
    struct topics *topics = context;
    (void)err;
    if (topics->row_count == topics->row_capacity) {
        topics->row_capacity = topics->row_capacity ? topics->row_capacity * 2 : 64;
        topics->rows = realloc(topics->rows, topics->row_capacity * sizeof *topics->rows);
        if (!topics->rows)
            abort();
    }
    if (lies_below(topics, row->topic_no, row->partition, row->offset))
        topics->rows[topics->row_count++] = *row;
    return ERR_NONE;
}

/* The producer's own choice for a member; see producer.c. */
static int32_t home_of(const struct topics *topics, struct text member_id)
{
    int32_t count = topics->ends[EVIDENCE_REWARD].count;
    if (member_id.len == 0)
        return PARTITION_UNKNOWN;
    return rd_kafka_msg_partitioner_murmur2(NULL, member_id.at, member_id.len, count, NULL, NULL);
}

static enum err_code add_entry(struct topics *topics, const struct ledger_row *row, const struct ledger_member *member,
                               bool agree, struct err *err)
{
    struct reward_content content;
    if (!expected_content(row, &content))
        return ERR_NONE;
    struct evidence evidence = {.offset = row->offset,
                                .place = row->sequence,
                                .content = evidence_reward_content(&content),
                                .member_key = row->member_key,
                                .topic_no = row->topic_no,
                                .partition = row->partition,
                                .out_partition = home_of(topics, member->member_id),
                                .kind = EVIDENCE_REWARD,
                                .origin = FROM_LEDGER,
                                .doubtful = !agree};
    return sorter_add(topics->sorter, &evidence, err);
}

/* Entries without a member are the ledger's own finding; what they should have caused cannot be told. */
static enum err_code take_member(void *context, const struct ledger_member *member, bool agree, struct err *err)
{
    struct topics *topics = context;
    enum err_code code = ERR_NONE;
    for (size_t i = 0; member && i < topics->row_count && !code; i++)
        code = add_entry(topics, &topics->rows[i], member, agree, err);
    topics->row_count = 0;
    return code;
}

struct ledger_visitor topics_ledger_visitor(struct topics *topics)
{
    return (struct ledger_visitor){topics, take_entry, take_member};
}

/* A page of rows behind *last, which moves on; *count says how many there were. */
static enum err_code add_dead_page(struct topics *topics, struct evidence *last, int *count, struct err *err)
{
    char topic_no[16], partition[16], offset[24], limit[16];
    snprintf(topic_no, sizeof topic_no, "%" PRId32, last->topic_no);
    snprintf(partition, sizeof partition, "%" PRId32, last->partition);
    snprintf(offset, sizeof offset, "%" PRId64, last->offset);
    snprintf(limit, sizeof limit, "%d", PAGE);
    const char *values[] = {topic_no, partition, offset, limit};
    PGconn *connection = topics->audit->connection;
    PGresult *rows = PQexecParams(connection,
                                  "SELECT topic_no, partition, input_offset, reason FROM dead_letters"
                                  " WHERE (topic_no, partition, input_offset) > ($1::int, $2::int, $3::bigint)"
                                  " ORDER BY topic_no, partition, input_offset LIMIT $4::int",
                                  4, NULL, values, NULL, NULL, BINARY);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "reading dead letters", err);
    enum err_code code = ERR_NONE;
    *count = PQntuples(rows);
    for (int row = 0; row < *count && !code; row++) {
        struct bytes reason = result_bytes(rows, row, 3);
        *last = (struct evidence){.offset = result_i64(rows, row, 2),
                                  .content =
                                      evidence_dead_letter_content((struct text){(const char *)reason.at, reason.len}),
                                  .topic_no = result_i32(rows, row, 0),
                                  .partition = result_i32(rows, row, 1),
                                  .out_partition = PARTITION_UNKNOWN,
                                  .kind = EVIDENCE_DEAD_LETTER,
                                  .origin = FROM_LEDGER};
        if (lies_below(topics, last->topic_no, last->partition, last->offset))
            code = sorter_add(topics->sorter, last, err);
    }
    PQclear(rows);
    return code;
}

static enum err_code add_dead_letters(struct topics *topics, struct err *err)
{
    struct evidence last = {.topic_no = -1};
    int count = PAGE;
    enum err_code code = ERR_NONE;
    while (!code && count == PAGE)
        code = add_dead_page(topics, &last, &count, err);
    return code;
}

/* ---- comparing */

/* "loyalty.orders/1@147", which is how the other commands name an input. */
static void name_input(const struct topics *topics, const struct evidence *of, struct finding *finding)
{
    int input = inputs_find(&topics->inputs, of->topic_no, of->partition);
    if (input == INPUT_NONE)
        snprintf(finding->where, sizeof finding->where, "topic %" PRId32 "/%" PRId32 "@%" PRId64, of->topic_no,
                 of->partition, of->offset);
    else
        snprintf(finding->where, sizeof finding->where, "%s/%" PRId32 "@%" PRId64, topics->inputs.items[input].topic,
                 of->partition, of->offset);
}

static void add_all(struct topics *topics, enum finding_kind kind, size_t count, const char *remark)
{
    struct finding finding = {.kind = kind, .fate = FATE_REPORTED};
    name_input(topics, &topics->group.items[0], &finding);
    snprintf(finding.remark, sizeof finding.remark, "%s", remark);
    for (size_t i = 0; i < count; i++)
        findings_add(topics->audit->findings, &finding);
}

static void report_duplicates(struct topics *topics, const struct verdict *verdict)
{
    char remark[FINDING_REMARK_SIZE];
    const struct evidence *again = verdict->duplicate;
    if (verdict->duplicates == 0)
        return;
    snprintf(remark, sizeof remark, "output %" PRIu32 " stands again at %s/%" PRId32 "@%" PRId64, again->index,
             topics->ends[again->kind].topic, again->out_partition, again->place);
    add_all(topics, FINDING_DUPLICATE, verdict->duplicates, remark);
}

/* How many of the missing ones may have left the topic by retention. */
static size_t count_gone(const struct topics *topics, size_t input, const struct verdict *verdict)
{
    size_t gone = 0;
    const struct evidence *first = &topics->group.items[0];
    const struct retention *retention = topics->retention[first->kind];
    for (size_t i = 0; i < verdict->missing; i++) {
        bool has_row = i < verdict->unmatched_count;
        int32_t home = has_row ? verdict->unmatched[i]->out_partition : PARTITION_UNKNOWN;
        gone += retention_may_be_gone(retention, input, home, first->offset);
    }
    return gone;
}

/* An output that may be gone is not published again, nor are the others of its input: retention took it as it was told
 * to, and which of them stood where is not known. */
static enum err_code report_missing(struct topics *topics, size_t input, const struct verdict *verdict, struct err *err)
{
    struct mending mending = {0};
    const struct evidence *first = &topics->group.items[0];
    size_t gone = count_gone(topics, input, verdict);
    topics->audit->gone += (int64_t)gone;
    if (gone == verdict->missing)
        return ERR_NONE;
    enum err_code code = ERR_NONE;
    if (gone == 0)
        code = mender_mend(topics->mender, &topics->inputs.items[input], topics->group.items, topics->group.count,
                           verdict, &mending, err);
    else
        snprintf(mending.why, sizeof mending.why, "others of its input may have left the topic by retention");
    if (code)
        return code;
    enum finding_fate fate = topics->audit->repair ? FATE_MENDED : FATE_MENDABLE;
    struct finding finding = {.kind = first->kind == EVIDENCE_REWARD ? FINDING_MISSING : FINDING_LETTER_MISSING};
    name_input(topics, first, &finding);
    for (size_t i = 0; i < verdict->missing - gone; i++) {
        bool mended = i < mending.mended;
        finding.fate = mended ? fate : FATE_REFUSED;
        snprintf(finding.remark, sizeof finding.remark, "%s", mended ? "" : mending.why);
        findings_add(topics->audit->findings, &finding);
    }
    return ERR_NONE;
}

static enum err_code compare_group(struct topics *topics, struct err *err)
{
    const struct evidence *first = &topics->group.items[0];
    int input = inputs_find(&topics->inputs, first->topic_no, first->partition);
    bool complete = input != INPUT_NONE && first->offset < topics->inputs.items[input].published;
    struct verdict verdict = judge(topics->group.items, topics->group.count, complete);
    report_duplicates(topics, &verdict);
    add_all(topics, FINDING_ALTERED, verdict.altered, "");
    add_all(topics, FINDING_UNEXPLAINED, verdict.unexplained, "");
    topics->audit->untraced += (int64_t)verdict.untraced;
    return verdict.missing > 0 ? report_missing(topics, (size_t)input, &verdict, err) : ERR_NONE;
}

static enum err_code compare_all(struct topics *topics, struct err *err)
{
    struct ticker ticker = ticker_on(topics->audit->errors);
    struct evidence next;
    bool found = false;
    int64_t done = 0;
    enum err_code code = sorter_next(topics->sorter, &next, &found, err);
    while (!code && found) {
        if (topics->group.count > 0 && !evidence_same_group(&topics->group.items[0], &next)) {
            code = compare_group(topics, err);
            topics->group.count = 0;
        }
        pile_add(&topics->group, &next);
        if (!code)
            code = sorter_next(topics->sorter, &next, &found, err);
        ticker_show(&ticker, "compared", ++done, sorter_count(topics->sorter));
    }
    if (!code && topics->group.count > 0)
        code = compare_group(topics, err);
    ticker_clear(&ticker);
    return code;
}

/* Before anything is published: K must still cover what it covered. */
static enum err_code check_positions(struct topics *topics, struct err *err)
{
    struct audit_inputs now;
    struct findings *ignored = calloc(1, sizeof *ignored);
    if (!ignored)
        abort();
    enum err_code code = read_inputs(topics, &now, ignored, err);
    free(ignored);
    for (size_t i = 0; i < topics->inputs.count && !code; i++) {
        const struct audit_input *then = &topics->inputs.items[i];
        int at = inputs_find(&now, then->topic_no, then->partition);
        if (at == INPUT_NONE || now.items[at].published < then->published)
            code = err_set(err, ERR_POSITION_REFUSED,
                           "the position of %s/%" PRId32 " was set back while the audit ran; run it again", then->topic,
                           then->partition);
    }
    return code;
}

enum err_code topics_compare(struct topics *topics, struct err *err)
{
    assert(topics);
    enum err_code code = add_dead_letters(topics, err);
    if (!code)
        code = sorter_finish(topics->sorter, err);
    if (!code && topics->audit->repair)
        code = check_positions(topics, err);
    if (!code)
        code = compare_all(topics, err);
    return code ? code : mender_finish(topics->mender, err);
}
