#include "rules/zones.h"

#include "rules/program_model.h"

const struct zone *zones_find(const struct zones *zones, struct text name)
{
    size_t low = 0, high = zones->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(name, zones->items[middle].name);
        if (order == 0)
            return zones->items[middle].zone;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
