#include "program/draft.h"

/* `stacking`, `priority` and `nth_order`: which rules count beside each other, and for which order of a member. */

enum { PRIORITY_MAX = 1000000 };

bool expect_order_rule(struct loader *loader, const struct node *node, const struct draft *draft, const char *what)
{
    if (draft->typed && draft->rule.type != EVENT_ORDER)
        complain(loader, node, "%s is for rules on orders", what);
    return draft->typed && draft->rule.type == EVENT_ORDER;
}

const struct shape stacking_shape = {
    .kind = SHAPE_TEXT, .pattern = "^(add|exclusive|best of [a-z0-9-]{1,64})$", .example = "best of spring"};
const struct shape priority_shape = {.kind = SHAPE_WHOLE, .least = 0, .most = PRIORITY_MAX};

void read_stacking(struct loader *loader, const struct node *node, void *into)
{
    struct rule *rule = &((struct draft *)into)->rule;
    if (!expect_kind(loader, node, NODE_SCALAR, "stacking"))
        return;
    if (((struct draft *)into)->typed && rule->type == EVENT_REFERRAL) {
        complain(loader, node, "stacking is not for rules on referrals, which each reward a referee once");
        return;
    }
    struct text rest = node->text;
    struct text first = next_word(&rest), second = next_word(&rest), group = next_word(&rest);
    bool alone = second.len == 0;
    if (alone && text_equal(first, TEXT("add")))
        rule->stacking = STACK_ADD;
    else if (alone && text_equal(first, TEXT("exclusive")))
        rule->stacking = STACK_EXCLUSIVE;
    else if (text_equal(first, TEXT("best")) && text_equal(second, TEXT("of")) && is_id(group) &&
             next_word(&rest).len == 0) {
        rule->stacking = STACK_BEST;
        rule->group = group;
    } else {
        complain(loader, node,
                 "stacking is `%.*s`; it can be: add, exclusive, best of NAME (of the characters a-z 0-9 -)",
                 SHOWN(node->text));
    }
}

void read_priority(struct loader *loader, const struct node *node, void *into)
{
    struct rule *rule = &((struct draft *)into)->rule;
    if (read_integer(loader, node, "priority", 0, PRIORITY_MAX, &rule->priority) && rule->stacking == STACK_ADD)
        complain(loader, node, "priority orders rules of `stacking: exclusive` or `best of NAME`; this one adds");
}

static const struct shape ordinal_shape = {.kind = SHAPE_WHOLE, .least = 1, .most = PROGRAM_NTH_MAX};
static const struct shape later_shape = {
    .kind = SHAPE_TEXT, .pattern = "^([1-9]|[1-5][0-9]|6[0-4]) and later$", .example = "2 and later"};
static const struct shape one_ordinal_shape = {
    .kind = SHAPE_WHOLE, .least = 1, .most = PROGRAM_NTH_MAX, .otherwise = &later_shape};
const struct shape nth_shape = {
    .kind = SHAPE_LIST, .least = 1, .most = PROGRAM_NTH_MAX, .of = &ordinal_shape, .otherwise = &one_ordinal_shape};

static void read_ordinal(struct loader *loader, const struct node *node, uint64_t *nth)
{
    int64_t ordinal;
    if (!read_integer(loader, node, "nth_order", 1, PROGRAM_NTH_MAX, &ordinal))
        return;
    uint64_t bit = UINT64_C(1) << (ordinal - 1);
    if (*nth & bit)
        complain(loader, node, "nth_order: %lld stands here a second time", (long long)ordinal);
    *nth |= bit;
}

/* "2 and later". False where it is nothing of that kind. */
static bool parse_later(struct text text, struct rule *rule)
{
    struct text ordinal = next_word(&text);
    struct decimal first;
    if (!text_equal(next_word(&text), TEXT("and")) || !text_equal(next_word(&text), TEXT("later")) ||
        next_word(&text).len > 0 || !decimal_parse(ordinal, 0, &first) || first.digits < 1 ||
        first.digits > PROGRAM_NTH_MAX)
        return false;
    rule->nth = UINT64_MAX << (first.digits - 1);
    rule->nth_and_later = true;
    return true;
}

void read_nth(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    if (!expect_order_rule(loader, node, draft, "nth_order"))
        return;
    if (node->kind == NODE_SCALAR && parse_later(node->text, &draft->rule))
        return;
    if (node->kind != NODE_LIST) {
        read_ordinal(loader, node, &draft->rule.nth);
        return;
    }
    if (!expect_count(loader, node, "nth_order", 1, PROGRAM_NTH_MAX))
        return;
    for (const struct node *item = node->first; item; item = item->next)
        read_ordinal(loader, item, &draft->rule.nth);
}
