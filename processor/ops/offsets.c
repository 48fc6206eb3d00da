#include <inttypes.h>
#include <jansson.h>

#include "ops/command.h"
#include "ops/database.h"
#include "ops/offsets_read.h"
#include "ops/offsets_reset.h"

/* What both commands begin with. */
struct session {
    rd_kafka_t *client;
    PGconn *ledger;
    struct arena *arena;
    struct offsets offsets;
};

static enum err_code open_session(const struct invocation *invocation, enum postgres_role role, struct session *session,
                                  struct err *err)
{
    const char *topics = option_text(invocation, "--topic", invocation->config->kafka_topics);
    session->arena = arena_new(0);
    enum err_code code = database_open(invocation->config, role, &session->ledger, err);
    if (!code)
        code = offsets_client(invocation->config, &session->client, err);
    if (!code)
        code = offsets_read(session->client, session->ledger, invocation->config, topics, session->arena,
                            &session->offsets, err);
    return code;
}

static void close_session(struct session *session)
{
    postgres_close(session->ledger);
    if (session->client)
        rd_kafka_destroy(session->client);
    arena_free(session->arena);
}

static void dump(const struct invocation *invocation, json_t *value)
{
    json_dumpf(value, invocation->out, JSON_COMPACT);
    fputc('\n', invocation->out);
    json_decref(value);
}

/* Offsets that do not exist are null. */
static json_t *offset_json(int64_t offset)
{
    return offset == OFFSET_NONE ? json_null() : json_integer(offset);
}

static int64_t lag_of(const struct partition_offsets *item)
{
    int64_t from = item->in_ledger ? item->applied : item->low;
    return item->high > from ? item->high - from : 0;
}

static json_t *partition_json(const struct partition_offsets *item)
{
    return json_pack(
        "{s:s%, s:i, s:o, s:o, s:b, s:o, s:o, s:I, s:o, s:I}", "topic", item->topic.at, item->topic.len, "partition",
        item->partition, "applied", offset_json(item->in_ledger ? item->applied : OFFSET_NONE), "committed",
        offset_json(item->committed), "signed", item->is_signed, "low", offset_json(item->low), "high",
        offset_json(item->high), "lag", (json_int_t)lag_of(item), "owner_epoch",
        item->in_ledger ? json_integer(item->owner_epoch) : json_null(), "outbox_rows", (json_int_t)item->outbox_rows);
}

/* Right-aligned in ten columns; a hyphen for an offset that does not exist. */
static void print_offset(FILE *out, int64_t offset)
{
    if (offset == OFFSET_NONE)
        fprintf(out, " %10s", "-");
    else
        fprintf(out, " %10" PRId64, offset);
}

static void print_partition(FILE *out, const struct partition_offsets *item)
{
    fprintf(out, "%-28.*s %4" PRId32, (int)item->topic.len, item->topic.at, item->partition);
    print_offset(out, item->in_ledger ? item->applied : OFFSET_NONE);
    print_offset(out, item->committed);
    fprintf(out, " %-7s", item->committed == OFFSET_NONE ? "-" : item->is_signed ? "yes" : "NO");
    print_offset(out, item->high);
    print_offset(out, lag_of(item));
    print_offset(out, item->in_ledger ? item->owner_epoch : OFFSET_NONE);
    fprintf(out, " %6" PRId64 "\n", item->outbox_rows);
}

static void print_offsets(const struct invocation *invocation, const struct offsets *offsets)
{
    if (invocation->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < offsets->count; i++)
            json_array_append_new(list, partition_json(&offsets->items[i]));
        dump(invocation, list);
        return;
    }
    fprintf(invocation->out, "%-28s %4s %10s %10s %-7s %10s %10s %10s %6s\n", "topic", "part", "applied", "committed",
            "signed", "high", "lag", "epoch", "outbox");
    for (size_t i = 0; i < offsets->count; i++)
        print_partition(invocation->out, &offsets->items[i]);
}

static int show(const struct invocation *invocation)
{
    struct err err = {.code = ERR_NONE};
    struct session session = {0};
    enum err_code code = open_session(invocation, POSTGRES_READER, &session, &err);
    if (!code)
        print_offsets(invocation, &session.offsets);
    close_session(&session);
    return code ? command_failed(invocation, &err) : EXIT_OK;
}

static json_t *step_json(const struct reset_step *step)
{
    return json_pack("{s:s%, s:i, s:I, s:I, s:o, s:I, s:s?}", "topic", step->from->topic.at, step->from->topic.len,
                     "partition", step->from->partition, "applied", (json_int_t)step->from->applied, "new_applied",
                     (json_int_t)step->plan.applied, "committed", offset_json(step->from->committed), "new_committed",
                     (json_int_t)step->plan.commit, "refusal", step->plan.refusal);
}

