#include <assert.h>

#include "program/draft.h"

/* The rules of a program file. */

#define ALL_NETWORKS ((UINT32_C(1) << NETWORK_COUNT) - 1)

static void read_rule_id(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    if (!read_id(loader, node, "id", &draft->rule.id))
        return;
    if (text_equal(draft->rule.id, TEXT("adjustment")))
        complain(loader, node, "id `adjustment` is what corrections by support are booked under; choose another");
}

static void read_rounding(struct loader *loader, const struct node *node, void *into)
{
    static const char *const names[] = {[ROUNDING_DOWN] = "down",
                                        [ROUNDING_HALF_UP] = "half_up",
                                        [ROUNDING_HALF_EVEN] = "half_even",
                                        [ROUNDING_UP] = "up"};
    struct draft *draft = into;
    size_t choice;
    if (!read_choice(loader, node, "rounding", names, FIELD_COUNT(names), &choice))
        return;
    draft->rule.rounding = (enum rounding)choice;
    if (draft->earns && draft->rule.form != EARN_RATE)
        complain(loader, node, "rounding is for rates; this rule earns a fixed amount");
}

static void read_once_per(struct loader *loader, const struct node *node, void *into)
{
    static const char *const names[] = {[ONCE_PER_ORDER] = "order",
                                        [ONCE_PER_PRODUCT] = "product",
                                        [ONCE_PER_CONTENT] = "content",
                                        [ONCE_PER_REFEREE] = "referee",
                                        [ONCE_PER_MEMBER] = "member"};
    enum { FIRST = ONCE_PER_ORDER };
    struct draft *draft = into;
    size_t choice;
    if (!draft->typed || !read_choice(loader, node, "once_per", names + FIRST, FIELD_COUNT(names) - FIRST, &choice))
        return;
    enum once_per once = (enum once_per)(choice + FIRST);
    enum once_per usual = draft->rule.type == EVENT_ACTIVITY ? ONCE_PER_MEMBER : draft->rule.once_per;
    if (once == usual)
        draft->rule.once_per = once;
    else
        complain(loader, node, "once_per: rules on this event count once per %s, not per %s", names[usual],
                 names[once]);
}

static void read_networks(struct loader *loader, const struct node *node, void *into)
{
    static const char *const names[] = {
#define X(network, name) [network] = name,
        SHARE_NETWORKS(X)
#undef X
    };
    struct draft *draft = into;
    if (draft->typed && draft->rule.type != EVENT_SHARE) {
        complain(loader, node, "networks are for rules on share.shared");
        return;
    }
    if (!expect_kind(loader, node, NODE_LIST, "networks") ||
        !expect_count(loader, node, "networks", 1, FIELD_COUNT(names)))
        return;
    draft->rule.networks = 0;
    for (const struct node *item = node->first; item; item = item->next) {
        size_t network;
        if (!read_choice(loader, item, "network", names, FIELD_COUNT(names), &network))
            continue;
        if (draft->rule.networks & UINT32_C(1) << network)
            complain(loader, item, "network `%s` stands here a second time", names[network]);
        draft->rule.networks |= UINT32_C(1) << network;
    }
}

static void read_to(struct loader *loader, const struct node *node, void *into)
{
    static const char *const names[] = {[SIDE_BOTH] = "both", [SIDE_REFERRER] = "referrer", [SIDE_REFEREE] = "referee"};
    struct draft *draft = into;
    size_t choice;
    if (!read_choice(loader, node, "to", names, FIELD_COUNT(names), &choice))
        return;
    draft->rule.to = (enum referral_side)choice;
    if (draft->typed && draft->rule.type != EVENT_REFERRAL)
        complain(loader, node, "to is for rules on referrals");
}

static void read_rule_reason(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    read_reason(loader, node, &draft->rule.reason);
}

static const struct field rule_fields[] = {
    {"id", true, read_rule_id},          {"on", true, read_on},
    {"earn", true, read_earn},           {"minimum", false, read_minimum},
    {"rounding", false, read_rounding},  {"once_per", false, read_once_per},
    {"networks", false, read_networks},  {"to", false, read_to},
    {"reason", false, read_rule_reason}, {"when", false, read_when},
};

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
        struct draft draft = {.rule = {.place = count, .networks = ALL_NETWORKS}};
        fields_read(loader, item, "a rule", rule_fields, FIELD_COUNT(rule_fields), &draft);
        if (draft.typed && draft.rule.type == EVENT_ORDER && loader->program->money_count == 0)
            complain(loader, item, "a rule on orders needs currencies: declare them under `money`");
        claim_id(loader, item, draft.rule.id);
        rules[count++] = draft.rule;
    }
    assert(count == node->count);
    loader->program->rules = rules;
    loader->program->rule_count = count;
}
