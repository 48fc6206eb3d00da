#include "rules/cel/program.h"
#include "rules/cel/regex.h"

/* Operations on single values. An error that an operand is becomes the result. */

static void place(struct cel_value *value, uint32_t at)
{
    if (value->kind == CEL_ERROR)
        value->at = at;
}

static void fail(struct cel_value *out, enum cel_error_code code, uint32_t at)
{
    *out = cel_error(code);
    out->at = at;
}

void cel_op_constant(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    (void)run;
    *out = op->value;
}

void cel_op_variable(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    *out = run->variables[op->slot];
    place(out, op->at);
}

void cel_op_local(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    *out = run->locals[op->slot];
}

void cel_op_field(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct cel_value room;
    const struct cel_value *object = cel_operand(op->children[0], run, &room);
    if (object->kind == CEL_OBJECT && object->object.type == op->object) {
        op->field->get(object->object.object, out);
        place(out, op->at);
    } else if (object->kind == CEL_ERROR) {
        *out = *object;
    } else {
        fail(out, CEL_NO_SUCH_FIELD, op->at);
    }
}

/* A name in something whose type was not known. */
static bool find(const struct cel_value *object, const struct cel_value *key, struct cel_value *out,
                 enum cel_error_code *wrong)
{
    *wrong = CEL_NO_SUCH_KEY;
    if (object->kind == CEL_MAP)
        return cel_map_find(object, key, out);
    if (object->kind != CEL_OBJECT) {
        *wrong = CEL_NO_SUCH_OVERLOAD;
        return false;
    }
    const struct cel_field *field = cel_field_named(object->object.type, key->text);
    *wrong = CEL_NO_SUCH_FIELD;
    if (field)
        field->get(object->object.object, out);
    return field != NULL;
}

void cel_op_select(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct cel_value object;
    enum cel_error_code wrong;
    cel_run_op(op->children[0], run, &object);
    if (object.kind == CEL_ERROR)
        *out = object;
    else if (!find(&object, &op->value, out, &wrong))
        fail(out, wrong, op->at);
}

static bool is_there(const struct cel_value *value)
{
    switch (value->kind) {
    case CEL_NULL:
    case CEL_ERROR:
        return false;
    case CEL_STRING:
    case CEL_BYTES:
        return value->text.len > 0;
    case CEL_LIST:
    case CEL_MAP:
        return value->count > 0;
    default:
        return true;
    }
}

void cel_op_has_field(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct cel_value field;
    cel_op_field(op, run, &field);
    *out = field.kind == CEL_ERROR ? field : cel_bool(is_there(&field));
}

void cel_op_has_key(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct cel_value object, found;
    enum cel_error_code wrong;
    cel_run_op(op->children[0], run, &object);
    if (object.kind == CEL_ERROR)
        *out = object;
    else if (find(&object, &op->value, &found, &wrong))
        *out = cel_bool(object.kind == CEL_MAP || is_there(&found));
    else if (wrong == CEL_NO_SUCH_KEY)
        *out = cel_bool(false);
    else
        fail(out, wrong, op->at);
}

void cel_op_call(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct cel_value arguments[CEL_ARGUMENTS_MAX];
    arguments[1].kind = CEL_NULL; /* what a getter of one argument looks at */
    for (size_t i = 0; i < op->count; i++) {
        cel_run_op(op->children[i], run, &arguments[i]);
        if (arguments[i].kind == CEL_ERROR) {
            *out = arguments[i];
            return;
        }
    }
    op->call(run, arguments, out);
    place(out, op->at);
}

/* Two operands, in rooms of their own where they do not stand elsewhere. */
struct operands {
    const struct cel_value *left;
    const struct cel_value *right;
    struct cel_value rooms[2];
};

/* False when one is an error, which *out then is. */
static inline bool read_operands(const struct cel_op *op, struct cel_run *run, struct operands *both,
                                 struct cel_value *out)
{
    both->left = cel_operand(op->children[0], run, &both->rooms[0]);
    both->right = cel_operand(op->children[1], run, &both->rooms[1]);
    if (both->left->kind != CEL_ERROR && both->right->kind != CEL_ERROR)
        return true;
    *out = both->left->kind == CEL_ERROR ? *both->left : *both->right;
    return false;
}

/* Equality and order decide most conditions: integers and texts by the shortest way, the rest as everywhere. */
static inline bool equal(const struct cel_value *left, const struct cel_value *right)
{
    if (left->kind == CEL_STRING && right->kind == CEL_STRING)
        return text_equal(left->text, right->text);
    if (left->kind == CEL_INT && right->kind == CEL_INT)
        return left->integer == right->integer;
    return cel_equal(left, right);
}

