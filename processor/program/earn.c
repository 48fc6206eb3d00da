#include <assert.h>

#include "program/draft.h"
#include "rules/record.h"

/* `earn` and `minimum`: how much a rule grants, for which basis. */

/* What `earn` names; the rate waits until the point currency is known. */
struct earn {
    struct draft *draft;
    const struct node *rate;
    const struct node *fixed;
    const struct node *per_item;
    const struct node *amount;
};

static void read_currency_field(struct loader *loader, const struct node *node, void *into)
{
    struct earn *earn = into;
    read_points(loader, node, &earn->draft->rule.currency);
}

static void read_rate_field(struct loader *loader, const struct node *node, void *into)
{
    (void)loader;
    ((struct earn *)into)->rate = node;
}

static void read_fixed_field(struct loader *loader, const struct node *node, void *into)
{
    (void)loader;
    ((struct earn *)into)->fixed = node;
}

static void read_per_item_field(struct loader *loader, const struct node *node, void *into)
{
    (void)loader;
    ((struct earn *)into)->per_item = node;
}

static void read_amount_field(struct loader *loader, const struct node *node, void *into)
{
    (void)loader;
    ((struct earn *)into)->amount = node;
}

static const struct shape expression_shape = {.kind = SHAPE_TEXT, .example = "event.total / 100 * 2"};
static const struct shape rates_shape = {.kind = SHAPE_MAP,
                                         .pattern = MONEY_PATTERN,
                                         .least = 1,
                                         .most = PROGRAM_MONEY_MAX,
                                         .of = &rate_shape,
                                         .otherwise = &rate_shape};

static const struct field earn_fields[] = {
    {"currency", false, read_currency_field, &points_name_shape, "the point currency; without it the first one"},
    {"rate", false, read_rate_field, &rates_shape,
     "\"1 per 1.00\", only whole units \"1 per whole 10.00\", or by currency"},
    {"fixed", false, read_fixed_field, &amount_shape, "so many points each time"},
    {"per_item", false, read_per_item_field, &amount_shape, "so many points for each item of an order"},
    {"amount", false, read_amount_field, &expression_shape, "whole points by an expression over the event, in CEL"},
};

const struct shape earn_shape = SHAPE_OF_FIELDS(earn_fields);

static const struct currency *points_of(const struct loader *loader, const struct draft *draft)
{
    assert(draft->rule.currency < loader->program->point_count);
    return &loader->program->points[draft->rule.currency];
}

/* {EUR: …, USD: …}: gives each key's place in `money` to read; complains of unknown and repeated currencies. */
static void read_by_money(struct loader *loader, const struct node *map, const char *what,
                          void (*read)(struct loader *loader, const struct node *value, const struct draft *draft,
                                       size_t place, void *into),
                          const struct draft *draft, void *into)
{
    bool seen[PROGRAM_MONEY_MAX] = {false};
    if (loader->program->money_count == 0)
        return; /* the rule complains of that as a whole */
    if (!expect_kind(loader, map, NODE_MAP, what) || !expect_count(loader, map, what, 1, PROGRAM_MONEY_MAX))
        return;
    for (const struct node *key = map->first; key; key = key->next) {
        size_t place;
        if (!read_money(loader, key, &place))
            continue;
        if (seen[place])
            complain(loader, key, "currency `%.*s` stands here a second time", SHOWN(key->text));
        else
            read(loader, key->value, draft, place, into);
        seen[place] = true;
    }
}

static void read_money_rate(struct loader *loader, const struct node *value, const struct draft *draft, size_t place,
                            void *into)
{
    struct rate *rates = into;
    read_rate(loader, value, false, points_of(loader, draft)->decimals, loader->program->money[place].decimals,
              &rates[place]);
}

/* One rate for every currency that the program declares. */
static void read_one_rate(struct loader *loader, const struct node *node, const struct draft *draft, struct rate *rates)
{
    for (size_t place = 0; place < loader->program->money_count; place++)
        if (!read_rate(loader, node, false, points_of(loader, draft)->decimals, loader->program->money[place].decimals,
                       &rates[place]))
            return;
}

