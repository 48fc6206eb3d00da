#ifndef POINTS_PROGRAM_GATE_H
#define POINTS_PROGRAM_GATE_H

#include "program/fields.h"

/* When something counts. */
extern const struct shape days_shape, hours_shape, clock_shape;
void read_gate_from(struct loader *loader, const struct node *node, struct gate *gate);
void read_gate_until(struct loader *loader, const struct node *node, struct gate *gate);
void read_gate_days(struct loader *loader, const struct node *node, struct gate *gate);
void read_gate_hours(struct loader *loader, const struct node *node, struct gate *gate);
void read_gate_clock(struct loader *loader, const struct node *node, struct gate *gate);

/* The fields of whatever has a gate: a reader for each that finds it with the macro's argument, and their lines in a
 * table. GATE(into): the struct gate. */
#define GATE_READERS(GATE)                                                                                             \
    static void read_from(struct loader *loader, const struct node *node, void *into)                                  \
    {                                                                                                                  \
        read_gate_from(loader, node, GATE(into));                                                                      \
    }                                                                                                                  \
    static void read_until(struct loader *loader, const struct node *node, void *into)                                 \
    {                                                                                                                  \
        read_gate_until(loader, node, GATE(into));                                                                     \
    }                                                                                                                  \
    static void read_days(struct loader *loader, const struct node *node, void *into)                                  \
    {                                                                                                                  \
        read_gate_days(loader, node, GATE(into));                                                                      \
    }                                                                                                                  \
    static void read_hours(struct loader *loader, const struct node *node, void *into)                                 \
    {                                                                                                                  \
        read_gate_hours(loader, node, GATE(into));                                                                     \
    }                                                                                                                  \
    static void read_clock(struct loader *loader, const struct node *node, void *into)                                 \
    {                                                                                                                  \
        read_gate_clock(loader, node, GATE(into));                                                                     \
    }

#define GATE_FIELDS                                                                                                    \
    {"from", false, read_from, &date_time_shape, "counts from this instant, or day, on"},                              \
        {"until", false, read_until, &date_time_shape, "counts before this instant, or day"},                          \
        {"days", false, read_days, &days_shape, "counts on these weekdays"},                                           \
        {"hours", false, read_hours, &hours_shape, "counts between these times of day, both included"},                \
    {                                                                                                                  \
        "clock", false, read_clock, &clock_shape, "whose clock tells days and hours; the program's without it"         \
    }

#endif
