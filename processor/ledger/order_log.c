#include "ledger/order_log.h"

#include <stdio.h>

#include "base/log.h"

enum { LINE_SIZE = 2048, RUN_SIZE = 64 }; /* a log's line takes twice that; a run is four numbers */

static void put_line(const struct record *first, const char *runs)
{
    log_event(LOG_DEBUG, "batch.decided", "first=%d/%d@%lld order=%s", first->partition->topic_no,
              first->partition->number, (long long)first->offset, runs);
}

void order_log(const struct record *records, size_t count)
{
    char runs[LINE_SIZE];
    size_t len = 0;
    if (!log_wants(LOG_DEBUG))
        return;
    for (size_t i = 0; i < count;) {
        const struct partition *partition = records[i].partition;
        size_t end = i + 1;
        while (end < count && records[end].partition == partition)
            end++;
        len += (size_t)snprintf(runs + len, sizeof runs - len, "%s%d/%d@%lld-%lld", len > 0 ? "," : "",
                                partition->topic_no, partition->number, (long long)records[i].offset,
                                (long long)records[end - 1].offset);
        i = end;
        if (i == count || len + RUN_SIZE * 2 > sizeof runs) {
            put_line(&records[0], runs);
            len = 0;
        }
    }
}
