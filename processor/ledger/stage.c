#include "ledger/stage.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/waiting.h"
#include "fold/fold.h"
#include "ledger/ledger.h"
#include "ledger/prunes.h"

enum {
    RETRY_FIRST_MS = 20,
    RETRY_MOST_MS = 2000,
    IDLE_PRUNE_MS = 250,
    LOOK_UP_BATCHES = 8, /* batches without a duplicate after which keys are copied without looking */
    PRUNES_MOST = 64,
};

struct ledger_stage {
    const struct config *config;
    struct publisher *publisher;
    struct projection *projection;
    struct ledger_hooks hooks;
    pthread_t thread;
    atomic_bool cancel; /* cuts the ledger's waits short */
    /* the thread's */
    struct ledger *ledger;
    struct cache *cache;
    struct fold *fold;
    struct arena *program_arena;
    struct program_set programs;
    bool programs_loaded;
    uint64_t applied; /* records of the assignment so far */
    int look_up;      /* batches for which event keys are looked up before deciding */
    struct prunes prunes;
    struct waiting waiting;
    /* under the lock */
    const struct assignment *assignment;
    struct batch *batch; /* under way when pending, else spent: whoever takes it back clears it */
    bool pending;
    bool busy;   /* with a batch or with pruning */
    bool broken; /* a batch was not applied: none behind it may be, or its records would be passed over */
    bool quit;
    struct ledger_counts counts;
};

/* ---- waiting and giving up */

static bool is_over(struct ledger_stage *stage)
{
    waiting_lock(&stage->waiting);
    bool over = stage->quit || stage->assignment != stage->batch->assignment || atomic_load(&stage->cancel);
    waiting_unlock(&stage->waiting);
    return over;
}

static void rest(struct ledger_stage *stage, int64_t ms)
{
    struct timespec until = waiting_deadline(ms);
    waiting_lock(&stage->waiting);
    while (!stage->quit && stage->assignment == stage->batch->assignment && !atomic_load(&stage->cancel))
        if (waiting_until(&stage->waiting, &until))
            break;
    waiting_unlock(&stage->waiting);
}

/* Retries grow further apart. */
static void back_off(struct ledger_stage *stage, int64_t *wait)
{
    rest(stage, *wait);
    *wait = *wait * 2 < RETRY_MOST_MS ? *wait * 2 : RETRY_MOST_MS;
}

/* ---- one attempt */

static enum err_code ensure_programs(struct ledger_stage *stage, struct err *err)
{
    if (stage->programs_loaded)
        return ERR_NONE;
    arena_reset(stage->program_arena);
    enum err_code code = ledger_programs(stage->ledger, stage->program_arena, &stage->programs, err);
    if (code)
        return code;
    stage->programs_loaded = true;
    log_event(LOG_INFO, "programs.loaded", "revision=%lld versions=%zu", (long long)stage->programs.revision,
              stage->programs.count);
    return ERR_NONE;
}

static bool replaying(const struct record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (records[i].offset < records[i].partition->highest)
            return true;
    return false;
}

static enum err_code attempt(struct ledger_stage *stage, struct record *records, size_t count, struct changes **changes,
                             struct err *err)
{
    enum err_code code = ensure_programs(stage, err);
    if (code)
        return code;
    struct fold_input input = {records, count, &stage->programs, stage->look_up > 0 || replaying(records, count)};
    struct fold_reader reader = ledger_reader(stage->ledger);
    code = fold_run(stage->fold, &input, &reader, changes, err);
    if (code)
        return code;
    struct prune prunes[PRUNES_MOST];
    size_t prune_count = prunes_take(&stage->prunes, projection_done_up_to(stage->projection), prunes, PRUNES_MOST);
    code = ledger_apply(stage->ledger, *changes, prunes, prune_count, err);
    /* What was not pruned after all is pruned with the partition's next row: bounds only grow. */
    return code;
}

/* ---- after the commit */

