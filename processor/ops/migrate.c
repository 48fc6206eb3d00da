#include "ledger/migrate.h"

#include <jansson.h>

#include "ledger/postgres.h"
#include "ops/command.h"

static const char *state_of(const struct migrate_report *report, size_t i, bool dry_run)
{
    if (i < report->already)
        return "present";
    return dry_run ? "missing" : "applied";
}

static void print_json(const struct invocation *invocation, const struct migrate_report *report, bool dry_run)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->all.count; i++) {
        const struct migration *item = &report->all.items[i];
        json_array_append_new(list,
                              json_pack("{s:i, s:s%, s:s, s:s}", "number", item->number, "name", item->name.at,
                                        item->name.len, "sha256", item->sha256, "state", state_of(report, i, dry_run)));
    }
    json_t *object = json_pack("{s:b, s:i, s:o}", "dry_run", dry_run, "applied", (int)(dry_run ? 0 : report->applied),
                               "migrations", list);
    json_dumpf(object, invocation->out, JSON_COMPACT);
    fputc('\n', invocation->out);
    json_decref(object);
}

static void print_text(const struct invocation *invocation, const struct migrate_report *report, bool dry_run)
{
    for (size_t i = 0; i < report->all.count; i++)
        fprintf(invocation->out, "%-8s %.*s\n", state_of(report, i, dry_run), (int)report->all.items[i].name.len,
                report->all.items[i].name.at);
    if (report->applied == 0)
        fputs("nothing to do\n", invocation->out);
    else if (dry_run)
        fprintf(invocation->out, "%zu would be applied; nothing was written\n", report->applied);
}

static int run(const struct invocation *invocation)
{
    PGconn *connection = NULL;
    struct migrate_report report;
    struct err err = {.code = ERR_NONE};
    bool dry_run = option_given(invocation, "--dry-run");
    struct arena *arena = arena_new(0);
    enum err_code code = postgres_open(invocation->config, POSTGRES_OWNER, &connection, &err);
    if (!code)
        code = migrate(connection, dry_run, arena, &report, &err);
    postgres_close(connection);
    if (!code && invocation->json)
        print_json(invocation, &report, dry_run);
    else if (!code)
        print_text(invocation, &report, dry_run);
    arena_free(arena);
    return code ? command_failed(invocation, &err) : EXIT_OK;
}

const struct command command_migrate = {
    .name = "migrate",
    .arguments = "",
    .summary = "bring the database's tables up to this version",
    .description =
        "Applies the migrations that the database lacks, in order, each in a transaction of its own, and remembers "
        "each "
        "with its hash in the table migrations. Run it again at any time: what is present stays as it is, and of two "
        "at once one waits for the other.\n\n"
        "It refuses to go on when a migration was changed or renamed after it was applied, is missing in this build, "
        "or "
        "came out of order, and says what to do.\n\n"
        "The login of postgres.url owns the tables. The roles points_runtime (inserts into the ledger, can neither "
        "update nor delete it) and points_reader (reads) are made and granted to it; making them needs CREATEROLE once "
        "in a cluster.",
    .loads_config = true,
    .json = true,
    .options = {{"--dry-run", NULL, "say what is missing, write nothing"}},
    .examples = {{"points migrate --dry-run", "what would be done"}, {"points migrate", "do it"}},
    .run = run,
};
