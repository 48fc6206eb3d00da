#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/rfc3339.h"
#include "ops/database.h"
#include "ops/member_read.h"
#include "ops/publish.h"
#include "program/store.h"
#include "rules/program_model.h"
#include "rules/shown.h"

/* `points adjust`: one adjustment event, with the reason and who decided it. */

enum { ID_BYTES = 16, LINE_SIZE = 8192 };

/* What was asked for, and what it would do. */
struct adjustment {
    const char *member;
    const char *reason;
    const char *actor;
    const char *partner;
    char id[2 * ID_BYTES + 1];
    struct text program_id;
    const struct currency *currency;
    int64_t points; /* minor units, signed */
    int64_t now;
    bool known;
    int64_t available; /* of the member, before it */
    int64_t after;
};

/* "-5.50", "+25", "25". */
static enum err_code read_points(const char *given, const struct currency *currency, int64_t *out, struct err *err)
{
    struct text text = text_of(given);
    struct decimal number;
    int64_t amount;
    bool negative = text.len > 0 && text.at[0] == '-';
    if (text.len > 0 && (negative || text.at[0] == '+'))
        text = (struct text){text.at + 1, text.len - 1};
    if (!decimal_parse(text, RATE_DECIMALS_MAX, &number) || number.decimals > currency->decimals ||
        !decimal_scale(number, currency->decimals, &amount) || amount == 0)
        return err_set(err, ERR_USAGE,
                       "POINTS is %.40s; expected how many %.*s to give, or with a minus to take: not 0, with at most "
                       "%d decimals",
                       given, SHOWN(currency->name), currency->decimals);
    *out = negative ? -amount : amount;
    return ERR_NONE;
}

/* The program named, or the only one. */
static enum err_code choose_program(const struct invocation *invocation, const struct program_set *set, int64_t now,
                                    const struct program **out, struct err *err)
{
    const char *named = option_text(invocation, "--program", NULL);
    bool several = set->count > 0 && !text_equal(set->programs[0]->id, set->programs[set->count - 1]->id);
    if (!named && several)
        return err_set(err, ERR_USAGE, "there are several programs: say which with --program ID");
    if (!named && set->count == 0)
        return err_set(err, ERR_USAGE, "no program is stored; `points program apply FILE` stores one");
    struct text id = named ? text_of(named) : set->programs[0]->id;
    *out = program_set_at(set, id, now);
    return *out ? ERR_NONE : err_set(err, ERR_USAGE, "no version of program %.*s is in force", SHOWN(id));
}

static enum err_code choose_currency(const struct invocation *invocation, const struct program *program,
                                     const struct currency **out, struct err *err)
{
    const char *named = option_text(invocation, "--currency", NULL);
    size_t place = named ? program_point_place(program, text_of(named)) : 0;
    if (place == PLACE_NONE)
        return err_set(err, ERR_USAGE, "--currency is %.60s; program %.*s has no such points", named,
                       SHOWN(program->id));
    *out = &program->points[place];
    return ERR_NONE;
}

/* What the member has now: it may be changed before the event counts. */
static enum err_code look_up(PGconn *connection, struct adjustment *out, struct arena *arena, struct err *err)
{
    struct member_view view;
    enum err_code code = member_read(connection, out->program_id, text_of(out->member), arena, &view, &out->known, err);
    for (size_t i = 0; !code && out->known && i < view.summary.balance_count; i++)
        if (text_equal(view.summary.balances[i].currency, out->currency->name))
            out->available = view.summary.balances[i].available;
    if (!code && !checked_add(out->available, out->points, &out->after))
        code = err_set(err, ERR_USAGE, "POINTS does not fit the member's balance");
    return code;
}

