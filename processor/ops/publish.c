#include "ops/publish.h"

#include <errno.h>
#include <stdlib.h>

enum { PROBLEMS_SHOWN = 50 };

/* One reading of the input. */
struct run {
    const struct invocation *invocation;
    const struct publish_options *options;
    struct event_routes routes;
    struct publish_report report;
    struct publish_sink sink;
    struct spool *spool; /* NULL: records are sent, or only counted, as they are read */
    struct ticker ticker;
};

static void note_problem(struct run *run, const struct line_problem *problem)
{
    const struct invocation *invocation = run->invocation;
    const char *path = problem->problem.path;
    run->report.bad++;
    if (run->report.bad > PROBLEMS_SHOWN)
        return;
    json_array_append_new(run->report.problems,
                          json_pack("{s:I, s:i, s:s, s:s}", "line", (json_int_t)run->report.lines, "column",
                                    problem->column, "field", path, "text", problem->problem.text));
    if (invocation->json)
        return;
    ticker_clear(&run->ticker);
    fprintf(invocation->errors, "%s:%lld:", run->options->path, (long long)run->report.lines);
    if (problem->column)
        fprintf(invocation->errors, "%d:", problem->column);
    fprintf(invocation->errors, " %s%s%s\n", path, path[0] ? ": " : "", problem->problem.text);
}

static enum err_code take_record(struct run *run, const struct event_record *record, struct err *err)
{
    if (run->spool)
        return spool_put(run->spool, record, err);
    if (!run->options->dry_run)
        return publish_sink_send(&run->sink, record, err);
    run->report.sent[record->type]++;
    return ERR_NONE;
}

static enum err_code take_raw(struct run *run, struct bytes line, struct err *err)
{
    if (!run->options->dry_run)
        return publish_sink_send_raw(&run->sink, line, err);
    run->report.sent[EVENT_TYPE_COUNT]++;
    return ERR_NONE;
}

static enum err_code take_line(struct run *run, struct text line, struct event_record *record, struct err *err)
{
    struct line_problem problem;
    if (run->options->raw)
        return take_raw(run, (struct bytes){(const uint8_t *)line.at, line.len}, err);
    if (strspn(line.at, " \t\r") == line.len) /* getline ends the line with NUL */
        return ERR_NONE;
    if (event_record_read(&run->routes, line, run->options->key_field, record, &problem))
        return take_record(run, record, err);
    note_problem(run, &problem);
    return ERR_NONE;
}

static enum err_code read_lines(struct run *run, FILE *file, struct err *err)
{
    struct event_record record = {0};
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    enum err_code code = ERR_NONE;
    while (code == ERR_NONE && (len = getline(&line, &size, file)) >= 0) {
        run->report.lines++;
        if (len > 0 && line[len - 1] == '\n')
            line[--len] = 0;
        code = take_line(run, (struct text){line, (size_t)len}, &record, err);
        ticker_show(&run->ticker, run->spool ? "lines read:" : "lines published:", run->report.lines, 0);
    }
    if (code == ERR_NONE && ferror(file))
        code = err_set(err, ERR_FILE, "%s: %s", run->options->path, strerror(errno));
    free(line);
    buffer_release(&record.key);
    buffer_release(&record.body);
    return code;
}

static enum err_code read_input(struct run *run, struct err *err)
{
    if (strcmp(run->options->path, "-") == 0)
        return read_lines(run, stdin, err);
    FILE *file = fopen(run->options->path, "re");
    if (!file)
        return err_set(err, ERR_FILE, "%s: %s", run->options->path, strerror(errno));
    enum err_code code = read_lines(run, file, err);
    fclose(file);
    return code;
}

static enum err_code send_spooled(struct run *run, struct err *err)
{
    struct event_record record = {0};
    bool more = true;
    int64_t done = 0;
    enum err_code code = spool_rewind(run->spool, err);
    while (code == ERR_NONE && more) {
        code = spool_next(run->spool, &record, &more, err);
        if (code == ERR_NONE && more)
            code = publish_sink_send(&run->sink, &record, err);
        ticker_show(&run->ticker, "published:", ++done, run->report.lines);
    }
    buffer_release(&record.key);
    buffer_release(&record.body);
    return code;
}

