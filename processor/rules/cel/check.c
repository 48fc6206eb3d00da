#include "rules/cel/check.h"

#include <assert.h>

#include "base/nearest.h"
#include "rules/cel/check_struct.h"
#include "rules/cel/parse.h"
#include "rules/cel/run.h"

struct scope {
    struct text name;
    uint32_t slot;
    const struct cel_type *type;
    const struct scope *outer;
};

struct checker {
    const struct cel_env *env;
    struct text source;
    struct arena *arena;
    struct cel_fault *fault;
};

static bool check(struct checker *checker, struct cel_node *node, const struct scope *scope);

/* Reports, or in a lenient environment leaves the node to fail at run time: then true. */
static bool complain(struct checker *checker, struct cel_node *node, enum cel_error_code code, struct text message)
{
    if (!checker->env->lenient) {
        cel_fault_at(checker->source, node->at, message, checker->fault);
        return false;
    }
    node->type = &cel_type_dyn;
    node->meaning = CEL_MEANS_NOTHING;
    node->value = cel_error(code);
    node->value.at = node->at;
    return true;
}

static struct text hint(struct checker *checker, struct text given, const char *const *names, size_t count)
{
    const char *near = nearest_name(given, names, count);
    return near ? arena_printf(checker->arena, "; did you mean `%s`?", near) : TEXT("");
}

static struct text name_hint(struct checker *checker, struct text given)
{
    size_t count = checker->env->variable_count;
    const char **names = arena_array(checker->arena, count, sizeof(const char *));
    for (size_t i = 0; i < count; i++)
        names[i] = checker->env->variables[i].name;
    return hint(checker, given, names, count);
}

static bool means_constant(struct cel_node *node, struct cel_value value, const struct cel_type *type)
{
    node->meaning = CEL_MEANS_CONSTANT;
    node->value = value;
    node->type = type;
    return true;
}

/* bool, int … google.protobuf.Timestamp name types. */
static bool find_type(struct cel_node *node, struct text name)
{
    for (int kind = CEL_NULL; kind <= CEL_TYPE; kind++) {
        const char *known = cel_kind_name((enum cel_kind)kind);
        if (kind != CEL_OBJECT && text_equal(name, text_of(known)))
            return means_constant(node, (struct cel_value){.kind = CEL_TYPE, .text = text_of(known)}, &cel_type_type);
    }
    return false;
}

static bool find_exact(struct checker *checker, struct cel_node *node, struct text name)
{
    for (size_t i = 0; i < checker->env->variable_count; i++) {
        const struct cel_variable *variable = &checker->env->variables[i];
        if (text_equal(text_of(variable->name), name)) {
            node->meaning = CEL_MEANS_VARIABLE;
            node->slot = (uint32_t)i;
            node->type = variable->type;
            node->bound = variable->bound;
            return true;
        }
    }
    return find_type(node, name);
}

/* A name in the container a.b is a.b.name, a.name or name, the first that there is. */
static bool find_name(struct checker *checker, struct cel_node *node, struct text name, bool rooted)
{
    struct text container = rooted ? (struct text){NULL, 0} : checker->env->container;
    while (container.len > 0) {
        struct text full =
            arena_printf(checker->arena, "%.*s.%.*s", (int)container.len, container.at, (int)name.len, name.at);
        if (find_exact(checker, node, full))
            return true;
        while (container.len > 0 && container.at[container.len - 1] != '.')
            container.len--;
        container.len -= container.len > 0;
    }
    return find_exact(checker, node, name);
}

static const struct scope *find_local(const struct scope *scope, struct text name)
{
    while (scope && !text_equal(scope->name, name))
        scope = scope->outer;
    return scope;
}

static bool check_ident(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    const struct scope *local = node->rooted ? NULL : find_local(scope, node->name);
    if (local) {
        node->meaning = CEL_MEANS_LOCAL;
        node->slot = local->slot;
        node->type = local->type;
        return true;
    }
    if (find_name(checker, node, node->name, node->rooted))
        return true;
    struct text near = name_hint(checker, node->name);
    return complain(checker, node, CEL_UNDECLARED,
                    arena_printf(checker->arena, "nothing is named `%.*s`%.*s", (int)node->name.len, node->name.at,
                                 (int)near.len, near.at));
}

