#include "explain/explain.h"

#include "cases/words.h"
#include "rules/program_model.h"

/* Amounts and their arithmetic, exact, as people write them. */

__extension__ typedef unsigned __int128 wide;

enum { FRACTION_DIGITS = 9, MOST_DIGITS = 40 };

static int point_decimals(const struct fact *fact)
{
    return fact->terms->points[fact->rule->currency].decimals;
}

static int basis_decimals(const struct fact *fact)
{
    if (fact->rule->type == EVENT_ACTIVITY)
        return ACTIVITY_DECIMALS;
    size_t place = fact->money.len > 0 ? program_money_place(fact->terms, fact->money) : PLACE_NONE;
    return place == PLACE_NONE ? 0 : fact->terms->money[place].decimals;
}

struct text explain_points(struct arena *arena, const struct fact *fact, int64_t amount)
{
    char room[AMOUNT_TEXT_MAX];
    struct text digits = amount_write(amount, point_decimals(fact), room);
    struct text name = fact->terms->points[fact->rule->currency].name;
    return arena_printf(arena, "%.*s %.*s", VIEW(digits), VIEW(name));
}

static wide power_of_ten(int exponent)
{
    wide power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* numerator / denominator of minor units with so many decimals, to nine digits; an ellipsis where it goes on. */
static struct text quotient_text(struct arena *arena, wide numerator, wide denominator, int decimals)
{
    char digits[MOST_DIGITS + FRACTION_DIGITS + 2];
    size_t at = sizeof digits, behind = 0;
    denominator *= power_of_ten(decimals);
    wide whole = numerator / denominator, rest = numerator % denominator, fraction = 0;
    for (; behind < FRACTION_DIGITS && rest > 0; behind++) {
        rest *= 10;
        fraction = fraction * 10 + rest / denominator;
        rest %= denominator;
    }
    for (size_t i = 0; i < behind; i++, fraction /= 10)
        digits[--at] = (char)('0' + (int)(fraction % 10));
    if (behind > 0)
        digits[--at] = '.';
    do
        digits[--at] = (char)('0' + (int)(whole % 10));
    while ((whole /= 10) > 0);
    return arena_printf(arena, "%.*s%s", (int)(sizeof digits - at), digits + at, rest > 0 ? "…" : "");
}

struct text explain_basis(struct arena *arena, const struct fact *fact, int64_t amount)
{
    char room[AMOUNT_TEXT_MAX];
    if (fact->money.len == 0)
        return quotient_text(arena, (wide)(uint64_t)amount, 1, basis_decimals(fact));
    struct text digits = amount_write(amount, basis_decimals(fact), room);
    return arena_printf(arena, "%.*s %.*s", VIEW(digits), VIEW(fact->money));
}

static const char *rounding_words(enum rounding rounding)
{
    static const char *const words[] = {[ROUNDING_DOWN] = "down",
                                        [ROUNDING_HALF_UP] = "half up",
                                        [ROUNDING_HALF_EVEN] = "half to even",
                                        [ROUNDING_UP] = "up"};
    return words[rounding];
}

/* "3.00 EUR": the length of a whole step. */
static struct text step_text(struct arena *arena, const struct fact *fact)
{
    const struct rate *rate = fact->rate;
    if (rate->step_numerator == 1)
        return explain_basis(arena, fact, rate->step_denominator);
    struct text step = quotient_text(arena, (wide)(uint64_t)rate->step_denominator,
                                     (wide)(uint64_t)rate->step_numerator, basis_decimals(fact));
    return arena_printf(arena, "%.*s %.*s", VIEW(step), VIEW(fact->money));
}

/* "5 per 1.00 EUR": of the rate in lowest terms, brought to one whole unit of the basis where that is exact. */
static struct text rate_text(struct arena *arena, const struct fact *fact)
{
    char room[AMOUNT_TEXT_MAX];
    const struct rate *rate = fact->rate;
    if (rate->whole) {
        struct text points = quotient_text(arena, (wide)(uint64_t)rate->numerator, (wide)(uint64_t)rate->denominator,
                                           point_decimals(fact));
        struct text step = step_text(arena, fact);
        return arena_printf(arena, "%.*s per whole %.*s", VIEW(points), VIEW(step));
    }
    int64_t unit = (int64_t)power_of_ten(basis_decimals(fact));
    int64_t times = rate->denominator < unit && unit % rate->denominator == 0 ? unit / rate->denominator : 1;
    struct text points = amount_write(rate->numerator * times, point_decimals(fact), room);
    struct text basis = explain_basis(arena, fact, rate->denominator * times);
    return arena_printf(arena, "%.*s per %.*s", VIEW(points), VIEW(basis));
}

static struct text factor_text(struct arena *arena, const struct fact *fact)
{
    if (fact->factor.numerator == fact->factor.denominator)
        return TEXT("");
    struct text factor =
        quotient_text(arena, (wide)(uint64_t)fact->factor.numerator, (wide)(uint64_t)fact->factor.denominator, 0);
    return arena_printf(arena, " × %.*s", VIEW(factor));
}

/* What is multiplied, and the exact value before the rounding; false where that is beyond 128 bits. */
static bool before_rounding(const struct fact *fact, wide *numerator, wide *denominator)
{
    wide amount = (wide)(uint64_t)fact->amount, below = 1;
    if (fact->rule->form == EARN_PER_ITEM)
        amount *= (wide)(uint64_t)fact->items;
    if (fact->rule->form == EARN_RATE) {
        amount = (wide)(uint64_t)fact->basis;
        if (fact->rate->whole)
            amount = amount * (wide)(uint64_t)fact->rate->step_numerator / (wide)(uint64_t)fact->rate->step_denominator;
        below = (wide)(uint64_t)fact->rate->denominator;
        if (__builtin_mul_overflow(amount, (wide)(uint64_t)fact->rate->numerator, &amount))
            return false;
    }
    return !__builtin_mul_overflow(amount, (wide)(uint64_t)fact->factor.numerator, numerator) &&
           !__builtin_mul_overflow(below, (wide)(uint64_t)fact->factor.denominator, denominator) &&
           *denominator < power_of_ten(28);
}

static struct text multiplied_text(struct arena *arena, const struct fact *fact)
{
    struct text points = explain_points(arena, fact, fact->amount);
    switch (fact->rule->form) {
    case EARN_RATE:
        break;
    case EARN_PER_ITEM:
        return arena_printf(arena, "%lld items × %.*s", (long long)fact->items, VIEW(points));
    default:
        return points;
    }
    struct text basis = explain_basis(arena, fact, fact->basis), rate = rate_text(arena, fact);
    return arena_printf(arena, "%.*s at %.*s", VIEW(basis), VIEW(rate));
}

struct text explain_arithmetic(struct arena *arena, const struct fact *fact)
{
    wide numerator = 0, denominator = 1;
    if (fact->rule->form == EARN_RATE && fact->rate->denominator == 0)
        return TEXT("no rate for this currency: nothing");
    struct text what = multiplied_text(arena, fact), factor = factor_text(arena, fact);
    struct text points = explain_points(arena, fact, fact->points);
    if (!before_rounding(fact, &numerator, &denominator))
        return arena_printf(arena, "%.*s%.*s = %.*s", VIEW(what), VIEW(factor), VIEW(points));
    if (fact->rule->form != EARN_RATE && fact->rule->form != EARN_PER_ITEM && factor.len == 0)
        return points;
    if (numerator % denominator == 0)
        return arena_printf(arena, "%.*s%.*s = %.*s", VIEW(what), VIEW(factor), VIEW(points));
    struct text exact = quotient_text(arena, numerator, denominator, point_decimals(fact));
    return arena_printf(arena, "%.*s%.*s = %.*s, rounded %s to %.*s", VIEW(what), VIEW(factor), VIEW(exact),
                        rounding_words(fact->rule->rounding), VIEW(points));
}