static int64_t offer_projection(struct ledger_stage *stage, const struct changes *changes)
{
    struct projection_item *items = calloc(changes->member_count + 1, sizeof *items);
    size_t count = 0;
    if (!items)
        abort();
    for (size_t i = 0; i < changes->member_count; i++) {
        const struct member *member = &changes->members[i];
        if (member->changed)
            items[count++] = (struct projection_item){member->key, member->program_id, member->member_id,
                                                      member->version + 1, member->state};
    }
    int64_t ticket = projection_offer(stage->projection, items, count);
    free(items);
    return ticket;
}

static void push_publications(struct ledger_stage *stage, struct changes *changes)
{
    struct publication *items = calloc(changes->range_count, sizeof *items);
    if (!items)
        abort();
    for (size_t i = 0; i < changes->range_count; i++) {
        struct range *range = &changes->ranges[i];
        items[i] = (struct publication){range->partition, range->from, range->to, range->frames};
        range->frames = (struct buffer){0};
    }
    if (publisher_push(stage->publisher, items, changes->range_count))
        return;
    for (size_t i = 0; i < changes->range_count; i++)
        buffer_release(&items[i].frames);
    free(items);
}

static void count_batch(struct ledger_stage *stage, const struct changes *changes, size_t records)
{
    waiting_lock(&stage->waiting);
    stage->counts.batches++;
    stage->counts.events += records;
    stage->counts.duplicates += changes->duplicate_count;
    stage->counts.entries += changes->entry_count;
    stage->counts.dead_letters += changes->dead_count;
    waiting_unlock(&stage->waiting);
}

static void committed(struct ledger_stage *stage, struct changes *changes, size_t records)
{
    int64_t ticket = offer_projection(stage, changes);
    for (size_t i = 0; i < changes->range_count; i++) {
        struct range *range = &changes->ranges[i];
        range->partition->applied = range->to;
        if (range->partition->highest < range->to)
            range->partition->highest = range->to;
        prunes_add(&stage->prunes, range->partition, range->to, ticket);
    }
    if (stage->look_up > 0 && changes->duplicate_count == 0)
        stage->look_up--;
    else if (changes->duplicate_count > 0)
        stage->look_up = LOOK_UP_BATCHES;
    count_batch(stage, changes, records);
    fold_committed(stage->fold);
    push_publications(stage, changes);
}

/* Delivery rule 9: never fold again before knowing. */
static enum err_code settle_unknown(struct ledger_stage *stage, const struct changes *changes, bool *applied,
                                    struct err *err)
{
    int64_t wait = RETRY_FIRST_MS;
    for (;;) {
        enum err_code code = ledger_resolve(stage->ledger, changes, applied, err);
        if (err_class(code) != ERR_CLASS_RETRY || code == ERR_OWNER_CHANGED)
            return code;
        if (is_over(stage)) {
            ledger_forget(stage->ledger);
            return err_set(err, ERR_STOPPED, "the assignment ended");
        }
        back_off(stage, &wait);
    }
}

/* ---- retrying */

/* What to do about a failed attempt before the next one; anything but ERR_NONE ends the retries. */
static enum err_code prepare_next(struct ledger_stage *stage, enum err_code code, int64_t *wait, struct err *err)
{
    waiting_lock(&stage->waiting);
    stage->counts.folds_again++;
    waiting_unlock(&stage->waiting);
    switch (code) {
    case ERR_KEYS_EXIST:
        stage->look_up = LOOK_UP_BATCHES;
        return ERR_NONE;
    case ERR_REVISION:
        stage->programs_loaded = false;
        return ERR_NONE;
    case ERR_CONFLICT:
        fold_conflicted(stage->fold);
        rest(stage, *wait / RETRY_FIRST_MS);
        return ERR_NONE;
    case ERR_DATABASE_AWAY:
        log_event(LOG_WARN, "ledger.waits", "detail=%s", log_quote(err->text));
        cache_clear(stage->cache);
        back_off(stage, wait);
        return ERR_NONE;
    default:
        return code;
    }
}

