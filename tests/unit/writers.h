#ifndef POINTS_TESTS_WRITERS_H
#define POINTS_TESTS_WRITERS_H

#include "decode/plan.h"

/* Writers that the plan must read: every schema of an event that is built in, current and earlier, and those of
 * tests/schemas/writers/, which are older and newer than ours in every way that there is. */
struct writer {
    char name[64];
    char *json;
    struct schema *schema;
    const struct schema *reader;
    struct plan *plan;
    enum event_type type;
};

struct writers {
    struct writer at[64];
    size_t count;
    struct schema *readers[EVENT_TYPE_COUNT];
};

/* Reads tests/schemas/writers/ under the working folder. Aborts on any failure. */
struct writers *writers_open(void);
void writers_close(struct writers *writers);

#endif
