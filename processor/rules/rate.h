#ifndef POINTS_RULES_RATE_H
#define POINTS_RULES_RATE_H

#include "base/text.h"

/* Exact rates: "1 per 1.00" as a fraction of minor units. No floating point, one rounding, last. */

enum rounding { ROUNDING_DOWN, ROUNDING_HALF_UP, ROUNDING_HALF_EVEN, ROUNDING_UP };

enum {
    DECIMALS_MAX = 6,      /* of a currency's minor unit */
    RATE_DECIMALS_MAX = 9, /* of the two numbers in a rate */
    AMOUNT_TEXT_MAX = 24   /* longest text of an amount: sign, 19 digits, point */
};

/* A decimal number as written: 1.50 is {150, 2}. */
struct decimal {
    int64_t digits;
    int decimals;
};

/* points = round(units * numerator / denominator), where units is the basis itself, or the number of whole steps in it.
 */
struct rate {
    int64_t numerator;      /* > 0 */
    int64_t denominator;    /* > 0; 0 marks a currency for which the rule has no rate */
    int64_t step_numerator; /* whole steps in x: floor(x * step_numerator / step_denominator) */
    int64_t step_denominator;
    bool whole;
};

/* "A per B", or "A per whole B": points have point_decimals, what is paid for has basis_decimals. False when a reduced
 * term does not fit int64; a and b are > 0. */
bool rate_make(struct decimal a, struct decimal b, bool whole, int point_decimals, int basis_decimals,
               struct rate *out);

/* An exact factor, in lowest terms. */
struct fraction {
    int64_t numerator;   /* > 0 */
    int64_t denominator; /* > 0 */
};

#define FRACTION_ONE ((struct fraction){1, 1})

/* The number as a fraction; digits > 0. */
struct fraction fraction_of(struct decimal number);

/* False when the product does not fit, *out untouched. */
bool fraction_multiply(struct fraction a, struct fraction b, struct fraction *out);

/* round(amount * factor) of an amount >= 0. False on overflow, *out untouched. */
bool fraction_scale(struct fraction factor, int64_t amount, enum rounding rounding, int64_t *out);

/* The same where the factor mostly is 1. */
static inline bool fraction_apply(struct fraction factor, int64_t amount, enum rounding rounding, int64_t *out)
{
    if (factor.numerator != factor.denominator)
        return fraction_scale(factor, amount, rounding, out);
    *out = amount;
    return true;
}

/* Points in minor units for a basis >= 0, multiplied by the factor before the one rounding. False on overflow, *out
 * untouched. */
bool rate_points(const struct rate *rate, int64_t basis, struct fraction factor, enum rounding rounding, int64_t *out);

/* Digits, optionally with a point and at most `decimals_max` decimals: no sign, no exponent, no blanks, at least one
 * digit on either side of a point. False otherwise and when it does not fit. */
bool decimal_parse(struct text text, int decimals_max, struct decimal *out);

/* The number in minor units of a currency with so many decimals; false when it has more decimals than that or does not
 * fit. */
bool decimal_scale(struct decimal number, int decimals, int64_t *out);

/* An amount in minor units as people write it: 1050 with two decimals is "10.50". The text lies in the room. */
struct text amount_write(int64_t amount, int decimals, char room[AMOUNT_TEXT_MAX]);

#endif
