#include <assert.h>

#include "program/gate.h"
#include "program/parts.h"
#include "rules/record.h"

/* `multipliers`: what multiplies the points of rules before they are rounded. */

/* One in the making; its condition waits until its rules are known. */
struct making {
    struct multiplier multiplier;
    const struct node *when;
    enum event_type type; /* of its rules */
};

static void read_multiplier_id(struct loader *loader, const struct node *node, void *into)
{
    read_id(loader, node, "id", &((struct making *)into)->multiplier.id);
}

static void read_times(struct loader *loader, const struct node *node, void *into)
{
    struct decimal times;
    if (!expect_kind(loader, node, NODE_SCALAR, "times"))
        return;
    if (!decimal_parse(node->text, RATE_DECIMALS_MAX, &times) || times.digits == 0)
        complain(loader, node, "times is `%.*s`; expected a number above zero such as 2 or 1.5", SHOWN(node->text));
    else
        ((struct making *)into)->multiplier.times = fraction_of(times);
}

static void read_multiplied(struct loader *loader, const struct node *node, void *into)
{
    struct making *making = into;
    if (!expect_kind(loader, node, NODE_LIST, "rules") || !expect_count(loader, node, "rules", 1, PROGRAM_RULES_MAX))
        return;
    bool *rules = arena_array(loader->arena, loader->program->rule_count, sizeof *rules);
    for (const struct node *item = node->first; item; item = item->next) {
        const struct rule *rule = read_rule_name(loader, item);
        if (!rule)
            continue;
        if (rules[rule->place])
            complain(loader, item, "rule `%.*s` stands here a second time", SHOWN(item->text));
        if (item != node->first && rule->type != making->type)
            complain(loader, item, "rule `%.*s` is for another type of event than the first", SHOWN(item->text));
        making->type = rule->type;
        rules[rule->place] = true;
    }
    making->multiplier.rules = rules;
}

#define GATE_OF_MAKING(into) (&((struct making *)(into))->multiplier.gate)
GATE_READERS(GATE_OF_MAKING)

static void read_multiplier_when(struct loader *loader, const struct node *node, void *into)
{
    struct making *making = into;
    if (read_condition(loader, node, making->type, &making->multiplier.when) && making->type == EVENT_ORDER)
        making->multiplier.image = IMAGE_ALL;
}

static const struct shape times_shape = {.kind = SHAPE_AMOUNT};
static const struct shape multiplied_shape = {
    .kind = SHAPE_LIST, .least = 1, .most = PROGRAM_RULES_MAX, .of = &id_shape};
static const struct shape condition_shape = {.kind = SHAPE_TEXT, .example = "event.channel == 'app'"};
static const struct field multiplier_fields[] = {
    {"id", true, read_multiplier_id, &id_shape, "what explanations call it"},
    {"times", true, read_times, &times_shape, "the factor; several are multiplied together, and rounded once"},
    {"rules", false, read_multiplied, &multiplied_shape,
     "for these, all of one type of event; all on orders without it"},
    GATE_FIELDS,
    {"when", false, read_multiplier_when, &condition_shape, "a condition over the event, in CEL"},
};
static const struct shape multiplier_shape = SHAPE_OF_FIELDS(multiplier_fields);
const struct shape multipliers_shape = {
    .kind = SHAPE_LIST, .least = 1, .most = PROGRAM_MULTIPLIERS_MAX, .of = &multiplier_shape};

void read_multipliers(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    if (!expect_kind(loader, node, NODE_LIST, "multipliers") ||
        !expect_count(loader, node, "multipliers", 1, PROGRAM_MULTIPLIERS_MAX))
        return;
    struct multiplier *multipliers = arena_array(loader->arena, node->count, sizeof *multipliers);
    size_t count = 0;
    for (const struct node *item = node->first; item; item = item->next) {
        struct making making = {.multiplier = {.times = FRACTION_ONE, .gate = GATE_ALWAYS}, .type = EVENT_ORDER};
        fields_read(loader, item, "a multiplier", multiplier_fields, FIELD_COUNT(multiplier_fields), &making);
        claim_id(loader, item, making.multiplier.id);
        multipliers[count++] = making.multiplier;
    }
    assert(count == node->count);
    loader->program->multipliers = multipliers;
    loader->program->multiplier_count = count;
}
