#include "rules/rule_index.h"

#include <assert.h>

#include "rules/cel/cel.h"
#include "rules/text_map.h"
#include "rules/work.h"

/* What a rule may ask of an order. */
enum asked { ASKED_SKU, ASKED_CATEGORY, ASKED_LABEL, ASKED_CHANNEL, ASKED_COUPON, ASKED_COUNT };

struct rule_index {
    struct rule_list all;   /* in file order; a rule's number here is its place among them */
    const uint32_t *always; /* numbers of those that ask for nothing that is indexed */
    size_t always_count;
    struct text_map maps[ASKED_COUNT]; /* numbers of the others */
};

/* ---- making it */

/* Pairs in the making. With pairs NULL they are only counted. */
struct gathering {
    struct text_pair *pairs[ASKED_COUNT];
    size_t counts[ASKED_COUNT];
};

static void gather(struct gathering *gathering, enum asked asked, struct text key, uint32_t number)
{
    if (gathering->pairs[asked])
        gathering->pairs[asked][gathering->counts[asked]] = (struct text_pair){key, number};
    gathering->counts[asked]++;
}

static void gather_set(struct gathering *gathering, enum asked asked, const struct text_set *set, uint32_t number)
{
    for (size_t i = 0; i < set->slot_count; i++)
        if (set->slots[i].len > 0)
            gather(gathering, asked, set->slots[i], number);
}

/* True when the rule asks for something. A rule is under all that its items name; under one thing of its condition. */
static bool gather_rule(struct gathering *gathering, const struct rule *rule, uint32_t number)
{
    static const struct {
        enum asked asked;
        const char *list;
        const char *field;
    } conditions[] = {
        {ASKED_COUPON, NULL, "coupon"},
        {ASKED_CHANNEL, NULL, "channel"},
        {ASKED_SKU, "lines", "sku"},
        {ASKED_CATEGORY, "lines", "category"},
    };
    if (rule->items && rule->items->only.names_any) {
        gather_set(gathering, ASKED_SKU, &rule->items->only.skus, number);
        gather_set(gathering, ASKED_CATEGORY, &rule->items->only.categories, number);
        gather_set(gathering, ASKED_LABEL, &rule->items->only.labels, number);
        return true;
    }
    for (size_t i = 0; rule->when && i < sizeof conditions / sizeof *conditions; i++) {
        struct text key;
        if (!cel_program_needs(rule->when, VARIABLE_EVENT, conditions[i].list, conditions[i].field, &key))
            continue;
        gather(gathering, conditions[i].asked, key, number);
        return true;
    }
    return false;
}

static void gather_all(struct gathering *gathering, struct rule_list rules, uint32_t *always, size_t *always_count)
{
    memset(gathering->counts, 0, sizeof gathering->counts);
    *always_count = 0;
    for (size_t i = 0; i < rules.count; i++)
        if (!gather_rule(gathering, rules.items[i], (uint32_t)i))
            always[(*always_count)++] = (uint32_t)i;
}

struct rule_index *rule_index_make(struct rule_list rules, struct arena *arena)
{
    struct rule_index *index = arena_alloc(arena, sizeof *index);
    struct gathering gathering = {0};
    uint32_t *always = arena_array(arena, rules.count + 1, sizeof *always);
    gather_all(&gathering, rules, always, &index->always_count);
    for (size_t asked = 0; asked < ASKED_COUNT; asked++)
        gathering.pairs[asked] = arena_array(arena, gathering.counts[asked] + 1, sizeof **gathering.pairs);
    gather_all(&gathering, rules, always, &index->always_count);
    for (size_t asked = 0; asked < ASKED_COUNT; asked++)
        index->maps[asked] = text_map_make(gathering.pairs[asked], gathering.counts[asked], arena);
    index->all = rules;
    index->always = always;
    return index;
}

/* ---- asking it */

/* Numbers found so far, in order and each once. */
struct found {
    uint32_t *numbers;
    size_t count;
    size_t capacity;
    struct scratch *scratch;
};

static void add_number(struct found *found, uint32_t number)
{
    size_t low = 0, high = found->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (found->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < found->count && found->numbers[low] == number)
        return;
    if (found->count == found->capacity) {
        uint32_t *larger = scratch_raw(found->scratch, 2 * found->capacity * sizeof *larger);
        memcpy(larger, found->numbers, found->count * sizeof *larger);
        found->numbers = larger;
        found->capacity *= 2;
    }
    memmove(&found->numbers[low + 1], &found->numbers[low], (found->count - low) * sizeof *found->numbers);
    found->numbers[low] = number;
    found->count++;
}

static void add_under(struct found *found, const struct text_map *map, struct text key)
{
    const struct text_slot *slot = text_map_find(map, key);
    for (uint32_t i = 0; slot && i < slot->count; i++)
        add_number(found, slot->values[i]);
}

static void add_lines(struct found *found, const struct rule_index *index, const struct order_record *record)
{
    for (size_t i = 0; i < record->line_count; i++) {
        const struct line_record *line = &record->lines[i];
        add_under(found, &index->maps[ASKED_SKU], line->sku);
        add_under(found, &index->maps[ASKED_CATEGORY], line->category);
        for (size_t label = 0; label < line->label_count; label++)
            add_under(found, &index->maps[ASKED_LABEL], line->labels[label]);
    }
}

/* The number of a rule of the index, which is among them. */
static uint32_t number_of(const struct rule_index *index, const struct rule *rule)
{
    size_t low = 0, high = index->all.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->all.items[middle]->place < rule->place)
            low = middle + 1;
        else
            high = middle;
    }
    assert(low < index->all.count && index->all.items[low] == rule);
    return (uint32_t)low;
}

struct rule_list rule_index_find(const struct rule_index *index, const struct order_record *record,
                                 struct rule_list granted, struct scratch *scratch)
{
    if (index->always_count == index->all.count)
        return index->all;
    enum { SPARE = 16 };
    struct found found = {.capacity = index->always_count + SPARE, .count = index->always_count, .scratch = scratch};
    found.numbers = scratch_raw(scratch, found.capacity * sizeof *found.numbers);
    memcpy(found.numbers, index->always, index->always_count * sizeof *found.numbers);
    add_lines(&found, index, record);
    add_under(&found, &index->maps[ASKED_CHANNEL], record->channel);
    add_under(&found, &index->maps[ASKED_COUPON], record->coupon);
    for (size_t i = 0; i < granted.count; i++)
        add_number(&found, number_of(index, granted.items[i]));
    const struct rule **items = scratch_raw(scratch, (found.count + 1) * sizeof *items);
    for (size_t i = 0; i < found.count; i++)
        items[i] = index->all.items[found.numbers[i]];
    return (struct rule_list){items, found.count};
}