static void print_step(FILE *out, const struct reset_step *step)
{
    const struct partition_offsets *from = step->from;
    fprintf(out, "%.*s/%" PRId32 ": applied %" PRId64 " -> %" PRId64 ", committed ", (int)from->topic.len,
            from->topic.at, from->partition, from->applied, step->plan.applied);
    if (from->committed == OFFSET_NONE)
        fputs("nothing", out);
    else
        fprintf(out, "%" PRId64 "%s", from->committed, from->is_signed ? "" : " (not by us)");
    fprintf(out, " -> %" PRId64, step->plan.commit);
    if (step->plan.refusal)
        fprintf(out, "  REFUSED: %s", step->plan.refusal);
    fputc('\n', out);
}

static void print_steps(const struct invocation *invocation, const struct reset *reset, bool done)
{
    json_t *list = json_array();
    for (size_t i = 0; i < reset->count; i++) {
        const struct reset_step *step = &reset->steps[i];
        json_array_append_new(list, step_json(step));
        if (!invocation->json)
            print_step(invocation->out, step);
    }
    if (invocation->json) {
        dump(invocation, json_pack("{s:b, s:o}", "done", done, "partitions", list));
        return;
    }
    json_decref(list);
    if (reset->count == 0)
        fputs("nothing to do: every partition stands there already\n", invocation->out);
    else if (!done)
        fputs("nothing was written; --yes does it\n", invocation->out);
}

static enum err_code choose_target(const struct invocation *invocation, enum offsets_target *out, struct err *err)
{
    bool beginning = option_given(invocation, "--to-beginning"), ledger = option_given(invocation, "--to-ledger");
    if (beginning == ledger)
        return err_set(err, ERR_USAGE, "say where to: --to-beginning or --to-ledger");
    *out = beginning ? TARGET_BEGINNING : TARGET_LEDGER;
    return ERR_NONE;
}

static enum err_code reset_session(const struct invocation *invocation, struct session *session,
                                   enum offsets_target target, struct err *err)
{
    bool wanted = option_given(invocation, "--yes");
    struct reset reset = reset_plan(&session->offsets, target, session->arena);
    enum err_code code = wanted ? reset_check(&reset, session->client, invocation->config, err) : ERR_NONE;
    if (!code && wanted)
        code = reset_run(&reset, session->ledger, session->client, invocation->config, session->arena, err);
    if (!code)
        print_steps(invocation, &reset, wanted);
    return code;
}

static int reset(const struct invocation *invocation)
{
    struct err err = {.code = ERR_NONE};
    struct session session = {0};
    enum offsets_target target = TARGET_LEDGER;
    enum err_code code = choose_target(invocation, &target, &err);
    if (!code)
        code = open_session(invocation, POSTGRES_RUNTIME, &session, &err);
    if (!code)
        code = reset_session(invocation, &session, target, &err);
    close_session(&session);
    return code ? command_failed(invocation, &err) : EXIT_OK;
}

const struct command command_offsets_show = {
    .name = "offsets show",
    .arguments = "",
    .summary = "show how far each partition was read and published",
    .description =
        "For each partition of the input topics: applied, up to where the ledger has applied it; committed, up to "
        "where its outputs are published, which is the consumer group's offset in Kafka; whether that offset was "
        "committed by us (signed), the topic's end, how many records the ledger is behind, the epoch of its owner, and "
        "the rows in the outbox.\n\n"
        "committed may lag behind applied for moments; ahead of it, or not signed, the processor refuses to start "
        "there: see `points offsets reset --help`.",
    .loads_config = true,
    .json = true,
    .options = {{"--topic", "NAME", "only this topic (or several, comma-separated)"}},
    .examples = {{"points offsets show", "all input topics"},
                 {"points offsets show --json | jq 'map(.lag) | add'", "how many records are waiting"}},
    .run = show,
};

const struct command command_offsets_reset = {
    .name = "offsets reset",
    .arguments = "",
    .summary = "set positions in the ledger and in Kafka together",
    .description =
        "Kafka's own tools must not move this group's offsets: the ledger keeps a position too, and the processor "
        "stops "
        "when the two do not fit. This command moves both. Without --yes it says what it would do.\n\n"
        "--to-beginning: read everything again, from the first record that the topics still have. No event counts "
        "twice; it only takes time. Refused while outputs wait to be published.\n\n"
        "--to-ledger: go on where the ledger stands. For an offset that Kafka lost or that another tool has set, and "
        "after the database was restored from a backup. Outputs of which it isn't certain that they were published are "
        "published, perhaps again, with the same ids.\n\n"
        "Both are refused while the consumer group has members: stop every instance first.",
    .loads_config = true,
    .json = true,
    .options = {{"--to-beginning", NULL, "read everything again"},
                {"--to-ledger", NULL, "go on where the ledger stands"},
                {"--topic", "NAME", "only this topic (or several, comma-separated)"},
                {"--yes", NULL, "do it"}},
    .examples = {{"points offsets reset --to-beginning", "say what reading everything again would change"},
                 {"points offsets reset --to-ledger --yes", "repair an offset that another tool has set"}},
    .run = reset,
};
