#ifndef POINTS_DECODE_FIELDS_H
#define POINTS_DECODE_FIELDS_H

#include "rules/event.h"

/* Where each field of the reader's schemas lies in struct event. One table serves the plan that reads bytes, the hash
 * of the content and whoever walks an event by name. */

enum slot {
    SLOT_TEXT,       /* struct text */
    SLOT_LONG,       /* int64_t */
    SLOT_BOOL,       /* bool */
    SLOT_KIND,       /* enum event_kind */
    SLOT_NETWORK,    /* enum share_network */
    SLOT_TEXTS,      /* const struct text *, with its count */
    SLOT_LINES,      /* const struct order_line *, with its count */
    SLOT_ATTRIBUTES, /* const struct attribute *, with its count */
    SLOT_LINE,       /* struct order_line: an item of SLOT_LINES */
};

/* Not part of the content: id and source, under which contents are compared. */
enum { TAG_NONE = 0 };

struct field {
    struct text name;
    enum slot slot;
    uint8_t tag;       /* stands for the field in hashed content, for ever: never reuse or renumber */
    uint16_t at;       /* offset within its struct */
    uint16_t count_at; /* offset of a list's size_t count */
};

struct fields {
    const struct field *at;
    size_t count;
};

/* The fields of that type of event, the common ones first: offsets are within struct event. */
struct fields fields_of_event(enum event_type type);

/* Offsets are within struct order_line. */
struct fields fields_of_line(void);

/* The field of that name, or NULL. */
const struct field *fields_find(struct fields fields, struct text name);

/* The kind of that name among the type's kinds; KIND_UNKNOWN where there is none. */
enum event_kind fields_kind(enum event_type type, struct text name);

/* NETWORK_OTHER where no network has that name. */
enum share_network fields_network(struct text name);

/* The type whose record has that short name ("Order"), EVENT_TYPE_COUNT where there is none. */
enum event_type fields_type(struct text record_name);

/* A field's value, given the struct that it lies in. */
#define FIELD_AT(type, base, offset) (*(type *)(void *)((char *)(base) + (offset)))
#define FIELD_OF(type, base, offset) (*(type const *)(const void *)((const char *)(base) + (offset)))

#endif
