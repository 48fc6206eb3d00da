#include <assert.h>

#include "rules/decide.h"
#include "rules/state.h"

/* What an event touches: which members, and which of their records. */

/* The referral's other member; empty when there is none, or when the event's own member is not part of it. */
static struct text other_party(const struct event *event)
{
    const struct referral_event *referral = &event->referral;
    struct text none = {NULL, 0};
    if (event->kind == REFERRAL_INVITED || event->kind == KIND_UNKNOWN ||
        text_equal(referral->referrer, referral->referee))
        return none;
    if (text_equal(event->member_id, referral->referrer))
        return referral->referee;
    return text_equal(event->member_id, referral->referee) ? referral->referrer : none;
}

/* The account that goes on after a merge; empty where the event is no merge of two accounts. */
static struct text merge_target(const struct event *event)
{
    const struct text target = event->member.merged_into;
    return text_equal(target, event->member_id) ? (struct text){NULL, 0} : target;
}

size_t step_parties(const struct program *program, const struct event *event, struct party_name out[STEP_PARTIES_MAX])
{
    assert(program && event);
    out[0].member_id = event->member_id;
    struct text other = {NULL, 0};
    if (event->type == EVENT_REFERRAL)
        other = other_party(event);
    else if (event->kind == MEMBER_MERGED)
        other = merge_target(event);
    if (other.len == 0)
        return 1;
    out[1].member_id = other;
    return 2;
}

static void rename_member(struct text *member, struct text from, struct text to)
{
    if (text_equal(*member, from))
        *member = to;
}

bool step_follow(const struct program *program, struct event *event, size_t party, struct bytes state)
{
    struct text target = state_merged_into(state);
    bool merges = event->kind == MEMBER_MERGED;
    if (target.len == 0 || (merges && (party == 0 || text_equal(target, event->member_id))))
        return false;
    struct party_name names[STEP_PARTIES_MAX];
    size_t count = step_parties(program, event, names);
    assert(party < count);
    struct text followed = names[party].member_id;
    if (merges) {
        event->member.merged_into = target;
        return true;
    }
    rename_member(&event->member_id, followed, target);
    if (event->type == EVENT_REFERRAL) {
        struct referral_event *referral = &event->referral;
        if (text_equal(referral->referee, followed) && referral->counted_as.len == 0)
            referral->counted_as = referral->referee;
        rename_member(&referral->referrer, followed, target);
        rename_member(&referral->referee, followed, target);
    }
    return true;
}

static bool counts_once(struct rule_list rules)
{
    for (size_t i = 0; i < rules.count; i++)
        if (rules.items[i]->once_per != ONCE_PER_EVENT)
            return true;
    return false;
}

size_t step_subjects(const struct program *program, const struct event *event, struct subject out[STEP_SUBJECTS_MAX])
{
    struct party_name parties[STEP_PARTIES_MAX];
    bool always = event->kind == REVIEW_REJECTED || event->kind == REVIEW_REMOVED || event->kind == SHARE_WITHDRAWN ||
                  event->kind == REFERRAL_VOIDED || event->kind == ORDER_REFUNDED || event->kind == ORDER_CANCELLED ||
                  event->kind == ORDER_AMENDED || event->kind == ORDER_SHIPPED || event->kind == ORDER_COMPLETED ||
                  event->kind == REDEMPTION_CONFIRMED || event->kind == REDEMPTION_CANCELLED ||
                  event->kind == MEMBER_MERGED;
    bool counted = event->type == EVENT_ORDER && program_counts_order(program, event->kind);
    if (!always && !counted && !counts_once(program_rules(program, event)))
        return 0;
    switch (event->type) {
    case EVENT_ORDER:
        out[0] = (struct subject){0, SUBJECT_ORDER, event->order.order_id};
        return 1;
    case EVENT_REVIEW:
        out[0] = (struct subject){0, SUBJECT_PRODUCT, event->review.sku};
        return 1;
    case EVENT_SHARE:
        out[0] = (struct subject){0, SUBJECT_CONTENT, event->share.content};
        return 1;
    case EVENT_REDEMPTION:
        out[0] = (struct subject){0, SUBJECT_REDEMPTION, event->redemption.redemption_id};
        return 1;
    case EVENT_ACTIVITY:
        out[0] = (struct subject){0, SUBJECT_ACTIVITY, event->activity.name};
        return 1;
    case EVENT_REFERRAL: {
        size_t count = step_parties(program, event, parties);
        const struct referral_event *referral = &event->referral;
        struct text referee = referral->counted_as.len > 0 ? referral->counted_as : referral->referee;
        for (size_t p = 0; p < count; p++)
            out[p] = (struct subject){(uint8_t)p, SUBJECT_REFERRAL, referee};
        return count;
    }
    case EVENT_MEMBER: { /* of a merge: that each was referred */
        size_t count = step_parties(program, event, parties);
        for (size_t p = 0; p < count; p++)
            out[p] = (struct subject){(uint8_t)p, SUBJECT_REFERRAL, parties[p].member_id};
        return count;
    }
    default:
        return 0;
    }
}
