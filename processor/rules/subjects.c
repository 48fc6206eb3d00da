#include <assert.h>

#include "rules/decide.h"

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

size_t step_parties(const struct program *program, const struct event *event, struct party_name out[STEP_PARTIES_MAX])
{
    assert(program && event);
    out[0].member_id = event->member_id;
    struct text other = event->type == EVENT_REFERRAL ? other_party(event) : (struct text){NULL, 0};
    if (other.len == 0)
        return 1;
    out[1].member_id = other;
    return 2;
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
    bool undoes = event->kind == REVIEW_REJECTED || event->kind == REVIEW_REMOVED || event->kind == SHARE_WITHDRAWN ||
                  event->kind == REFERRAL_VOIDED || event->kind == ORDER_REFUNDED || event->kind == ORDER_CANCELLED ||
                  event->kind == ORDER_AMENDED;
    if (!undoes && !counts_once(program_rules(program, event)))
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
    case EVENT_ACTIVITY:
        out[0] = (struct subject){0, SUBJECT_ACTIVITY, event->activity.name};
        return 1;
    case EVENT_REFERRAL: {
        size_t count = step_parties(program, event, parties);
        for (size_t p = 0; p < count; p++)
            out[p] = (struct subject){(uint8_t)p, SUBJECT_REFERRAL, event->referral.referee};
        return count;
    }
    default:
        return 0;
    }
}
