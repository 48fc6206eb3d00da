#ifndef POINTS_CASES_EVENT_VALUES_H
#define POINTS_CASES_EVENT_VALUES_H

#include "cases/words.h"
#include "rules/event.h"
#include "rules/program_model.h"

/* The values that a case's lines hold: amounts, instants, networks. Each reader adds a fault and gives false when the
 * text is not one. */

struct reading {
    struct words words;
    struct arena *arena;
    const struct program_set *set;
    const struct program *terms; /* whose decimals count; NULL: no such program */
    int64_t previous_at;
    struct event *event;
};

/* "21.90" with two decimals is 2190. A sign is allowed, also for what must be refused; `least` is the least int64. */
bool read_number(struct reading *reading, const char *what, struct text text, int decimals, int64_t *out);

/* An amount of the money. A currency that the program does not declare has two decimals. */
bool read_money_amount(struct reading *reading, const char *what, struct text text, struct text currency, int64_t *out);

/* An amount of points; an empty currency is the program's first. */
bool read_points_amount(struct reading *reading, const char *what, struct text text, struct text currency,
                        int64_t *out);

/* "2026-03-01T12:00:00Z", or "+1d12h", "-30m": from the event before. Units are w, d, h, m, s. */
bool read_instant(struct reading *reading, const char *what, struct text text, int64_t *out);

bool read_network(struct reading *reading, struct text text, enum share_network *out);

/* "; did you mean `x`?", or nothing. */
struct text nearest_hint(struct arena *arena, struct text given, const char *const *names, size_t count);

#endif
