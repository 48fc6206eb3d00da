#include "rules/text_set.h"

#include <assert.h>

#include "rules/text_hash.h"

enum { SLOTS_FEWEST = 8 };

/* The text's slot, or the free one where it belongs. At least one slot is always free. */
static size_t slot_of(const struct text *slots, size_t slot_count, struct text text)
{
    size_t at = (size_t)text_hash(text) & (slot_count - 1);
    while (slots[at].len > 0 && !text_equal(slots[at], text))
        at = (at + 1) & (slot_count - 1);
    return at;
}

struct text_set text_set_make(const struct text *texts, size_t count, struct arena *arena)
{
    size_t slot_count = SLOTS_FEWEST;
    while (slot_count < 2 * count)
        slot_count *= 2;
    struct text *slots = arena_array(arena, slot_count, sizeof *slots);
    struct text_set set = {.slots = slots, .slot_count = slot_count};
    for (size_t i = 0; i < count; i++) {
        assert(texts[i].len > 0);
        size_t at = slot_of(slots, slot_count, texts[i]);
        set.count += slots[at].len == 0;
        slots[at] = texts[i];
    }
    return set;
}

bool text_set_has(const struct text_set *set, struct text text)
{
    return set->count > 0 && text.len > 0 && set->slots[slot_of(set->slots, set->slot_count, text)].len > 0;
}
