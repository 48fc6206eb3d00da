#include <assert.h>

#include "rules/program_model.h"
#include "rules/rule_index.h"

/* The index that lets an event find its rules without looking at the others. */

static struct rule_list list_kind(const struct program *program, enum event_kind kind, struct arena *arena)
{
    size_t count = 0;
    for (size_t i = 0; i < program->rule_count; i++)
        count += program->rules[i].kind == kind;
    const struct rule **items = arena_array(arena, count, sizeof *items);
    size_t at = 0;
    for (size_t i = 0; i < program->rule_count; i++)
        if (program->rules[i].kind == kind)
            items[at++] = &program->rules[i];
    assert(at == count);
    return (struct rule_list){items, count};
}

/* By activity, and in file order within one. */
static void sort_by_activity(const struct rule **items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const struct rule *moved = items[i];
        size_t to = i;
        for (; to > 0 && text_compare(items[to - 1]->activity, moved->activity) > 0; to--)
            items[to] = items[to - 1];
        items[to] = moved;
    }
}

static void index_activities(struct program *program, struct arena *arena)
{
    struct rule_list all = list_kind(program, ACTIVITY_DONE, arena);
    const struct rule **items = arena_array(arena, all.count, sizeof *items);
    if (all.count > 0)
        memcpy(items, all.items, all.count * sizeof *items);
    sort_by_activity(items, all.count);
    struct activity_rules *activities = arena_array(arena, all.count, sizeof *activities);
    size_t count = 0;
    for (size_t i = 0; i < all.count; i++) {
        if (i == 0 || !text_equal(items[i]->activity, items[i - 1]->activity))
            activities[count++] = (struct activity_rules){items[i]->activity, {items + i, 0}};
        activities[count - 1].rules.count++;
    }
    program->activities = activities;
    program->activity_count = count;
}

void program_index(struct program *program, struct arena *arena)
{
    assert(program->point_count > 0 && program->rule_count <= PROGRAM_RULES_MAX);
    for (int kind = 0; kind < EVENT_KIND_COUNT; kind++)
        if (kind != KIND_UNKNOWN && kind != ACTIVITY_DONE)
            program->by_kind[kind] = list_kind(program, (enum event_kind)kind, arena);
    for (enum event_kind kind = ORDER_PLACED; kind <= ORDER_COMPLETED; kind++)
        program->by_order[kind] = rule_index_make(program->by_kind[kind], arena);
    index_activities(program, arena);
    for (size_t i = 0; i < program->rule_count; i++)
        program->image |= program->rules[i].type == EVENT_ORDER ? program->rules[i].image : 0;
    for (size_t i = 0; i < program->rule_count; i++)
        if (program->rules[i].pending)
            program->awaited[program->rules[i].pending->awaits] = true;
    program->awaited[KIND_UNKNOWN] = false;
    for (size_t i = 0; i < program->multiplier_count; i++)
        program->image |= program->multipliers[i].image;
    program->image |= program->tiers ? program->tiers->image : 0;
}
