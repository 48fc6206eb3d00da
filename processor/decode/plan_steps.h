#ifndef POINTS_DECODE_PLAN_STEPS_H
#define POINTS_DECODE_PLAN_STEPS_H

#include "decode/plan.h"

/* The inside of a plan, shared by the two halves: plan.c compiles it, plan_read.c executes it. */

enum step_code {
    STEP_SKIP,    /* the reader has no such field: `node` */
    STEP_REFUSE,  /* a branch of a union that our field cannot take */
    STEP_TEXT,    /* string or bytes */
    STEP_INT,     /* int, read as long */
    STEP_LONG,    /* long */
    STEP_BOOL,    /* boolean */
    STEP_KIND,    /* enum: `values` */
    STEP_NETWORK, /* enum: `values` */
    STEP_UNION,   /* `branches` */
    STEP_LIST,    /* array or map: `list` */
    STEP_RECORD,  /* record: `record` */
};

struct step;
struct step_list;

struct steps {
    struct step *at;
    size_t count;
};

struct step {
    enum step_code code;
    uint16_t at;      /* offset within the struct that is being read */
    uint32_t count;   /* of values or branches */
    struct text name; /* of the field, for messages */
    union {
        uint32_t node;
        const uint8_t *values; /* per symbol of the writer: ours */
        const struct step *branches;
        const struct step_list *list;
        const struct steps *record;
    };
};

struct step_list {
    struct steps item; /* of a map: key, value */
    size_t item_size;
    uint32_t least; /* fewest bytes of an item */
    uint16_t count_at;
    bool lines; /* bounded by the limit on lines, else by PLAN_ITEMS_MAX */
};

struct plan {
    struct arena *arena;
    const struct schema *writer;
    enum event_type type;
    struct steps steps;
};

#endif
