#include <stdio.h>

#include "rules/cel/lex.h"
#include "rules/cel/number.h"
#include "rules/cel/run.h"

/* Conversions between types. A value that the other type does not hold is an error. */

static const double TWO_63 = 9223372036854775808.0, TWO_64 = 18446744073709551616.0;

void cel_call_bool(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    static const char *const words[] = {"1", "t", "true", "TRUE", "True", "0", "f", "false", "FALSE", "False"};
    (void)run;
    if (a[0].kind == CEL_BOOL) {
        *out = a[0];
        return;
    }
    if (a[0].kind != CEL_STRING) {
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (text_equal(a[0].text, text_of(words[i]))) {
            *out = cel_bool(i < 5);
            return;
        }
    }
    *out = cel_error(CEL_CONVERSION);
}

void cel_call_int(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    int64_t parsed;
    (void)run;
    switch (a[0].kind) {
    case CEL_INT:
        *out = a[0];
        break;
    case CEL_UINT:
        *out = a[0].natural <= INT64_MAX ? cel_int((int64_t)a[0].natural) : cel_error(CEL_RANGE);
        break;
    case CEL_DOUBLE: /* both ends are refused: doubles beside them may stand for what is outside */
        *out = a[0].real > -TWO_63 && a[0].real < TWO_63 ? cel_int((int64_t)a[0].real) : cel_error(CEL_RANGE);
        break;
    case CEL_STRING:
        *out = cel_parse_int(a[0].text, false, &parsed) ? cel_int(parsed) : cel_error(CEL_CONVERSION);
        break;
    case CEL_TIMESTAMP:
        *out = cel_int(a[0].instant.seconds);
        break;
    default:
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    }
}

void cel_call_uint(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    uint64_t parsed;
    (void)run;
    switch (a[0].kind) {
    case CEL_UINT:
        *out = a[0];
        break;
    case CEL_INT:
        *out = a[0].integer >= 0 ? cel_uint((uint64_t)a[0].integer) : cel_error(CEL_RANGE);
        break;
    case CEL_DOUBLE:
        *out = a[0].real > -1 && a[0].real < TWO_64 ? cel_uint((uint64_t)a[0].real) : cel_error(CEL_RANGE);
        break;
    case CEL_STRING:
        *out = cel_parse_uint(a[0].text, false, &parsed) ? cel_uint(parsed) : cel_error(CEL_CONVERSION);
        break;
    default:
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    }
}

void cel_call_double(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    double parsed;
    (void)run;
    switch (a[0].kind) {
    case CEL_DOUBLE:
        *out = a[0];
        break;
    case CEL_INT:
        *out = cel_double((double)a[0].integer);
        break;
    case CEL_UINT:
        *out = cel_double((double)a[0].natural);
        break;
    case CEL_STRING:
        *out = cel_parse_double(a[0].text, &parsed) ? cel_double(parsed) : cel_error(CEL_CONVERSION);
        break;
    default:
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    }
}

static struct text double_text(double value, struct arena *arena)
{
    char text[CEL_DOUBLE_CHARS];
    size_t len = cel_print_double(value, text);
    return arena_text(arena, (struct text){text, len});
}

void cel_call_string(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    if (!cel_spend(run, 64, out))
        return;
    switch (a[0].kind) {
    case CEL_STRING:
        *out = a[0];
        break;
    case CEL_BYTES:
        *out = cel_utf8_valid(a[0].text) ? cel_string(a[0].text) : cel_error(CEL_BAD_UTF8);
        break;
    case CEL_BOOL:
        *out = cel_string(a[0].boolean ? TEXT("true") : TEXT("false"));
        break;
    case CEL_INT:
        *out = cel_string(arena_printf(run->arena, "%lld", (long long)a[0].integer));
        break;
    case CEL_UINT:
        *out = cel_string(arena_printf(run->arena, "%llu", (unsigned long long)a[0].natural));
        break;
    case CEL_DOUBLE:
        *out = cel_string(double_text(a[0].real, run->arena));
        break;
    case CEL_TIMESTAMP:
        *out = cel_string(cel_instant_text(a[0].instant, run->arena));
        break;
    case CEL_DURATION:
        *out = cel_string(cel_duration_text(a[0].nanos, run->arena));
        break;
    default:
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    }
}

void cel_call_bytes(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    if (a[0].kind == CEL_STRING || a[0].kind == CEL_BYTES)
        *out = cel_bytes(a[0].text);
    else
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
}

void cel_call_type(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    *out = (struct cel_value){.kind = CEL_TYPE, .text = cel_type_name_of(&a[0])};
}

void cel_call_dyn(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    *out = a[0];
}

void cel_call_timestamp(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    struct cel_instant instant;
    (void)run;
    if (a[0].kind == CEL_TIMESTAMP) {
        *out = a[0];
    } else if (a[0].kind == CEL_INT) {
        instant = (struct cel_instant){a[0].integer, 0};
        *out = cel_in_range(instant) ? cel_timestamp(instant.seconds, 0) : cel_error(CEL_RANGE);
    } else if (a[0].kind == CEL_STRING) {
        bool parsed = cel_instant_parse(a[0].text, &instant);
        *out = parsed ? cel_timestamp(instant.seconds, instant.nanos) : cel_error(CEL_RANGE);
    } else {
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    }
}

void cel_call_duration(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    int64_t nanos;
    (void)run;
    if (a[0].kind == CEL_DURATION)
        *out = a[0];
    else if (a[0].kind == CEL_STRING)
        *out = cel_duration_parse(a[0].text, &nanos) ? cel_duration(nanos) : cel_error(CEL_RANGE);
    else
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
}
