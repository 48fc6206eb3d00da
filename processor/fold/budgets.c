#include "fold/budgets.h"

#include <assert.h>

#include "base/checked.h"
#include "base/hash.h"
#include "rules/program_model.h"

enum { BUDGETS_FIRST = 8 };

static int compare(const struct budgets *budgets, size_t at, struct text program_id, const struct limit_key *key,
                   struct span period)
{
    int order = text_compare(budgets->rows[at].program_id, program_id);
    return order != 0 ? order : budget_compare(&budgets->items[at].key, budgets->items[at].period, key, period);
}

/* The place of the first that is not before it. */
static size_t place_of(const struct budgets *budgets, struct text program_id, const struct limit_key *key,
                       struct span period)
{
    size_t low = 0, high = budgets->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(budgets, middle, program_id, key, period) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct budget_list budgets_of(const struct budgets *budgets, struct text program_id)
{
    size_t first = 0;
    while (first < budgets->count && !text_equal(budgets->rows[first].program_id, program_id))
        first++;
    size_t end = first;
    while (end < budgets->count && text_equal(budgets->rows[end].program_id, program_id))
        end++;
    return (struct budget_list){budgets->items + first, end - first};
}

struct hash16 budget_key(struct text program_id, const struct budget *budget)
{
    int64_t numbers[] = {budget->key.unit, budget->key.form, budget->key.length, budget->period.begins,
                         budget->period.ends};
    const struct text fields[] = {program_id, budget->key.id, {(const char *)numbers, sizeof numbers}};
    return hash_fields(TEXT("budget"), fields, sizeof fields / sizeof *fields);
}

static void grow(struct budgets *budgets)
{
    size_t capacity = budgets->capacity > 0 ? 2 * budgets->capacity : BUDGETS_FIRST;
    struct budget *items = arena_raw(budgets->arena, capacity * sizeof *items);
    struct budget_row *rows = arena_raw(budgets->arena, capacity * sizeof *rows);
    if (budgets->count > 0) {
        memcpy(items, budgets->items, budgets->count * sizeof *items);
        memcpy(rows, budgets->rows, budgets->count * sizeof *rows);
    }
    budgets->items = items;
    budgets->rows = rows;
    budgets->capacity = capacity;
}

void budgets_add(struct budgets *budgets, struct text program_id, const struct budget *budget)
{
    size_t at = place_of(budgets, program_id, &budget->key, budget->period);
    assert(at == budgets->count || compare(budgets, at, program_id, &budget->key, budget->period) != 0);
    if (budgets->count == budgets->capacity)
        grow(budgets);
    memmove(&budgets->items[at + 1], &budgets->items[at], (budgets->count - at) * sizeof *budgets->items);
    memmove(&budgets->rows[at + 1], &budgets->rows[at], (budgets->count - at) * sizeof *budgets->rows);
    budgets->count++;
    budgets->items[at] = *budget;
    budgets->items[at].key.id = arena_text(budgets->arena, budget->key.id);
    budgets->rows[at] = (struct budget_row){.key = budget_key(program_id, budget),
                                            .program_id = arena_text(budgets->arena, program_id),
                                            .loaded = budget->used,
                                            .least = INT64_MIN,
                                            .most = INT64_MAX};
}

/* A bound on what was used before the event, as one on what was used before the run. */
static int64_t shifted(int64_t bound, int64_t amount)
{
    int64_t before;
    if (bound == INT64_MIN || bound == INT64_MAX)
        return bound;
    if (checked_sub(bound, amount, &before))
        return before;
    return amount > 0 ? INT64_MIN : INT64_MAX;
}

void budgets_draw(struct budgets *budgets, struct text program_id, const struct draw *draws, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct draw *draw = &draws[i];
        size_t at = place_of(budgets, program_id, &draw->key, draw->period);
        assert(at < budgets->count && compare(budgets, at, program_id, &draw->key, draw->period) == 0);
        struct budget *budget = &budgets->items[at];
        struct budget_row *row = &budgets->rows[at];
        int64_t least = shifted(draw->least, row->amount), most = shifted(draw->most, row->amount);
        row->least = least > row->least ? least : row->least;
        row->most = most < row->most ? most : row->most;
        if (!checked_add(row->amount, draw->amount, &row->amount))
            row->amount = draw->amount > 0 ? INT64_MAX : INT64_MIN;
        if (!checked_add(row->loaded, row->amount, &budget->used) || budget->used < 0)
            budget->used = row->amount > 0 ? INT64_MAX : 0;
    }
}
