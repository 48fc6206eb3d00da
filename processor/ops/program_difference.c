#include "ops/program_difference.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cases/words.h"
#include "ops/command.h"
#include "ops/database.h"
#include "program/bundle.h"
#include "program/load.h"
#include "program/store.h"
#include "program/zones.h"

void print_differences(FILE *out, struct program_differences differences)
{
    for (size_t i = 0; i < differences.count; i++) {
        const struct program_difference *each = &differences.items[i];
        switch (each->kind) {
        case CHANGE_ADDED:
            fprintf(out, "  + %.*s: %.*s\n", VIEW(each->path), VIEW(each->after));
            break;
        case CHANGE_REMOVED:
            fprintf(out, "  - %.*s: %.*s\n", VIEW(each->path), VIEW(each->before));
            break;
        case CHANGE_CHANGED:
            fprintf(out, "    %.*s: %.*s → %.*s\n", VIEW(each->path), VIEW(each->before), VIEW(each->after));
            break;
        case CHANGE_MOVED:
            fprintf(out, "    %.*s stands now %s%.*s\n", VIEW(each->path), each->after.len > 0 ? "behind " : "first",
                    VIEW(each->after));
            break;
        }
    }
    if (differences.count == 0)
        fputs("  the same in meaning\n", out);
}

json_t *differences_json(struct program_differences differences)
{
    json_t *list = json_array();
    for (size_t i = 0; i < differences.count; i++) {
        const struct program_difference *each = &differences.items[i];
        json_t *item = json_pack("{s:s, s:s%}", "kind", change_name(each->kind), "path", each->path.at, each->path.len);
        if (each->before_line > 0 && each->kind != CHANGE_MOVED)
            json_object_set_new(item, "before", json_stringn(each->before.at ? each->before.at : "", each->before.len));
        if (each->after_line > 0)
            json_object_set_new(item, each->kind == CHANGE_MOVED ? "behind" : "after",
                                json_stringn(each->after.at ? each->after.at : "", each->after.len));
        if (each->before_line > 0)
            json_object_set_new(item, "before_line", json_integer(each->before_line));
        if (each->after_line > 0)
            json_object_set_new(item, "after_line", json_integer(each->after_line));
        json_array_append_new(list, item);
    }
    return list;
}

/* ---- points program diff */

/* One side: a program file, or a stored version. */
struct side {
    struct text name; /* "shop.yaml", "shop version 2" */
    struct text id;   /* the program's */
    struct text source;
};

struct diff {
    const struct invocation *invocation;
    struct arena *arena;
    PGconn *connection; /* NULL until a stored version is asked for */
};

/* What ends as a file's name does, or has a folder, is a file; ids have neither. */
static bool is_file(const char *name)
{
    return strpbrk(name, "./") != NULL;
}

static enum err_code read_file(struct diff *diff, const char *path, struct side *out, struct err *err)
{
    struct program_errors errors = {0};
    struct program *program = NULL;
    const struct zones *zones = NULL;
    enum err_code code = program_read_file(path, diff->arena, &out->source, err);
    if (!code)
        code = zones_load(ZONES_FOLDER, diff->arena, &zones, err);
    if (!code)
        code = program_load(out->source, zones, diff->arena, &program, &errors, err);
    if (code == ERR_PROGRAM)
        return err_wrap(err, "%s", path);
    if (code)
        return code;
    out->name = text_of(path);
    out->id = program_id(program);
    return ERR_NONE;
}

/* The version of that number; 0: the newest. */
static const struct stored_program *choose(struct stored_programs stored, int64_t version)
{
    const struct stored_program *found = NULL;
    for (size_t i = 0; i < stored.count; i++)
        if (version == 0 || stored.items[i].version == version)
            found = &stored.items[i];
    return found;
}

