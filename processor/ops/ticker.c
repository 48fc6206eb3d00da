#include "ops/ticker.h"

#include <unistd.h>

#include "base/clock.h"

enum { EVERY_US = 200000 };

struct ticker ticker_on(FILE *out)
{
    return (struct ticker){.out = isatty(fileno(out)) ? out : NULL};
}

void ticker_show(struct ticker *ticker, const char *what, int64_t done, int64_t total)
{
    int64_t now = clock_monotonic_us();
    if (!ticker->out || (ticker->shown && now - ticker->shown_at < EVERY_US))
        return;
    fprintf(ticker->out, "\r\033[K%s %lld", what, (long long)done);
    if (total > 0)
        fprintf(ticker->out, " of %lld (%d%%)", (long long)total, (int)(done * 100 / total));
    fflush(ticker->out);
    ticker->shown = true;
    ticker->shown_at = now;
}

void ticker_clear(struct ticker *ticker)
{
    if (ticker->out && ticker->shown)
        fputs("\r\033[K", ticker->out);
    ticker->shown = false;
}
