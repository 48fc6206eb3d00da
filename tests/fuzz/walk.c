#include "walk.h"

#include <string.h>

static bool fail(struct cel_value *out, enum cel_error_code code)
{
    *out = cel_error(code);
    return true;
}

static bool is_bool(const struct cel_value *value, bool wanted)
{
    return value->kind == CEL_BOOL && value->boolean == wanted;
}

/* -1: not known here; else whether they are equal. Values of the kinds that the walk makes. */
static int same(const struct cel_value *a, const struct cel_value *b)
{
    if (a->kind != b->kind)
        return a->kind == CEL_DOUBLE || b->kind == CEL_DOUBLE || a->kind == CEL_UINT || b->kind == CEL_UINT ? -1 : 0;
    switch (a->kind) {
    case CEL_NULL:
        return 1;
    case CEL_BOOL:
        return a->boolean == b->boolean;
    case CEL_INT:
        return a->integer == b->integer;
    case CEL_STRING:
        return a->text.len == b->text.len && (a->text.len == 0 || memcmp(a->text.at, b->text.at, a->text.len) == 0);
    case CEL_LIST:
        for (size_t i = 0; a->count == b->count && i < a->count; i++) {
            struct cel_value left, right;
            a->list.get(a->list.object, i, &left);
            b->list.get(b->list.object, i, &right);
            int each = same(&left, &right);
            if (each != 1)
                return each;
        }
        return a->count == b->count;
    default:
        return -1;
    }
}

static bool compute(char operator, int64_t a, int64_t b, struct cel_value *out)
{
    __extension__ __int128 wide = a;
    if ((operator== '/' || operator== '%') && b == 0)
        return fail(out, operator== '/' ? CEL_DIVISION_BY_ZERO : CEL_MODULUS_BY_ZERO);
    switch (operator) {
    case '+':
        wide += b;
        break;
    case '-':
        wide -= b;
        break;
    case '*':
        wide *= b;
        break;
    case '/':
        wide /= b;
        break;
    default:
        wide %= b;
    }
    if (wide < INT64_MIN || wide > INT64_MAX)
        return fail(out, CEL_OVERFLOW);
    *out = cel_int((int64_t)wide);
    return true;
}

static bool compare(struct text name, const struct cel_value *a, struct cel_value *out)
{
    int64_t order;
    if (a[0].kind == CEL_INT && a[1].kind == CEL_INT) {
        order = (a[0].integer > a[1].integer) - (a[0].integer < a[1].integer);
    } else if (a[0].kind == CEL_STRING && a[1].kind == CEL_STRING) {
        size_t common = a[0].text.len < a[1].text.len ? a[0].text.len : a[1].text.len;
        order = common ? memcmp(a[0].text.at, a[1].text.at, common) : 0;
        if (order == 0)
            order = (int64_t)a[0].text.len - (int64_t)a[1].text.len;
    } else {
        return false;
    }
    bool equal = name.len == 4 && order == 0;
    *out = cel_bool(equal || (name.at[1] == '<' ? order < 0 : order > 0));
    return true;
}

static bool join(struct walk *walk, const struct cel_value *a, struct cel_value *out)
{
    size_t len = a[0].text.len + a[1].text.len;
    if (len > walk->left)
        return false;
    walk->left -= len;
    char *text = arena_raw(walk->arena, len);
    for (size_t i = 0; i < len; i++)
        text[i] = i < a[0].text.len ? a[0].text.at[i] : a[1].text.at[i - a[0].text.len];
    *out = cel_string((struct text){text, len});
    return true;
}

static bool call_binary(struct walk *walk, struct text name, const struct cel_value *a, struct cel_value *out)
{
    if (text_equal(name, TEXT("_==_")) || text_equal(name, TEXT("_!=_"))) {
        int equal = same(&a[0], &a[1]);
        *out = cel_bool((equal == 1) == (name.at[1] == '='));
        return equal >= 0;
    }
    if (name.len >= 3 && (name.at[1] == '<' || name.at[1] == '>'))
        return compare(name, a, out);
    if (name.len == 3 && a[0].kind == CEL_INT && a[1].kind == CEL_INT && name.at[0] == '_')
        return compute(name.at[1], a[0].integer, a[1].integer, out);
    if (text_equal(name, TEXT("_+_")) && a[0].kind == CEL_STRING && a[1].kind == CEL_STRING)
        return join(walk, a, out);
    if (text_equal(name, TEXT("_[_]")) && a[0].kind == CEL_LIST && a[1].kind == CEL_INT) {
        if (a[1].integer < 0 || a[1].integer >= (int64_t)a[0].count)
            return fail(out, CEL_OUT_OF_BOUNDS);
        a[0].list.get(a[0].list.object, (size_t)a[1].integer, out);
        return true;
    }
    return false;
}

static bool call_unary(struct text name, const struct cel_value *a, struct cel_value *out)
{
    if (text_equal(name, TEXT("!_")) && a[0].kind == CEL_BOOL)
        *out = cel_bool(!a[0].boolean);
    else if (text_equal(name, TEXT("-_")) && a[0].kind == CEL_INT)
        return compute('-', 0, a[0].integer, out);
    else if (text_equal(name, TEXT("size")) && a[0].kind == CEL_LIST)
        *out = cel_int(a[0].count);
    else
        return false;
    return true;
}

