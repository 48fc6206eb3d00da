#include "program/draft.h"
#include "rules/cel/cel.h"
#include "rules/event_fields.h"
#include "rules/record.h"
#include "rules/work.h"

/* Expressions over `event`, `member` and `program`: conditions and amounts. */

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
static void complain_of(struct loader *loader, const struct node *node, const char *what, const struct cel_fault *fault)
{
    complain(loader, node, "%s: %.*s (line %d, column %d of the %s)", what, SHOWN(fault->message), fault->line,
             fault->column, strcmp(what, "when") == 0 ? "condition" : "expression");
}

static bool compile(struct loader *loader, const struct node *node, const char *what, enum event_type type,
                    struct cel_program **out)
{
    struct cel_fault fault = {0};
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return false;
    if (!cel_compile(environment_of(loader, type), node->text, loader->arena, out, &fault))
        return true;
    complain_of(loader, node, what, &fault);
    return false;
}

bool read_condition(struct loader *loader, const struct node *node, enum event_type type,
                    const struct cel_program **out)
{
    struct cel_program *condition = NULL;
    if (!compile(loader, node, "when", type, &condition))
        return false;
    if (cel_program_type(condition)->kind != CEL_BOOL) {
        complain(loader, node, "when gives %.*s; a condition is true or false",
                 SHOWN(cel_type_text(loader->arena, cel_program_type(condition))));
        return false;
    }
    *out = condition;
    return true;
}

bool read_amount_expression(struct loader *loader, const struct node *node, enum event_type type,
                            const struct cel_program **out)
{
    struct cel_program *amount = NULL;
    if (!compile(loader, node, "amount", type, &amount))
        return false;
    if (cel_program_type(amount)->kind != CEL_INT) {
        complain(loader, node, "amount gives %.*s; points are a whole number, an int",
                 SHOWN(cel_type_text(loader->arena, cel_program_type(amount))));
        return false;
    }
    *out = amount;
    return true;
}

const struct shape when_shape = {.kind = SHAPE_TEXT, .example = "event.rating >= 4"};

void read_when(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    if (draft->typed && read_condition(loader, node, draft->rule.type, &draft->rule.when))
        draft->rule.image |= IMAGE_ALL;
}
