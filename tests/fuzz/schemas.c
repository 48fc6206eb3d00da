#include <stdlib.h>

#include "decode/guard.h"
#include "decode/readers.h"

/* A writer's schema as a registry might give it, and after a NUL what it wrote: hostile both. A schema that parses must
 * be the same after its canonical form is parsed; what the plan reads, the guard must let through. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct decode_limits limits = {.lines = 100, .string_bytes = 1000};

static void check_canonical(const struct schema *schema)
{
    struct arena *arena = arena_new(0);
    struct schema *again;
    struct text canonical = schema_canonical(schema, arena);
    if (canonical.len <= SCHEMA_BYTES_MAX) {
        if (schema_parse(canonical, &again, NULL) || again->fingerprint != schema->fingerprint ||
            schema_root(again)->least != schema_root(schema)->least)
            abort();
        schema_free(again);
    }
    arena_free(arena);
}

static void check_body(const struct readers *readers, const struct schema *schema, struct bytes body)
{
    struct plan *plan;
    struct event event;
    struct err err;
    const char *wrong = guard_check(schema, body);
    if (readers_resolve(readers, schema, &plan, &err))
        return;
    struct arena *arena = arena_new(0);
    if (plan_read(plan, &limits, body, arena, &event, &err) == ERR_NONE && wrong)
        abort();
    arena_free(arena);
    plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct readers *readers;
    struct schema *schema;
    struct err err;
    if (!readers && readers_new(&readers, &err))
        abort();
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t len = end ? (size_t)(end - data) : size;
    if (schema_parse((struct text){(const char *)data, len}, &schema, &err))
        return 0;
    check_canonical(schema);
    if (end)
        check_body(readers, schema, (struct bytes){end + 1, size - len - 1});
    schema_free(schema);
    return 0;
}
