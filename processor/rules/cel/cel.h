#ifndef POINTS_RULES_CEL_CEL_H
#define POINTS_RULES_CEL_CEL_H

#include "base/err.h"
#include "rules/cel/ast.h"

/* Common Expression Language (github.com/google/cel-spec): an expression is checked against the host's types when it
 * is loaded, its cost bounded, and then evaluated as often as wanted, in the batch's arena alone.
 *
 *     struct cel_program *program;
 *     cel_compile(&env, TEXT("event.total >= 5000"), arena, &program, &fault);
 *     ...
 *     struct cel_value variables[] = {cel_object(&event_order, event)}, result;
 *     cel_eval(program, variables, batch_arena, &result);
 *     if (result.kind == CEL_BOOL && result.boolean) ...
 */

struct zone;

/* A variable that the host gives; its index in the environment is its index among the values. */
struct cel_variable {
    const char *name; /* may have dots */
    const struct cel_type *type;
    uint32_t bound; /* as of a cel_field */
};

struct cel_env {
    const struct cel_variable *variables;
    size_t variable_count;
    struct text container; /* namespace in which names are looked up first */
    bool lenient;          /* what the check finds becomes an error at run time; for the conformance tests */
    bool strict; /* no dyn: mixed literals and dyn() are refused, so that a wrong type is never met at run time */
    bool no_macros;
    uint32_t text_bound; /* most bytes of a text where no field or variable says; 0: 4096 */
    uint32_t list_bound; /* most elements likewise; 0: 1000 */
    uint64_t cost_max;   /* 0: CEL_COST_MAX */
    /* The zone of that IANA name, NULL when there is none; NULL: only UTC and fixed offsets are known. */
    const struct zone *(*zone)(const void *context, struct text name);
    const void *zone_context;
};

enum { CEL_COST_MAX = 1000000 };

struct cel_program;

/* Parses, checks, bounds and prepares source. The program is the arena's and refers to env, its variables and types,
 * and to the source, which must outlive it. ERR_PROGRAM: *fault says where and what is wrong, with a hint. */
enum err_code cel_compile(const struct cel_env *env, struct text source, struct arena *arena, struct cel_program **out,
                          struct cel_fault *fault);

/* As it was given to cel_compile. */
struct text cel_program_source(const struct cel_program *program);

/* What the expression gives. */
const struct cel_type *cel_program_type(const struct cel_program *program);

/* Most steps that an evaluation takes, by the bounds that the environment states. */
uint64_t cel_program_cost(const struct cel_program *program);

/* True when the condition, by its form, can hold only where the variable's field is the text *out; with a list, only
 * where some element of the variable's list has such a field. False says nothing. */
bool cel_program_needs(const struct cel_program *program, uint32_t variable, const char *list, const char *field,
                       struct text *out);

/* variables: as many as the environment has, in its order; an unset one is an error value (CEL_UNDECLARED). *out may
 * refer to them, to the program and to the arena. Errors are values: out->kind is CEL_ERROR. Deterministic. */
void cel_eval(const struct cel_program *program, const struct cel_value *variables, struct arena *arena,
              struct cel_value *out);

/* "division by zero at line 1, column 7". The arena's. */
struct text cel_error_text(const struct cel_program *program, const struct cel_value *error, struct arena *arena);

#endif