static enum err_code publish_all(struct run *run, struct err *err)
{
    enum err_code code = ERR_NONE;
    if (!run->options->raw)
        code = event_routes_new(run->invocation->config->kafka_topics, run->options->topic, &run->routes, err);
    if (code == ERR_NONE && !run->options->raw && !run->options->dry_run && !run->options->skip_bad &&
        !(run->spool = spool_new(err)))
        code = err->code;
    if (code == ERR_NONE)
        code = read_input(run, err);
    if (code == ERR_NONE && run->spool && !run->report.bad)
        code = send_spooled(run, err);
    enum err_code finished = publish_sink_finish(&run->sink, code == ERR_NONE ? err : NULL);
    ticker_clear(&run->ticker);
    return code == ERR_NONE ? finished : code;
}

static int64_t total_sent(const struct publish_report *report)
{
    int64_t total = 0;
    for (int type = 0; type <= EVENT_TYPE_COUNT; type++)
        total += report->sent[type];
    return total;
}

static const char *topic_of(const struct run *run, enum event_type type)
{
    return run->options->raw ? run->options->topic : run->routes.topics[type];
}

static void report_json(const struct run *run, int64_t total)
{
    json_t *topics = json_object();
    for (enum event_type type = 0; type <= EVENT_TYPE_COUNT; type++) {
        if (!run->report.sent[type])
            continue;
        const char *topic = topic_of(run, type);
        json_int_t before = json_integer_value(json_object_get(topics, topic));
        json_object_set_new(topics, topic, json_integer(before + run->report.sent[type]));
    }
    json_t *report = json_pack("{s:I, s:I, s:I, s:b, s:o, s:O}", "lines", (json_int_t)run->report.lines, "published",
                               (json_int_t)(run->options->dry_run ? 0 : total), "bad", (json_int_t)run->report.bad,
                               "dry_run", run->options->dry_run, "topics", topics, "problems", run->report.problems);
    json_dumpf(report, run->invocation->out, JSON_COMPACT);
    fputc('\n', run->invocation->out);
    json_decref(report);
}

static void report_text(const struct run *run, int64_t total)
{
    FILE *out = run->invocation->out;
    fprintf(out, "%s %lld record%s", run->options->dry_run ? "not sent, but good:" : "published", (long long)total,
            total == 1 ? "" : "s");
    if (run->report.bad)
        fprintf(out, ", skipped %lld line%s", (long long)run->report.bad, run->report.bad == 1 ? "" : "s");
    fputc('\n', out);
    for (enum event_type type = 0; type <= EVENT_TYPE_COUNT; type++)
        if (run->report.sent[type])
            fprintf(out, "  %8lld  %-10s -> %s\n", (long long)run->report.sent[type],
                    type == EVENT_TYPE_COUNT ? "raw" : event_type_name(type), topic_of(run, type));
}

static int report(const struct run *run)
{
    const struct invocation *invocation = run->invocation;
    bool refused = run->report.bad && !run->options->skip_bad;
    if (invocation->json)
        report_json(run, total_sent(&run->report));
    else if (!refused)
        report_text(run, total_sent(&run->report));
    if (!refused)
        return EXIT_OK;
    if (!invocation->json && run->report.bad > PROBLEMS_SHOWN)
        fprintf(invocation->errors, "... and %lld more\n", (long long)(run->report.bad - PROBLEMS_SHOWN));
    if (!invocation->json)
        fprintf(invocation->errors, "points publish: %lld of %lld lines are wrong; nothing was published\n",
                (long long)run->report.bad, (long long)run->report.lines);
    return EXIT_INPUT;
}

static int run_publish(const struct invocation *invocation, const struct publish_options *options)
{
    struct err err = {.code = ERR_NONE};
    struct run run = {.invocation = invocation, .options = options, .ticker = ticker_on(invocation->errors)};
    run.sink = (struct publish_sink){
        .config = invocation->config, .options = options, .routes = &run.routes, .report = &run.report};
    run.report.problems = json_array();
    enum err_code code = publish_all(&run, &err);
    if (code != ERR_NONE && run.sink.sender && sender_acknowledged(run.sink.sender))
        err_wrap(&err,
                 "%lld records are published, the rest is not; publish the same file again, since events count "
                 "once",
                 (long long)sender_acknowledged(run.sink.sender));
    int status = code == ERR_NONE ? report(&run) : command_failed(invocation, &err);
    publish_sink_release(&run.sink);
    spool_free(run.spool);
    event_routes_release(&run.routes);
    json_decref(run.report.problems);
    return status;
}

