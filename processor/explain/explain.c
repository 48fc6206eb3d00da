#include "explain/explain.h"

#include "rules/program_model.h"

void explain_event(struct store *store, const struct program_set *set, const struct case_event *event,
                   struct arena *arena, struct explained *out)
{
    *out = (struct explained){.set = set, .event = &event->event, .title = event->text, .trace = {.arena = arena}};
    out->program = program_set_at(set, event->event.program_id, event->event.occurred_at);
    store_apply(store, event, &out->trace, &out->happened);
}

/* The rule that the fact is about; NULL where nothing was noted about it before. */
static struct explained_rule *find(const struct explained_rules *rules, const struct fact *fact)
{
    for (size_t i = rules->count; i-- > 0;)
        if (rules->items[i].rule == fact->rule && rules->items[i].terms == fact->terms)
            return &rules->items[i];
    return NULL;
}

static void count_facts(const struct trace *trace, struct explained_rules *rules)
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct fact *fact = &trace->items[i];
        struct explained_rule *rule = find(rules, fact);
        if (!fact->rule)
            continue;
        if (!rule) {
            rule = &rules->items[rules->count++];
            *rule = (struct explained_rule){.terms = fact->terms, .rule = fact->rule};
        }
        rule->count++;
    }
}

struct explained_rules explain_rules(const struct trace *trace)
{
    struct explained_rules rules = {arena_array(trace->arena, trace->count, sizeof *rules.items), 0};
    count_facts(trace, &rules);
    for (size_t i = 0; i < rules.count; i++) {
        rules.items[i].facts = arena_array(trace->arena, rules.items[i].count, sizeof(const struct fact *));
        rules.items[i].count = 0;
    }
    for (size_t i = 0; i < trace->count; i++) {
        const struct fact *fact = &trace->items[i];
        struct explained_rule *rule = find(&rules, fact);
        if (!rule)
            continue;
        rule->facts[rule->count++] = fact;
        if ((fact->kind == FACT_GRANTED || fact->kind == FACT_TAKEN_BACK) && fact->granted > 0)
            rule->applied = true;
    }
    return rules;
}

bool explain_outside(const struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->items[i].kind == FACT_OUTSIDE)
            return true;
    return false;
}

const char *explain_skip(enum skip why)
{
    static const char *const words[] = {
        [SKIP_CLOSED] = "not at this time",
        [SKIP_CONDITION] = "its condition does not hold",
        [SKIP_NETWORK] = "not on this network",
        [SKIP_NTH] = "not for this one of the member's orders",
        [SKIP_ITEMS] = "no line is one that it counts",
        [SKIP_MINIMUM] = "the basket is below the least amount",
        [SKIP_ONCE] = "it granted already what counts once",
        [SKIP_UNDONE] = "what it would grant for was undone",
        [SKIP_BEATEN] = "another rule stands before it",
        [SKIP_SELF] = "nobody refers themselves",
    };
    return words[why];
}