static enum err_code read_stored(struct diff *diff, struct text id, int64_t version, struct side *out, struct err *err)
{
    struct stored_programs stored;
    enum err_code code = ERR_NONE;
    if (!diff->connection)
        code = database_open(diff->invocation->config, POSTGRES_READER, &diff->connection, err);
    if (!code)
        code = program_store_list(diff->connection, id, diff->arena, &stored, err);
    if (code)
        return code;
    const struct stored_program *item = id.len > 0 ? choose(stored, version) : NULL;
    if (!item)
        return err_set(err, ERR_USAGE, "%.*s%s is not stored; `points program list` shows what is", VIEW(id),
                       version ? " of that version" : "");
    out->id = id;
    out->name = arena_printf(diff->arena, "%.*s version %" PRId64, VIEW(id), item->version);
    out->source = item->source;
    return ERR_NONE;
}

/* "shop.yaml", "shop", "shop@2" */
static enum err_code read_side(struct diff *diff, const char *name, struct side *out, struct err *err)
{
    if (is_file(name))
        return read_file(diff, name, out, err);
    const char *at = strchr(name, '@');
    char *end = NULL;
    int64_t version = at ? strtoll(at + 1, &end, 10) : 0;
    if (at && (end == at + 1 || *end || version < 1))
        return err_set(err, ERR_USAGE, "%.40s: behind @ stands a version, a whole number from 1", name);
    return read_stored(diff, (struct text){name, at ? (size_t)(at - name) : strlen(name)}, version, out, err);
}

/* One alone is held against the newest stored version of its program. */
static enum err_code read_sides(struct diff *diff, struct side *before, struct side *after, struct err *err)
{
    const struct invocation *invocation = diff->invocation;
    if (invocation->argument_count == 1) {
        enum err_code code = read_side(diff, invocation->arguments[0], after, err);
        return code ? code : read_stored(diff, after->id, 0, before, err);
    }
    enum err_code code = read_side(diff, invocation->arguments[0], before, err);
    return code ? code : read_side(diff, invocation->arguments[1], after, err);
}

static int print(const struct invocation *invocation, const struct side *before, const struct side *after,
                 struct program_differences differences)
{
    if (invocation->json) {
        json_t *object = json_pack("{s:s%, s:s%, s:o}", "before", before->name.at, before->name.len, "after",
                                   after->name.at, after->name.len, "difference", differences_json(differences));
        json_dumpf(object, invocation->out, JSON_COMPACT);
        fputc('\n', invocation->out);
        json_decref(object);
    } else {
        fprintf(invocation->out, "%.*s to %.*s:\n", VIEW(before->name), VIEW(after->name));
        print_differences(invocation->out, differences);
    }
    return differences.count > 0 ? EXIT_DIFFERENCE : EXIT_OK;
}

static int run(const struct invocation *invocation)
{
    struct err err = {.code = ERR_NONE};
    struct side before = {0}, after = {0};
    struct diff diff = {.invocation = invocation, .arena = arena_new(0)};
    int status = read_sides(&diff, &before, &after, &err)
                     ? command_failed(invocation, &err)
                     : print(invocation, &before, &after, program_difference(before.source, after.source, diff.arena));
    postgres_close(diff.connection);
    arena_free(diff.arena);
    return status;
}

const struct command command_program_diff = {
    .name = "program diff",
    .arguments = "[A] B",
    .summary = "show how two versions of a program differ in meaning",
    .description =
        "A and B are program files, or what is stored: an id means its newest version, id@2 version 2. B alone, a "
        "file, "
        "is held against the newest stored version of its program.\n\n"
        "Keys and values are compared, not lines: comments, layout, the order of keys and the digits of a number (10, "
        "10.00) make no difference; rules and rewards are known by their ids. Exit status 1: they differ.",
    .least_arguments = 1,
    .most_arguments = 2,
    .loads_config = true,
    .json = true,
    .examples = {{"points program diff shop.yaml", "what applying it would change"},
                 {"points program diff old.yaml new.yaml", "two files; nothing is contacted"},
                 {"points program diff shop@1 shop@2", "two stored versions"}},
    .run = run,
};
