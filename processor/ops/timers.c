#include <inttypes.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "ops/command.h"
#include "ops/database.h"
#include "timers/due.h"
#include "timers/inputs.h"

/* How far time has come for members without events, and who waits for it. */
struct view {
    int64_t watermark;
    const struct watermark_input *holder; /* NULL: nothing holds it back */
    struct due_counts counts;
};

static enum err_code read_view(const struct config *config, rd_kafka_t *client, struct exchange *ledger,
                               struct arena *arena, struct view *out, struct err *err)
{
    struct inputs inputs;
    int64_t now = clock_utc_us();
    enum err_code code = inputs_prepare(ledger, err);
    if (!code)
        code = inputs_read(client, ledger, config, config->kafka_topics, arena, &inputs, err);
    if (!code)
        code = inputs_look(client, &inputs, now, now, err);
    if (code)
        return code;
    out->watermark = watermark_of(inputs.items, inputs.count, now, &out->holder);
    return due_count(ledger, out->watermark, &out->counts, err);
}

static json_t *time_json(int64_t at)
{
    return at == INT64_MIN || at == INT64_MAX ? json_null() : json_integer(at);
}

static void print_json(FILE *out, const struct view *view)
{
    const struct watermark_input *holder = view->holder;
    json_t *by = holder ? json_pack("{s:s%, s:i, s:b}", "topic", holder->topic.at, holder->topic.len, "partition",
                                    holder->partition, "history", holder->is_history)
                        : json_null();
    json_t *all = json_pack("{s:o, s:o, s:I, s:I, s:I, s:o}", "watermark", time_json(view->watermark), "held_by", by,
                            "due", (json_int_t)view->counts.due, "refused", (json_int_t)view->counts.in_vain, "later",
                            (json_int_t)view->counts.later, "next_due_at", time_json(view->counts.next_due_at));
    json_dumpf(all, out, 0);
    fputc('\n', out);
    json_decref(all);
}

static void print_text(FILE *out, const struct view *view)
{
    char room[RFC3339_SIZE];
    const struct watermark_input *holder = view->holder;
    if (view->watermark == INT64_MIN)
        fprintf(out, "watermark  none: of %s/%" PRId32 " nothing is read yet\n", holder->topic.at, holder->partition);
    else if (holder)
        fprintf(out, "watermark  %s, the newest event of %s/%" PRId32 ", which is %s\n",
                rfc3339_format(view->watermark, room), holder->topic.at, holder->partition,
                holder->is_history ? "history" : "not read to its end");
    else
        fputs("watermark  now: all input is read to its end\n", out);
    fprintf(out, "due        %" PRId64 " members before it, %" PRId64 " of them refused: see the dead letters\n",
            view->counts.due, view->counts.in_vain);
    fprintf(out, "later      %" PRId64 " members", view->counts.later);
    if (view->counts.next_due_at < INT64_MAX)
        fprintf(out, ", the next at %s", rfc3339_format(view->counts.next_due_at, room));
    fputc('\n', out);
}

static int show(const struct invocation *invocation)
{
    struct err err = {.code = ERR_NONE};
    struct exchange ledger = {NULL, invocation->config->postgres_statement_timeout_ms, NULL};
    struct arena *arena = arena_new(0);
    struct view view = {0};
    rd_kafka_t *client = NULL;
    enum err_code code = database_open(invocation->config, POSTGRES_READER, &ledger.connection, &err);
    if (!code)
        code = inputs_client(invocation->config, &client, &err);
    if (!code)
        code = read_view(invocation->config, client, &ledger, arena, &view, &err);
    if (!code && invocation->json)
        print_json(invocation->out, &view);
    else if (!code)
        print_text(invocation->out, &view);
    if (client)
        rd_kafka_destroy(client);
    postgres_close(ledger.connection);
    arena_free(arena);
    return code ? command_failed(invocation, &err) : EXIT_OK;
}

const struct command command_timers_show = {
    .name = "timers show",
    .arguments = "",
    .summary = "show how far time has come for quiet members, and who is due",
    .description =
        "What falls due for a member (points that expire, a period that ends) is settled by the member's next event. "
        "For "
        "members without events a timer does it, once the watermark has passed: the least over all input partitions of "
        "the newest event applied. A partition that is read to its end counts as now, unless its topic is one of "
        "kafka.history_topics.\n\n"
        "due: members who are woken at this moment, or whose timer was refused; the refused are sent again when the "
        "programs change, or after an hour. later: members who owe something that the watermark has not passed.",
    .loads_config = true,
    .json = true,
    .examples = {{"points timers show", "is anything held back, and by which partition"}},
    .run = show,
};
