#include <assert.h>

#include "rules/consequences.h"
#include "rules/decide.h"
#include "rules/earning.h"
#include "rules/tier.h"

/* Reviews, shares and activities: fixed or by value, once for each product, content or member, taken back when undone.
 */

enum { SUBJECT = 0, WHATEVER = 1 };

enum err_code grants_have(struct work *work, const struct grants *grants, const struct rule *rule, bool *out)
{
    *out = false;
    for (size_t i = 0; i < grants->count && !*out; i++) {
        const struct program *terms = NULL;
        const struct rule *granted = NULL;
        enum err_code code = work_granting_rule(work, &grants->items[i], &terms, &granted);
        if (code)
            return code;
        *out = granted == rule || text_equal(granted->id, rule->id);
    }
    return ERR_NONE;
}

/* Networks' numbers stand in records as bits: they never change. */
_Static_assert(NETWORK_OTHER == 0 && NETWORK_X == 5 && NETWORK_TIKTOK == 8 && NETWORK_COUNT <= 16, "see once_record");

uint32_t undone_bit(const struct event *event)
{
    return event->type == EVENT_SHARE ? UINT32_C(1) << event->share.network : WHATEVER;
}

/* Share rules may be for some networks only; a withdrawal there leaves what other networks earned. */
static bool rule_concerns(const struct rule *rule, const struct event *event)
{
    return event->type != EVENT_SHARE || (rule->networks & undone_bit(event)) != 0;
}

enum err_code once_take_back(struct work *work, struct member_work *member, struct once_record *record,
                             const struct cause *about)
{
    for (size_t i = 0; i < record->grants.count; i++) {
        struct grant *grant = &record->grants.items[i];
        const struct program *terms = NULL;
        const struct rule *rule = NULL;
        enum err_code code = work_granting_rule(work, grant, &terms, &rule);
        if (code)
            return code;
        if (grant->points == 0 || !rule_concerns(rule, work->event))
            continue;
        struct cause cause = *about;
        cause.terms = terms;
        cause.partner_id = record->partner_id;
        cause.granted_at = grant->at;
        cause.standing = grant->points;
        cause.network = grant->network;
        code = work_take_back(work, member, rule, grant->points, &cause);
        if (code)
            return code;
        grant->points = 0;
    }
    return ERR_NONE;
}

static struct cause cause_of(const struct work *work, struct text subject, bool has_key)
{
    struct cause cause = {.terms = work->program,
                          .partner_id = work->event->partner_id,
                          .subject = subject,
                          .granted_at = work->event->occurred_at};
    if (work->event->type == EVENT_SHARE)
        cause.network = 1 + (uint32_t)work->event->share.network;
    if (has_key)
        cause.subject_key = work->input->subject_keys[SUBJECT];
    return cause;
}

/* undone: also for what may come later; otherwise only what was granted is taken back. */
static enum err_code undo(struct work *work, struct text subject, bool for_ever)
{
    struct member_work *member = &work->members[0];
    struct cause cause = cause_of(work, subject, true);
    struct once_record record;
    enum err_code code = once_record_decode(work_record(work, member, SUBJECT), work->scratch, &record, work->err);
    if (!code)
        code = once_take_back(work, member, &record, &cause);
    if (code || (!for_ever && record.grants.count == 0))
        return code;
    if (record.grants.count == 0) {
        record.partner_id = work->event->partner_id;
        work->waiting = true;
    }
    if (for_ever)
        record.undone |= undone_bit(work->event);
    work_put_record(work, member, SUBJECT, once_record_encode(&record, work->scratch));
    return ERR_NONE;
}

/* True when the rule counts once and has, or what it would grant was undone. */
static enum err_code is_used_up(struct work *work, const struct once_record *record, const struct rule *rule, bool *out)
{
    *out = false;
    if (rule->once_per == ONCE_PER_EVENT)
        return ERR_NONE;
    if (record->undone & undone_bit(work->event)) {
        *out = true;
        TRACE(work, FACT_SKIPPED, fact->why = SKIP_UNDONE);
        return ERR_NONE;
    }
    enum err_code code = grants_have(work, &record->grants, rule, out);
    if (*out)
        TRACE(work, FACT_SKIPPED, fact->why = SKIP_ONCE);
    return code;
}

