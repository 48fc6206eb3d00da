#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/rfc3339.h"
#include "ops/command.h"
#include "ops/database.h"
#include "ops/program_difference.h"
#include "program/bundle.h"
#include "program/load.h"
#include "program/schema.h"
#include "program/store.h"
#include "program/zones.h"
#include "rules/program_model.h"

static void dump(const struct invocation *invocation, json_t *object)
{
    json_dumpf(object, invocation->out, JSON_COMPACT);
    fputc('\n', invocation->out);
    json_decref(object);
}

static int print_errors(const struct invocation *invocation, const char *path, const struct program_errors *errors)
{
    json_t *list = json_array();
    for (size_t i = 0; i < errors->count; i++) {
        const struct program_error *item = &errors->items[i];
        if (!invocation->json)
            fprintf(invocation->errors, "%s:%d:%d: %.*s\n", path, item->line, item->column, (int)item->message.len,
                    item->message.at);
        json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:s%}", "file", path, "line", item->line, "column",
                                              item->column, "text", item->message.at, item->message.len));
    }
    if (invocation->json)
        dump(invocation, json_pack("{s:{s:s, s:o}}", "error", "code", err_name(ERR_PROGRAM), "errors", list));
    else
        json_decref(list);
    return err_exit_status(ERR_PROGRAM);
}

/* What came of it, for people and for --json. */
struct outcome {
    struct text id;
    int64_t version;
    int64_t effective_at;
    bool dry_run;
    bool reaches_back; /* a later version that takes effect in the past */
    char zones[33];    /* hash of the time zones that it decides by */
    bool zones_changed;
    struct program_change change;
    struct program_differences differences;
};

static void print_outcome_json(const struct invocation *invocation, const struct outcome *outcome)
{
    char effective[RFC3339_SIZE];
    bool present = outcome->change.fate == PROGRAM_PRESENT;
    const char *result = present ? "present" : outcome->dry_run ? "would_store" : "stored";
    dump(invocation,
         json_pack("{s:s%, s:I, s:s, s:s, s:b, s:s, s:I, s:b, s:b, s:o}", "program", outcome->id.at, outcome->id.len,
                   "version", (json_int_t)outcome->version, "effective_at",
                   rfc3339_format(outcome->effective_at, effective), "result", result, "replaces",
                   outcome->change.fate == PROGRAM_REPLACES, "zones", outcome->zones, "revision",
                   (json_int_t)outcome->change.revision, "zones_changed", outcome->zones_changed, "reaches_back",
                   outcome->reaches_back, "difference", differences_json(outcome->differences)));
}

static void print_outcome(const struct invocation *invocation, const struct outcome *outcome)
{
    char effective[RFC3339_SIZE];
    int len = (int)outcome->id.len;
    const char *id = outcome->id.at;
    bool replaces = outcome->change.fate == PROGRAM_REPLACES;
    if (outcome->change.fate == PROGRAM_PRESENT) {
        fprintf(invocation->out, "%.*s version %" PRId64 " is stored already, with the same content\n", len, id,
                outcome->version);
        return;
    }
    if (outcome->change.previous.len > 0) {
        fprintf(invocation->out, "%.*s, version %" PRId64 "%s to version %" PRId64 ":\n", len, id,
                outcome->change.previous_version, replaces ? " as it was planned" : "", outcome->version);
        print_differences(invocation->out, outcome->differences);
    }
    if (outcome->zones_changed)
        fputs("the time zones are those of another database\n", invocation->out);
    fprintf(invocation->out, "%.*s version %" PRId64 " %s, in effect from %s%s\n", len, id, outcome->version,
            outcome->dry_run ? "would be stored" : "is stored", rfc3339_format(outcome->effective_at, effective),
            outcome->dry_run ? "; nothing was written" : "");
    if (outcome->reaches_back)
        fputs("warning: it takes effect in the past: events from then on that were decided already stay as they were "
              "decided\n",
              invocation->errors);
}

static enum err_code apply_program(const struct invocation *invocation, const struct program *program,
                                   struct text source, struct arena *arena, struct outcome *out, struct err *err)
{
    PGconn *connection = NULL;
    *out = (struct outcome){.id = program_id(program),
                            .version = program_version(program),
                            .effective_at = program_effective_at(program),
                            .dry_run = option_given(invocation, "--dry-run")};
    hash16_hex(program->zones->hash, out->zones);
    enum err_code code = database_open(invocation->config, POSTGRES_RUNTIME, &connection, err);
    if (!code)
        code = program_store_apply(connection, program, source, out->dry_run, arena, &out->change, err);
    postgres_close(connection);
    if (code)
        return code;
    bool follows = out->change.fate != PROGRAM_PRESENT && out->change.previous.len > 0;
    if (follows)
        out->differences = program_difference(out->change.previous, source, arena);
    out->reaches_back = follows && out->effective_at <= clock_utc_us();
    out->zones_changed = follows && !text_equal(text_of(out->zones), out->change.previous_zones);
    return ERR_NONE;
}

