#include <assert.h>

#include "rules/consequences.h"
#include "rules/decide.h"
#include "rules/earning.h"

/* Referrals: one event, two members. A referee counts once: each party keeps a record under the referee's name. */

static enum err_code check_parties(struct work *work)
{
    const struct referral_event *referral = &work->event->referral;
    struct text member = work->event->member_id;
    bool invited = work->event->kind == REFERRAL_INVITED;
    if (!invited && referral->referrer.len == 0)
        return err_set(work->err, ERR_BAD_EVENT, "referral.referrer is empty");
    if (!invited && referral->referee.len == 0)
        return err_set(work->err, ERR_BAD_EVENT, "referral.referee is empty");
    if (!text_equal(member, referral->referrer) && !text_equal(member, referral->referee))
        return err_set(work->err, ERR_BAD_EVENT, "member_id is neither referral.referrer nor referral.referee");
    return ERR_NONE;
}

/* Which party is the referrer; the other one is the referee. */
static size_t referrer_of(const struct work *work)
{
    assert(work->member_count == STEP_PARTIES_MAX);
    return text_equal(work->event->member_id, work->event->referral.referrer) ? 0 : 1;
}

static bool pays(const struct rule *rule, bool referrer)
{
    return rule->to == SIDE_BOTH || (rule->to == SIDE_REFERRER) == referrer;
}

/* The referee, as the event named them. */
static struct text subject_of(const struct event *event)
{
    const struct referral_event *referral = &event->referral;
    return referral->counted_as.len > 0 ? referral->counted_as : referral->referee;
}

static struct cause cause_of(const struct work *work, const struct member_work *member)
{
    return (struct cause){.terms = work->program,
                          .partner_id = work->event->partner_id,
                          .subject = subject_of(work->event),
                          .subject_key = work->input->subject_keys[member->party],
                          .granted_at = work->event->occurred_at};
}

static void add_referral_reward(struct work *work, struct member_work *member, enum reward_type type,
                                const struct rule *rule, struct text reason)
{
    struct text currency = program_default_currency(work->program);
    struct reward *reward = work_add_reward(work, member, type, state_find_balance(&member->state, currency));
    reward->currency = currency;
    reward->rule_id = rule->id;
    reward->partner_id = work->event->partner_id;
    reward->subject = subject_of(work->event);
    reward->reason = reason;
    reward->program_version = work->program->version;
}

static enum err_code load_records(struct work *work, struct once_record records[STEP_PARTIES_MAX])
{
    for (size_t p = 0; p < work->member_count; p++) {
        enum err_code code =
            once_record_decode(work_record(work, &work->members[p], p), work->scratch, &records[p], work->err);
        if (code)
            return code;
        if (records[p].grants.count == 0)
            records[p].partner_id = work->event->partner_id;
    }
    return ERR_NONE;
}

static void store_record(struct work *work, const struct once_record records[STEP_PARTIES_MAX], size_t party)
{
    work_put_record(work, &work->members[party], party, once_record_encode(&records[party], work->scratch));
}

/* The referrer's record stands for this pair, the referee's for the referee whoever referred: a rule rewards a referee
 * once, and a pair that was voided never. */
static enum err_code is_used_up(struct work *work, const struct once_record records[STEP_PARTIES_MAX],
                                const struct rule *rule, bool *out)
{
    bool undone = records[referrer_of(work)].undone != 0;
    *out = undone;
    for (size_t p = 0; p < work->member_count && !*out; p++) {
        enum err_code code = grants_have(work, &records[p].grants, rule, out);
        if (code)
            return code;
    }
    if (*out)
        TRACE(work, FACT_SKIPPED, fact->why = undone ? SKIP_UNDONE : SKIP_ONCE);
    return ERR_NONE;
}

static enum err_code grant_rule(struct work *work, struct once_record records[STEP_PARTIES_MAX],
                                const struct rule *rule, int64_t due)
{
    for (size_t p = 0; p < work->member_count; p++) {
        struct member_work *member = &work->members[p];
        int64_t points = pays(rule, p == referrer_of(work)) ? due : 0;
        struct cause cause = cause_of(work, member);
        int64_t granted = 0;
        enum err_code code = points > 0 ? work_accrue(work, member, rule, points, &cause, &granted) : ERR_NONE;
        if (code)
            return code;
        struct grant *grant = grants_add(&records[p].grants, work->program->version, rule->place,
                                         work->event->occurred_at, work->scratch);
        grant->points = granted;
        grant->wanted = points;
    }
    return ERR_NONE;
}

static enum err_code settle_members(struct work *work)
{
    enum err_code code = ERR_NONE;
    for (size_t p = 0; p < work->member_count && !code; p++)
        code = consequences_settle(work, &work->members[p], NULL);
    return code;
}

static enum err_code grant_referral(struct work *work)
{
    struct rule_list rules = program_rules(work->program, work->event);
    if (rules.count == 0)
        return ERR_NONE;
    if (work->member_count == 1) {
        TRACE_RULE(work, FACT_ASKED, work->program, rules.items[0], fact->party = 0);
        TRACE(work, FACT_SKIPPED, fact->why = SKIP_SELF);
        add_referral_reward(work, &work->members[0], REWARD_REFERRAL_REFUSED, rules.items[0], TEXT("self-referral"));
        return ERR_NONE;
    }
    struct once_record records[STEP_PARTIES_MAX];
    const struct rule *granted = NULL;
    enum err_code code = load_records(work, records);
    for (size_t i = 0; i < rules.count && !code; i++) {
        bool used_up = false;
        int64_t due = 0;
        TRACE_RULE(work, FACT_ASKED, work->program, rules.items[i], fact->party = 0);
        code = is_used_up(work, records, rules.items[i], &used_up);
        if (!code && !used_up)
            code = earning_of_event(work, &work->members[0], rules.items[i], &due);
        if (code || due == 0)
            continue;
        granted = granted ? granted : rules.items[i];
        code = grant_rule(work, records, rules.items[i], due);
    }
    if (code || !granted)
        return code;
    if (work->event->kind == REFERRAL_CONVERTED)
        add_referral_reward(work, &work->members[referrer_of(work)], REWARD_REFERRAL_ACCEPTED, granted,
                            TEXT("your referral was accepted"));
    for (size_t p = 0; p < work->member_count; p++)
        store_record(work, records, p);
    return settle_members(work);
}

/* Voided before it counted, the pair never will; a referee whom somebody else referred keeps what that earned. */
static enum err_code void_referral(struct work *work)
{
    if (work->member_count == 1)
        return ERR_NONE;
    struct once_record records[STEP_PARTIES_MAX];
    enum err_code code = load_records(work, records);
    if (code)
        return code;
    size_t referrer = referrer_of(work);
    bool granted = records[referrer].grants.count > 0;
    for (size_t p = 0; p < work->member_count && granted && !code; p++) {
        struct cause cause = cause_of(work, &work->members[p]);
        code = once_take_back(work, &work->members[p], &records[p], &cause);
    }
    if (code)
        return code;
    work->waiting = !granted;
    records[referrer].undone = undone_bit(work->event);
    if (granted)
        store_record(work, records, 1 - referrer);
    store_record(work, records, referrer);
    return ERR_NONE;
}

enum err_code decide_referral(struct work *work)
{
    enum err_code code = check_parties(work);
    if (code)
        return code;
    return work->event->kind == REFERRAL_VOIDED ? void_referral(work) : grant_referral(work);
}
