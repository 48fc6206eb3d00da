#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "audit/redis_audit.h"
#include "audit/topics.h"
#include "ops/command.h"
#include "ops/database.h"

/* `points audit`: which comparisons run, in which order, and what is said about them. */

struct audit {
    const struct invocation *invocation;
    bool ledger;
    bool topics;
    bool redis;
    bool repair;
    PGconn *connection;
    struct findings *findings;
    struct ledger_walk walk;
    struct topics_audit topics_audit;
    struct redis_audit redis_audit;
};

static enum err_code choose(struct audit *audit, struct err *err)
{
    const char *only = option_text(audit->invocation, "--only", NULL);
    bool has_redis = audit->invocation->config->redis_host[0] != '\0';
    audit->repair = option_given(audit->invocation, "--repair");
    audit->ledger = !only || strcmp(only, "ledger") == 0;
    audit->topics = !only || strcmp(only, "topics") == 0;
    audit->redis = only ? strcmp(only, "redis") == 0 : has_redis;
    if (!audit->ledger && !audit->topics && !audit->redis)
        return err_set(err, ERR_USAGE, "there is no part %.60s; it must be ledger, redis or topics", only);
    if (audit->redis && !has_redis)
        return err_set(err, ERR_CONFIG, "redis.host is empty: there is no projection to audit");
    return ERR_NONE;
}

/* What visits the ledger when the topics are not asked for. */
struct onlooker {
    struct ticker ticker;
    int64_t members;
};

static enum err_code see_entry(void *context, const struct ledger_row *row, struct err *err)
{
    (void)context;
    (void)row;
    (void)err;
    return ERR_NONE;
}

static enum err_code see_member(void *context, const struct ledger_member *member, bool agree, struct err *err)
{
    struct onlooker *onlooker = context;
    (void)member;
    (void)agree;
    (void)err;
    ticker_show(&onlooker->ticker, "members", ++onlooker->members, 0);
    return ERR_NONE;
}

static enum err_code audit_ledger(struct audit *audit, struct err *err)
{
    struct onlooker onlooker = {.ticker = ticker_on(audit->invocation->errors)};
    struct ledger_visitor visitor = {&onlooker, see_entry, see_member};
    enum err_code code = ledger_walk(audit->connection, &visitor, audit->findings, &audit->walk, err);
    ticker_clear(&onlooker.ticker);
    return code;
}

/* The ledger is read for the topics anyway, so both are compared in one pass. */
static enum err_code audit_topics(struct audit *audit, struct err *err)
{
    struct topics *topics = NULL;
    audit->topics_audit = (struct topics_audit){.config = audit->invocation->config,
                                                .connection = audit->connection,
                                                .repair = audit->repair,
                                                .errors = audit->invocation->errors,
                                                .findings = audit->findings};
    enum err_code code = topics_begin(&audit->topics_audit, &topics, err);
    if (!code)
        code = topics_read(topics, err);
    if (!code) {
        struct ledger_visitor visitor = topics_ledger_visitor(topics);
        code = ledger_walk(audit->connection, &visitor, audit->findings, &audit->walk, err);
    }
    if (!code)
        code = topics_compare(topics, err);
    topics_free(topics);
    return code;
}

static enum err_code audit_redis(struct audit *audit, struct err *err)
{
    struct redis *redis = NULL;
    struct ticker ticker = ticker_on(audit->invocation->errors);
    enum err_code code = redis_open(audit->invocation->config, &redis, err);
    if (code)
        return code;
    audit->redis_audit = (struct redis_audit){.connection = audit->connection,
                                              .redis = redis,
                                              .repair = audit->repair,
                                              .ticker = &ticker,
                                              .findings = audit->findings};
    code = redis_audit_run(&audit->redis_audit, err);
    redis_close(redis);
    return code;
}

static enum err_code run_all(struct audit *audit, struct err *err)
{
    enum err_code code = database_open(audit->invocation->config, POSTGRES_READER, &audit->connection, err);
    if (!code && audit->topics)
        code = audit_topics(audit, err);
    else if (!code && audit->ledger)
        code = audit_ledger(audit, err);
    if (!code && audit->redis)
        code = audit_redis(audit, err);
    return code;
}

static void print_topics(const struct topics_audit *topics, FILE *out)
{
    fprintf(out, "topics: %" PRId64 " rewards and %" PRId64 " dead letters on Kafka for %" PRId64 " rows below K\n",
            topics->rewards, topics->dead_letters, topics->expected);
    if (topics->untraced > 0)
        fprintf(out, "  %" PRId64 " outputs move no points: no row says whether more of them should be there\n",
                topics->untraced);
    if (topics->above > 0)
        fprintf(out, "  %" PRId64 " rows at or above K, or of partitions no longer read: not judged\n", topics->above);
    if (topics->gone > 0)
        fprintf(out, "  %" PRId64 " outputs no longer on the topic: older than what retention has left\n",
                topics->gone);
}