static int apply_in(const struct invocation *invocation, struct arena *arena)
{
    struct err err = {.code = ERR_NONE};
    struct text source;
    const struct zones *zones = NULL;
    struct program *program = NULL;
    struct program_errors errors = {0};
    struct outcome outcome;
    const char *path = invocation->arguments[0];
    enum err_code code = program_read_file(path, arena, &source, &err);
    if (!code)
        code = zones_load(ZONES_FOLDER, arena, &zones, &err);
    if (!code)
        code = program_load(source, zones, arena, &program, &errors, &err);
    if (code == ERR_PROGRAM && errors.count > 0)
        return print_errors(invocation, path, &errors);
    if (!code)
        code = apply_program(invocation, program, source, arena, &outcome, &err);
    if (code)
        return command_failed(invocation, &err);
    if (invocation->json)
        print_outcome_json(invocation, &outcome);
    else
        print_outcome(invocation, &outcome);
    return EXIT_OK;
}

static int apply(const struct invocation *invocation)
{
    struct arena *arena = arena_new(0);
    int status = apply_in(invocation, arena);
    arena_free(arena);
    return status;
}

static enum err_code list_stored(const struct invocation *invocation, struct text id, struct arena *arena,
                                 struct stored_programs *out, struct err *err)
{
    PGconn *connection = NULL;
    enum err_code code = database_open(invocation->config, POSTGRES_READER, &connection, err);
    if (!code)
        code = program_store_list(connection, id, arena, out, err);
    postgres_close(connection);
    return code;
}

static json_t *stored_json(const struct stored_program *item)
{
    char effective[RFC3339_SIZE], applied[RFC3339_SIZE];
    return json_pack("{s:s%, s:I, s:s, s:I, s:s, s:s%, s:s%, s:s%}", "program", item->program_id.at,
                     item->program_id.len, "version", (json_int_t)item->version, "effective_at",
                     rfc3339_format(item->effective_at, effective), "revision", (json_int_t)item->revision,
                     "applied_at", rfc3339_format(item->applied_at, applied), "applied_by", item->applied_by.at,
                     item->applied_by.len, "hash", item->source_hash.at, item->source_hash.len, "zones",
                     item->zones_hash.at ? item->zones_hash.at : "", item->zones_hash.len);
}

static void print_list(const struct invocation *invocation, struct stored_programs stored)
{
    char effective[RFC3339_SIZE], applied[RFC3339_SIZE];
    json_t *list = json_array();
    for (size_t i = 0; i < stored.count; i++) {
        const struct stored_program *item = &stored.items[i];
        json_array_append_new(list, stored_json(item));
        if (!invocation->json)
            fprintf(invocation->out,
                    "%-20.*s version %-4" PRId64 " from %-20s hash %.12s zones %.12s applied %s by %.*s\n",
                    (int)item->program_id.len, item->program_id.at, item->version,
                    rfc3339_format(item->effective_at, effective), item->source_hash.at,
                    item->zones_hash.at ? item->zones_hash.at : "unknown", rfc3339_format(item->applied_at, applied),
                    (int)item->applied_by.len, item->applied_by.at);
    }
    if (invocation->json) {
        dump(invocation, list);
        return;
    }
    json_decref(list);
    if (stored.count == 0)
        fputs("no programs; `points program apply FILE` stores one\n", invocation->out);
}

static int list(const struct invocation *invocation)
{
    struct err err = {.code = ERR_NONE};
    struct stored_programs stored;
    struct arena *arena = arena_new(0);
    enum err_code code = list_stored(invocation, TEXT(""), arena, &stored, &err);
    if (!code)
        print_list(invocation, stored);
    arena_free(arena);
    return code ? command_failed(invocation, &err) : EXIT_OK;
}

/* The version asked for, else the newest; NULL where it is not stored. */
static const struct stored_program *choose(struct stored_programs stored, int64_t version)
{
    for (size_t i = stored.count; i-- > 0;)
        if (version == 0 || stored.items[i].version == version)
            return &stored.items[i];
    return NULL;
}

