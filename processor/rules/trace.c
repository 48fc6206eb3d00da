#include "rules/trace.h"

enum { FACTS_USUAL = 32 };

void trace_add(struct trace *trace, struct fact fact)
{
    if (trace->count == trace->capacity) {
        trace->capacity = trace->capacity > 0 ? 2 * trace->capacity : FACTS_USUAL;
        struct fact *larger = arena_array(trace->arena, trace->capacity, sizeof *larger);
        if (trace->count > 0)
            memcpy(larger, trace->items, trace->count * sizeof *larger);
        trace->items = larger;
    }
    if (fact.rule) {
        trace->rule = fact.rule;
        trace->terms = fact.terms ? fact.terms : trace->terms;
    }
    if (fact.kind == FACT_ASKED || fact.money.len > 0)
        trace->money = fact.money;
    fact.money = trace->money;
    fact.rule = trace->rule;
    fact.terms = trace->terms;
    trace->items[trace->count++] = fact;
}
