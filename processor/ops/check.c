#include <glob.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cases/cases.h"
#include "cases/words.h"
#include "decode/readers.h"
#include "ops/command.h"
#include "program/bundle.h"
#include "program/load.h"
#include "program/versions.h"
#include "program/zones.h"
#include "source/kafka_conf.h"
#include "timers/inputs.h"

enum { ARENA_KEEP = 1 << 20 };

struct checked_program {
    struct program *program;
    const char *path; /* the arena's */
};

/* What was looked at, and what was wrong. */
struct findings {
    const struct invocation *invocation;
    json_t *checked; /* paths */
    json_t *errors;
    struct arena *arena; /* of all programs, which are held against each other */
    const struct zones *zones;
    struct readers *readers;
    struct checked_program programs[COMMAND_ARGUMENTS_MAX]; /* those without an error */
    size_t program_count;
};

/* A path may be no UTF-8, which JSON cannot hold. */
static json_t *json_of(const char *text, size_t len)
{
    json_t *json = json_stringn(text, len);
    return json ? json : json_string("(not UTF-8)");
}

static void note_checked(struct findings *findings, const char *path)
{
    json_array_append_new(findings->checked, json_of(path, strlen(path)));
}

/* line 0: the error is about the whole file; column 0: about the line. */
static void note_error(void *context, const char *file, int line, int column, const char *message)
{
    struct findings *findings = context;
    FILE *out = findings->invocation->out;
    json_array_append_new(findings->errors,
                          json_pack("{s:o, s:i, s:i, s:o}", "file", json_of(file, strlen(file)), "line", line, "column",
                                    column, "text", json_of(message, strlen(message))));
    if (findings->invocation->json)
        return;
    if (column)
        fprintf(out, "%s:%d:%d: %s\n", file, line, column, message);
    else if (line)
        fprintf(out, "%s:%d: %s\n", file, line, message);
    else
        fprintf(out, "%s: %s\n", file, message);
}

static void check_secret(struct findings *findings, const char *name, const char *path)
{
    struct err err;
    char *secret = NULL;
    if (config_secret(path, &secret, &err) != ERR_NONE) {
        err_wrap(&err, "%s", name);
        note_error(findings, "configuration", 0, 0, err.text);
    }
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void check_kafka_properties(struct findings *findings, const struct config *config)
{
    const char *none[][2] = {{NULL, NULL}};
    struct err err = {.code = ERR_NONE};
    rd_kafka_conf_t *conf = kafka_conf(config, none, &err);
    if (conf)
        rd_kafka_conf_destroy(conf);
    else
        note_error(findings, "configuration", 0, 0, err.text);
}

static void check_topics(struct findings *findings, const struct config *config)
{
    struct err err = {.code = ERR_NONE};
    if (inputs_check(config, &err) != ERR_NONE)
        note_error(findings, "configuration", 0, 0, err.text);
}

static void check_config(struct findings *findings)
{
    struct config config;
    const char *path = option_text(findings->invocation, "--config", getenv("POINTS_CONFIG"));
    note_checked(findings, path ? path : "configuration (defaults and environment)");
    if (config_load_reporting(path, &config, note_error, findings) != ERR_NONE)
        return;
    check_secret(findings, "postgres.password_file", config.postgres_password_file);
    check_secret(findings, "redis.password_file", config.redis_password_file);
    check_secret(findings, "registry.password_file", config.registry_password_file);
    check_kafka_properties(findings, &config);
    check_topics(findings, &config);
    config_release(&config);
}

static void note_program_errors(struct findings *findings, const char *path, const struct program_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        char message[1024];
        const struct program_error *error = &errors->items[i];
        snprintf(message, sizeof message, "%.*s", (int)error->message.len, error->message.at);
        note_error(findings, path, error->line, error->column, message);
    }
}

static void check_program(struct findings *findings, const char *path)
{
    struct program_errors errors = {0};
    struct program *program = NULL;
    struct text source;
    struct err err = {.code = ERR_NONE};
    note_checked(findings, path);
    enum err_code code = program_read_file(path, findings->arena, &source, &err);
    if (code == ERR_NONE)
        code = program_load(source, findings->zones, findings->arena, &program, &errors, &err);
    if (code != ERR_NONE && errors.count == 0)
        note_error(findings, path, 0, 0, err.text);
    note_program_errors(findings, path, &errors);
    if (code == ERR_NONE && findings->program_count < COMMAND_ARGUMENTS_MAX)
        findings->programs[findings->program_count++] =
            (struct checked_program){program, arena_printf(findings->arena, "%s", path).at};
}

static int by_version(const void *a, const void *b)
{
    return versions_compare(((const struct checked_program *)a)->program, ((const struct checked_program *)b)->program);
}

/* Several files may be versions of one program. */
static void check_versions(struct findings *findings)
{
    struct err err;
    struct checked_program *programs = findings->programs;
    if (findings->program_count > 1)
        qsort(programs, findings->program_count, sizeof *programs, by_version);
    for (size_t i = 1; i < findings->program_count; i++)
        if (versions_follow(programs[i - 1].program, programs[i].program, &err))
            note_error(findings, programs[i].path, 0, 0, err.text);
}

