#ifndef POINTS_RULES_CEL_VALUE_H
#define POINTS_RULES_CEL_VALUE_H

#include "base/arena.h"

/* What an expression computes with: 24 bytes, copied freely. Texts, lists, maps and objects are views of memory that
 * the host, the compiled expression or the batch's arena owns. */

enum cel_kind {
    CEL_NULL,
    CEL_BOOL,
    CEL_INT,
    CEL_UINT,
    CEL_DOUBLE,
    CEL_STRING,
    CEL_BYTES,
    CEL_TIMESTAMP,
    CEL_DURATION,
    CEL_LIST,
    CEL_MAP,
    CEL_OBJECT, /* a struct of the host's */
    CEL_TYPE,   /* what type() gives */
    CEL_ERROR,
    CEL_DYN,   /* of types alone: known at run time only */
    CEL_NEVER, /* of types alone: elements of an empty literal */
};

/* X(code, name): errors at run time are values; a rule whose expression ends in one has a defined outcome. */
#define CEL_ERRORS(X)                                                                                                  \
    X(CEL_OVERFLOW, "overflow")                                                                                        \
    X(CEL_DIVISION_BY_ZERO, "division by zero")                                                                        \
    X(CEL_MODULUS_BY_ZERO, "modulus by zero")                                                                          \
    X(CEL_NO_SUCH_KEY, "no such key")                                                                                  \
    X(CEL_NO_SUCH_FIELD, "no such field")                                                                              \
    X(CEL_NO_SUCH_OVERLOAD, "no such overload")                                                                        \
    X(CEL_OUT_OF_BOUNDS, "index out of bounds")                                                                        \
    X(CEL_RANGE, "out of range")                                                                                       \
    X(CEL_CONVERSION, "cannot be converted")                                                                           \
    X(CEL_BAD_UTF8, "invalid UTF-8")                                                                                   \
    X(CEL_BAD_PATTERN, "bad regular expression")                                                                       \
    X(CEL_BAD_ZONE, "unknown time zone")                                                                               \
    X(CEL_BAD_KEY, "unsupported key type")                                                                             \
    X(CEL_REPEATED_KEY, "repeated key")                                                                                \
    X(CEL_UNDECLARED, "undeclared reference")                                                                          \
    X(CEL_TOO_LARGE, "too large")

enum cel_error_code {
#define X(code, name) code,
    CEL_ERRORS(X)
#undef X
        CEL_ERROR_COUNT
};

/* Seconds since 1970 UTC and 0 to 999,999,999 ns after them; from 0001-01-01T00:00:00Z to
 * 9999-12-31T23:59:59.999999999Z. */
struct cel_instant {
    int64_t seconds;
    int32_t nanos;
};

struct cel_struct;
struct cel_value;

/* Writes the element at that index (below the list's count). */
typedef void cel_list_get(const void *object, size_t index, struct cel_value *out);

/* Writes the entry at that index (below the map's count). */
typedef void cel_map_get(const void *object, size_t index, struct cel_value *key, struct cel_value *value);

struct cel_list {
    cel_list_get *get;
    const void *object;
};

struct cel_map {
    cel_map_get *get;
    const void *object;
};

struct cel_object {
    const struct cel_struct *type;
    const void *object;
};

struct cel_value {
    uint8_t kind; /* enum cel_kind */
    union {
        uint32_t count; /* of a list or map */
        uint32_t at;    /* of an error: where in the source, bytes from its beginning */
    };
    union {
        bool boolean;
        int64_t integer;
        uint64_t natural;
        double real;
        struct text text; /* of strings, bytes and types: the type's name */
        struct cel_instant instant;
        int64_t nanos; /* of a duration */
        struct cel_list list;
        struct cel_map map;
        struct cel_object object;
        enum cel_error_code error;
    };
};

static inline struct cel_value cel_null(void)
{
    return (struct cel_value){.kind = CEL_NULL};
}

static inline struct cel_value cel_bool(bool value)
{
    return (struct cel_value){.kind = CEL_BOOL, .boolean = value};
}

static inline struct cel_value cel_int(int64_t value)
{
    return (struct cel_value){.kind = CEL_INT, .integer = value};
}

static inline struct cel_value cel_uint(uint64_t value)
{
    return (struct cel_value){.kind = CEL_UINT, .natural = value};
}

static inline struct cel_value cel_double(double value)
{
    return (struct cel_value){.kind = CEL_DOUBLE, .real = value};
}

static inline struct cel_value cel_string(struct text text)
{
    return (struct cel_value){.kind = CEL_STRING, .text = text};
}

static inline struct cel_value cel_bytes(struct text bytes)
{
    return (struct cel_value){.kind = CEL_BYTES, .text = bytes};
}

static inline struct cel_value cel_timestamp(int64_t seconds, int32_t nanos)
{
    return (struct cel_value){.kind = CEL_TIMESTAMP, .instant = {seconds, nanos}};
}

static inline struct cel_value cel_duration(int64_t nanos)
{
    return (struct cel_value){.kind = CEL_DURATION, .nanos = nanos};
}

static inline struct cel_value cel_object(const struct cel_struct *type, const void *object)
{
    return (struct cel_value){.kind = CEL_OBJECT, .object = {type, object}};
}

static inline struct cel_value cel_error(enum cel_error_code code)
{
    return (struct cel_value){.kind = CEL_ERROR, .error = code};
}

/* A list whose elements get gives; both outlive the value. */
static inline struct cel_value cel_list_view(cel_list_get *get, const void *object, size_t count)
{
    return (struct cel_value){.kind = CEL_LIST, .count = (uint32_t)count, .list = {get, object}};
}

static inline struct cel_value cel_map_view(cel_map_get *get, const void *object, size_t count)
{
    return (struct cel_value){.kind = CEL_MAP, .count = (uint32_t)count, .map = {get, object}};
}

/* A list of the values at `items`, which outlive it; a map of count pairs: key, value, key, value. */
struct cel_value cel_list_of(const struct cel_value *items, size_t count);
struct cel_value cel_map_of(const struct cel_value *pairs, size_t count);

/* µs since 1970 UTC as a timestamp; a range error outside of the years 1 to 9999. */
struct cel_value cel_timestamp_us(int64_t us);

bool cel_in_range(struct cel_instant instant);

/* Equal as the language has it: numbers by their value whatever their types, NaN unlike itself, lists in order, maps
 * whatever the order, other kinds only with their own. Recursion is bounded by the depth of the values, which the
 * source's depth bounds. */
bool cel_equal(const struct cel_value *a, const struct cel_value *b);

/* Says how a stands to b: -1, 0, 1; 2 when a NaN makes them unordered. False when the kinds have no order. */
bool cel_order(const struct cel_value *a, const struct cel_value *b, int *out);

/* False when the map has no such key. */
bool cel_map_find(const struct cel_value *map, const struct cel_value *key, struct cel_value *out);

const char *cel_error_name(enum cel_error_code code);

/* "int", "list", "google.protobuf.Timestamp" …; an object's is its struct's name. */
struct text cel_type_name_of(const struct cel_value *value);

#endif
