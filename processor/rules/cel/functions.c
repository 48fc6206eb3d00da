#include "rules/cel/run.h"

/* The standard library as a table: what the checker resolves by and the evaluator calls. */

#define SIGNATURES(name, ...) static const struct cel_signature name[] = {__VA_ARGS__};

SIGNATURES(additions, {{CEL_INT, CEL_INT}, CEL_INT}, {{CEL_UINT, CEL_UINT}, CEL_UINT},
           {{CEL_DOUBLE, CEL_DOUBLE}, CEL_DOUBLE}, {{CEL_STRING, CEL_STRING}, CEL_STRING},
           {{CEL_BYTES, CEL_BYTES}, CEL_BYTES}, {{CEL_LIST, CEL_LIST}, CEL_LIST},
           {{CEL_TIMESTAMP, CEL_DURATION}, CEL_TIMESTAMP}, {{CEL_DURATION, CEL_TIMESTAMP}, CEL_TIMESTAMP},
           {{CEL_DURATION, CEL_DURATION}, CEL_DURATION})
SIGNATURES(subtractions, {{CEL_INT, CEL_INT}, CEL_INT}, {{CEL_UINT, CEL_UINT}, CEL_UINT},
           {{CEL_DOUBLE, CEL_DOUBLE}, CEL_DOUBLE}, {{CEL_TIMESTAMP, CEL_TIMESTAMP}, CEL_DURATION},
           {{CEL_TIMESTAMP, CEL_DURATION}, CEL_TIMESTAMP}, {{CEL_DURATION, CEL_DURATION}, CEL_DURATION})
SIGNATURES(products, {{CEL_INT, CEL_INT}, CEL_INT}, {{CEL_UINT, CEL_UINT}, CEL_UINT},
           {{CEL_DOUBLE, CEL_DOUBLE}, CEL_DOUBLE})
SIGNATURES(remainders, {{CEL_INT, CEL_INT}, CEL_INT}, {{CEL_UINT, CEL_UINT}, CEL_UINT})
SIGNATURES(negations, {{CEL_INT}, CEL_INT}, {{CEL_DOUBLE}, CEL_DOUBLE})
SIGNATURES(nots, {{CEL_BOOL}, CEL_BOOL})
SIGNATURES(equalities, {{CEL_DYN, CEL_DYN}, CEL_BOOL})
SIGNATURES(orders, {{CEL_BOOL, CEL_BOOL}, CEL_BOOL}, {{CEL_INT, CEL_INT}, CEL_BOOL}, {{CEL_UINT, CEL_UINT}, CEL_BOOL},
           {{CEL_DOUBLE, CEL_DOUBLE}, CEL_BOOL}, {{CEL_STRING, CEL_STRING}, CEL_BOOL},
           {{CEL_BYTES, CEL_BYTES}, CEL_BOOL}, {{CEL_TIMESTAMP, CEL_TIMESTAMP}, CEL_BOOL},
           {{CEL_DURATION, CEL_DURATION}, CEL_BOOL}, {{CEL_INT, CEL_UINT}, CEL_BOOL}, {{CEL_INT, CEL_DOUBLE}, CEL_BOOL},
           {{CEL_UINT, CEL_INT}, CEL_BOOL}, {{CEL_UINT, CEL_DOUBLE}, CEL_BOOL}, {{CEL_DOUBLE, CEL_INT}, CEL_BOOL},
           {{CEL_DOUBLE, CEL_UINT}, CEL_BOOL})
