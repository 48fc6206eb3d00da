#ifndef POINTS_TESTS_VALUES_H
#define POINTS_TESTS_VALUES_H

#include "base/buffer.h"
#include "decode/schema.h"

/* Random values of any Avro schema, the same for the same seed: lists in several blocks, with and without sizes, texts
 * of one to four bytes a letter, numbers at the ends of their range. */
struct values {
    uint64_t seed;
    bool hostile; /* now and then a text that is not UTF-8, or holds U+0000 */
};

uint64_t values_random(struct values *values, uint64_t below);

/* Appends one value of that node. */
void values_write(struct values *values, const struct schema *schema, uint32_t node, struct buffer *out);

/* Avro's primitives, for bytes that tests put together by hand. */
void values_put_long(struct buffer *out, int64_t value);
void values_put_text(struct buffer *out, struct text text);

#endif
