#ifndef POINTS_BASE_MACHINE_H
#define POINTS_BASE_MACHINE_H

#include <assert.h>
#include <stdint.h>

/* An explicit state machine: a state, and for each state the set of states that may follow. A transition that the table
 * does not allow is a defect of ours, and stops the process before it can do harm. */
struct machine {
    const char *name;
    const uint32_t *allowed; /* per state: a bit for each state that may follow */
    unsigned state_count;
    unsigned state;
};

#define MACHINE_BIT(state) (1u << (state))

static inline void machine_go(struct machine *machine, unsigned to)
{
    assert(to < machine->state_count);
    assert(machine->allowed[machine->state] & MACHINE_BIT(to));
    machine->state = to;
}

static inline int machine_may_go(const struct machine *machine, unsigned to)
{
    return to < machine->state_count && (machine->allowed[machine->state] & MACHINE_BIT(to)) != 0;
}

#endif