SIGNATURES(indexes, {{CEL_LIST, CEL_INT}, CEL_DYN}, {{CEL_MAP, CEL_DYN}, CEL_DYN})
SIGNATURES(memberships, {{CEL_DYN, CEL_LIST}, CEL_BOOL}, {{CEL_DYN, CEL_MAP}, CEL_BOOL})
SIGNATURES(sizes, {{CEL_STRING}, CEL_INT}, {{CEL_BYTES}, CEL_INT}, {{CEL_LIST}, CEL_INT}, {{CEL_MAP}, CEL_INT})
SIGNATURES(text_tests, {{CEL_STRING, CEL_STRING}, CEL_BOOL})
SIGNATURES(bools, {{CEL_BOOL}, CEL_BOOL}, {{CEL_STRING}, CEL_BOOL})
SIGNATURES(ints, {{CEL_INT}, CEL_INT}, {{CEL_UINT}, CEL_INT}, {{CEL_DOUBLE}, CEL_INT}, {{CEL_STRING}, CEL_INT},
           {{CEL_TIMESTAMP}, CEL_INT})
SIGNATURES(uints, {{CEL_UINT}, CEL_UINT}, {{CEL_INT}, CEL_UINT}, {{CEL_DOUBLE}, CEL_UINT}, {{CEL_STRING}, CEL_UINT})
SIGNATURES(doubles, {{CEL_DOUBLE}, CEL_DOUBLE}, {{CEL_INT}, CEL_DOUBLE}, {{CEL_UINT}, CEL_DOUBLE},
           {{CEL_STRING}, CEL_DOUBLE})
SIGNATURES(strings, {{CEL_STRING}, CEL_STRING}, {{CEL_BYTES}, CEL_STRING}, {{CEL_BOOL}, CEL_STRING},
           {{CEL_INT}, CEL_STRING}, {{CEL_UINT}, CEL_STRING}, {{CEL_DOUBLE}, CEL_STRING}, {{CEL_TIMESTAMP}, CEL_STRING},
           {{CEL_DURATION}, CEL_STRING})
SIGNATURES(byte_strings, {{CEL_STRING}, CEL_BYTES}, {{CEL_BYTES}, CEL_BYTES})
SIGNATURES(types, {{CEL_DYN}, CEL_TYPE})
SIGNATURES(dyns, {{CEL_DYN}, CEL_DYN})
SIGNATURES(timestamps, {{CEL_STRING}, CEL_TIMESTAMP}, {{CEL_INT}, CEL_TIMESTAMP}, {{CEL_TIMESTAMP}, CEL_TIMESTAMP})
SIGNATURES(durations, {{CEL_STRING}, CEL_DURATION}, {{CEL_DURATION}, CEL_DURATION})
SIGNATURES(getters, {{CEL_TIMESTAMP}, CEL_INT})
SIGNATURES(both_getters, {{CEL_TIMESTAMP}, CEL_INT}, {{CEL_DURATION}, CEL_INT})
SIGNATURES(zone_getters, {{CEL_TIMESTAMP, CEL_STRING}, CEL_INT})

#undef SIGNATURES

#define ENTRY(text, is_member, is_global, count, table, function, refined, cost)                                       \
    {                                                                                                                  \
        .name = (text), .member = (is_member), .global = (is_global), .arity = (count),                                \
        .signature_count = sizeof(table) / sizeof *(table), .signatures = (table), .call = (function),                 \
        .refine = (refined), .costs = (cost)                                                                           \
    }
#define PLAIN(text, count, table, function)                                                                            \
    ENTRY(text, false, true, count, table, function, CEL_REFINE_NONE, CEL_COSTS_ONE)
#define ORDER(text, function) ENTRY(text, false, true, 2, orders, function, CEL_REFINE_NONE, CEL_COSTS_SHORTER)
#define EITHER(text, count, table, function, cost)                                                                     \
    ENTRY(text, true, true, count, table, function, CEL_REFINE_NONE, cost)
#define MEMBER(text, count, table, function, cost)                                                                     \
    ENTRY(text, true, false, count, table, function, CEL_REFINE_NONE, cost)
#define CONVERTS(text, table, function, cost) ENTRY(text, false, true, 1, table, function, CEL_REFINE_NONE, cost)
#define GETS(text, function, table)                                                                                    \
    MEMBER(text, 1, table, function, CEL_COSTS_ONE), MEMBER(text, 2, zone_getters, function, CEL_COSTS_ONE)

