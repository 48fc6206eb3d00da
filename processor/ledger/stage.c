#include "ledger/stage.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "ledger/lanes.h"

enum {
    IDLE_PRUNE_MS = 250,
    PRUNES_MOST = 64,
};

static const uint32_t transitions[LANE_STATE_COUNT] = {
    [LANE_FREE] = MACHINE_BIT(LANE_GIVEN),
    [LANE_GIVEN] = MACHINE_BIT(LANE_FOLDED) | MACHINE_BIT(LANE_FREE),
    [LANE_FOLDED] = MACHINE_BIT(LANE_FREE),
};

/* ---- the fold thread */

static struct lane *other(struct ledger_stage *stage, const struct lane *lane)
{
    return &stage->lanes[lane == &stage->lanes[0] ? 1 : 0];
}

static bool spills(const struct changes *changes)
{
    for (size_t i = 0; i < changes->side_count; i++)
        if (changes->sides[i].changed)
            return true;
    return false;
}

/* Under the folding's lock: a batch can be folded ahead of the one before it only where that one was folded on the same
 * belief. Records that it spills are read from the database, so those must be there first. */
static bool may_believe(const struct ledger_stage *stage, const struct lane *before)
{
    return before->changes && before->belief == stage->folding->belief && !spills(before->changes);
}

/* False where the batch before must be applied first. */
static bool fold_ahead(struct ledger_stage *stage, struct lane *lane, const struct lane *before)
{
    struct err err;
    pthread_mutex_lock(&stage->folding->lock);
    bool believed = !before || may_believe(stage, before);
    if (believed) {
        lane->belief = stage->folding->belief;
        if (folding_run(stage->folding, stage->fold_ledger, lane->fold, lane->batch->records, lane->batch->count,
                        before ? before->changes : NULL, &lane->changes, &err))
            lane->changes = NULL; /* the apply thread folds it, and deals with what went wrong */
    }
    pthread_mutex_unlock(&stage->folding->lock);
    return believed;
}

/* Under the lock. number: the assignment's. */
static bool is_given(const struct ledger_stage *stage, const struct lane *lane, uint64_t number)
{
    return stage->assignment && stage->assignment->number == number && !stage->quit &&
           lane->machine.state == LANE_GIVEN;
}

/* Under the lock, which is let go meanwhile. The other lane's batch comes before this one where it is folded, and after
 * it where it is only given. */
static void fold_lane(struct ledger_stage *stage, struct lane *lane, uint64_t number)
{
    const struct lane *before = other(stage, lane);
    lane->changes = NULL;
    bool folded = stage->broken;
    while (!folded && is_given(stage, lane, number)) {
        bool pending = before->machine.state == LANE_FOLDED;
        stage->folding_now = true;
        waiting_unlock(&stage->waiting);
        folded = fold_ahead(stage, lane, pending ? before : NULL);
        waiting_lock(&stage->waiting);
        stage->folding_now = false;
        waiting_tell(&stage->waiting);
        while (!folded && is_given(stage, lane, number) && before->machine.state == LANE_FOLDED)
            waiting_wait(&stage->waiting);
    }
    if (!is_given(stage, lane, number))
        return;
    machine_go(&lane->machine, LANE_FOLDED);
    stage->fold ^= 1;
    waiting_tell(&stage->waiting);
}

static void *fold_main(void *argument)
{
    struct ledger_stage *stage = argument;
    waiting_lock(&stage->waiting);
    while (!stage->quit) {
        struct lane *lane = &stage->lanes[stage->fold];
        if (stage->assignment && is_given(stage, lane, stage->assignment->number))
            fold_lane(stage, lane, stage->assignment->number);
        else
            waiting_wait(&stage->waiting);
    }
    waiting_unlock(&stage->waiting);
    return NULL;
}

/* ---- the apply thread */

/* Under the lock, which is let go meanwhile. */
static void work(struct ledger_stage *stage, struct lane *lane)
{
    struct err err = {0};
    bool broken = stage->broken;
    stage->applying_now = true;
    waiting_unlock(&stage->waiting);
    enum err_code code = broken ? ERR_STOPPED : apply_lane(stage, lane, &err);
    if (code == ERR_OWNER_CHANGED) {
        log_event(LOG_WARN, "ledger.owner_changed", "detail=%s", log_quote(err.text));
        stage->hooks.owner_changed(stage->hooks.context);
    } else if (code && code != ERR_STOPPED) {
        stage->hooks.failed(stage->hooks.context, &err);
    }
    waiting_lock(&stage->waiting);
    stage->broken = stage->broken || code != ERR_NONE;
    stage->applying_now = false;
    machine_go(&lane->machine, LANE_FREE);
    stage->apply ^= 1;
    waiting_tell(&stage->waiting);
    waiting_unlock(&stage->waiting);
    stage->hooks.free_again(stage->hooks.context);
    waiting_lock(&stage->waiting);
}

/* Under the lock, which is let go meanwhile. */
static void prune_idle(struct ledger_stage *stage)
{
    struct prune prunes[PRUNES_MOST];
    size_t count = prunes_take(&stage->prunes, projection_done_up_to(stage->projection), prunes, PRUNES_MOST);
    if (count == 0)
        return;
    stage->applying_now = true;
    waiting_unlock(&stage->waiting);
    ledger_prune(stage->ledger, prunes, count, NULL); /* what fails goes with a later row, or at the next start */
    waiting_lock(&stage->waiting);
    stage->applying_now = false;
    waiting_tell(&stage->waiting);
}

