#include "ops/explain.h"

#include <stdlib.h>

#include "base/clock.h"
#include "cases/words.h"
#include "explain/explain.h"
#include "ops/command.h"
#include "ops/explain_source.h"
#include "program/bundle.h"
#include "program/load.h"
#include "program/zones.h"
#include "rules/program_model.h"

enum { ARENA_KEEP = 1 << 20 };

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* ---- what is written */

static bool is_members(enum account account)
{
    return account == ACCOUNT_MEMBER_AVAILABLE || account == ACCOUNT_MEMBER_PENDING;
}

static int decimals_of(const struct explained *explained, const struct entry *entry)
{
    const struct program *terms =
        program_set_version(explained->set, explained->event->program_id, entry->program_version);
    size_t place = terms ? program_point_place(terms, entry->currency) : PLACE_NONE;
    return place == PLACE_NONE ? 0 : terms->points[place].decimals;
}

/* What one entry gives or takes, as --preview tells it; what only moves within the member's own is left out. */
static void preview_entry(struct explaining *explaining, const struct explained *explained, const struct entry *entry)
{
    char room[AMOUNT_TEXT_MAX];
    struct text member = explained->happened.member_ids[entry->party];
    int decimals = decimals_of(explained, entry);
    bool adds = is_members(entry->to), pending = entry->to == ACCOUNT_MEMBER_PENDING;
    if (is_members(entry->from) && adds)
        return;
    if (explaining->invocation->json) {
        json_array_append_new(explaining->list,
                              json_pack("{s:s%, s:I, s:s%, s:b, s:s%, s:i}", "member", member.at, member.len, "points",
                                        (json_int_t)(adds ? entry->amount : -entry->amount), "currency",
                                        entry->currency.at, entry->currency.len, "pending", pending, "rule",
                                        entry->rule_id.at, entry->rule_id.len, "decimals", decimals));
        return;
    }
    struct text amount = amount_write(entry->amount, decimals, room);
    fprintf(explaining->invocation->out, "%.*s %s%.*s %.*s%s by %.*s\n", VIEW(member), adds ? "+" : "-", VIEW(amount),
            VIEW(entry->currency), pending ? " pending" : "", VIEW(entry->rule_id));
}

static void print_preview(struct explaining *explaining, const struct explained *explained)
{
    const struct happened *happened = &explained->happened;
    for (size_t i = 0; i < happened->decision.entry_count; i++)
        preview_entry(explaining, explained, &happened->decision.entries[i]);
    if (happened->fate == FATE_REFUSED) {
        explaining->refused = true;
        fprintf(explaining->invocation->errors, "points explain: refused: %s\n", happened->refusal.text);
    }
}

void explaining_show(struct explaining *explaining, const struct explained *explained)
{
    if (explaining->preview)
        print_preview(explaining, explained);
    else if (explaining->invocation->json)
        json_array_append_new(explaining->list, explain_json(explained));
    else
        explain_print(explaining->invocation->out, explained);
    if (!explaining->preview && !explaining->invocation->json)
        fputc('\n', explaining->invocation->out);
    explaining->shown++;
}

/* ---- events of files and command lines, over members never seen */

static void explain_all(struct explaining *explaining, const struct program_set *set, const struct case_event *events,
                        size_t count)
{
    struct store *store = store_new(set, explaining->arena);
    for (size_t i = 0; i < count; i++) {
        struct explained explained;
        if (events[i].shows)
            continue;
        explain_event(store, set, &events[i], explaining->arena, &explained);
        explaining_show(explaining, &explained);
    }
}

static enum err_code explain_cases(struct explaining *explaining, const char *path, const struct zones *zones,
                                   struct err *err)
{
    const char *filter = option_text(explaining->invocation, "--case", "");
    struct case_file file;
    struct case_faults faults = {0};
    enum err_code code = cases_read(path, zones, explaining->arena, &file, &faults);
    if (code)
        return err_set(err, code, "%.*s:%d: %.*s", VIEW(faults.items[0].file), faults.items[0].line,
                       VIEW(faults.items[0].message));
    for (size_t i = 0; i < file.case_count; i++) {
        const struct test_case *test = &file.cases[i];
        if (!strcasestr(arena_printf(explaining->arena, "%.*s", VIEW(test->name)).at, filter))
            continue;
        if (!explaining->invocation->json && !explaining->preview)
            fprintf(explaining->invocation->out, "case %.*s\n\n", VIEW(test->name));
        explain_all(explaining, &file.set, test->events, test->event_count);
    }
    if (explaining->shown == 0)
        return err_set(err, ERR_USAGE, "no case's name holds `%s`", filter);
    return ERR_NONE;
}

static enum err_code load_file(struct explaining *explaining, const char *path, const struct zones *zones,
                               struct program **out, struct err *err)
{
    struct program_errors errors = {0};
    struct text source;
    enum err_code code = program_read_file(path, explaining->arena, &source, err);
    if (!code)
        code = program_load(source, zones, explaining->arena, out, &errors, err);
    return code == ERR_PROGRAM ? err_wrap(err, "%s", path) : code;
}

