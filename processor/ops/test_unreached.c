#include <limits.h>
#include <stdlib.h>

#include "cases/grow.h"
#include "ops/test_report.h"
#include "rules/program_model.h"

/* Rules and automatic rewards that no case reaches. */

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

static struct text key_of(const struct case_program *program, struct arena *arena)
{
    char room[PATH_MAX];
    if (program->inside || !realpath(program->file.at, room))
        return TEXT("");
    return arena_text(arena, text_of(room));
}

static void unite(bool *into, const bool *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] = into[i] || from[i];
}

static void add(struct reached_programs *programs, const struct case_program *program, const struct reach *reach,
                struct arena *arena)
{
    struct text key = key_of(program, arena);
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
            out[count++] = (struct unreached){reached->file, program, false, program->rules[i].id};
    for (size_t i = 0; i < program->reward_count; i++)
        if (!reached->reach.rewards[i])
            out[count++] = (struct unreached){reached->file, program, true, program->rewards[i].id};
    return count;
}

void tested_find_unreached(struct tested *tested)
{
    struct reached_programs programs = {0};
    size_t most = 0;
    for (size_t i = 0; i < tested->file_count; i++) {
        const struct tested_file *file = &tested->files[i];
        for (size_t p = 0; file->code == ERR_NONE && p < file->file.program_count; p++)
            add(&programs, &file->file.programs[p], &file->reach[p], tested->arena);
    }
    for (size_t i = 0; i < programs.count; i++)
        most += programs.items[i].program->rule_count + programs.items[i].program->reward_count;
    struct unreached *unreached = arena_array(tested->arena, most, sizeof *unreached);
    for (size_t i = 0; i < programs.count; i++)
        tested->unreached_count += list(&programs.items[i], unreached + tested->unreached_count);
    tested->unreached = unreached;
}
