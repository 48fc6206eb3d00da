#ifndef POINTS_DECODE_READERS_H
#define POINTS_DECODE_READERS_H

#include "decode/plan.h"

/* Our schemas, from the files built into the program, and every schema of an event that we ever published, each with
 * its plan. */
struct readers;

enum err_code readers_new(struct readers **out, struct err *err);
struct readers *readers_free(struct readers *readers);

/* The plan for the built-in schema of that fingerprint, or NULL. */
const struct plan *readers_plan(const struct readers *readers, uint64_t fingerprint);

/* A plan for a writer's schema from elsewhere; writer must outlive it. ERR_BAD_SCHEMA where it is no event of ours, or
 * does not fit. */
enum err_code readers_resolve(const struct readers *readers, const struct schema *writer, struct plan **out,
                              struct err *err);

/* The JSON text of a file built in ("avro/order.avsc"); empty where there is none. */
struct text readers_file(const char *name);

#endif