static void read_rates(struct loader *loader, const struct node *node, struct draft *draft)
{
    draft->rule.form = EARN_RATE;
    if (draft->rule.type == EVENT_ACTIVITY) {
        struct rate *rate = arena_alloc(loader->arena, sizeof *rate);
        read_rate(loader, node, true, points_of(loader, draft)->decimals, ACTIVITY_DECIMALS, rate);
        draft->rule.rates = rate;
        return;
    }
    if (draft->rule.type != EVENT_ORDER) {
        complain(loader, node, "a rate is for orders and activities; this rule earns {fixed: <points>}");
        return;
    }
    struct rate *rates = arena_array(loader->arena, loader->program->money_count, sizeof *rates);
    if (node->kind == NODE_MAP)
        read_by_money(loader, node, "rate", read_money_rate, draft, rates);
    else
        read_one_rate(loader, node, draft, rates);
    draft->rule.rates = rates;
}

static void read_per_item(struct loader *loader, const struct node *node, struct draft *draft)
{
    draft->rule.form = EARN_PER_ITEM;
    if (draft->rule.type != EVENT_ORDER)
        complain(loader, node, "per_item is for rules on orders");
    else
        read_amount(loader, node, "per_item", points_of(loader, draft), &draft->rule.fixed);
}

static void read_by_expression(struct loader *loader, const struct node *node, struct draft *draft)
{
    draft->rule.form = EARN_AMOUNT;
    if (read_amount_expression(loader, node, draft->rule.type, &draft->rule.amount))
        draft->rule.image |= IMAGE_ALL;
}

static void read_form(struct loader *loader, const struct node *node, const struct earn *earn)
{
    struct draft *draft = earn->draft;
    size_t forms = 0;
    const struct node *const given[] = {earn->rate, earn->fixed, earn->per_item, earn->amount};
    for (size_t i = 0; i < FIELD_COUNT(given); i++)
        forms += given[i] != NULL;
    if (forms > 1)
        complain(loader, node, "earn has %zu of `rate`, `fixed`, `per_item`, `amount`; it takes one of them", forms);
    else if (earn->rate)
        read_rates(loader, earn->rate, draft);
    else if (earn->fixed)
        read_amount(loader, earn->fixed, "fixed", points_of(loader, draft), &draft->rule.fixed);
    else if (earn->per_item)
        read_per_item(loader, earn->per_item, draft);
    else if (earn->amount)
        read_by_expression(loader, earn->amount, draft);
    else
        complain(loader, node, "earn needs `rate: \"1 per 1.00\"` or `fixed: 50`");
}

void read_earn(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    struct earn earn = {.draft = draft};
    fields_read(loader, node, "earn", earn_fields, FIELD_COUNT(earn_fields), &earn);
    if (!draft->typed || node->kind != NODE_MAP)
        return;
    draft->earns = true;
    read_form(loader, node, &earn);
}

static void read_one_minimum(struct loader *loader, const struct node *value, const struct draft *draft, size_t place,
                             void *into)
{
    (void)draft;
    int64_t *minimums = into;
    read_amount(loader, value, "minimum", &loader->program->money[place], &minimums[place]);
}

const struct shape minimum_shape = {
    .kind = SHAPE_MAP, .pattern = MONEY_PATTERN, .least = 1, .most = PROGRAM_MONEY_MAX, .of = &amount_shape};

void read_minimum(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    if (draft->typed && draft->rule.type != EVENT_ORDER) {
        complain(loader, node, "minimum is for rules on orders");
        return;
    }
    int64_t *minimums = arena_array(loader->arena, loader->program->money_count, sizeof *minimums);
    read_by_money(loader, node, "minimum", read_one_minimum, draft, minimums);
    draft->rule.minimums = minimums;
}
