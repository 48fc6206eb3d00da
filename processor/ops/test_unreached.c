#include <limits.h>
#include <stdlib.h>

#include "cases/grow.h"
#include "ops/test_report.h"
#include "program/bundle.h"
#include "program/load.h"
#include "rules/program_model.h"

/* Rules and automatic rewards that no case reaches, programs that no case file names. */

/* A program with what all case files that name it reach. */
struct reached_program {
    struct text key;  /* the file's real path, or empty for a program inside a case file, which is like no other */
    struct text file; /* as it was named */
    const struct program *program;
    struct reach reach;
};

struct reached_programs {
    struct reached_program *items;
    size_t count;
    size_t capacity;
};

/* Empty where the path leads nowhere. */
static struct text real_path(const char *path, struct arena *arena)
{
    char room[PATH_MAX];
    return realpath(path, room) ? arena_text(arena, text_of(room)) : TEXT("");
}

static void unite(bool *into, const bool *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] = into[i] || from[i];
}

static void add(struct reached_programs *programs, const struct case_program *program, const struct reach *reach,
                struct arena *arena)
{
    struct text key = program->inside ? TEXT("") : real_path(program->file.at, arena);
    for (size_t i = 0; i < programs->count && key.len > 0; i++) {
        struct reached_program *known = &programs->items[i];
        if (!text_equal(known->key, key) || known->program->rule_count != program->program->rule_count ||
            known->program->reward_count != program->program->reward_count)
            continue;
        unite(known->reach.rules, reach->rules, known->program->rule_count);
        unite(known->reach.rewards, reach->rewards, known->program->reward_count);
        return;
    }
    programs->items = grown(arena, programs->items, programs->count, &programs->capacity, sizeof *programs->items);
    programs->items[programs->count++] = (struct reached_program){key, program->file, program->program, *reach};
}

static size_t list(const struct reached_program *reached, struct unreached *out)
{
    const struct program *program = reached->program;
    size_t count = 0;
    for (size_t i = 0; i < program->rule_count; i++)
        if (!reached->reach.rules[i])
            out[count++] = (struct unreached){reached->file, program, UNREACHED_RULE, program->rules[i].id};
    for (size_t i = 0; i < program->reward_count; i++)
        if (!reached->reach.rewards[i])
            out[count++] = (struct unreached){reached->file, program, UNREACHED_REWARD, program->rewards[i].id};
    return count;
}

/* A program that no case file names, or NULL; a file that is none is for `points check`. */
static const struct program *unnamed_program(const struct reached_programs *programs, const char *path,
                                             const struct zones *zones, struct arena *arena)
{
    struct program_errors errors = {0};
    struct program *program;
    struct text source;
    struct err err;
    struct text key = real_path(path, arena);
    for (size_t i = 0; i < programs->count; i++)
        if (text_equal(programs->items[i].key, key))
            return NULL;
    if (program_read_file(path, arena, &source, &err) || program_load(source, zones, arena, &program, &errors, &err))
        return NULL;
    return program;
}

static struct reached_programs collect(const struct tested *tested)
{
    struct reached_programs programs = {0};
    for (size_t i = 0; i < tested->file_count; i++) {
        const struct tested_file *file = &tested->files[i];
        for (size_t p = 0; file->code == ERR_NONE && p < file->file.program_count; p++)
            add(&programs, &file->file.programs[p], &file->reach[p], tested->arena);
    }
    return programs;
}

void tested_find_unreached(struct tested *tested, const struct path_list *yamls)
{
    struct reached_programs programs = collect(tested);
    size_t most = yamls->count;
    for (size_t i = 0; i < programs.count; i++)
        most += programs.items[i].program->rule_count + programs.items[i].program->reward_count;
    struct unreached *unreached = arena_array(tested->arena, most, sizeof *unreached);
    size_t count = 0;
    for (size_t i = 0; i < programs.count; i++)
        count += list(&programs.items[i], unreached + count);
    for (size_t i = 0; i < yamls->count; i++) {
        const struct program *program = unnamed_program(&programs, yamls->items[i], tested->zones, tested->arena);
        if (program)
            unreached[count++] = (struct unreached){text_of(yamls->items[i]), program, UNREACHED_PROGRAM, program->id};
    }
    tested->unreached = unreached;
    tested->unreached_count = count;
}

const char *unreached_name(enum unreached_kind kind)
{
    static const char *const names[] = {
        [UNREACHED_RULE] = "rule", [UNREACHED_REWARD] = "reward", [UNREACHED_PROGRAM] = "program"};
    return names[kind];
}
