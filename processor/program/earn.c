#include <assert.h>

#include "program/draft.h"

/* `earn` and `minimum`: how much a rule grants, for which basis. */

/* What `earn` names; the rate waits until the point currency is known. */
struct earn {
    struct draft *draft;
    const struct node *rate;
    const struct node *fixed;
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
    read_rate(loader, value, points_of(loader, draft)->decimals, loader->program->money[place].decimals, &rates[place]);
}

/* One rate for every currency that the program declares. */
static void read_one_rate(struct loader *loader, const struct node *node, const struct draft *draft, struct rate *rates)
{
    for (size_t place = 0; place < loader->program->money_count; place++)
        if (!read_rate(loader, node, points_of(loader, draft)->decimals, loader->program->money[place].decimals,
                       &rates[place]))
            return;
}

static void read_rates(struct loader *loader, const struct node *node, struct draft *draft)
{
    draft->rule.form = EARN_RATE;
    if (draft->rule.type == EVENT_ACTIVITY) {
        struct rate *rate = arena_alloc(loader->arena, sizeof *rate);
        read_rate(loader, node, points_of(loader, draft)->decimals, ACTIVITY_DECIMALS, rate);
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

void read_earn(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    struct earn earn = {.draft = draft};
    fields_read(loader, node, "earn", earn_fields, FIELD_COUNT(earn_fields), &earn);
    if (!draft->typed || node->kind != NODE_MAP)
        return;
    draft->earns = true;
    if (earn.rate && earn.fixed)
        complain(loader, node, "earn has `rate` and `fixed`; it takes one of them");
    else if (earn.rate)
        read_rates(loader, earn.rate, draft);
    else if (earn.fixed)
        read_amount(loader, earn.fixed, "fixed", points_of(loader, draft), &draft->rule.fixed);
    else
        complain(loader, node, "earn needs `rate: \"1 per 1.00\"` or `fixed: 50`");
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
