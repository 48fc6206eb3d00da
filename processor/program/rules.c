#include <assert.h>

#include "program/draft.h"
#include "program/gate.h"
#include "program/lasting.h"

/* The rules of a program file. */

#define ALL_NETWORKS ((UINT32_C(1) << NETWORK_COUNT) - 1)

static void read_rule_id(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    if (!read_id(loader, node, "id", &draft->rule.id))
        return;
    static const struct text taken[] = {{"adjustment", 10}, {"expiry", 6}, {"redemption", 10}};
    for (size_t i = 0; i < FIELD_COUNT(taken); i++)
        if (text_equal(draft->rule.id, taken[i]))
            complain(loader, node, "id `%.*s` is what %s are booked under; choose another", SHOWN(taken[i]),
                     i == 0   ? "corrections by support"
                     : i == 1 ? "points that end"
                              : "points spent");
}

static const char *const rounding_names[] = {
    [ROUNDING_DOWN] = "down", [ROUNDING_HALF_UP] = "half_up", [ROUNDING_HALF_EVEN] = "half_even", [ROUNDING_UP] = "up"};
static const struct shape rounding_shape = SHAPE_OF_NAMES(rounding_names);

static void read_rounding(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    size_t choice;
    if (!read_choice(loader, node, "rounding", rounding_names, FIELD_COUNT(rounding_names), &choice))
        return;
    draft->rule.rounding = (enum rounding)choice;
}

enum { ONCE_FIRST = ONCE_PER_ORDER };
static const char *const once_names[] = {[ONCE_PER_ORDER - ONCE_FIRST] = "order",
                                         [ONCE_PER_PRODUCT - ONCE_FIRST] = "product",
                                         [ONCE_PER_CONTENT - ONCE_FIRST] = "content",
                                         [ONCE_PER_REFEREE - ONCE_FIRST] = "referee",
                                         [ONCE_PER_MEMBER - ONCE_FIRST] = "member"};
static const struct shape once_shape = SHAPE_OF_NAMES(once_names);

static void read_once_per(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    size_t choice;
    if (!draft->typed || !read_choice(loader, node, "once_per", once_names, FIELD_COUNT(once_names), &choice))
        return;
    enum once_per once = (enum once_per)(choice + ONCE_FIRST);
    enum once_per usual = draft->rule.type == EVENT_ACTIVITY ? ONCE_PER_MEMBER : draft->rule.once_per;
    if (once == usual)
        draft->rule.once_per = once;
    else
        complain(loader, node, "once_per: rules on this event count once per %s, not per %s",
                 once_names[usual - ONCE_FIRST], once_names[once - ONCE_FIRST]);
}

static const char *const network_names[] = {
#define X(network, name) [network] = name,
    SHARE_NETWORKS(X)
#undef X
};
static const struct shape network_shape = SHAPE_OF_NAMES(network_names);
static const struct shape networks_shape = {
    .kind = SHAPE_LIST, .least = 1, .most = FIELD_COUNT(network_names), .of = &network_shape};

static void read_networks(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    if (draft->typed && draft->rule.type != EVENT_SHARE) {
        complain(loader, node, "networks are for rules on share.shared");
        return;
    }
    if (!expect_kind(loader, node, NODE_LIST, "networks") ||
        !expect_count(loader, node, "networks", 1, FIELD_COUNT(network_names)))
        return;
    draft->rule.networks = 0;
    for (const struct node *item = node->first; item; item = item->next) {
        size_t network;
        if (!read_choice(loader, item, "network", network_names, FIELD_COUNT(network_names), &network))
            continue;
        if (draft->rule.networks & UINT32_C(1) << network)
            complain(loader, item, "network `%s` stands here a second time", network_names[network]);
        draft->rule.networks |= UINT32_C(1) << network;
    }
}

static const char *const side_names[] = {
    [SIDE_BOTH] = "both", [SIDE_REFERRER] = "referrer", [SIDE_REFEREE] = "referee"};
static const struct shape side_shape = SHAPE_OF_NAMES(side_names);

static void read_to(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    size_t choice;
    if (!read_choice(loader, node, "to", side_names, FIELD_COUNT(side_names), &choice))
        return;
    draft->rule.to = (enum referral_side)choice;
    if (draft->typed && draft->rule.type != EVENT_REFERRAL)
        complain(loader, node, "to is for rules on referrals");
}

static void read_pending(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    struct pending_terms *waiting = arena_alloc(loader->arena, sizeof *waiting);
    if (!read_waiting(loader, node, waiting))
        return;
    draft->rule.pending = waiting;
    if (waiting->awaits == KIND_UNKNOWN || !draft->typed)
        return;
    if (draft->rule.type != EVENT_ORDER)
        complain(loader, node, "pending until something is for rules on orders; name a time such as \"14 days\"");
    else if (draft->rule.kind == waiting->awaits)
        complain(loader, node, "pending until order.%s is no wait: the rule is on it",
                 event_kind_name(waiting->awaits));
}