static enum err_code explain_program(struct explaining *explaining, const char *path, const struct zones *zones,
                                     struct err *err)
{
    const struct invocation *invocation = explaining->invocation;
    const char *events_path = option_text(invocation, "--events", NULL);
    struct program *program = NULL;
    struct event_list events = {NULL, 0};
    enum err_code code = load_file(explaining, path, zones, &program, err);
    if (code)
        return code;
    struct program_set set = {.revision = 1, .programs = &program, .count = 1};
    int64_t now = clock_utc_us();
    if (events_path)
        code = explain_json_file(invocation->config, events_path, explaining->arena, &events, err);
    else
        code =
            explain_lines(invocation->arguments + 1, (size_t)invocation->argument_count - 1, &set, program->id,
                          now > program->effective_at ? now : program->effective_at, explaining->arena, &events, err);
    if (!code && events.count == 0)
        code = err_set(err, ERR_USAGE, "%s needs an event: \"order.paid o1 EUR tea=1x5.00\", or --events FILE", path);
    if (!code)
        explain_all(explaining, &set, events.items, events.count);
    return code;
}

static enum err_code explain_file(struct explaining *explaining, struct err *err)
{
    const struct zones *zones = NULL;
    const char *path = explaining->invocation->arguments[0];
    enum err_code code = zones_load(ZONES_FOLDER, explaining->arena, &zones, err);
    if (code)
        return code;
    return ends_with(path, ".cases") ? explain_cases(explaining, path, zones, err)
                                     : explain_program(explaining, path, zones, err);
}

/* ---- the command */

static enum err_code explain(struct explaining *explaining, struct err *err)
{
    const struct invocation *invocation = explaining->invocation;
    bool decided = option_given(invocation, "--entry") || option_given(invocation, "--input");
    if (decided && invocation->argument_count > 0)
        return err_set(err, ERR_USAGE, "--entry and --input name an event of the ledger; they take no other");
    if (decided || (option_given(invocation, "--ledger") && invocation->argument_count > 0))
        return explain_ledger(explaining, err);
    if (invocation->argument_count == 0)
        return err_set(err, ERR_USAGE, "name a file of cases, or a program file and events");
    return explain_file(explaining, err);
}

static int run(const struct invocation *invocation)
{
    struct err err = {.code = ERR_NONE};
    struct explaining explaining = {.invocation = invocation,
                                    .arena = arena_new(ARENA_KEEP),
                                    .list = json_array(),
                                    .preview = option_given(invocation, "--preview")};
    int status = explain(&explaining, &err) ? command_failed(invocation, &err) : EXIT_OK;
    if (status == EXIT_OK && invocation->json) {
        json_dumpf(explaining.list, invocation->out, JSON_COMPACT);
        fputc('\n', invocation->out);
    }
    if (status == EXIT_OK && explaining.differs)
        fputs(
            "points explain: the ledger has something else: the topics have forgotten some of the member's history, or "
            "it met a budget\n",
            invocation->errors);
    if (status == EXIT_OK && (explaining.refused || explaining.differs))
        status = EXIT_DIFFERENCE;
    json_decref(explaining.list);
    arena_free(explaining.arena);
    return status;
}

const struct command command_explain = {
    .name = "explain",
    .arguments = "[FILE] [EVENT]...",
    .summary = "say why an event gives what it gives, rule by rule",
    .description =
        "For each event: the rules that are for it, in order; whether each applied, and why not; the values of the "
        "parts "
        "of its expressions; what it counts, the arithmetic to the last rounding, the limits that it met; and what "
        "came "
        "of it. Nothing is written.\n\n"
        "FILE is a file of golden cases, or a program file, which is followed by events as cases have them, or by "
        "--events. They are decided in their order, beginning with members never seen; with --ledger, which takes no "
        "FILE, over what the ledger holds, by the stored programs. --preview tells only the points, for a page that "
        "shows what a purchase will give.\n\n"
        "--entry and --input explain what was decided: the member's events are read from the input topics from their "
        "beginning, decided again in memory, and compared with the ledger. The exit status is 1 where they lead to "
        "something else: budgets are shared with other members, and topics may have forgotten.",
    .least_arguments = 0,
    .most_arguments = COMMAND_ARGUMENTS_MAX,
    .loads_config = true,
    .json = true,
    .options = {{"--case", "TEXT", "of a file of cases: only those whose name holds TEXT"},
                {"--events", "FILE", "events as `points publish` takes them, one JSON object a line; - is the input"},
                {"--ledger", NULL, "decide the events over what the ledger holds"},
                {"--entry", "MEMBER/N", "the event that brought the member's entry number N"},
                {"--input", "TOPIC/P@O", "the event at offset O of partition P"},
                {"--program", "ID", "with --ledger and --entry, where several programs are stored"},
                {"--preview", NULL, "only the points, one line an entry"}},
    .examples = {{"points explain shop.cases --case refund", "the events of those cases"},
                 {"points explain shop.yaml \"order.paid o1 EUR tea=2x6.00\"", "what this order would give, and why"},
                 {"points explain shop.yaml --events orders.jsonl --json", "events in a file, for a script"},
                 {"points explain --entry m-1/12", "why the member's twelfth entry is what it is"},
                 {"points explain --ledger --preview \"order.paid cart EUR tea=1x5.00 member=m-1\"",
                  "what this would give m-1 now"}},
    .run = run,
};
