#ifndef POINTS_RULES_CEL_TYPE_H
#define POINTS_RULES_CEL_TYPE_H

#include "rules/cel/value.h"

/* Types that the checker knows. A host describes its C structs with them, once, as constants: nothing is converted
 * before an expression reads it. */

struct cel_type {
    enum cel_kind kind;
    bool nullable;                   /* null may stand for it */
    const struct cel_type *key;      /* of a map */
    const struct cel_type *element;  /* of a list; of a map: its values */
    const struct cel_struct *object; /* of CEL_OBJECT */
};

struct cel_field {
    const char *name;
    const struct cel_type *type;
    uint32_t bound; /* most bytes of a text, most elements of a list or map; 0: the environment's bound */
    void (*get)(const void *object, struct cel_value *out);
};

/* A struct of the host's. has() of a text, list or map says whether it is not empty; other fields are always there. */
struct cel_struct {
    const char *name;
    const struct cel_field *fields;
    size_t count;
};

extern const struct cel_type cel_type_null, cel_type_bool, cel_type_int, cel_type_uint, cel_type_double,
    cel_type_string, cel_type_bytes, cel_type_timestamp, cel_type_duration, cel_type_type, cel_type_dyn, cel_type_never,
    cel_type_list_dyn, cel_type_map_dyn, cel_type_list_string, cel_type_map_string;

/* The constant of a kind without parameters; lists and maps are of dyn. */
const struct cel_type *cel_type_of_kind(enum cel_kind kind);

/* New types, the arena's. */
const struct cel_type *cel_list_type(struct arena *arena, const struct cel_type *element);
const struct cel_type *cel_map_type(struct arena *arena, const struct cel_type *key, const struct cel_type *value);

/* "int", "list", "map", "null_type", "google.protobuf.Timestamp" … */
const char *cel_kind_name(enum cel_kind kind);

/* For messages: "list(string)". Text is the arena's. */
struct text cel_type_text(struct arena *arena, const struct cel_type *type);

/* Whether a value of one type may be where the other is expected, as far as the check can know: dyn is decided at run
 * time, null may stand for what is nullable. Symmetric. */
bool cel_types_agree(const struct cel_type *a, const struct cel_type *b);

/* What holds both: either, when they are the same; dyn when they differ. */
const struct cel_type *cel_type_join(struct arena *arena, const struct cel_type *a, const struct cel_type *b);

/* NULL when the struct has no field of that name. */
const struct cel_field *cel_field_named(const struct cel_struct *object, struct text name);

#endif
