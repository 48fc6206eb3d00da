#include "audit/retention.h"

#include <assert.h>
#include <stdlib.h>

enum { NOTHING_SEEN = -1 };

struct retention {
    size_t inputs;
    size_t partitions;
    bool *cut;      /* by partition */
    int64_t *first; /* by input and partition: the input offset of the first record seen */
};

struct retention *retention_new(size_t inputs, size_t partitions)
{
    struct retention *retention = calloc(1, sizeof *retention);
    size_t cells = inputs * partitions;
    if (!retention)
        abort();
    retention->inputs = inputs;
    retention->partitions = partitions;
    retention->cut = calloc(partitions + 1, sizeof *retention->cut);
    retention->first = malloc((cells + 1) * sizeof *retention->first);
    if (!retention->cut || !retention->first)
        abort();
    for (size_t i = 0; i < cells; i++)
        retention->first[i] = NOTHING_SEEN;
    return retention;
}

struct retention *retention_free(struct retention *retention)
{
    if (!retention)
        return NULL;
    free(retention->cut);
    free(retention->first);
    free(retention);
    return NULL;
}

void retention_cut(struct retention *retention, size_t partition)
{
    assert(partition < retention->partitions);
    retention->cut[partition] = true;
}

static int64_t *cell(const struct retention *retention, size_t input, size_t partition)
{
    assert(input < retention->inputs && partition < retention->partitions);
    return &retention->first[input * retention->partitions + partition];
}

void retention_see(struct retention *retention, size_t input, size_t partition, int64_t offset)
{
    int64_t *first = cell(retention, input, partition);
    if (*first == NOTHING_SEEN)
        *first = offset;
}

bool retention_may_be_gone(const struct retention *retention, size_t input, int32_t partition, int64_t offset)
{
    for (size_t p = 0; p < retention->partitions; p++) {
        if (!retention->cut[p])
            continue;
        int64_t first = *cell(retention, input, p);
        bool decides = partition < 0 || (size_t)partition == p;
        if (first == NOTHING_SEEN ? decides : offset <= first)
            return true;
    }
    return false;
}