static void *apply_main(void *argument)
{
    struct ledger_stage *stage = argument;
    waiting_lock(&stage->waiting);
    while (!stage->quit) {
        struct lane *lane = &stage->lanes[stage->apply];
        if (stage->assignment && lane->machine.state == LANE_FOLDED) {
            work(stage, lane);
            continue;
        }
        struct timespec until = waiting_deadline(IDLE_PRUNE_MS);
        if (waiting_until(&stage->waiting, &until) && stage->assignment && stage->prunes.count > 0 && !stage->quit)
            prune_idle(stage);
    }
    waiting_unlock(&stage->waiting);
    return NULL;
}

/* ---- from other threads */

static void init_lanes(struct ledger_stage *stage, const struct reward_frame *frame)
{
    for (size_t i = 0; i < LANES; i++)
        stage->lanes[i] = (struct lane){
            .machine = {"lane", transitions, LANE_STATE_COUNT, LANE_FREE},
            .batch = batch_new((size_t)stage->config->batch_max_events),
            .fold = fold_new(frame, stage->folding->cache),
        };
}

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
    stage->folding = folding_new(config);
    stage->fold_ledger = ledger_new(config, &stage->cancel);
    stage->ledger = ledger_new(config, &stage->cancel);
    init_lanes(stage, frame);
    waiting_init(&stage->waiting);
    if (pthread_create(&stage->fold_thread, NULL, fold_main, stage) ||
        pthread_create(&stage->apply_thread, NULL, apply_main, stage))
        abort();
    return stage;
}

void ledger_stage_begin(struct ledger_stage *stage, const struct assignment *assignment)
{
    waiting_lock(&stage->waiting);
    assert(!stage->folding_now && !stage->applying_now && stage->prunes.count == 0);
    atomic_store(&stage->cancel, false);
    stage->broken = false;
    stage->applied = 0;
    stage->give = stage->fold = stage->apply = 0;
    stage->assignment = assignment;
    waiting_tell(&stage->waiting);
    waiting_unlock(&stage->waiting);
}

void ledger_stage_row(struct ledger_stage *stage, struct partition *partition, int64_t to, int64_t ticket)
{
    waiting_lock(&stage->waiting);
    prunes_add(&stage->prunes, partition, to, ticket);
    waiting_unlock(&stage->waiting);
}

/* Under the lock: until neither thread works; lanes_too: and no batch is on its way either. */
static bool wait_idle(struct ledger_stage *stage, bool lanes_too, int64_t wait_ms)
{
    struct timespec until = waiting_deadline(wait_ms);
    for (;;) {
        bool idle = !stage->folding_now && !stage->applying_now;
        for (size_t i = 0; lanes_too && i < LANES; i++)
            idle = idle && stage->lanes[i].machine.state == LANE_FREE;
        if (idle)
            return true;
        if (waiting_until(&stage->waiting, &until))
            return false;
    }
}

/* What was folded ahead was expected; the next assignment begins without expectations. */
static void forget_lanes(struct ledger_stage *stage)
{
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &stage->lanes[i];
        if (lane->machine.state != LANE_FREE)
            machine_go(&lane->machine, LANE_FREE);
        lane->changes = NULL;
        batch_clear(lane->batch);
    }
    pthread_mutex_lock(&stage->folding->lock);
    cache_clear(stage->folding->cache);
    pthread_mutex_unlock(&stage->folding->lock);
}

void ledger_stage_end(struct ledger_stage *stage, int64_t wait_ms)
{
    waiting_lock(&stage->waiting);
    stage->assignment = NULL; /* no retry begins after this; an attempt under way may finish */
    waiting_tell(&stage->waiting);
    if (!wait_idle(stage, false, wait_ms)) {
        atomic_store(&stage->cancel, true);
        while (stage->folding_now || stage->applying_now)
            waiting_wait(&stage->waiting);
    }
    prunes_clear(&stage->prunes);
    forget_lanes(stage);
    waiting_unlock(&stage->waiting);
}

bool ledger_stage_offer(struct ledger_stage *stage, struct batch **batch)
{
    waiting_lock(&stage->waiting);
    struct lane *lane = &stage->lanes[stage->give];
    bool taken = lane->machine.state == LANE_FREE && !stage->broken && stage->assignment == (*batch)->assignment;
    if (taken) {
        struct batch *spent = lane->batch;
        lane->batch = *batch;
        *batch = spent;
        machine_go(&lane->machine, LANE_GIVEN);
        stage->give ^= 1;
        waiting_tell(&stage->waiting);
    }
    waiting_unlock(&stage->waiting);
    return taken;
}

bool ledger_stage_drain(struct ledger_stage *stage, int64_t wait_ms)
{
    waiting_lock(&stage->waiting);
    bool idle = wait_idle(stage, true, wait_ms);
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
    pthread_join(stage->fold_thread, NULL);
    pthread_join(stage->apply_thread, NULL);
    prunes_release(&stage->prunes);
    for (size_t i = 0; i < LANES; i++) {
        fold_free(stage->lanes[i].fold);
        batch_free(stage->lanes[i].batch);
    }
    ledger_free(stage->fold_ledger);
    ledger_free(stage->ledger);
    folding_free(stage->folding);
    waiting_destroy(&stage->waiting);
    free(stage);
    return NULL;
}
