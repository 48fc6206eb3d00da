#include "rules/rate.h"

#include <assert.h>

__extension__ typedef unsigned __int128 wide;

static wide power_of_ten(int exponent)
{
    assert(exponent >= 0 && exponent <= 2 * RATE_DECIMALS_MAX);
    wide power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

static wide greatest_common_divisor(wide a, wide b)
{
    while (b > 0) {
        wide rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The fraction in lowest terms; false when a term does not fit int64. */
static bool reduce(wide numerator, wide denominator, int64_t *numerator_out, int64_t *denominator_out)
{
    assert(numerator > 0 && denominator > 0);
    wide divisor = greatest_common_divisor(numerator, denominator);
    numerator /= divisor;
    denominator /= divisor;
    if (numerator > INT64_MAX || denominator > INT64_MAX)
        return false;
    *numerator_out = (int64_t)numerator;
    *denominator_out = (int64_t)denominator;
    return true;
}

bool rate_make(struct decimal a, struct decimal b, bool whole, int point_decimals, int basis_decimals, struct rate *out)
{
    assert(a.digits > 0 && b.digits > 0);
    assert(point_decimals <= DECIMALS_MAX && basis_decimals <= DECIMALS_MAX);
    /* Each product is below 2^63 * 10^15 < 2^113. */
    wide points = (wide)(uint64_t)a.digits * power_of_ten(point_decimals);
    wide points_scale = power_of_ten(a.decimals);
    wide step = (wide)(uint64_t)b.digits * power_of_ten(basis_decimals);
    wide step_scale = power_of_ten(b.decimals);
    struct rate rate = {.whole = whole, .step_numerator = 1, .step_denominator = 1};
    if (whole) {
        if (!reduce(step_scale, step, &rate.step_numerator, &rate.step_denominator) ||
            !reduce(points, points_scale, &rate.numerator, &rate.denominator))
            return false;
    } else {
        int64_t p, ps, s, ss;
        if (!reduce(points, points_scale, &p, &ps) || !reduce(step, step_scale, &s, &ss) ||
            !reduce((wide)(uint64_t)p * (uint64_t)ss, (wide)(uint64_t)ps * (uint64_t)s, &rate.numerator,
                    &rate.denominator))
            return false;
    }
    *out = rate;
    return true;
}

static wide round_up_by_one(wide rest, wide denominator, bool quotient_is_odd, enum rounding rounding)
{
    assert(rest < denominator);
    switch (rounding) {
    case ROUNDING_DOWN:
        return 0;
    case ROUNDING_HALF_UP:
        return rest >= denominator - rest;
    case ROUNDING_HALF_EVEN:
        return rest > denominator - rest || (rest == denominator - rest && quotient_is_odd);
    case ROUNDING_UP:
        break;
    }
    assert(rounding == ROUNDING_UP);
    return rest > 0;
}

/* round(units * numerator / denominator), all >= 0. */
static bool scale(int64_t units, int64_t numerator, int64_t denominator, enum rounding rounding, int64_t *out)
{
    assert(units >= 0 && numerator >= 0 && denominator > 0);
    int64_t narrow;
    if (rounding == ROUNDING_DOWN && !__builtin_mul_overflow(units, numerator, &narrow)) {
        *out = denominator == 1 ? narrow : narrow / denominator; /* the common case without a wide division */
        return true;
    }
    wide product = (wide)(uint64_t)units * (uint64_t)numerator;
    wide divisor = (uint64_t)denominator;
    wide quotient = product / divisor;
    quotient += round_up_by_one(product % divisor, divisor, quotient & 1, rounding);
    if (quotient > INT64_MAX)
        return false;
    *out = (int64_t)quotient;
    return true;
}

struct fraction fraction_of(struct decimal number)
{
    assert(number.digits > 0 && number.decimals <= RATE_DECIMALS_MAX);
    struct fraction fraction = FRACTION_ONE;
    bool fits =
        reduce((uint64_t)number.digits, power_of_ten(number.decimals), &fraction.numerator, &fraction.denominator);
    assert(fits);
    (void)fits;
    return fraction;
}

bool fraction_multiply(struct fraction a, struct fraction b, struct fraction *out)
{
    if (b.numerator == b.denominator) {
        *out = a;
        return true;
    }
    return reduce((wide)(uint64_t)a.numerator * (uint64_t)b.numerator,
                  (wide)(uint64_t)a.denominator * (uint64_t)b.denominator, &out->numerator, &out->denominator);
}

bool fraction_scale(struct fraction factor, int64_t amount, enum rounding rounding, int64_t *out)
{
    return scale(amount, factor.numerator, factor.denominator, rounding, out);
}

bool rate_points(const struct rate *rate, int64_t basis, struct fraction factor, enum rounding rounding, int64_t *out)
{
    assert(rate->denominator > 0 && basis >= 0);
    int64_t units = basis;
    struct fraction all;
    if (rate->whole && !scale(basis, rate->step_numerator, rate->step_denominator, ROUNDING_DOWN, &units))
        return false;
    return fraction_multiply((struct fraction){rate->numerator, rate->denominator}, factor, &all) &&
           scale(units, all.numerator, all.denominator, rounding, out);
}

bool decimal_parse(struct text text, int decimals_max, struct decimal *out)
{
    struct decimal number = {0, 0};
    size_t point = text.len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '.' && point == text.len && i > 0 && i + 1 < text.len) {
            point = i;
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        if (__builtin_mul_overflow(number.digits, 10, &number.digits) ||
            __builtin_add_overflow(number.digits, c - '0', &number.digits))
            return false;
        if (point < text.len && ++number.decimals > decimals_max)
            return false;
    }
    if (text.len == 0)
        return false;
    *out = number;
    return true;
}

bool decimal_scale(struct decimal number, int decimals, int64_t *out)
{
    assert(number.digits >= 0 && number.decimals >= 0);
    int64_t amount = number.digits;
    for (; number.decimals > decimals; number.decimals--) {
        if (amount % 10 != 0)
            return false;
        amount /= 10;
    }
    for (; number.decimals < decimals; number.decimals++)
        if (__builtin_mul_overflow(amount, 10, &amount))
            return false;
    *out = amount;
    return true;
}

struct text amount_write(int64_t amount, int decimals, char room[AMOUNT_TEXT_MAX])
{
    assert(decimals >= 0 && decimals <= DECIMALS_MAX);
    char *end = room + AMOUNT_TEXT_MAX;
    char *at = end;
    uint64_t rest = amount < 0 ? -(uint64_t)amount : (uint64_t)amount;
    for (int place = 0; place < decimals; place++, rest /= 10)
        *--at = (char)('0' + rest % 10);
    if (decimals > 0)
        *--at = '.';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (amount < 0)
        *--at = '-';
    assert(at >= room);
    return (struct text){at, (size_t)(end - at)};
}
