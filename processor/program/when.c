#include "program/draft.h"
#include "rules/cel/cel.h"
#include "rules/event_fields.h"
#include "rules/work.h"

/* `when`: the condition of a rule, an expression over `event`, `member` and `program`. */

static const struct zone *find_zone(const void *context, struct text name)
{
    return zones_find(context, name);
}

static const struct cel_env *environment_of(struct loader *loader, enum event_type type)
{
    struct cel_variable *variables = arena_array(loader->arena, VARIABLE_COUNT, sizeof *variables);
    struct cel_env *env = arena_alloc(loader->arena, sizeof *env);
    variables[VARIABLE_EVENT] = (struct cel_variable){.name = "event", .type = event_fields_type(type)};
    variables[VARIABLE_MEMBER] = (struct cel_variable){.name = "member", .type = &member_fields_type};
    variables[VARIABLE_PROGRAM] = (struct cel_variable){.name = "program", .type = &program_fields_type};
    *env = (struct cel_env){.variables = variables,
                            .variable_count = VARIABLE_COUNT,
                            .strict = true,
                            .zone = find_zone,
                            .zone_context = loader->program->zones};
    return env;
}

/* The column of a fault is that in the file where the expression stands on one line without quotes; else that of the
 * expression, and the message says where in it. */
static void complain_of(struct loader *loader, const struct node *node, const struct cel_fault *fault)
{
    complain(loader, node, "when: %.*s (line %d, column %d of the condition)", SHOWN(fault->message), fault->line,
             fault->column);
}

const struct shape when_shape = {.kind = SHAPE_TEXT, .example = "event.rating >= 4"};

void read_when(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    struct cel_program *condition = NULL;
    struct cel_fault fault = {0};
    if (!draft->typed || !expect_kind(loader, node, NODE_SCALAR, "when"))
        return;
    if (cel_compile(environment_of(loader, draft->rule.type), node->text, loader->arena, &condition, &fault))
        complain_of(loader, node, &fault);
    else if (cel_program_type(condition)->kind != CEL_BOOL)
        complain(loader, node, "when gives %.*s; a condition is true or false",
                 SHOWN(cel_type_text(loader->arena, cel_program_type(condition))));
    else
        draft->rule.when = condition;
    draft->rule.image |= IMAGE_ALL;
}
