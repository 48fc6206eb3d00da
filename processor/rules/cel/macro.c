#include "rules/cel/macro.h"

static const char *expand_has(struct cel_node *call)
{
    struct cel_node *selection = call->children[0];
    if (selection->kind != CEL_NODE_SELECT)
        return "has() asks for a field: has(order.coupon)";
    call->kind = CEL_NODE_HAS;
    call->name = selection->name;
    call->children = selection->children;
    call->count = selection->count;
    return NULL;
}

/* children: range, variable, and one or two expressions. */
static const char *expand_fold(struct cel_node *call, enum cel_fold fold)
{
    struct cel_node *variable = call->children[1];
    if (variable->kind != CEL_NODE_IDENT || variable->rooted)
        return "a macro's first argument is the name of its variable: lines.exists(line, line.quantity > 1)";
    call->kind = CEL_NODE_FOLD;
    call->fold = fold;
    call->name = variable->name;
    for (size_t i = 1; i + 1 < call->count; i++)
        call->children[i] = call->children[i + 1];
    call->count--;
    return NULL;
}

const char *cel_expand_macro(struct cel_node *call)
{
    static const struct {
        const char *name;
        enum cel_fold fold;
    } folds[] = {{"all", CEL_FOLD_ALL},
                 {"exists", CEL_FOLD_EXISTS},
                 {"exists_one", CEL_FOLD_EXISTS_ONE},
                 {"filter", CEL_FOLD_FILTER},
                 {"map", CEL_FOLD_MAP}};
    if (!call->member)
        return call->count == 1 && text_equal(call->name, TEXT("has")) ? expand_has(call) : NULL;
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
        if (text_equal(call->name, text_of(folds[i].name)) &&
            (call->count == 3 || (call->count == 4 && folds[i].fold == CEL_FOLD_MAP)))
            return expand_fold(call, folds[i].fold);
    return NULL;
}
