#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { TERMINAL_US = 200000, FILE_US = 2000000 };

void progress_start(struct progress *progress, bool wanted)
{
    int64_t now = clock_monotonic_us();
    *progress = (struct progress){.wanted = wanted, .terminal = isatty(STDERR_FILENO) != 0};
    progress->started_at = progress->shown_at = now;
    progress->next_at = now + (progress->terminal ? TERMINAL_US : FILE_US);
}

bool progress_due(const struct progress *progress)
{
    return progress->wanted && clock_monotonic_us() >= progress->next_at;
}

static void print(const struct progress *progress, struct ledger_counts applied, struct publisher_counts published,
                  double per_second)
{
    fprintf(stderr,
            "%s%llu events (%.0f/s), %llu entries, %llu outputs published, %llu duplicates, %llu dead letters%s",
            progress->terminal ? "\r\033[K" : "", (unsigned long long)applied.events, per_second,
            (unsigned long long)applied.entries, (unsigned long long)published.outputs,
            (unsigned long long)applied.duplicates, (unsigned long long)applied.dead_letters,
            progress->terminal ? "" : "\n");
    fflush(stderr);
}

static double rate(uint64_t events, int64_t us)
{
    return us > 0 ? (double)events * 1e6 / (double)us : 0;
}

void progress_show(struct progress *progress, struct ledger_counts applied, struct publisher_counts published)
{
    int64_t now = clock_monotonic_us();
    print(progress, applied, published, rate(applied.events - progress->shown_events, now - progress->shown_at));
    progress->shown_events = applied.events;
    progress->shown_at = now;
    progress->next_at = now + (progress->terminal ? TERMINAL_US : FILE_US);
}

void progress_end(struct progress *progress, struct ledger_counts applied, struct publisher_counts published)
{
    if (!progress->wanted)
        return;
    print(progress, applied, published, rate(applied.events, clock_monotonic_us() - progress->started_at));
    if (progress->terminal)
        fputc('\n', stderr);
}