static enum err_code prepare(const struct invocation *invocation, struct adjustment *out, struct arena *arena,
                             struct err *err)
{
    PGconn *connection = NULL;
    struct program_set set;
    const struct program *program = NULL;
    enum err_code code = database_open(invocation->config, POSTGRES_READER, &connection, err);
    if (!code)
        code = program_store_load(connection, arena, &set, err);
    if (!code)
        code = choose_program(invocation, &set, out->now, &program, err);
    if (!code)
        code = choose_currency(invocation, program, &out->currency, err);
    if (!code)
        code = read_points(invocation->arguments[1], out->currency, &out->points, err);
    if (!code && out->partner[0] && !program_has_partner(program, text_of(out->partner)))
        code = err_set(err, ERR_USAGE, "--partner is %.60s; program %.*s does not list it", out->partner,
                       SHOWN(program->id));
    if (!code) {
        out->program_id = program->id;
        code = look_up(connection, out, arena, err);
    }
    postgres_close(connection);
    return code;
}

/* ---- the event */

static char *event_line(const struct adjustment *adjustment)
{
    json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s%, s:s, s:s, s:I, s:I, s:s%, s:s, s:s}", "type", "adjustment",
                              "kind", "made", "id", adjustment->id, "source", "/points/adjust", "program_id",
                              adjustment->program_id.at, adjustment->program_id.len, "member_id", adjustment->member,
                              "partner_id", adjustment->partner, "occurred_at", (json_int_t)adjustment->now, "points",
                              (json_int_t)adjustment->points, "currency", adjustment->currency->name.at,
                              adjustment->currency->name.len, "reason", adjustment->reason, "actor", adjustment->actor);
    char *line = event ? json_dumps(event, JSON_COMPACT) : NULL;
    json_decref(event);
    return line;
}

/* dry_run: the event is made and checked, and not sent. */
static enum err_code send_event(const struct invocation *invocation, const char *line, bool dry_run, struct err *err)
{
    struct publish_options options = {.path = "-", .key_field = "member_id"};
    struct publish_report report = {0};
    struct event_routes routes = {0};
    struct publish_sink sink = {
        .config = invocation->config, .options = &options, .routes = &routes, .report = &report};
    struct event_record record = {0};
    struct line_problem problem;
    enum err_code code = event_routes_new(invocation->config->kafka_topics, NULL, &routes, err);
    if (!code && !event_record_read(&routes, text_of(line), options.key_field, &record, &problem))
        code = err_set(err, ERR_USAGE, "%s: %s", problem.problem.path, problem.problem.text);
    if (!code && !dry_run)
        code = publish_sink_send(&sink, &record, err);
    if (!code)
        code = publish_sink_finish(&sink, err);
    publish_sink_release(&sink);
    buffer_release(&record.key);
    buffer_release(&record.body);
    event_routes_release(&routes);
    return code;
}

/* ---- what is printed */

static void print_text(FILE *out, const struct adjustment *adjustment, bool dry_run)
{
    char points[AMOUNT_TEXT_MAX], before[AMOUNT_TEXT_MAX], after[AMOUNT_TEXT_MAX];
    int decimals = adjustment->currency->decimals;
    struct text amount = amount_write(adjustment->points, decimals, points);
    struct text has = amount_write(adjustment->available, decimals, before);
    struct text will = amount_write(adjustment->after, decimals, after);
    fprintf(out, "%s: %s%.*s %.*s for member %s of program %.*s\n", dry_run ? "not sent" : "published",
            adjustment->points > 0 ? "+" : "", (int)amount.len, amount.at, SHOWN(adjustment->currency->name),
            adjustment->member, SHOWN(adjustment->program_id));
    fprintf(out, "  %s, by %s\n", adjustment->reason, adjustment->actor);
    if (adjustment->known)
        fprintf(out, "  available: %.*s, then %.*s\n", (int)has.len, has.at, (int)will.len, will.at);
    else
        fprintf(out, "  nobody has heard of this member yet: the event makes it one\n");
    if (!dry_run)
        fprintf(out, "  event %s of /points/adjust\n", adjustment->id);
}

