#include "audit/judge.h"

#include <assert.h>
#include <stdlib.h>

/* The rows come first in a group. */
static size_t count_rows(const struct evidence *group, size_t count)
{
    size_t rows = 0;
    while (rows < count && group[rows].origin == FROM_LEDGER)
        rows++;
    return rows;
}

/* Counts outputs by index, which they are sorted by; says how many indexes are left out. */
static size_t count_outputs(const struct evidence *outputs, size_t count, struct verdict *verdict)
{
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || outputs[i].index != outputs[i - 1].index) {
            verdict->outputs++;
            continue;
        }
        if (verdict->duplicates++ == 0)
            verdict->duplicate = &outputs[i];
    }
    return count > 0 ? (size_t)outputs[count - 1].index + 1 - verdict->outputs : 0;
}

static bool is_repeated(const struct evidence *outputs, size_t at)
{
    return at > 0 && outputs[at].index == outputs[at - 1].index;
}

/* Takes the first output that says what the row says and has not been taken. */
static bool take(const struct evidence *row, const struct evidence *outputs, size_t count, bool *taken)
{
    for (size_t i = 0; i < count; i++) {
        if (!taken[i] && !is_repeated(outputs, i) && hash16_equal(row->content, outputs[i].content)) {
            taken[i] = true;
            return true;
        }
    }
    return false;
}

static size_t match_rows(const struct evidence *group, size_t rows, const struct evidence *outputs, size_t count,
                         bool *taken, struct verdict *verdict)
{
    size_t unmatched = 0;
    for (size_t i = 0; i < rows; i++) {
        if (take(&group[i], outputs, count, taken))
            continue;
        if (verdict->unmatched_count < JUDGE_MISSING_MAX)
            verdict->unmatched[verdict->unmatched_count++] = &group[i];
        unmatched++;
    }
    return unmatched;
}

/* A row without its output beside an output without its row: one of them was changed. */
static void settle(size_t unmatched, size_t holes, struct verdict *verdict)
{
    size_t altered = unmatched < verdict->unexplained ? unmatched : verdict->unexplained;
    verdict->altered = altered;
    verdict->unexplained -= altered;
    unmatched -= altered;
    verdict->missing = unmatched > holes ? unmatched : holes;
    verdict->traceless = verdict->missing - unmatched;
}

struct verdict judge(const struct evidence *group, size_t count, bool complete)
{
    assert(group && count > 0);
    struct verdict verdict = {0};
    size_t rows = count_rows(group, count);
    const struct evidence *outputs = group + rows;
    size_t output_count = count - rows;
    size_t holes = count_outputs(outputs, output_count, &verdict);
    verdict.entries = rows;
    if (!complete)
        return verdict;
    bool *taken = calloc(output_count + 1, sizeof *taken);
    if (!taken)
        abort();
    size_t unmatched = match_rows(group, rows, outputs, output_count, taken, &verdict);
    for (size_t i = 0; i < output_count; i++) {
        if (taken[i] || is_repeated(outputs, i))
            continue;
        verdict.unexplained += outputs[i].needs_entry;
        verdict.untraced += !outputs[i].needs_entry;
    }
    free(taken);
    settle(unmatched, holes, &verdict);
    return verdict;
}