void cel_op_equal(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct operands both;
    if (read_operands(op, run, &both, out))
        *out = cel_bool(equal(both.left, both.right));
}

void cel_op_unequal(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct operands both;
    if (read_operands(op, run, &both, out))
        *out = cel_bool(!equal(both.left, both.right));
}

#define ORDERING(name, operator, function)                                                                             \
    void name(const struct cel_op *op, struct cel_run *run, struct cel_value *out)                                     \
    {                                                                                                                  \
        struct operands both;                                                                                          \
        if (!read_operands(op, run, &both, out))                                                                       \
            return;                                                                                                    \
        if (both.left->kind == CEL_INT && both.right->kind == CEL_INT) {                                               \
            *out = cel_bool(both.left->integer operator both.right->integer);                                          \
        } else {                                                                                                       \
            const struct cel_value arguments[2] = {*both.left, *both.right};                                           \
            function(run, arguments, out);                                                                             \
            place(out, op->at);                                                                                        \
        }                                                                                                              \
    }

ORDERING(cel_op_less, <, cel_call_less)
ORDERING(cel_op_less_equal, <=, cel_call_less_equal)
ORDERING(cel_op_more, >, cel_call_more)
ORDERING(cel_op_more_equal, >=, cel_call_more_equal)

#undef ORDERING

void cel_op_list(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    if (!cel_spend(run, op->count * sizeof *out, out))
        return;
    struct cel_value *items = arena_raw(run->arena, op->count * sizeof *items);
    for (size_t i = 0; i < op->count; i++) {
        cel_run_op(op->children[i], run, &items[i]);
        if (items[i].kind == CEL_ERROR) {
            *out = items[i];
            return;
        }
    }
    *out = cel_list_of(items, op->count);
}

static bool key_fits(const struct cel_value *pairs, size_t count, struct cel_value *out, uint32_t at)
{
    const struct cel_value *key = &pairs[2 * count];
    struct cel_value map = cel_map_of(pairs, count), found;
    if (key->kind != CEL_BOOL && key->kind != CEL_INT && key->kind != CEL_UINT && key->kind != CEL_STRING)
        fail(out, CEL_BAD_KEY, at);
    else if (cel_map_find(&map, key, &found))
        fail(out, CEL_REPEATED_KEY, at);
    else
        return true;
    return false;
}

void cel_op_map(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    if (!cel_spend(run, op->count * sizeof *out, out))
        return;
    struct cel_value *pairs = arena_raw(run->arena, op->count * sizeof *pairs);
    for (size_t i = 0; i < op->count; i++) {
        cel_run_op(op->children[i], run, &pairs[i]);
        if (pairs[i].kind == CEL_ERROR) {
            *out = pairs[i];
            return;
        }
        if (i % 2 == 0 && !key_fits(pairs, i / 2, out, op->at))
            return;
    }
    *out = cel_map_of(pairs, op->count / 2);
}

/* && and || in either order: a side that decides wins over the other's error. */
static inline void logic(const struct cel_op *op, struct cel_run *run, bool decides, struct cel_value *out)
{
    struct cel_value left, right;
    cel_run_op(op->children[0], run, &left);
    if (left.kind == CEL_BOOL && left.boolean == decides) {
        *out = left;
        return;
    }
    cel_run_op(op->children[1], run, &right);
    if (right.kind == CEL_BOOL && (right.boolean == decides || left.kind == CEL_BOOL))
        *out = right;
    else if (left.kind == CEL_ERROR)
        *out = left;
    else if (right.kind == CEL_ERROR)
        *out = right;
    else
        fail(out, CEL_NO_SUCH_OVERLOAD, op->at);
}

void cel_op_and(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    logic(op, run, false, out);
}

void cel_op_or(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    logic(op, run, true, out);
}

void cel_op_conditional(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct cel_value condition;
    cel_run_op(op->children[0], run, &condition);
    if (condition.kind == CEL_BOOL)
        cel_run_op(op->children[condition.boolean ? 1 : 2], run, out);
    else if (condition.kind == CEL_ERROR)
        *out = condition;
    else
        fail(out, CEL_NO_SUCH_OVERLOAD, op->at);
}

void cel_op_matches(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct cel_value text;
    cel_run_op(op->children[0], run, &text);
    if (text.kind == CEL_STRING &&
        cel_spend(run, CEL_REGEX_SEARCH_BYTES + (text.text.len + 1) * cel_regex_size(op->regex), out))
        *out = cel_bool(cel_regex_search(op->regex, text.text, run->arena, NULL));
    else if (text.kind != CEL_STRING)
        *out = text.kind == CEL_ERROR ? text : cel_error(CEL_NO_SUCH_OVERLOAD);
    if (text.kind != CEL_ERROR)
        place(out, op->at);
}