/* a.b.c as one name with dots, unless it begins with a macro's variable. */
static struct text dotted(struct checker *checker, const struct cel_node *node, const struct scope *scope, bool *rooted)
{
    if (node->kind == CEL_NODE_IDENT) {
        *rooted = node->rooted;
        return !node->rooted && find_local(scope, node->name) ? (struct text){NULL, 0} : node->name;
    }
    if (node->kind != CEL_NODE_SELECT)
        return (struct text){NULL, 0};
    struct text left = dotted(checker, node->children[0], scope, rooted);
    if (left.len == 0)
        return left;
    return arena_printf(checker->arena, "%.*s.%.*s", (int)left.len, left.at, (int)node->name.len, node->name.at);
}

static bool check_field(struct checker *checker, struct cel_node *node, const struct cel_struct *object)
{
    node->field = cel_field_named(object, node->name);
    if (node->field) {
        node->type = node->field->type;
        node->bound = node->field->bound;
        return true;
    }
    const char **names = arena_array(checker->arena, object->count, sizeof(const char *));
    for (size_t i = 0; i < object->count; i++)
        names[i] = object->fields[i].name;
    struct text near = hint(checker, node->name, names, object->count);
    return complain(checker, node, CEL_NO_SUCH_FIELD,
                    arena_printf(checker->arena, "no field `%.*s` in %s%.*s", (int)node->name.len, node->name.at,
                                 object->name, (int)near.len, near.at));
}

/* children[0] is checked: is the name a field or a key of it? */
static bool check_selection(struct checker *checker, struct cel_node *node)
{
    const struct cel_type *type = node->children[0]->type;
    node->meaning = CEL_MEANS_CHILD;
    node->type = &cel_type_dyn;
    if (type->kind == CEL_OBJECT)
        return check_field(checker, node, type->object);
    if (type->kind == CEL_MAP && cel_types_agree(type->key, &cel_type_string)) {
        node->type = type->element;
        return true;
    }
    if (type->kind == CEL_DYN || type->kind == CEL_NEVER)
        return true;
    struct text text = cel_type_text(checker->arena, type);
    return complain(checker, node, CEL_NO_SUCH_OVERLOAD,
                    arena_printf(checker->arena, "a %.*s has no fields", (int)text.len, text.at));
}

static bool check_select(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    bool rooted = false;
    struct text name = dotted(checker, node, scope, &rooted);
    if (name.len > 0 && find_name(checker, node, name, rooted))
        return true;
    return check(checker, node->children[0], scope) && check_selection(checker, node);
}

static bool check_has(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    if (!check(checker, node->children[0], scope) || !check_selection(checker, node))
        return false;
    node->type = &cel_type_bool;
    return true;
}

static bool kind_fits(const struct cel_type *type, uint8_t kind)
{
    return kind == CEL_DYN || type->kind == CEL_DYN || type->kind == CEL_NEVER || type->kind == kind;
}

static bool signature_fits(const struct cel_signature *signature, const struct cel_node *node)
{
    for (size_t i = 0; i < node->count; i++)
        if (!kind_fits(node->children[i]->type, signature->arguments[i]))
            return false;
    return true;
}

/* The result's type by the signatures that fit; NULL when none does. */
static const struct cel_type *result_of(const struct cel_function *function, const struct cel_node *node)
{
    const struct cel_type *result = NULL;
    for (size_t i = 0; i < function->signature_count; i++) {
        if (!signature_fits(&function->signatures[i], node))
            continue;
        const struct cel_type *type = cel_type_of_kind((enum cel_kind)function->signatures[i].result);
        result = !result || result == type ? type : &cel_type_dyn;
    }
    return result;
}

static const struct cel_type *refine(struct checker *checker, const struct cel_node *node,
                                     const struct cel_type *result)
{
    const struct cel_type *a = node->count > 0 ? node->children[0]->type : NULL;
    const struct cel_type *b = node->count > 1 ? node->children[1]->type : NULL;
    switch (node->function->refine) {
    case CEL_REFINE_SAME:
        return cel_types_agree(a, b) ? result : NULL;
    case CEL_REFINE_ADD:
        return a->kind == CEL_LIST && b->kind == CEL_LIST ? cel_type_join(checker->arena, a, b) : result;
    case CEL_REFINE_INDEX:
        if (a->kind == CEL_MAP && !cel_types_agree(a->key, b))
            return NULL;
        return a->kind == CEL_LIST || a->kind == CEL_MAP ? a->element : result;
    case CEL_REFINE_IN:
        if (b->kind == CEL_LIST || b->kind == CEL_MAP)
            return cel_types_agree(b->kind == CEL_LIST ? b->element : b->key, a) ? result : NULL;
        return result;
    default:
        return result;
    }
}

static struct text arguments_text(struct checker *checker, const struct cel_node *node)
{
    struct text list = TEXT("");
    for (size_t i = 0; i < node->count; i++) {
        struct text type = cel_type_text(checker->arena, node->children[i]->type);
        list =
            arena_printf(checker->arena, "%.*s%s%.*s", (int)list.len, list.at, i ? ", " : "", (int)type.len, type.at);
    }
    return list;
}

