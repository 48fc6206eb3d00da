#include "rules/program.h"

#include <assert.h>

#include "rules/program_model.h"

int text_compare(struct text a, struct text b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.at, b.at, shorter) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

struct text program_id(const struct program *program)
{
    return program->id;
}

int64_t program_version(const struct program *program)
{
    return program->version;
}

int64_t program_effective_at(const struct program *program)
{
    return program->effective_at;
}

struct text program_default_currency(const struct program *program)
{
    assert(program->point_count > 0);
    return program->points[0].name;
}

/* True when the program stands after everything that the id had at that time. */
static bool stands_after(const struct program *program, struct text id, int64_t at)
{
    int order = text_compare(program->id, id);
    return order > 0 || (order == 0 && program->effective_at > at);
}

/* The number of programs that stand at or before (id, at) in the set's order. */
static size_t count_until(const struct program_set *set, struct text id, int64_t at)
{
    size_t low = 0;
    size_t high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stands_after(set->programs[middle], id, at))
            high = middle;
        else
            low = middle + 1;
    }
    assert(low == 0 || !stands_after(set->programs[low - 1], id, at));
    return low;
}

const struct program *program_set_at(const struct program_set *set, struct text program_id, int64_t at)
{
    size_t count = count_until(set, program_id, at);
    if (count == 0 || !text_equal(set->programs[count - 1]->id, program_id))
        return NULL;
    return set->programs[count - 1];
}

const struct program *program_set_version(const struct program_set *set, struct text program_id, int64_t version)
{
    for (size_t i = count_until(set, program_id, INT64_MAX); i-- > 0;) {
        const struct program *program = set->programs[i];
        if (!text_equal(program->id, program_id))
            break;
        if (program->version == version)
            return program;
    }
    return NULL;
}

struct rule_list program_rules(const struct program *program, const struct event *event)
{
    assert((unsigned)event->kind < EVENT_KIND_COUNT);
    if (event->kind != ACTIVITY_DONE)
        return program->by_kind[event->kind];
    size_t low = 0;
    size_t high = program->activity_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(event->activity.name, program->activities[middle].name);
        if (order == 0)
            return program->activities[middle].rules;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return (struct rule_list){NULL, 0};
}

static size_t currency_place(const struct currency *currencies, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(currencies[i].name, name))
            return i;
    return PLACE_NONE;
}

size_t program_point_place(const struct program *program, struct text name)
{
    return currency_place(program->points, program->point_count, name);
}

size_t program_money_place(const struct program *program, struct text name)
{
    return currency_place(program->money, program->money_count, name);
}

size_t program_reward_place(const struct program *program, struct text id)
{
    for (size_t i = 0; i < program->reward_count; i++)
        if (text_equal(program->rewards[i].id, id))
            return i;
    return PLACE_NONE;
}

const struct rule *program_rule(const struct program *program, struct text id)
{
    for (size_t i = 0; i < program->rule_count; i++)
        if (text_equal(program->rules[i].id, id))
            return &program->rules[i];
    return NULL;
}

bool program_counts_order(const struct program *program, enum event_kind kind)
{
    return program->by_kind[kind].count > 0 || (kind == ORDER_PAID && program->tiers && program->tiers->counts_orders);
}

bool program_has_partner(const struct program *program, struct text partner_id)
{
    size_t low = 0;
    size_t high = program->partner_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(partner_id, program->partners[middle]);
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}
