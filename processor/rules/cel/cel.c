#include "rules/cel/cel.h"

#include <assert.h>

#include "rules/cel/check.h"
#include "rules/cel/parse.h"
#include "rules/cel/program.h"

/* Bytes and steps that an evaluation may take beyond what its static cost says for each of its steps. */
enum { ALLOWANCE_EACH = 64 };

enum err_code cel_compile(const struct cel_env *env, struct text source, struct arena *arena, struct cel_program **out,
                          struct cel_fault *fault)
{
    struct cel_node *root;
    uint64_t most = env->cost_max ? env->cost_max : CEL_COST_MAX;
    struct cel_program *program = arena_alloc(arena, sizeof *program);
    if (cel_parse(source, !env->no_macros, arena, &root, fault) || cel_check(env, source, root, arena, fault))
        return ERR_PROGRAM;
    program->cost = cel_cost(env, root, arena);
    if (program->cost > most)
        return cel_fault_at(source, root->at,
                            arena_printf(arena, "may take %llu steps; at most %llu are allowed",
                                         (unsigned long long)program->cost, (unsigned long long)most),
                            fault);
    if (cel_plan(env, source, root, arena, &program->root, fault))
        return ERR_PROGRAM;
    program->env = env;
    program->type = root->type;
    program->source = source;
    program->allowance = (program->cost + 16) * ALLOWANCE_EACH;
    *out = program;
    return ERR_NONE;
}

struct text cel_program_source(const struct cel_program *program)
{
    return program->source;
}

const struct cel_type *cel_program_type(const struct cel_program *program)
{
    return program->type;
}

uint64_t cel_program_cost(const struct cel_program *program)
{
    return program->cost;
}

void cel_eval(const struct cel_program *program, const struct cel_value *variables, struct arena *arena,
              struct cel_value *out)
{
    struct cel_run run; /* locals are written before they are read */
    run.variables = variables;
    run.arena = arena;
    run.env = program->env;
    run.left = program->allowance;
    cel_run_op(program->root, &run, out);
    assert(out->kind < CEL_DYN);
}

struct text cel_error_text(const struct cel_program *program, const struct cel_value *error, struct arena *arena)
{
    struct cel_fault fault;
    assert(error->kind == CEL_ERROR);
    cel_fault_at(program->source, error->at, TEXT(""), &fault);
    return arena_printf(arena, "%s at line %d, column %d", cel_error_name(error->error), fault.line, fault.column);
}
