#ifndef POINTS_RULES_PROGRAM_H
#define POINTS_RULES_PROGRAM_H

#include "base/text.h"
#include "rules/event.h"

/* A program as the rules use it: one version, checked, immutable. Built from YAML by program/ (program/load.h). */

struct program;

/* All versions of all programs that PostgreSQL holds at one revision. */
struct program_set {
    int64_t revision;
    struct program *const *programs; /* sorted by (id, effective_at) */
    size_t count;
};

/* The version of the program in force at that time: the newest with effective_at <= at. NULL when the program is
 * unknown or had not begun. */
const struct program *program_set_at(const struct program_set *set, struct text program_id, int64_t at);

/* That version whatever its dates; NULL when it is not held. */
const struct program *program_set_version(const struct program_set *set, struct text program_id, int64_t version);

struct text program_id(const struct program *program);
int64_t program_version(const struct program *program);

/* From when on the version counts, µs UTC. */
int64_t program_effective_at(const struct program *program);

/* The program's first point currency: what an event means that names none. */
struct text program_default_currency(const struct program *program);

#endif