static void print_conclusion(const struct audit *audit, FILE *out)
{
    int64_t left = findings_left(audit->findings), mended = findings_of(audit->findings, FATE_MENDED);
    int64_t mendable = findings_of(audit->findings, FATE_MENDABLE);
    if (left + mended == 0)
        fputs("nothing is wrong\n", out);
    if (mended > 0)
        fprintf(out, "%" PRId64 " differences mended, %" PRId64 " left\n", mended, left);
    else if (left > 0)
        fprintf(out, "%" PRId64 " differences, of which %" PRId64 " can be mended%s\n", left, mendable,
                mendable > 0 && !audit->repair ? "; nothing was written, --repair does it" : "");
}

static void print_text(const struct audit *audit, FILE *out)
{
    if (audit->topics || audit->ledger)
        fprintf(out, "ledger: %" PRId64 " members, %" PRId64 " entries\n", audit->walk.members, audit->walk.entries);
    if (audit->topics)
        print_topics(&audit->topics_audit, out);
    if (audit->redis)
        fprintf(out, "Redis: %" PRId64 " members compared\n", audit->redis_audit.members);
    if (audit->redis_audit.moving > 0)
        fprintf(out, "  %" PRId64 " changed each time they were looked at: not judged\n", audit->redis_audit.moving);
    findings_print(audit->findings, out);
    print_conclusion(audit, out);
}

static json_t *topics_json(const struct topics_audit *topics)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "rewards", (json_int_t)topics->rewards, "dead_letters",
                     (json_int_t)topics->dead_letters, "rows_below_k", (json_int_t)topics->expected, "rows_not_judged",
                     (json_int_t)topics->above, "no_longer_on_topic", (json_int_t)topics->gone, "without_row",
                     (json_int_t)topics->untraced);
}

static void print_json(const struct audit *audit, FILE *out)
{
    json_t *ledger =
        json_pack("{s:I, s:I}", "members", (json_int_t)audit->walk.members, "entries", (json_int_t)audit->walk.entries);
    json_t *redis = json_pack("{s:I, s:I}", "members", (json_int_t)audit->redis_audit.members, "moving",
                              (json_int_t)audit->redis_audit.moving);
    json_t *object = json_pack("{s:b, s:o, s:o, s:o, s:o, s:I, s:I}", "repair", audit->repair, "ledger", ledger,
                               "topics", topics_json(&audit->topics_audit), "redis", redis, "findings",
                               findings_json(audit->findings), "left", (json_int_t)findings_left(audit->findings),
                               "mended", (json_int_t)findings_of(audit->findings, FATE_MENDED));
    json_dumpf(object, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(object);
}

static int run(const struct invocation *invocation)
{
    struct err err = {.code = ERR_NONE};
    struct audit audit = {.invocation = invocation, .findings = calloc(1, sizeof *audit.findings)};
    if (!audit.findings)
        abort();
    enum err_code code = choose(&audit, &err);
    if (!code)
        code = run_all(&audit, &err);
    if (!code && invocation->json)
        print_json(&audit, invocation->out);
    else if (!code)
        print_text(&audit, invocation->out);
    bool clean = findings_left(audit.findings) == 0;
    postgres_close(audit.connection);
    ledger_walk_release(&audit.walk);
    free(audit.findings);
    if (code)
        return command_failed(invocation, &err);
    return clean ? EXIT_OK : EXIT_DIFFERENCE;
}

const struct command command_audit = {
    .name = "audit",
    .arguments = "",
    .summary = "compare the ledger, Redis and the output topics, and mend what may be mended",
    .description =
        "Three comparisons, while processors run. The ledger with itself: all accounts sum to zero, each balance is "
        "the sum of its entries, no entry is missing. Redis with the ledger: each member's version and points, and no "
        "member that the ledger does not know; a difference is looked at again before it is reported. The topics with "
        "the ledger: each output of an event that is published, by K, the group's offset in Kafka, stands there "
        "exactly once. Transactions that are open at the beginning are waited for.\n\n"
        "Nothing is written unless --repair is given. Then Redis is written through the script that keeps the newer "
        "version, and missing outputs below K are published again, with their own ids and the header "
        "points.republished, in a transaction of GROUP-audit (so no instance may be named audit). Their bytes come "
        "from the outbox where it still has them. Else a dead letter is made from its input record and the ledger's "
        "row, a reward from its entry, its input record and the program file, where its place among the event's "
        "outputs is certain. What cannot be had exactly is refused, and the reason said. Never mended: what is wrong "
        "in the ledger, an output that stands twice, one that says something else than its entry.\n\n"
        "What it cannot see: an output that moves no points (a referral accepted or refused, a reward for money "
        "spent) leaves no row, so that it is missed only where others of its event stand behind it. Outputs that "
        "retention has removed are counted, not missed; the topics must not be compacted.",
    .loads_config = true,
    .json = true,
    .options = {{"--only", "PART", "ledger, redis or topics"}, {"--repair", NULL, "mend what may be mended"}},
    .examples = {{"points audit", "is everything where it should be? writes nothing"},
                 {"points audit --repair", "mend what may be mended; 0 where nothing is wrong any more"},
                 {"points audit --only redis", "the projection alone"},
                 {"points audit --json | jq '.findings[] | {kind, count}'", "what is wrong, for programs"}},
    .run = run,
};