/* Applies the records in one transaction, again and again where the cause may pass. */
static enum err_code apply(struct ledger_stage *stage, struct record *records, size_t count, struct err *err)
{
    int64_t wait = RETRY_FIRST_MS;
    while (!is_over(stage)) {
        struct changes *changes = NULL;
        bool applied = false;
        enum err_code code = attempt(stage, records, count, &changes, err);
        if (code == ERR_COMMIT_UNKNOWN)
            code = settle_unknown(stage, changes, &applied, err);
        else
            applied = code == ERR_NONE;
        if (applied) {
            committed(stage, changes, count);
            return ERR_NONE;
        }
        if (code)
            code = prepare_next(stage, code, &wait, err);
        if (code)
            return code;
    }
    return err_set(err, ERR_STOPPED, "the assignment ended");
}

/* The database refuses the data of some record: halves are applied until it stands alone, and becomes a dead letter. */
static enum err_code apply_or_bisect(struct ledger_stage *stage, struct record *records, size_t count, struct err *err)
{
    enum err_code code = apply(stage, records, count, err);
    if (code != ERR_DATABASE_REFUSED)
        return code;
    log_event(LOG_WARN, "ledger.bisects", "records=%zu detail=%s", count, log_quote(err->text));
    if (count == 1) {
        records[0].refused = ERR_DATABASE_REFUSED;
        records[0].stage = "ledger";
        records[0].refusal = arena_text(stage->batch->arena, text_of(err->text));
        return apply(stage, records, 1, err);
    }
    code = apply_or_bisect(stage, records, count / 2, err);
    return code ? code : apply_or_bisect(stage, records + count / 2, count - count / 2, err);
}

static void work(struct ledger_stage *stage)
{
    struct err err = {0};
    assert(stage->batch->first == stage->applied); /* nothing was lost on the way here */
    stage->applied += stage->batch->count;
    enum err_code code = apply_or_bisect(stage, stage->batch->records, stage->batch->count, &err);
    if (code == ERR_OWNER_CHANGED) {
        log_event(LOG_WARN, "ledger.owner_changed", "detail=%s", log_quote(err.text));
        stage->hooks.owner_changed(stage->hooks.context);
    } else if (code && code != ERR_STOPPED) {
        stage->hooks.failed(stage->hooks.context, &err);
    }
    if (code) {
        cache_clear(stage->cache);
        waiting_lock(&stage->waiting);
        stage->broken = true;
        waiting_unlock(&stage->waiting);
    }
}

/* ---- the thread */

static void prune_idle(struct ledger_stage *stage)
{
    struct prune prunes[PRUNES_MOST];
    waiting_lock(&stage->waiting); /* the poll thread may add rows of a new assignment */
    size_t count = prunes_take(&stage->prunes, projection_done_up_to(stage->projection), prunes, PRUNES_MOST);
    waiting_unlock(&stage->waiting);
    if (count > 0)
        ledger_prune(stage->ledger, prunes, count, NULL); /* what fails goes with a later row, or at the next start */
}

static void *stage_main(void *argument)
{
    struct ledger_stage *stage = argument;
    waiting_lock(&stage->waiting);
    while (!stage->quit) {
        if (!stage->pending) {
            struct timespec until = waiting_deadline(IDLE_PRUNE_MS);
            if (waiting_until(&stage->waiting, &until) && stage->assignment && stage->prunes.count > 0 &&
                !stage->quit) {
                stage->busy = true;
                waiting_unlock(&stage->waiting);
                prune_idle(stage);
                waiting_lock(&stage->waiting);
                stage->busy = false;
                waiting_tell(&stage->waiting);
            }
            continue;
        }
        waiting_unlock(&stage->waiting);
        work(stage);
        waiting_lock(&stage->waiting);
        stage->pending = false;
        stage->busy = false;
        waiting_tell(&stage->waiting);
        waiting_unlock(&stage->waiting);
        stage->hooks.free_again(stage->hooks.context);
        waiting_lock(&stage->waiting);
    }
    waiting_unlock(&stage->waiting);
    return NULL;
}

/* ---- from other threads */

