#include "zones.h"

#include <criterion/criterion.h>

#include "program/zones.h"

const struct zones *machine_zones(struct arena *arena)
{
    const struct zones *zones = NULL;
    struct err err;
    cr_assert_eq(zones_load(ZONES_FOLDER, arena, &zones, &err), ERR_NONE, "%s", err.text);
    return zones;
}
