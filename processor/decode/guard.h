#ifndef POINTS_DECODE_GUARD_H
#define POINTS_DECODE_GUARD_H

#include "decode/cursor.h"
#include "decode/schema.h"

/* Walks a value against its writer's schema without building anything. What passes is safe for any reader: every
 * length, count and index is within what the bytes hold, nesting is bounded, and so is the number of values, which
 * bytes alone do not bound (an array of a billion nulls takes six bytes, a record of records of nothing takes none). */

enum {
    GUARD_DEPTH_MAX = 64,
    GUARD_VALUES_BASE = 4096,  /* values that any message may hold */
    GUARD_VALUES_PER_BYTE = 4, /* and as many more for each of its bytes */
};

/* What is left of a message's allowance. */
struct guard {
    const struct schema *schema;
    uint64_t values;
    uint32_t depth;
};

static inline struct guard guard_for(const struct schema *schema, size_t message_bytes)
{
    return (struct guard){schema, GUARD_VALUES_BASE + (uint64_t)message_bytes * GUARD_VALUES_PER_BYTE, 0};
}

/* Moves the cursor past one value of that node. Returns NULL, or what is wrong, in words; the cursor then stands near
 * the place. */
const char *guard_skip(struct guard *guard, uint32_t node, struct cursor *cursor);

/* Whether `bytes` are exactly one value of the schema: NULL, or what is wrong. */
const char *guard_check(const struct schema *schema, struct bytes bytes);

#endif
