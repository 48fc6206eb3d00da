#include "rules/trace.h"

enum { FACTS_USUAL = 32 };

struct fact *trace_add(struct trace *trace, enum fact_kind kind, const struct program *terms, const struct rule *rule)
{
    if (trace->count == trace->capacity) {
        trace->capacity = trace->capacity > 0 ? 2 * trace->capacity : FACTS_USUAL;
        struct fact *larger = arena_array(trace->arena, trace->capacity, sizeof *larger);
        if (trace->count > 0)
            memcpy(larger, trace->items, trace->count * sizeof *larger);
        trace->items = larger;
    }
    if (kind == FACT_ASKED)
        trace->money = (struct text){NULL, 0};
    if (rule)
        trace->rule = rule;
    if (terms)
        trace->terms = terms;
    struct fact *fact = &trace->items[trace->count++];
    *fact = (struct fact){.kind = kind, .terms = trace->terms, .rule = trace->rule, .money = trace->money};
    return fact;
}
