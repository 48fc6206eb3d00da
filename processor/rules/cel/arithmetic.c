#include "base/checked.h"
#include "rules/cel/run.h"

/* Operators on numbers, texts, times and lists. Overflow is an error, as the language has it. */

bool cel_spend(struct cel_run *run, uint64_t amount, struct cel_value *out)
{
    if (amount > run->left) {
        run->left = 0;
        *out = cel_error(CEL_TOO_LARGE);
        return false;
    }
    run->left -= amount;
    return true;
}

/* The results come by their place: they are written while the first argument is computed. */
static struct cel_value int_or_overflow(bool fits, const int64_t *value)
{
    return fits ? cel_int(*value) : cel_error(CEL_OVERFLOW);
}

static struct cel_value uint_or_overflow(bool overflows, const uint64_t *value)
{
    return overflows ? cel_error(CEL_OVERFLOW) : cel_uint(*value);
}

/* instant + nanos, range-checked. */
static struct cel_value moved(struct cel_instant instant, int64_t nanos)
{
    int64_t sum = instant.nanos + nanos % 1000000000, seconds = instant.seconds + nanos / 1000000000;
    if (sum < 0) {
        sum += 1000000000;
        seconds--;
    } else if (sum >= 1000000000) {
        sum -= 1000000000;
        seconds++;
    }
    struct cel_instant result = {seconds, (int32_t)sum};
    return cel_in_range(result) ? cel_timestamp(result.seconds, result.nanos) : cel_error(CEL_RANGE);
}

static struct cel_value duration_or_range(bool fits, const int64_t *nanos)
{
    return fits ? cel_duration(*nanos) : cel_error(CEL_RANGE);
}

static void join_texts(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    struct text left = a[0].text, right = a[1].text;
    size_t len = left.len + right.len;
    uint8_t kind = a[0].kind;
    if (!cel_spend(run, len, out))
        return;
    char *joined = arena_raw(run->arena, len);
    if (left.len)
        memcpy(joined, left.at, left.len);
    if (right.len)
        memcpy(joined + left.len, right.at, right.len);
    *out = (struct cel_value){.kind = kind, .text = {joined, len}};
}

static void join_lists(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    size_t left = a[0].count, right = a[1].count;
    if (!cel_spend(run, (left + right) * sizeof *out, out))
        return;
    struct cel_value *items = arena_raw(run->arena, (left + right) * sizeof *items);
    for (size_t i = 0; i < left; i++)
        a[0].list.get(a[0].list.object, i, &items[i]);
    for (size_t i = 0; i < right; i++)
        a[1].list.get(a[1].list.object, i, &items[left + i]);
    *out = cel_list_of(items, left + right);
}

void cel_call_add(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    int64_t sum;
    uint64_t natural;
    if (a[0].kind == CEL_TIMESTAMP && a[1].kind == CEL_DURATION) {
        *out = moved(a[0].instant, a[1].nanos);
        return;
    }
    if (a[0].kind == CEL_DURATION && a[1].kind == CEL_TIMESTAMP) {
        *out = moved(a[1].instant, a[0].nanos);
        return;
    }
    if (a[0].kind != a[1].kind) {
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
        return;
    }
    switch (a[0].kind) {
    case CEL_INT:
        *out = int_or_overflow(checked_add(a[0].integer, a[1].integer, &sum), &sum);
        break;
    case CEL_UINT:
        *out = uint_or_overflow(__builtin_add_overflow(a[0].natural, a[1].natural, &natural), &natural);
        break;
    case CEL_DOUBLE:
        *out = cel_double(a[0].real + a[1].real);
        break;
    case CEL_STRING:
    case CEL_BYTES:
        join_texts(run, a, out);
        break;
    case CEL_LIST:
        join_lists(run, a, out);
        break;
    case CEL_DURATION:
        *out = duration_or_range(checked_add(a[0].nanos, a[1].nanos, &sum), &sum);
        break;
    default:
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    }
}

static struct cel_value between(struct cel_instant a, struct cel_instant b)
{
    int64_t nanos;
    bool fits = checked_mul(a.seconds - b.seconds, 1000000000, &nanos) && checked_add(nanos, a.nanos - b.nanos, &nanos);
    return duration_or_range(fits, &nanos);
}