static void print_stored(const struct invocation *invocation, const struct stored_program *item)
{
    if (!invocation->json) {
        fwrite(item->source.at, 1, item->source.len, invocation->out);
        return;
    }
    json_t *object = stored_json(item);
    json_object_set_new(object, "source", json_stringn(item->source.at, item->source.len));
    dump(invocation, object);
}

static int show_in(const struct invocation *invocation, struct arena *arena)
{
    struct err err = {.code = ERR_NONE};
    struct stored_programs stored;
    const char *id = invocation->arguments[0];
    char *end = NULL;
    int64_t version = invocation->argument_count > 1 ? strtoll(invocation->arguments[1], &end, 10) : 0;
    if (end && (*end || version < 1)) {
        err_set(&err, ERR_USAGE, "VERSION is %.40s; it must be a whole number from 1", invocation->arguments[1]);
        return command_failed(invocation, &err);
    }
    if (list_stored(invocation, text_of(id), arena, &stored, &err))
        return command_failed(invocation, &err);
    const struct stored_program *item = *id ? choose(stored, version) : NULL;
    if (!item) {
        if (invocation->json)
            fputs("null\n", invocation->out);
        fprintf(invocation->errors, "points program show: %s is not stored; `points program list` shows what is\n",
                stored.count ? "that version" : id);
        return EXIT_DIFFERENCE;
    }
    print_stored(invocation, item);
    return EXIT_OK;
}

static int show(const struct invocation *invocation)
{
    struct arena *arena = arena_new(0);
    int status = show_in(invocation, arena);
    arena_free(arena);
    return status;
}

static int schema(const struct invocation *invocation)
{
    json_t *object = program_schema();
    json_dumpf(object, invocation->out, JSON_INDENT(2));
    fputc('\n', invocation->out);
    json_decref(object);
    return EXIT_OK;
}

const struct command command_program_apply = {
    .name = "program apply",
    .arguments = "FILE",
    .summary = "check a program file and put it in force",
    .description =
        "Checks the file whole, every error with line and column; shows how it differs in meaning from the newest "
        "stored version; stores it and raises the revision of the set of programs in one transaction, at which all "
        "running instances change over. With the version is kept the time-zone database of this machine, by which all "
        "instances decide; another database comes into force with another version.\n\n"
        "A version in effect is never rewritten: the same content again changes nothing, other content is refused. One "
        "that is still to take effect is replaced. A new version has a higher number and takes effect after all "
        "others, and counts until the next one does: so they leave no gap and never overlap. The time at which an "
        "event occurred chooses the version, so one that takes effect in the past decides only events that are still "
        "to come; a warning says so.",
    .least_arguments = 1,
    .most_arguments = 1,
    .loads_config = true,
    .json = true,
    .options = {{"--dry-run", NULL, "check and show the difference, write nothing"}},
    .examples = {{"points program apply shop.yaml --dry-run", "what would change"},
                 {"points program apply shop.yaml", "put it in force"}},
    .run = apply,
};

const struct command command_program_list = {
    .name = "program list",
    .arguments = "",
    .summary = "list the stored programs and their versions",
    .description =
        "Prints each version of each program: from when it is in effect, the hashes (SHA-256) of its file and of "
        "the time zones it decides by, when it was applied and by whom.",
    .loads_config = true,
    .json = true,
    .examples = {{"points program list", "all versions"}},
    .run = list,
};

const struct command command_program_show = {
    .name = "program show",
    .arguments = "ID [VERSION]",
    .summary = "print a stored program file",
    .description = "Prints the file as it was applied, byte for byte: the newest version, or the one named.",
    .least_arguments = 1,
    .most_arguments = 2,
    .loads_config = true,
    .json = true,
    .examples = {{"points program show shop", "the newest version"},
                 {"points program show shop 1 > old.yaml", "the first one"}},
    .run = show,
};

const struct command command_program_schema = {
    .name = "program schema",
    .arguments = "",
    .summary = "print the JSON Schema of program files, for editors",
    .description =
        "Prints what config/program.schema.json holds, made of the tables by which program files are read. An editor "
        "with the YAML language server completes and validates a file that begins with\n\n"
        "# yaml-language-server: $schema=../program.schema.json\n\n"
        "`points check` finds what a schema cannot: undeclared currencies, conditions of the wrong type.",
    .examples = {{"points program schema > program.schema.json", "beside your own programs"}},
    .run = schema,
};
