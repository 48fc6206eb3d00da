#ifndef POINTS_OPS_INTERRUPT_H
#define POINTS_OPS_INTERRUPT_H

#include <stdbool.h>

/* SIGINT and SIGTERM as something to ask for, so that a command that waits can end in order. */
struct interrupt {
    int fd; /* signalfd */
};

/* Call it before other threads start: they inherit that the two signals are blocked. */
struct interrupt interrupt_watch(void);

/* True once one of them came; never blocks. */
bool interrupt_came(struct interrupt *interrupt);

/* Back to what the system does by itself. */
void interrupt_release(struct interrupt *interrupt);

#endif