static bool complain_of_call(struct checker *checker, struct cel_node *node)
{
    static const char *const names[] = {
        "size",       "contains",    "startsWith", "endsWith",        "matches",       "bool",         "int",
        "uint",       "double",      "string",     "bytes",           "type",          "dyn",          "timestamp",
        "duration",   "getFullYear", "getMonth",   "getDate",         "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
        "getHours",   "getMinutes",  "getSeconds", "getMilliseconds", "has",           "all",          "exists",
        "exists_one", "map",         "filter"};
    struct text name = node->name;
    if (!cel_function_next(name, NULL)) {
        struct text near = hint(checker, name, names, sizeof names / sizeof *names);
        return complain(
            checker, node, CEL_NO_SUCH_OVERLOAD,
            arena_printf(checker->arena, "no function `%.*s`%.*s", (int)name.len, name.at, (int)near.len, near.at));
    }
    struct text arguments = arguments_text(checker, node);
    return complain(checker, node, CEL_NO_SUCH_OVERLOAD,
                    arena_printf(checker->arena, "`%.*s` does not take (%.*s)", (int)name.len, name.at,
                                 (int)arguments.len, arguments.at));
}

/* In a lenient environment a function of the right form will do: it looks at its arguments itself. */
static bool resolve_call(struct checker *checker, struct cel_node *node)
{
    const struct cel_function *function = NULL;
    while ((function = cel_function_next(node->name, function))) {
        if (function->arity != node->count || !(node->member ? function->member : function->global))
            continue;
        const struct cel_type *result = result_of(function, node);
        node->function = function;
        result = result ? refine(checker, node, result) : NULL;
        node->type = result ? result : &cel_type_dyn;
        node->meaning = CEL_MEANS_CHILD;
        if (result || checker->env->lenient)
            return true;
    }
    node->function = NULL;
    return complain_of_call(checker, node);
}

static bool check_children(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    for (size_t i = 0; i < node->count; i++)
        if (!check(checker, node->children[i], scope))
            return false;
    return true;
}

static bool check_call(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    if (!check_children(checker, node, scope) || !resolve_call(checker, node))
        return false;
    if (checker->env->strict && text_equal(node->name, TEXT("dyn")))
        return complain(checker, node, CEL_NO_SUCH_OVERLOAD, TEXT("dyn() puts a check off to run time"));
    return true;
}

/* The type that holds all of every step-th child from `first`. */
static const struct cel_type *joined(struct checker *checker, const struct cel_node *node, size_t first, size_t step)
{
    const struct cel_type *type = &cel_type_never;
    for (size_t i = first; i < node->count; i += step)
        type = cel_type_join(checker->arena, type, node->children[i]->type);
    return type;
}

static bool check_mixture(struct checker *checker, struct cel_node *node, const struct cel_type *type)
{
    if (checker->env->strict && type->kind == CEL_DYN)
        return complain(checker, node, CEL_NO_SUCH_OVERLOAD, TEXT("the types in a literal differ"));
    return true;
}

static bool check_list(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    if (!check_children(checker, node, scope))
        return false;
    const struct cel_type *element = joined(checker, node, 0, 1);
    node->type = cel_list_type(checker->arena, element);
    return check_mixture(checker, node, element);
}

static bool is_key_type(const struct cel_type *type)
{
    return type->kind == CEL_BOOL || type->kind == CEL_INT || type->kind == CEL_UINT || type->kind == CEL_STRING ||
           type->kind == CEL_DYN || type->kind == CEL_NEVER;
}

static bool check_map(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    if (!check_children(checker, node, scope))
        return false;
    for (size_t i = 0; i < node->count; i += 2)
        if (!is_key_type(node->children[i]->type) && !checker->env->lenient)
            return complain(checker, node->children[i], CEL_BAD_KEY,
                            TEXT("a map's keys are bool, int, uint or string"));
    const struct cel_type *key = joined(checker, node, 0, 2), *element = joined(checker, node, 1, 2);
    node->type = cel_map_type(checker->arena, key, element);
    return check_mixture(checker, node, key) && check_mixture(checker, node, element);
}

static bool expect_bool(struct checker *checker, struct cel_node *node, const char *what)
{
    if (checker->env->lenient || kind_fits(node->type, CEL_BOOL))
        return true;
    struct text type = cel_type_text(checker->arena, node->type);
    return complain(checker, node, CEL_NO_SUCH_OVERLOAD,
                    arena_printf(checker->arena, "%s is a %.*s, not a bool", what, (int)type.len, type.at));
}