static enum err_code read_options(const struct invocation *invocation, struct publish_options *out, struct err *err)
{
    const char *format = option_text(invocation, "--format", "single-object");
    const char *timestamp = option_text(invocation, "--timestamp", "event");
    *out = (struct publish_options){.path = invocation->arguments[0],
                                    .topic = option_text(invocation, "--topic", NULL),
                                    .key_field = option_text(invocation, "--key", "member_id"),
                                    .confluent = strcmp(format, "confluent") == 0,
                                    .now = strcmp(timestamp, "now") == 0,
                                    .dry_run = option_given(invocation, "--dry-run"),
                                    .skip_bad = option_given(invocation, "--skip-bad"),
                                    .raw = option_given(invocation, "--raw")};
    if (!out->confluent && strcmp(format, "single-object") != 0)
        return err_set(err, ERR_USAGE, "--format is %.60s; it must be single-object or confluent", format);
    if (!out->now && strcmp(timestamp, "event") != 0)
        return err_set(err, ERR_USAGE, "--timestamp is %.60s; it must be event or now", timestamp);
    if (out->raw && !out->topic)
        return err_set(err, ERR_USAGE, "--raw needs --topic: the lines are not read, so they don't say where they go");
    return ERR_NONE;
}

static int publish(const struct invocation *invocation)
{
    struct publish_options options;
    struct err err = {.code = ERR_NONE};
    if (read_options(invocation, &options, &err) != ERR_NONE)
        return command_failed(invocation, &err);
    return run_publish(invocation, &options);
}

const struct command command_publish = {
    .name = "publish",
    .arguments = "FILE|-",
    .summary = "send events from a file of JSON lines to Kafka, as Avro",
    .description =
        "Reads one event per line, such as {\"type\": \"activity\", \"id\": \"a-1\", \"source\": \"/app\", "
        "\"member_id\": \"m-1\", \"occurred_at\": \"2026-03-01T10:00:00Z\", \"kind\": \"done\", \"name\": "
        "\"sign_up\"}. The type names the schema: order, review, share, referral, activity, redemption, adjustment, "
        "member or timer; the fields are those of schemas/avro, and fields with a default may be left out. Instants "
        "are "
        "RFC 3339 or whole microseconds, amounts are minor units (19.99 is 1999).\n\n"
        "Each event goes to the topic of kafka.topics that ends with the plural of its type, such as loyalty.orders, "
        "under its member_id as key and its occurred_at as timestamp. All lines are checked first: one that is wrong "
        "is shown with its number, the field and a hint, and then nothing is published. The command ends when the "
        "brokers have acknowledged every record. Publishing a file again is harmless: an event counts once.",
    .least_arguments = 1,
    .most_arguments = 1,
    .loads_config = true,
    .json = true,
    .options =
        {
            {"--topic", "NAME", "send everything there, whatever its type"},
            {"--key", "FIELD", "the text field that becomes the record's key (default: member_id)"},
            {"--format", "FORMAT", "single-object (default), or confluent: registers the schemas with registry.url"},
            {"--timestamp", "WHICH", "the record's timestamp: event, its occurred_at (default), or now"},
            {"--dry-run", NULL, "check the lines only; Kafka is not contacted"},
            {"--skip-bad", NULL, "publish the good lines as they are read, skip the bad ones and show them"},
            {"--raw", NULL, "send each line's bytes as they are, unread and without a key; needs --topic"},
        },
    .examples =
        {
            {"points publish --dry-run orders.jsonl", "is every line a good event?"},
            {"points publish orders.jsonl", "send them"},
            {"shop-export --since yesterday | points publish -", "send what another program prints"},
            {"echo nonsense | points publish --raw --topic loyalty.orders -", "see what becomes of a bad record"},
        },
    .run = publish,
};
