#ifndef POINTS_TESTS_AVROC_H
#define POINTS_TESTS_AVROC_H

#include <avro.h>

#include "decode/plan.h"

/* The same reading done another way: the guard, then avro-c reads the writer's value whole, and its fields are copied
 * by name. What the plan reads must equal it. */
struct avroc {
    avro_schema_t writer;
    avro_value_iface_t *class;
    const struct schema *guarded; /* borrowed */
    enum event_type type;
};

/* json: the text that `guarded` was parsed from. Aborts where avro-c does not take it. */
void avroc_open(struct avroc *avroc, struct text json, const struct schema *guarded, enum event_type type);
void avroc_close(struct avroc *avroc);

/* True and *out filled as plan_read does, or false where it would refuse. Aborts where avro-c fails on bytes that the
 * guard let through. Lists and texts are the arena's. */
bool avroc_read(const struct avroc *avroc, const struct decode_limits *limits, struct bytes body, struct arena *arena,
                struct event *out);

/* Whether all fields are equal; entries of maps in any order. False positives only where a map has a name twice: then
 * the map is not compared. */
bool events_equal(const struct event *a, const struct event *b);

#endif