/* What the rules would grant that may. */
static enum err_code dues_of(struct work *work, const struct member_work *member, const struct once_record *record,
                             struct rule_list rules, struct due *dues, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < rules.count; i++) {
        struct due due = {.rule = rules.items[i]};
        bool used_up = false;
        TRACE_RULE(work, FACT_ASKED, work->program, due.rule, fact->party = 0);
        if (!rule_concerns(due.rule, work->event)) {
            TRACE(work, FACT_SKIPPED, fact->why = SKIP_NETWORK);
            continue;
        }
        enum err_code code = is_used_up(work, record, due.rule, &used_up);
        if (!code && !used_up)
            code = earning_of_event(work, member, due.rule, &due.points);
        if (code)
            return code;
        if (due.points > 0)
            dues[(*count)++] = due;
    }
    earning_stack(work, dues, *count);
    return ERR_NONE;
}

static enum err_code grant_rules(struct work *work, struct member_work *member, struct once_record *record,
                                 struct rule_list rules, const struct cause *cause)
{
    struct due *dues = scratch_raw(work->scratch, (rules.count + 1) * sizeof *dues);
    size_t count = 0;
    enum err_code code = dues_of(work, member, record, rules, dues, &count);
    for (size_t i = 0; i < count && !code; i++) {
        const struct due *due = &dues[i];
        int64_t granted = 0;
        if (due->points == 0)
            continue;
        code = work_accrue(work, member, due->rule, due->points, cause, &granted);
        if (due->rule->once_per == ONCE_PER_EVENT)
            continue;
        struct grant *grant = grants_add(&record->grants, work->program->version, due->rule->place,
                                         work->event->occurred_at, work->scratch);
        grant->points = granted;
        grant->wanted = due->points;
        grant->network = cause->network;
    }
    return code;
}

static bool any_once(struct rule_list rules)
{
    for (size_t i = 0; i < rules.count; i++)
        if (rules.items[i]->once_per != ONCE_PER_EVENT)
            return true;
    return false;
}

static enum err_code grant(struct work *work, struct text subject)
{
    struct member_work *member = &work->members[0];
    struct rule_list rules = program_rules(work->program, work->event);
    if (work->event->type == EVENT_ACTIVITY)
        tier_follow_activity(work, member);
    if (rules.count == 0)
        return ERR_NONE;
    bool once = any_once(rules);
    struct cause cause = cause_of(work, subject, once);
    struct once_record record = {0};
    enum err_code code = ERR_NONE;
    if (once)
        code = once_record_decode(work_record(work, member, SUBJECT), work->scratch, &record, work->err);
    if (code)
        return code;
    size_t granted_before = record.grants.count;
    if (granted_before == 0)
        record.partner_id = work->event->partner_id;
    code = grant_rules(work, member, &record, rules, &cause);
    if (code)
        return code;
    if (record.grants.count > granted_before)
        work_put_record(work, member, SUBJECT, once_record_encode(&record, work->scratch));
    return consequences_settle(work, member, NULL);
}

enum err_code decide_review(struct work *work)
{
    struct text sku = work->event->review.sku;
    if (sku.len == 0)
        return err_set(work->err, ERR_BAD_EVENT, "review.sku is empty");
    switch (work->event->kind) {
    case REVIEW_REJECTED:
        return undo(work, sku, false);
    case REVIEW_REMOVED:
        return undo(work, sku, true);
    default:
        return grant(work, sku);
    }
}

enum err_code decide_share(struct work *work)
{
    const struct share_event *share = &work->event->share;
    if (share->content.len == 0)
        return err_set(work->err, ERR_BAD_EVENT, "share.content is empty");
    assert((unsigned)share->network < NETWORK_COUNT);
    return work->event->kind == SHARE_WITHDRAWN ? undo(work, share->content, true) : grant(work, share->content);
}

enum err_code decide_activity(struct work *work)
{
    return grant(work, work->event->activity.name);
}