static void print_json(FILE *out, const struct adjustment *adjustment, bool dry_run)
{
    json_t *report = json_pack("{s:b, s:s, s:s%, s:s, s:I, s:s%, s:i, s:b, s:I, s:I}", "dry_run", dry_run, "id",
                               adjustment->id, "program", adjustment->program_id.at, adjustment->program_id.len,
                               "member", adjustment->member, "points", (json_int_t)adjustment->points, "currency",
                               adjustment->currency->name.at, adjustment->currency->name.len, "decimals",
                               adjustment->currency->decimals, "known", adjustment->known, "available",
                               (json_int_t)adjustment->available, "after", (json_int_t)adjustment->after);
    json_dumpf(report, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(report);
}

static enum err_code read_options(const struct invocation *invocation, struct adjustment *out, struct err *err)
{
    *out = (struct adjustment){.member = invocation->arguments[0],
                               .reason = option_text(invocation, "--reason", ""),
                               .actor = option_text(invocation, "--actor", ""),
                               .partner = option_text(invocation, "--partner", ""),
                               .now = clock_utc_us()};
    const char *id = option_text(invocation, "--id", NULL);
    unsigned char random[ID_BYTES];
    if (out->reason[0] == 0 || out->actor[0] == 0)
        return err_set(err, ERR_USAGE, "--reason and --actor are needed: the ledger says why, and who decided it");
    if (id && (id[0] == 0 || strlen(id) >= sizeof out->id))
        return err_set(err, ERR_USAGE, "--id has 1 to %zu bytes", sizeof out->id - 1);
    if (id) {
        snprintf(out->id, sizeof out->id, "%s", id);
        return ERR_NONE;
    }
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(out->id, sizeof out->id, random, sizeof random);
    return ERR_NONE;
}

static int adjust(const struct invocation *invocation)
{
    struct err err = {.code = ERR_NONE};
    struct adjustment adjustment;
    struct arena *arena = arena_new(0);
    bool dry_run = option_given(invocation, "--dry-run");
    char *line = NULL;
    enum err_code code = read_options(invocation, &adjustment, &err);
    if (!code)
        code = prepare(invocation, &adjustment, arena, &err);
    if (!code && !(line = event_line(&adjustment)))
        code = err_set(&err, ERR_USAGE, "the member's id, the reason and the actor must be UTF-8");
    if (!code)
        code = send_event(invocation, line, dry_run, &err);
    int status = code ? command_failed(invocation, &err) : EXIT_OK;
    if (!code && invocation->json)
        print_json(invocation->out, &adjustment, dry_run);
    else if (!code)
        print_text(invocation->out, &adjustment, dry_run);
    free(line);
    arena_free(arena);
    return status;
}

const struct command command_adjust = {
    .name = "adjust",
    .arguments = "MEMBER POINTS",
    .summary = "give or take points by hand, with a reason and a name",
    .description =
        "Publishes one adjustment event: POINTS as the program writes them, such as 25 or 5.50, to take them with a "
        "minus. "
        "It takes the same path as every other event, so that the ledger says why and who decided it.\n\n"
        "Before, it checks the program, its points and the partner, and says what the member has and will have; with "
        "--dry-run that is all. An event counts once: with --id, the command may be given again without giving twice.",
    .least_arguments = 2,
    .most_arguments = 2,
    .loads_config = true,
    .json = true,
    .options =
        {
            {"--reason", "TEXT", "why, in words that the member may read"},
            {"--actor", "NAME", "who decided it"},
            {"--program", "ID", "the program, where there are several"},
            {"--currency", "NAME", "the points meant; without it the program's first"},
            {"--partner", "ID", "in the name of this partner"},
            {"--id", "ID", "the event's id; without it a random one"},
            {"--dry-run", NULL, "say what it would do; nothing is published"},
        },
    .examples = {{"points adjust m-1 25 --reason 'with apologies' --actor mary --dry-run", "what would it do?"},
                 {"points adjust m-1 25 --reason 'with apologies' --actor mary", "do it"},
                 {"points adjust m-1 -5.50 --reason 'given twice' --actor mary", "take points"}},
    .run = adjust,
};