static bool walk_call(struct walk *state, const struct cel_node *node, struct cel_value *out)
{
    struct cel_value arguments[CEL_ARGUMENTS_MAX];
    for (size_t i = 0; i < node->count; i++) {
        if (!walk(state, node->children[i], &arguments[i]))
            return false;
        if (arguments[i].kind == CEL_ERROR) {
            *out = arguments[i];
            /* The rest may be beyond the walk; then nothing is compared. */
            return true;
        }
    }
    if (node->count == 1)
        return call_unary(node->name, arguments, out);
    return node->count == 2 && call_binary(state, node->name, arguments, out);
}

static bool walk_logic(struct walk *state, const struct cel_node *node, struct cel_value *out)
{
    struct cel_value sides[2];
    bool decides = node->kind == CEL_NODE_OR;
    if (!walk(state, node->children[0], &sides[0]) || !walk(state, node->children[1], &sides[1]))
        return false;
    if (is_bool(&sides[0], decides) || is_bool(&sides[1], decides))
        *out = cel_bool(decides);
    else if (sides[0].kind == CEL_BOOL && sides[1].kind == CEL_BOOL)
        *out = cel_bool(!decides);
    else
        return fail(out, CEL_NO_SUCH_OVERLOAD);
    return true;
}

static bool walk_list(struct walk *state, const struct cel_node *node, struct cel_value *out)
{
    struct cel_value *items = arena_array(state->arena, node->count, sizeof *items);
    for (size_t i = 0; i < node->count; i++) {
        if (!walk(state, node->children[i], &items[i]))
            return false;
        if (items[i].kind == CEL_ERROR) {
            *out = items[i];
            return true;
        }
    }
    *out = cel_list_of(items, node->count);
    return true;
}

/* What all, exists and exists_one say of so many true, false and other answers. */
static void conclude(enum cel_fold fold, size_t trues, size_t falses, size_t others, struct cel_value *out)
{
    if (fold == CEL_FOLD_ALL && falses > 0)
        *out = cel_bool(false);
    else if (fold == CEL_FOLD_EXISTS && trues > 0)
        *out = cel_bool(true);
    else if (others > 0)
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    else if (fold == CEL_FOLD_EXISTS_ONE)
        *out = cel_bool(trues == 1);
    else
        *out = cel_bool(fold == CEL_FOLD_ALL);
}

static bool walk_fold(struct walk *state, const struct cel_node *node, struct cel_value *out)
{
    struct cel_value range, answer = cel_bool(true);
    size_t trues = 0, falses = 0, others = 0, kept = 0;
    bool maps = node->fold == CEL_FOLD_MAP;
    if (!walk(state, node->children[0], &range) || (range.kind != CEL_LIST && range.kind != CEL_ERROR))
        return false;
    if (range.kind == CEL_ERROR) {
        *out = range;
        return true;
    }
    struct cel_value *items = arena_array(state->arena, range.count, sizeof *items);
    for (size_t i = 0; i < range.count; i++) {
        struct cel_value element;
        range.list.get(range.list.object, i, &element);
        state->locals[node->slot] = element;
        if ((!maps || node->count == 3) && !walk(state, node->children[1], &answer))
            return false;
        trues += is_bool(&answer, true);
        falses += is_bool(&answer, false);
        others += answer.kind != CEL_BOOL;
        if (is_bool(&answer, true)) {
            if (maps && !walk(state, node->children[node->count - 1], &element))
                return false;
            others += element.kind == CEL_ERROR;
            items[kept++] = element;
        }
        if (others > 0 && (maps || node->fold == CEL_FOLD_FILTER))
            return fail(out, CEL_NO_SUCH_OVERLOAD);
    }
    if (maps || node->fold == CEL_FOLD_FILTER)
        *out = cel_list_of(items, kept);
    else
        conclude(node->fold, trues, falses, others, out);
    return true;
}

static bool walk_field(struct walk *state, const struct cel_node *node, struct cel_value *out)
{
    struct cel_value object;
    if (!node->field || !walk(state, node->children[0], &object))
        return false;
    if (object.kind == CEL_ERROR)
        *out = object;
    else
        node->field->get(object.object.object, out);
    return object.kind == CEL_ERROR || object.kind == CEL_OBJECT;
}

static bool walk_conditional(struct walk *state, const struct cel_node *node, struct cel_value *out)
{
    struct cel_value condition;
    if (!walk(state, node->children[0], &condition))
        return false;
    if (condition.kind != CEL_BOOL)
        return fail(out, CEL_NO_SUCH_OVERLOAD);
    return walk(state, node->children[condition.boolean ? 1 : 2], out);
}

bool walk(struct walk *state, const struct cel_node *node, struct cel_value *out)
{
    if (state->left == 0)
        return false;
    state->left--;
    if (node->meaning == CEL_MEANS_VARIABLE)
        *out = state->variables[node->slot];
    else if (node->meaning == CEL_MEANS_LOCAL)
        *out = state->locals[node->slot];
    else if (node->meaning == CEL_MEANS_CONSTANT)
        *out = node->value;
    else if (node->value.kind == CEL_ERROR)
        *out = node->value;
    else if (node->kind == CEL_NODE_CALL)
        return walk_call(state, node, out);
    else if (node->kind == CEL_NODE_AND || node->kind == CEL_NODE_OR)
        return walk_logic(state, node, out);
    else if (node->kind == CEL_NODE_LIST)
        return walk_list(state, node, out);
    else if (node->kind == CEL_NODE_FOLD)
        return walk_fold(state, node, out);
    else if (node->kind == CEL_NODE_SELECT)
        return walk_field(state, node, out);
    else if (node->kind == CEL_NODE_CONDITIONAL)
        return walk_conditional(state, node, out);
    else
        return false;
    return true;
}
