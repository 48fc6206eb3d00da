#include <stdlib.h>

#include "program/load.h"
#include "program/zones.h"

/* Any bytes as a program file: a program, or errors that say where. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read once: they are the same for all inputs. */
static const struct zones *machine_zones(void)
{
    static const struct zones *zones;
    static struct arena *arena; /* what lives as long as the process must be reachable: it is no leak then */
    struct err err;
    if (zones)
        return zones;
    arena = arena_new(0);
    if (zones_load(ZONES_FOLDER, arena, &zones, &err))
        abort();
    return zones;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(0);
    struct program_errors errors = {0};
    struct program *program = NULL;
    struct err err;
    enum err_code code =
        program_load((struct text){(const char *)data, size}, machine_zones(), arena, &program, &errors, &err);
    if ((code == ERR_NONE) != (program != NULL) || (code == ERR_NONE) != (errors.count == 0))
        abort();
    for (size_t i = 0; i < errors.count; i++)
        if (errors.items[i].line < 1 || errors.items[i].column < 1 || errors.items[i].message.len == 0)
            abort();
    if (arena_used(arena) > 8 * 1024 * 1024 + 1024 * size)
        abort();
    arena_free(arena);
    return 0;
}