struct ledger_stage *ledger_stage_new(const struct config *config, const struct reward_frame *frame,
                                      struct publisher *publisher, struct projection *projection,
                                      const struct ledger_hooks *hooks)
{
    struct ledger_stage *stage = calloc(1, sizeof *stage);
    if (!stage)
        abort();
    stage->config = config;
    stage->publisher = publisher;
    stage->projection = projection;
    stage->hooks = *hooks;
    stage->ledger = ledger_new(config, &stage->cancel);
    stage->cache = cache_new((size_t)config->cache_max_mib << 20);
    stage->fold = fold_new(frame, stage->cache);
    stage->program_arena = arena_new(0);
    stage->batch = batch_new((size_t)config->batch_max_events);
    waiting_init(&stage->waiting);
    if (pthread_create(&stage->thread, NULL, stage_main, stage))
        abort();
    return stage;
}

void ledger_stage_begin(struct ledger_stage *stage, const struct assignment *assignment)
{
    waiting_lock(&stage->waiting);
    assert(!stage->busy && !stage->pending && stage->prunes.count == 0);
    atomic_store(&stage->cancel, false);
    stage->broken = false;
    stage->applied = 0;
    stage->assignment = assignment;
    waiting_unlock(&stage->waiting);
}

void ledger_stage_row(struct ledger_stage *stage, struct partition *partition, int64_t to, int64_t ticket)
{
    waiting_lock(&stage->waiting);
    prunes_add(&stage->prunes, partition, to, ticket);
    waiting_unlock(&stage->waiting);
}

/* Under the lock. */
static bool wait_idle(struct ledger_stage *stage, int64_t wait_ms)
{
    struct timespec until = waiting_deadline(wait_ms);
    while (stage->busy)
        if (waiting_until(&stage->waiting, &until))
            return !stage->busy;
    return true;
}

void ledger_stage_end(struct ledger_stage *stage, int64_t wait_ms)
{
    waiting_lock(&stage->waiting);
    stage->assignment = NULL; /* no retry begins after this; an attempt under way may finish */
    waiting_tell(&stage->waiting);
    if (!wait_idle(stage, wait_ms)) {
        atomic_store(&stage->cancel, true);
        while (stage->busy)
            waiting_wait(&stage->waiting);
    }
    prunes_clear(&stage->prunes);
    batch_clear(stage->batch);
    waiting_unlock(&stage->waiting);
}

bool ledger_stage_offer(struct ledger_stage *stage, struct batch **batch)
{
    waiting_lock(&stage->waiting);
    bool taken = !stage->busy && !stage->broken && stage->assignment == (*batch)->assignment;
    if (taken) {
        struct batch *spent = stage->batch;
        stage->batch = *batch;
        *batch = spent;
        stage->pending = stage->busy = true;
        waiting_tell(&stage->waiting);
    }
    waiting_unlock(&stage->waiting);
    return taken;
}

bool ledger_stage_drain(struct ledger_stage *stage, int64_t wait_ms)
{
    waiting_lock(&stage->waiting);
    bool idle = wait_idle(stage, wait_ms);
    waiting_unlock(&stage->waiting);
    return idle;
}

struct ledger_counts ledger_stage_counts(struct ledger_stage *stage)
{
    waiting_lock(&stage->waiting);
    struct ledger_counts counts = stage->counts;
    waiting_unlock(&stage->waiting);
    return counts;
}

struct ledger_stage *ledger_stage_free(struct ledger_stage *stage)
{
    if (!stage)
        return NULL;
    ledger_stage_end(stage, 1000);
    waiting_lock(&stage->waiting);
    stage->quit = true;
    waiting_tell(&stage->waiting);
    waiting_unlock(&stage->waiting);
    pthread_join(stage->thread, NULL);
    prunes_release(&stage->prunes);
    fold_free(stage->fold);
    cache_free(stage->cache);
    ledger_free(stage->ledger);
    arena_free(stage->program_arena);
    batch_free(stage->batch);
    waiting_destroy(&stage->waiting);
    free(stage);
    return NULL;
}