/* Golden cases are read, with the programs that they name, and not run. */
static void check_cases(struct findings *findings, const char *path)
{
    struct arena *arena = arena_new(ARENA_KEEP);
    struct case_file file;
    struct case_faults faults = {0};
    note_checked(findings, path);
    cases_read(path, findings->zones, arena, &file, &faults);
    for (size_t i = 0; i < faults.count; i++) {
        const struct case_fault *fault = &faults.items[i];
        note_error(findings, arena_printf(arena, "%.*s", VIEW(fault->file)).at, fault->line, fault->column,
                   arena_printf(arena, "%.*s", VIEW(fault->message)).at);
    }
    arena_free(arena);
}

/* A schema that a producer writes events with: whether ours reads what it writes. */
static void check_schema(struct findings *findings, const char *path)
{
    struct text json;
    struct schema *schema = NULL;
    struct plan *plan = NULL;
    struct err err;
    note_checked(findings, path);
    enum err_code code = program_read_file(path, findings->arena, &json, &err);
    if (code == ERR_NONE)
        code = schema_parse(json, &schema, &err);
    if (code == ERR_NONE)
        code = readers_resolve(findings->readers, schema, &plan, &err);
    if (code != ERR_NONE)
        note_error(findings, path, 0, 0, err.text);
    plan_free(plan);
    if (schema)
        schema_free(schema);
}

static void check_file(struct findings *findings, const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".cases") == 0)
        check_cases(findings, path);
    else if (dot && strcmp(dot, ".avsc") == 0)
        check_schema(findings, path);
    else
        check_program(findings, path);
}

static void check_found(struct findings *findings, const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_file(findings, found.gl_pathv[i]);
    globfree(&found);
}

static void check_files(struct findings *findings)
{
    const struct invocation *invocation = findings->invocation;
    for (int i = 0; i < invocation->argument_count; i++)
        check_file(findings, invocation->arguments[i]);
    if (invocation->argument_count > 0)
        return;
    check_found(findings, "config/programs/*.yaml");
    check_found(findings, "config/programs/*.cases");
}

static void print_summary(const struct findings *findings)
{
    FILE *out = findings->invocation->out;
    size_t errors = json_array_size(findings->errors);
    if (findings->invocation->json) {
        json_t *all =
            json_pack("{s:b, s:O, s:O}", "ok", errors == 0, "checked", findings->checked, "errors", findings->errors);
        json_dumpf(all, out, JSON_COMPACT);
        fputc('\n', out);
        json_decref(all);
        return;
    }
    for (size_t i = 0; errors == 0 && i < json_array_size(findings->checked); i++)
        fprintf(out, "good: %s\n", json_string_value(json_array_get(findings->checked, i)));
    if (errors)
        fprintf(out, "%zu error%s\n", errors, errors == 1 ? "" : "s");
}

static int check(const struct invocation *invocation)
{
    struct findings findings = {
        .invocation = invocation, .checked = json_array(), .errors = json_array(), .arena = arena_new(ARENA_KEEP)};
    struct err err;
    check_config(&findings);
    if (zones_load(ZONES_FOLDER, findings.arena, &findings.zones, &err))
        note_error(&findings, ZONES_FOLDER, 0, 0, err.text);
    else if (readers_new(&findings.readers, &err))
        note_error(&findings, "schemas built in", 0, 0, err.text);
    else
        check_files(&findings);
    check_versions(&findings);
    print_summary(&findings);
    readers_free(findings.readers);
    arena_free(findings.arena);
    int status = json_array_size(findings.errors) ? EXIT_CONFIG : EXIT_OK;
    json_decref(findings.checked);
    json_decref(findings.errors);
    return status;
}

const struct command command_check = {
    .name = "check",
    .arguments = "[FILE]...",
    .summary = "find every error in the configuration, programs, cases and schemas",
    .description =
        "Reads the configuration, the environment and the files that it names (secrets, Kafka properties), then each "
        "FILE: a program; golden cases (.cases), which are not run; or the schema that a producer writes events with "
        "(.avsc), which must be one that the processor reads. Without a FILE, those of config/programs. Several "
        "versions of one program must not overlap. Every error is printed as FILE:LINE:COLUMN: what was found, what "
        "was expected and a hint. Nothing is contacted and nothing is changed.",
    .most_arguments = COMMAND_ARGUMENTS_MAX,
    .json = true,
    .options = {{"--config", "FILE", "settings; without it $POINTS_CONFIG, else defaults"}},
    .examples =
        {
            {"points check", "the settings, all programs, cases and schemas"},
            {"points check shop.yaml", "is the changed program right?"},
            {"points check orders-v3.avsc", "will events written with this schema be read?"},
            {"points check --config /etc/points.conf --json", "for a script that deploys"},
        },
    .run = check,
};