/* What a macro's variable is: an element, a map's key. NULL when there is nothing to go over. */
static const struct cel_type *element_of(const struct cel_type *range)
{
    if (range->kind == CEL_LIST)
        return range->element;
    if (range->kind == CEL_MAP)
        return range->key;
    return range->kind == CEL_DYN || range->kind == CEL_NEVER ? &cel_type_dyn : NULL;
}

static const struct cel_type *fold_type(struct checker *checker, const struct cel_node *node,
                                        const struct cel_type *element)
{
    if (node->fold == CEL_FOLD_FILTER)
        return cel_list_type(checker->arena, element);
    if (node->fold == CEL_FOLD_MAP)
        return cel_list_type(checker->arena, node->children[node->count - 1]->type);
    return &cel_type_bool;
}

static bool check_fold(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    struct cel_node *range = node->children[0];
    if (!check(checker, range, scope))
        return false;
    const struct cel_type *element = element_of(range->type);
    if (!element && !checker->env->lenient) {
        struct text type = cel_type_text(checker->arena, range->type);
        return complain(checker, range, CEL_NO_SUCH_OVERLOAD,
                        arena_printf(checker->arena, "a %.*s is no list or map to go over", (int)type.len, type.at));
    }
    element = element ? element : &cel_type_dyn;
    struct scope inner = {node->name, scope ? scope->slot + 1 : 0, element, scope};
    if (inner.slot >= CEL_LOCALS_MAX) {
        cel_fault_at(checker->source, node->at, TEXT("too many macros within one another"), checker->fault);
        return false;
    }
    node->slot = inner.slot;
    for (size_t i = 1; i < node->count; i++) {
        bool transforms = node->fold == CEL_FOLD_MAP && i + 1 == node->count;
        if (!check(checker, node->children[i], &inner) ||
            (!transforms && !expect_bool(checker, node->children[i], "a macro's condition")))
            return false;
    }
    node->type = fold_type(checker, node, element);
    return true;
}

static bool check_logic(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    node->type = &cel_type_bool;
    return check_children(checker, node, scope) && expect_bool(checker, node->children[0], "the left of && or ||") &&
           expect_bool(checker, node->children[1], "the right of && or ||");
}

static bool check_conditional(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    if (!check_children(checker, node, scope) || !expect_bool(checker, node->children[0], "what stands before ?"))
        return false;
    const struct cel_type *a = node->children[1]->type, *b = node->children[2]->type;
    node->type = cel_type_join(checker->arena, a, b);
    if (cel_types_agree(a, b) || checker->env->lenient)
        return true;
    struct text left = cel_type_text(checker->arena, a), right = cel_type_text(checker->arena, b);
    return complain(checker, node, CEL_NO_SUCH_OVERLOAD,
                    arena_printf(checker->arena, "the sides of : differ: %.*s, %.*s", (int)left.len, left.at,
                                 (int)right.len, right.at));
}

static bool check_struct(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    if (!check_children(checker, node, scope))
        return false;
    const char *wrong = cel_check_boxed(node);
    return !wrong || complain(checker, node, CEL_CONVERSION, text_of(wrong));
}

static bool check(struct checker *checker, struct cel_node *node, const struct scope *scope)
{
    switch (node->kind) {
    case CEL_NODE_CONSTANT:
        return means_constant(node, node->value, cel_type_of_kind((enum cel_kind)node->value.kind));
    case CEL_NODE_IDENT:
        return check_ident(checker, node, scope);
    case CEL_NODE_SELECT:
        return check_select(checker, node, scope);
    case CEL_NODE_HAS:
        return check_has(checker, node, scope);
    case CEL_NODE_CALL:
        return check_call(checker, node, scope);
    case CEL_NODE_LIST:
        return check_list(checker, node, scope);
    case CEL_NODE_MAP:
        return check_map(checker, node, scope);
    case CEL_NODE_STRUCT:
        return check_struct(checker, node, scope);
    case CEL_NODE_FOLD:
        return check_fold(checker, node, scope);
    case CEL_NODE_AND:
    case CEL_NODE_OR:
        return check_logic(checker, node, scope);
    case CEL_NODE_CONDITIONAL:
        return check_conditional(checker, node, scope);
    }
    assert(false);
    return false;
}

enum err_code cel_check(const struct cel_env *env, struct text source, struct cel_node *root, struct arena *arena,
                        struct cel_fault *fault)
{
    struct checker checker = {env, source, arena, fault};
    return check(&checker, root, NULL) ? ERR_NONE : ERR_PROGRAM;
}
