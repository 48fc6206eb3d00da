#include "fold/batch.h"

#include <stdlib.h>

enum { BATCH_ARENA_KEEP = 8 << 20 };

struct batch *batch_new(size_t most_records)
{
    struct batch *batch = calloc(1, sizeof *batch);
    struct record *records = calloc(most_records, sizeof *records);
    if (!batch || !records)
        abort();
    batch->arena = arena_new(BATCH_ARENA_KEEP);
    batch->records = records;
    batch->capacity = most_records;
    return batch;
}

void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        rd_kafka_message_destroy(batch->records[i].message);
    arena_reset(batch->arena);
    batch->count = 0;
    batch->bytes = 0;
    batch->assignment = NULL;
}

struct batch *batch_free(struct batch *batch)
{
    if (!batch)
        return NULL;
    batch_clear(batch);
    arena_free(batch->arena);
    free(batch->records);
    free(batch);
    return NULL;
}
