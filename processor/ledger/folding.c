#include "ledger/folding.h"

#include <stdlib.h>

#include "base/log.h"

enum { LOOK_UP_BATCHES = 8 }; /* without a duplicate, after which keys are copied without looking */

struct folding *folding_new(const struct config *config)
{
    struct folding *folding = calloc(1, sizeof *folding);
    if (!folding)
        abort();
    pthread_mutex_init(&folding->lock, NULL);
    folding->cache = cache_new((size_t)config->cache_max_mib << 20);
    folding->program_arena = arena_new(0);
    return folding;
}

struct folding *folding_free(struct folding *folding)
{
    if (!folding)
        return NULL;
    cache_free(folding->cache);
    arena_free(folding->program_arena);
    pthread_mutex_destroy(&folding->lock);
    free(folding);
    return NULL;
}

static enum err_code ensure_programs(struct folding *folding, struct ledger *ledger, struct err *err)
{
    if (folding->programs_loaded)
        return ERR_NONE;
    arena_reset(folding->program_arena);
    enum err_code code = ledger_programs(ledger, folding->program_arena, &folding->programs, err);
    if (code)
        return code;
    folding->programs_loaded = true;
    log_event(LOG_INFO, "programs.loaded", "revision=%lld versions=%zu", (long long)folding->programs.revision,
              folding->programs.count);
    return ERR_NONE;
}

static bool replaying(const struct record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (records[i].offset < records[i].partition->highest)
            return true;
    return false;
}

enum err_code folding_run(struct folding *folding, struct ledger *ledger, struct fold *fold, struct record *records,
                          size_t count, const struct changes *pending, struct changes **out, struct err *err)
{
    enum err_code code = ensure_programs(folding, ledger, err);
    if (code)
        return code;
    bool look_up = atomic_load(&folding->look_up) > 0 || replaying(records, count);
    struct fold_input input = {records, count, &folding->programs, look_up, pending};
    struct fold_reader reader = ledger_reader(ledger);
    code = fold_run(fold, &input, &reader, out, err);
    if (code)
        return code;
    fold_expect(fold);
    for (size_t i = 0; i < (*out)->range_count; i++)
        (*out)->ranges[i].partition->folded = (*out)->ranges[i].to;
    return ERR_NONE;
}

void folding_distrust(struct folding *folding, const struct assignment *assignment)
{
    folding->belief++;
    cache_clear(folding->cache);
    for (size_t i = 0; i < assignment->count; i++)
        assignment->partitions[i].folded = assignment->partitions[i].applied;
}

void folding_reload(struct folding *folding)
{
    folding->programs_loaded = false;
}

void folding_saw_duplicates(struct folding *folding, bool any)
{
    if (any)
        atomic_store(&folding->look_up, LOOK_UP_BATCHES);
    else if (atomic_load(&folding->look_up) > 0)
        atomic_fetch_sub(&folding->look_up, 1);
}