static const struct cel_function functions[] = {
    ENTRY("_+_", false, true, 2, additions, cel_call_add, CEL_REFINE_ADD, CEL_COSTS_JOINS),
    PLAIN("_-_", 2, subtractions, cel_call_subtract),
    PLAIN("_*_", 2, products, cel_call_multiply),
    PLAIN("_/_", 2, products, cel_call_divide),
    PLAIN("_%_", 2, remainders, cel_call_modulo),
    PLAIN("-_", 1, negations, cel_call_negate),
    PLAIN("!_", 1, nots, cel_call_not),
    ENTRY("_==_", false, true, 2, equalities, cel_call_equal, CEL_REFINE_SAME, CEL_COSTS_SHORTER),
    ENTRY("_!=_", false, true, 2, equalities, cel_call_unequal, CEL_REFINE_SAME, CEL_COSTS_SHORTER),
    ORDER("_<_", cel_call_less),
    ORDER("_<=_", cel_call_less_equal),
    ORDER("_>_", cel_call_more),
    ORDER("_>=_", cel_call_more_equal),
    ENTRY("_[_]", false, true, 2, indexes, cel_call_index, CEL_REFINE_INDEX, CEL_COSTS_ELEMENT),
    ENTRY("@in", false, true, 2, memberships, cel_call_in, CEL_REFINE_IN, CEL_COSTS_MEMBERS),
    EITHER("size", 1, sizes, cel_call_size, CEL_COSTS_SIZES),
    MEMBER("contains", 2, text_tests, cel_call_contains, CEL_COSTS_SIZES),
    MEMBER("startsWith", 2, text_tests, cel_call_starts_with, CEL_COSTS_SHORTER),
    MEMBER("endsWith", 2, text_tests, cel_call_ends_with, CEL_COSTS_SHORTER),
    EITHER("matches", 2, text_tests, cel_call_matches, CEL_COSTS_PRODUCT),
    CONVERTS("bool", bools, cel_call_bool, CEL_COSTS_ONE),
    CONVERTS("int", ints, cel_call_int, CEL_COSTS_SIZES),
    CONVERTS("uint", uints, cel_call_uint, CEL_COSTS_SIZES),
    CONVERTS("double", doubles, cel_call_double, CEL_COSTS_SIZES),
    CONVERTS("string", strings, cel_call_string, CEL_COSTS_COPIES),
    CONVERTS("bytes", byte_strings, cel_call_bytes, CEL_COSTS_COPIES),
    CONVERTS("type", types, cel_call_type, CEL_COSTS_ONE),
    CONVERTS("dyn", dyns, cel_call_dyn, CEL_COSTS_COPIES),
    CONVERTS("timestamp", timestamps, cel_call_timestamp, CEL_COSTS_ONE),
    CONVERTS("duration", durations, cel_call_duration, CEL_COSTS_SIZES),
    GETS("getFullYear", cel_call_full_year, getters),
    GETS("getMonth", cel_call_month, getters),
    GETS("getDate", cel_call_date, getters),
    GETS("getDayOfMonth", cel_call_day_of_month, getters),
    GETS("getDayOfWeek", cel_call_day_of_week, getters),
    GETS("getDayOfYear", cel_call_day_of_year, getters),
    GETS("getHours", cel_call_hours, both_getters),
    GETS("getMinutes", cel_call_minutes, both_getters),
    GETS("getSeconds", cel_call_seconds, both_getters),
    GETS("getMilliseconds", cel_call_milliseconds, both_getters),
};

enum { FUNCTION_COUNT = sizeof functions / sizeof *functions };

const struct cel_function *cel_function_next(struct text name, const struct cel_function *after)
{
    size_t i = after ? (size_t)(after - functions) + 1 : 0;
    for (; i < FUNCTION_COUNT; i++)
        if (text_equal(text_of(functions[i].name), name))
            return &functions[i];
    return NULL;
}
