#include "meter.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { TERMINAL_US = 200000, FILE_US = 2000000 };

void meter_start(struct meter *meter, bool wanted)
{
    int64_t now = clock_monotonic_us();
    *meter = (struct meter){.wanted = wanted, .terminal = isatty(STDERR_FILENO) != 0};
    meter->started_at = meter->shown_at = now;
    meter->next_at = now + (meter->terminal ? TERMINAL_US : FILE_US);
}

bool meter_due(const struct meter *meter)
{
    return meter->wanted && clock_monotonic_us() >= meter->next_at;
}

static void print(const struct meter *meter, struct ledger_counts applied, struct publisher_counts published,
                  double per_second)
{
    fprintf(
        stderr, "%s%llu events (%.0f/s), %llu entries, %llu outputs published, %llu duplicates, %llu dead letters%s",
        meter->terminal ? "\r\033[K" : "", (unsigned long long)applied.events, per_second,
        (unsigned long long)applied.entries, (unsigned long long)published.outputs,
        (unsigned long long)applied.duplicates, (unsigned long long)applied.dead_letters, meter->terminal ? "" : "\n");
    fflush(stderr);
}

static double rate(uint64_t events, int64_t us)
{
    return us > 0 ? (double)events * 1e6 / (double)us : 0;
}

void meter_show(struct meter *meter, struct ledger_counts applied, struct publisher_counts published)
{
    int64_t now = clock_monotonic_us();
    print(meter, applied, published, rate(applied.events - meter->shown_events, now - meter->shown_at));
    meter->shown_events = applied.events;
    meter->shown_at = now;
    meter->next_at = now + (meter->terminal ? TERMINAL_US : FILE_US);
}

void meter_end(struct meter *meter, struct ledger_counts applied, struct publisher_counts published)
{
    if (!meter->wanted)
        return;
    print(meter, applied, published, rate(applied.events, clock_monotonic_us() - meter->started_at));
    if (meter->terminal)
        fputc('\n', stderr);
}