void cel_call_subtract(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    int64_t rest;
    uint64_t natural;
    (void)run;
    if (a[0].kind == CEL_TIMESTAMP && a[1].kind == CEL_DURATION)
        *out = a[1].nanos == INT64_MIN ? cel_error(CEL_RANGE) : moved(a[0].instant, -a[1].nanos);
    else if (a[0].kind != a[1].kind)
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    else if (a[0].kind == CEL_INT)
        *out = int_or_overflow(checked_sub(a[0].integer, a[1].integer, &rest), &rest);
    else if (a[0].kind == CEL_UINT)
        *out = uint_or_overflow(__builtin_sub_overflow(a[0].natural, a[1].natural, &natural), &natural);
    else if (a[0].kind == CEL_DOUBLE)
        *out = cel_double(a[0].real - a[1].real);
    else if (a[0].kind == CEL_TIMESTAMP)
        *out = between(a[0].instant, a[1].instant);
    else if (a[0].kind == CEL_DURATION)
        *out = duration_or_range(checked_sub(a[0].nanos, a[1].nanos, &rest), &rest);
    else
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
}

void cel_call_multiply(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    int64_t product;
    uint64_t natural;
    (void)run;
    if (a[0].kind == CEL_INT && a[1].kind == CEL_INT)
        *out = int_or_overflow(checked_mul(a[0].integer, a[1].integer, &product), &product);
    else if (a[0].kind == CEL_UINT && a[1].kind == CEL_UINT)
        *out = uint_or_overflow(__builtin_mul_overflow(a[0].natural, a[1].natural, &natural), &natural);
    else if (a[0].kind == CEL_DOUBLE && a[1].kind == CEL_DOUBLE)
        *out = cel_double(a[0].real * a[1].real);
    else
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
}

/* Of integers: quotient, or remainder with the dividend's sign. */
static struct cel_value divide(const struct cel_value *a, bool remainder)
{
    enum cel_error_code zero = remainder ? CEL_MODULUS_BY_ZERO : CEL_DIVISION_BY_ZERO;
    if (a[0].kind == CEL_INT && a[1].kind == CEL_INT) {
        if (a[1].integer == 0)
            return cel_error(zero);
        if (a[0].integer == INT64_MIN && a[1].integer == -1)
            return remainder ? cel_int(0) : cel_error(CEL_OVERFLOW);
        return cel_int(remainder ? a[0].integer % a[1].integer : a[0].integer / a[1].integer);
    }
    if (a[0].kind == CEL_UINT && a[1].kind == CEL_UINT) {
        if (a[1].natural == 0)
            return cel_error(zero);
        return cel_uint(remainder ? a[0].natural % a[1].natural : a[0].natural / a[1].natural);
    }
    return cel_error(CEL_NO_SUCH_OVERLOAD);
}

void cel_call_divide(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    if (a[0].kind == CEL_DOUBLE && a[1].kind == CEL_DOUBLE)
        *out = cel_double(a[0].real / a[1].real); /* IEEE 754: by zero is infinite */
    else
        *out = divide(a, false);
}

void cel_call_modulo(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    *out = divide(a, true);
}

void cel_call_negate(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    if (a[0].kind == CEL_INT)
        *out = a[0].integer == INT64_MIN ? cel_error(CEL_OVERFLOW) : cel_int(-a[0].integer);
    else if (a[0].kind == CEL_DOUBLE)
        *out = cel_double(-a[0].real);
    else
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
}

void cel_call_not(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    *out = a[0].kind == CEL_BOOL ? cel_bool(!a[0].boolean) : cel_error(CEL_NO_SUCH_OVERLOAD);
}

void cel_call_equal(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    *out = cel_bool(cel_equal(&a[0], &a[1]));
}

void cel_call_unequal(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    *out = cel_bool(!cel_equal(&a[0], &a[1]));
}

#define ORDERING(name, condition)                                                                                      \
    void name(struct cel_run *run, const struct cel_value *a, struct cel_value *out)                                   \
    {                                                                                                                  \
        int order;                                                                                                     \
        (void)run;                                                                                                     \
        *out = cel_order(&a[0], &a[1], &order) ? cel_bool(condition) : cel_error(CEL_NO_SUCH_OVERLOAD);                \
    }

ORDERING(cel_call_less, order == -1)
ORDERING(cel_call_less_equal, order == -1 || order == 0)
ORDERING(cel_call_more, order == 1)
ORDERING(cel_call_more_equal, order == 1 || order == 0)

#undef ORDERING
