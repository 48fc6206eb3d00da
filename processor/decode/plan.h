#ifndef POINTS_DECODE_PLAN_H
#define POINTS_DECODE_PLAN_H

#include "decode/decode.h"
#include "decode/fields.h"
#include "decode/schema.h"

/* A writer's schema resolved against ours, once: for each field in the order of the bytes, where it goes or how it is
 * skipped. Reading is then one pass over the bytes, which checks them as it goes, straight into struct event; texts
 * stay where they are. */
struct plan;

/* Lists that are no order lines: labels, segments, attributes. */
enum { PLAN_ITEMS_MAX = 1000 };

/* writer: borrowed, must outlive the plan. reader: our schema of that type, needed here only. ERR_BAD_SCHEMA names the
 * field that does not fit. */
enum err_code plan_compile(const struct schema *writer, const struct schema *reader, enum event_type type,
                           struct plan **out, struct err *err);
struct plan *plan_free(struct plan *plan);

/* Reads exactly one event from `body`. Fills *out also on failure, partly. The event's texts are views into body; its
 * lists are the arena's. Its texts are UTF-8 without NUL and within limits; nothing else about it is checked. */
enum err_code plan_read(const struct plan *plan, const struct decode_limits *limits, struct bytes body,
                        struct arena *arena, struct event *out, struct err *err);

#endif
