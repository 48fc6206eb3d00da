#include "rules/cel/value.h"

#include <assert.h>

#include "rules/cel/type.h"

static const double TWO_63 = 9223372036854775808.0, TWO_64 = 18446744073709551616.0;

static void get_item(const void *object, size_t index, struct cel_value *out)
{
    *out = ((const struct cel_value *)object)[index];
}

static void get_pair(const void *object, size_t index, struct cel_value *key, struct cel_value *value)
{
    const struct cel_value *pair = (const struct cel_value *)object + 2 * index;
    *key = pair[0];
    *value = pair[1];
}

struct cel_value cel_list_of(const struct cel_value *items, size_t count)
{
    assert(count <= UINT32_MAX);
    return cel_list_view(get_item, items, count);
}

struct cel_value cel_map_of(const struct cel_value *pairs, size_t count)
{
    assert(count <= UINT32_MAX);
    return cel_map_view(get_pair, pairs, count);
}

bool cel_in_range(struct cel_instant instant)
{
    return instant.seconds >= INT64_C(-62135596800) && instant.seconds <= INT64_C(253402300799) && instant.nanos >= 0 &&
           instant.nanos < 1000000000;
}

struct cel_value cel_timestamp_us(int64_t us)
{
    int64_t rest = us % 1000000;
    struct cel_instant instant = {us / 1000000 - (rest < 0), (int32_t)((rest < 0 ? rest + 1000000 : rest) * 1000)};
    if (!cel_in_range(instant))
        return cel_error(CEL_RANGE);
    return cel_timestamp(instant.seconds, instant.nanos);
}

static int three_way(bool less, bool more)
{
    return more - less;
}

/* An integer beside a double counts as the nearest double, as in the reference implementation and its tests; doubles
 * outside of the integers' range are beyond them all. */
static int int_to_double(int64_t a, double b)
{
    if (b != b)
        return 2;
    if (b > TWO_63)
        return -1;
    if (b < -TWO_63)
        return 1;
    return three_way((double)a<b, (double)a> b);
}

static int uint_to_double(uint64_t a, double b)
{
    if (b != b)
        return 2;
    if (b > TWO_64)
        return -1;
    if (b < 0)
        return 1;
    return three_way((double)a<b, (double)a> b);
}

static int int_to_uint(int64_t a, uint64_t b)
{
    if (a < 0)
        return -1;
    return three_way((uint64_t)a<b, (uint64_t)a> b);
}

static int reversed(int order)
{
    return order == 2 ? 2 : -order;
}

static bool is_number(const struct cel_value *value)
{
    return value->kind == CEL_INT || value->kind == CEL_UINT || value->kind == CEL_DOUBLE;
}

static int compare_numbers(const struct cel_value *a, const struct cel_value *b)
{
    if (a->kind > b->kind)
        return reversed(compare_numbers(b, a));
    if (a->kind == CEL_INT) {
        if (b->kind == CEL_INT)
            return three_way(a->integer<b->integer, a->integer> b->integer);
        return b->kind == CEL_UINT ? int_to_uint(a->integer, b->natural) : int_to_double(a->integer, b->real);
    }
    if (a->kind == CEL_UINT) {
        if (b->kind == CEL_UINT)
            return three_way(a->natural<b->natural, a->natural> b->natural);
        return uint_to_double(a->natural, b->real);
    }
    if (a->real != a->real || b->real != b->real)
        return 2;
    return three_way(a->real<b->real, a->real> b->real);
}

static int compare_texts(struct text a, struct text b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.at, b.at, common) : 0;
    if (order != 0)
        return order < 0 ? -1 : 1;
    return three_way(a.len<b.len, a.len> b.len);
}

static int compare_instants(struct cel_instant a, struct cel_instant b)
{
    if (a.seconds != b.seconds)
        return three_way(a.seconds<b.seconds, a.seconds> b.seconds);
    return three_way(a.nanos<b.nanos, a.nanos> b.nanos);
}

bool cel_order(const struct cel_value *a, const struct cel_value *b, int *out)
{
    if (is_number(a) && is_number(b)) {
        *out = compare_numbers(a, b);
        return true;
    }
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CEL_BOOL:
        *out = three_way(a->boolean<b->boolean, a->boolean> b->boolean);
        return true;
    case CEL_STRING:
    case CEL_BYTES:
        *out = compare_texts(a->text, b->text);
        return true;
    case CEL_TIMESTAMP:
        *out = compare_instants(a->instant, b->instant);
        return true;
    case CEL_DURATION:
        *out = three_way(a->nanos<b->nanos, a->nanos> b->nanos);
        return true;
    default:
        return false;
    }
}

static bool lists_equal(const struct cel_value *a, const struct cel_value *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        struct cel_value left, right;
        a->list.get(a->list.object, i, &left);
        b->list.get(b->list.object, i, &right);
        if (!cel_equal(&left, &right))
            return false;
    }
    return true;
}

bool cel_map_find(const struct cel_value *map, const struct cel_value *key, struct cel_value *out)
{
    for (size_t i = 0; i < map->count; i++) {
        struct cel_value entry_key;
        map->map.get(map->map.object, i, &entry_key, out);
        if (cel_equal(&entry_key, key))
            return true;
    }
    return false;
}

static bool maps_equal(const struct cel_value *a, const struct cel_value *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        struct cel_value key, left, right;
        a->map.get(a->map.object, i, &key, &left);
        if (!cel_map_find(b, &key, &right) || !cel_equal(&left, &right))
            return false;
    }
    return true;
}

static bool objects_equal(const struct cel_object *a, const struct cel_object *b)
{
    if (a->type != b->type)
        return false;
    for (size_t i = 0; a->object != b->object && i < a->type->count; i++) {
        struct cel_value left, right;
        a->type->fields[i].get(a->object, &left);
        b->type->fields[i].get(b->object, &right);
        if (!cel_equal(&left, &right))
            return false;
    }
    return true;
}

bool cel_equal(const struct cel_value *a, const struct cel_value *b)
{
    int order;
    if (cel_order(a, b, &order))
        return order == 0;
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CEL_NULL:
        return true;
    case CEL_TYPE:
        return text_equal(a->text, b->text);
    case CEL_LIST:
        return lists_equal(a, b);
    case CEL_MAP:
        return maps_equal(a, b);
    case CEL_OBJECT:
        return objects_equal(&a->object, &b->object);
    default:
        return false;
    }
}

const char *cel_error_name(enum cel_error_code code)
{
    static const char *const names[CEL_ERROR_COUNT] = {
#define X(code, name) [code] = name,
        CEL_ERRORS(X)
#undef X
    };
    assert((unsigned)code < CEL_ERROR_COUNT);
    return names[code];
}

struct text cel_type_name_of(const struct cel_value *value)
{
    if (value->kind == CEL_OBJECT)
        return text_of(value->object.type->name);
    return text_of(cel_kind_name((enum cel_kind)value->kind));
}