static void read_rule_expiry(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    struct expiry *expiry = arena_alloc(loader->arena, sizeof *expiry);
    if (read_expiry(loader, node, expiry))
        draft->rule.expiry = expiry;
}

static void read_rule_reason(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    read_reason(loader, node, &draft->rule.reason);
}

#define GATE_OF_DRAFT(into) (&((struct draft *)(into))->rule.gate)
GATE_READERS(GATE_OF_DRAFT)

static const struct field rule_fields[] = {
    {"id", true, read_rule_id, &id_shape, "stands in the ledger beside each entry"},
    {"on", true, read_on, &on_shape, "the event that it is for: order.paid, review.approved, activity.NAME"},
    {"earn", true, read_earn, &earn_shape, "how much: {rate: \"5 per 1.00\"} or {fixed: 50}"},
    {"items", false, read_items, &items_shape, "the lines of an order that count; all without it"},
    {"basis", false, read_basis, &basis_shape, "what of an order's price counts"},
    {"minimum", false, read_minimum, &minimum_shape, "the least amount of an order, by currency"},
    {"rounding", false, read_rounding, &rounding_shape, "how fractions of a point end, once, last; down without it"},
    {"nth_order", false, read_nth, &nth_shape, "for the member's first order, or the 2nd, 5th, or `2 and later`"},
    {"stacking", false, read_stacking, &stacking_shape,
     "beside other rules: add, best of GROUP, or exclusive; add without it"},
    {"priority", false, read_priority, &priority_shape, "which of several exclusive rules stands: the highest"},
    GATE_FIELDS,
    {"once_per", false, read_once_per, &once_shape, "what it counts once"},
    {"networks", false, read_networks, &networks_shape, "where sharing counts; everywhere without it"},
    {"to", false, read_to, &side_shape, "which side of a referral earns; both without it"},
    {"pending", false, read_pending, &pending_shape, "how long its points are pending: \"14 days\", \"until shipped\""},
    {"expire", false, read_rule_expiry, &expire_shape, "how long its points last; without it as their currency says"},
    {"limit", false, read_limit, &limit_shape, "the most that each member gets by it: \"100 points per day\""},
    {"budget", false, read_budget, &budget_shape, "the most that all members get by it together: \"100000 points\""},
    {"reason", false, read_rule_reason, &reason_shape, "the words that members read"},
    {"when", false, read_when, &when_shape, "a condition over the event, in CEL"},
};

static const struct shape rule_shape = SHAPE_OF_FIELDS(rule_fields);
const struct shape rules_shape = {.kind = SHAPE_LIST, .least = 1, .most = PROGRAM_RULES_MAX, .of = &rule_shape};

void claim_id(struct loader *loader, const struct node *item, struct text id)
{
    if (id.len == 0)
        return;
    for (size_t i = 0; i < loader->claim_count; i++) {
        if (!text_equal(loader->claims[i].id, id))
            continue;
        complain(loader, item, "id `%.*s` stands here a second time; the first is in line %d", SHOWN(id),
                 loader->claims[i].line);
        return;
    }
    assert(loader->claim_count < CLAIMS_MAX);
    loader->claims[loader->claim_count++] = (struct claim){id, item->line};
}

void read_rules(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    if (!expect_kind(loader, node, NODE_LIST, "rules") || !expect_count(loader, node, "rules", 1, PROGRAM_RULES_MAX) ||
        loader->program->point_count == 0)
        return;
    struct rule *rules = arena_array(loader->arena, node->count, sizeof *rules);
    size_t count = 0;
    for (const struct node *item = node->first; item; item = item->next) {
        struct draft draft = {.rule = {.place = count, .networks = ALL_NETWORKS, .gate = GATE_ALWAYS}};
        fields_read(loader, item, "a rule", rule_fields, FIELD_COUNT(rule_fields), &draft);
        if (draft.typed && draft.rule.type == EVENT_ORDER && loader->program->money_count == 0)
            complain(loader, item, "a rule on orders needs currencies: declare them under `money`");
        claim_id(loader, item, draft.rule.id);
        settle_reason(loader, &draft.rule);
        rules[count++] = draft.rule;
    }
    assert(count == node->count);
    loader->rules = rules;
    loader->rule_count = count;
    loader->program->rules = rules;
    loader->program->rule_count = count;
}

struct rule *read_rule_name(struct loader *loader, const struct node *node)
{
    if (!expect_kind(loader, node, NODE_SCALAR, "a rule's id"))
        return NULL;
    for (size_t i = 0; i < loader->rule_count; i++)
        if (text_equal(loader->rules[i].id, node->text))
            return &loader->rules[i];
    const char **names = arena_array(loader->arena, loader->rule_count, sizeof *names);
    for (size_t i = 0; i < loader->rule_count; i++)
        names[i] = arena_printf(loader->arena, "%.*s", SHOWN(loader->rules[i].id)).at;
    struct text nearest = hint(loader, node->text, names, loader->rule_count);
    complain(loader, node, "this file has no rule `%.*s`%.*s", SHOWN(node->text), SHOWN(nearest));
    return NULL;
}
