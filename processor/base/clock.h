#ifndef POINTS_BASE_CLOCK_H
#define POINTS_BASE_CLOCK_H

#include <stdint.h>

/* µs since 1970-01-01 UTC. For logs and lag only: no decision about points may read it. */
int64_t clock_utc_us(void);

/* µs of a clock that never goes back; for time-outs and back-off. */
int64_t clock_monotonic_us(void);

#endif
