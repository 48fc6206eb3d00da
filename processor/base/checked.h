#ifndef POINTS_BASE_CHECKED_H
#define POINTS_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

/* Integer arithmetic that says whether it fitted: true and *out on success, false and *out untouched on overflow. */

static inline bool checked_add(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

static inline bool checked_sub(int64_t a, int64_t b, int64_t *out)
{
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference))
        return false;
    *out = difference;
    return true;
}

static inline bool checked_mul(int64_t a, int64_t b, int64_t *out)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

#endif
