#include "ledger/lanes.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "ledger/order_log.h"

enum {
    RETRY_FIRST_MS = 20,
    RETRY_MOST_MS = 2000,
    PRUNES_MOST = 64,
};

/* ---- waiting and giving up */

static bool is_over(struct ledger_stage *stage, const struct lane *lane)
{
    waiting_lock(&stage->waiting);
    bool over = stage->quit || stage->assignment != lane->batch->assignment || atomic_load(&stage->cancel);
    waiting_unlock(&stage->waiting);
    return over;
}

static void rest(struct ledger_stage *stage, const struct lane *lane, int64_t ms)
{
    struct timespec until = waiting_deadline(ms);
    waiting_lock(&stage->waiting);
    while (!stage->quit && stage->assignment == lane->batch->assignment && !atomic_load(&stage->cancel))
        if (waiting_until(&stage->waiting, &until))
            break;
    waiting_unlock(&stage->waiting);
}

/* Retries grow further apart. */
static void back_off(struct ledger_stage *stage, const struct lane *lane, int64_t *wait)
{
    rest(stage, lane, *wait);
    *wait = *wait * 2 < RETRY_MOST_MS ? *wait * 2 : RETRY_MOST_MS;
}

/* ---- the lock of what both threads fold with */

static void hold(struct ledger_stage *stage)
{
    if (!stage->holding)
        pthread_mutex_lock(&stage->folding->lock);
    stage->holding = true;
}

static void let_go(struct ledger_stage *stage)
{
    if (stage->holding)
        pthread_mutex_unlock(&stage->folding->lock);
    stage->holding = false;
}

/* ---- one attempt */

/* What was folded ahead, where all that it believed came true; otherwise folded now, and nothing is folded ahead until
 * this batch is applied. */
static enum err_code changes_of(struct ledger_stage *stage, struct lane *lane, struct record *records, size_t count,
                                struct changes **changes, struct err *err)
{
    if (!stage->holding && lane->changes && lane->belief == stage->folding->belief) {
        *changes = lane->changes;
        return ERR_NONE;
    }
    if (!stage->holding) { /* what is expected was built on something else */
        hold(stage);
        folding_distrust(stage->folding, lane->batch->assignment);
    }
    return folding_run(stage->folding, stage->ledger, lane->fold, records, count, NULL, changes, err);
}

static enum err_code write_changes(struct ledger_stage *stage, const struct changes *changes, struct err *err)
{
    struct prune prunes[PRUNES_MOST];
    size_t count = prunes_take(&stage->prunes, projection_done_up_to(stage->projection), prunes, PRUNES_MOST);
    /* What is not pruned after all goes with the partition's next row: bounds only grow. */
    return ledger_apply(stage->ledger, changes, prunes, count, err);
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

static void committed(struct ledger_stage *stage, struct changes *changes, const struct record *records, size_t count)
{
    order_log(records, count);
    int64_t ticket = offer_projection(stage, changes);
    for (size_t i = 0; i < changes->range_count; i++) {
        struct range *range = &changes->ranges[i];
        range->partition->applied = range->to;
        prunes_add(&stage->prunes, range->partition, range->to, ticket);
    }
    folding_saw_duplicates(stage->folding, changes->duplicate_count > 0);
    count_batch(stage, changes, count);
    push_publications(stage, changes);
}

/* Delivery rule 9: never fold again before knowing. */
static enum err_code settle_unknown(struct ledger_stage *stage, const struct lane *lane, const struct changes *changes,
                                    bool *applied, struct err *err)
{
    int64_t wait = RETRY_FIRST_MS;
    for (;;) {
        enum err_code code = ledger_resolve(stage->ledger, changes, applied, err);
        if (err_class(code) != ERR_CLASS_RETRY || code == ERR_OWNER_CHANGED)
            return code;
        if (is_over(stage, lane)) {
            ledger_forget(stage->ledger);
            return err_set(err, ERR_STOPPED, "the assignment ended");
        }
        back_off(stage, lane, &wait);
    }
}

/* ---- retrying */

/* What to do about a failed attempt before the next one; anything but ERR_NONE ends the retries. */
static enum err_code prepare_next(struct ledger_stage *stage, const struct lane *lane, enum err_code code,
                                  int64_t *wait, struct err *err)
{
    waiting_lock(&stage->waiting);
    stage->counts.folds_again++;
    waiting_unlock(&stage->waiting);
    switch (code) {
    case ERR_KEYS_EXIST:
        folding_saw_duplicates(stage->folding, true);
        return ERR_NONE;
    case ERR_REVISION:
        folding_reload(stage->folding);
        return ERR_NONE;
    case ERR_CONFLICT:
        rest(stage, lane, 1);
        return ERR_NONE;
    case ERR_DATABASE_AWAY:
        log_event(LOG_WARN, "ledger.waits", "detail=%s", log_quote(err->text));
        back_off(stage, lane, wait);
        return ERR_NONE;
    default:
        return code;
    }
}

/* Applies the records in one transaction, again and again where the cause may pass. */
static enum err_code apply(struct ledger_stage *stage, struct lane *lane, struct record *records, size_t count,
                           struct err *err)
{
    int64_t wait = RETRY_FIRST_MS;
    while (!is_over(stage, lane)) {
        struct changes *changes = NULL;
        bool applied = false;
        enum err_code code = changes_of(stage, lane, records, count, &changes, err);
        if (!code)
            code = write_changes(stage, changes, err);
        if (code == ERR_COMMIT_UNKNOWN)
            code = settle_unknown(stage, lane, changes, &applied, err);
        else
            applied = code == ERR_NONE;
        if (applied) {
            committed(stage, changes, records, count);
            return ERR_NONE;
        }
        hold(stage);
        folding_distrust(stage->folding, lane->batch->assignment);
        if (code)
            code = prepare_next(stage, lane, code, &wait, err);
        if (code)
            return code;
    }
    return err_set(err, ERR_STOPPED, "the assignment ended");
}

/* The database refuses the data of some record: halves are applied until it stands alone, and becomes a dead letter. */
static enum err_code apply_or_bisect(struct ledger_stage *stage, struct lane *lane, struct record *records,
                                     size_t count, struct err *err)
{
    enum err_code code = apply(stage, lane, records, count, err);
    if (code != ERR_DATABASE_REFUSED)
        return code;
    log_event(LOG_WARN, "ledger.bisects", "records=%zu detail=%s", count, log_quote(err->text));
    if (count == 1) {
        records[0].refused = ERR_DATABASE_REFUSED;
        records[0].stage = "ledger";
        records[0].refusal = arena_text(lane->batch->arena, text_of(err->text));
        return apply(stage, lane, records, 1, err);
    }
    code = apply_or_bisect(stage, lane, records, count / 2, err);
    return code ? code : apply_or_bisect(stage, lane, records + count / 2, count - count / 2, err);
}

enum err_code apply_lane(struct ledger_stage *stage, struct lane *lane, struct err *err)
{
    assert(lane->batch->first == stage->applied); /* nothing was lost on the way here */
    stage->applied += lane->batch->count;
    enum err_code code = apply_or_bisect(stage, lane, lane->batch->records, lane->batch->count, err);
    let_go(stage);
    return code;
}
