#include "rules/cel/program.h"
#include "rules/cel/type.h"

/* What must be so for a condition to hold, as far as its form says: a host looks such conditions up by the value
 * instead of asking each. */

static bool reads_field(const struct cel_op *op, const char *field)
{
    return op->run == cel_op_field && text_equal(text_of(op->field->name), text_of(field));
}

static bool is_variable(const struct cel_op *op, uint32_t variable)
{
    return op->run == cel_op_variable && op->slot == variable;
}

/* `x.field == "text"`, either way round, where x is the macro's element, or the variable. */
static bool compares(const struct cel_op *op, const uint32_t *variable, const char *field, struct text *out)
{
    if (op->run != cel_op_equal)
        return false;
    bool turned = op->children[0]->run == cel_op_constant;
    const struct cel_op *read = op->children[turned], *constant = op->children[!turned];
    if (constant->run != cel_op_constant || constant->value.kind != CEL_STRING || constant->value.text.len == 0 ||
        !reads_field(read, field))
        return false;
    const struct cel_op *of = read->children[0];
    if (variable ? !is_variable(of, *variable) : of->run != cel_op_local)
        return false;
    *out = constant->value.text;
    return true;
}

/* In one that is joined by &&: either side will do, for both must hold. */
static bool needs_of_element(const struct cel_op *op, const char *field, struct text *out)
{
    if (op->run == cel_op_and)
        return needs_of_element(op->children[0], field, out) || needs_of_element(op->children[1], field, out);
    return compares(op, NULL, field, out);
}

static bool needs(const struct cel_op *op, uint32_t variable, const char *list, const char *field, struct text *out)
{
    if (op->run == cel_op_and)
        return needs(op->children[0], variable, list, field, out) || needs(op->children[1], variable, list, field, out);
    if (!list)
        return compares(op, &variable, field, out);
    return op->run == cel_op_exists && reads_field(op->children[0], list) &&
           is_variable(op->children[0]->children[0], variable) && needs_of_element(op->children[1], field, out);
}

bool cel_program_needs(const struct cel_program *program, uint32_t variable, const char *list, const char *field,
                       struct text *out)
{
    return needs(program->root, variable, list, field, out);
}
