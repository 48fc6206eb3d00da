#ifndef POINTS_OPS_TICKER_H
#define POINTS_OPS_TICKER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A line on a terminal that says how far long work has come; silent where there is no terminal. */
struct ticker {
    FILE *out;
    bool shown;
    int64_t shown_at; /* µs, monotonic */
};

/* shown only where out is a terminal. */
struct ticker ticker_on(FILE *out);

/* Shows "what done", or "what done of total" where total > 0; at most five times a second. */
void ticker_show(struct ticker *ticker, const char *what, int64_t done, int64_t total);

/* Takes the line away again. */
void ticker_clear(struct ticker *ticker);

#endif
