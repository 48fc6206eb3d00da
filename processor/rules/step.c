#include "rules/step.h"

#include <assert.h>

#include "rules/decide.h"

static enum err_code check_partner(const struct work *work)
{
    struct text partner = work->event->partner_id;
    if (partner.len == 0 || program_has_partner(work->program, partner))
        return ERR_NONE;
    return err_set(work->err, ERR_UNKNOWN_PARTNER, "partner_id is %.*s; program %.*s version %lld does not list it",
                   (int)(partner.len < 64 ? partner.len : 64), partner.at, (int)work->program->id.len,
                   work->program->id.at, (long long)work->program->version);
}

static enum err_code read_members(struct work *work)
{
    struct party_name names[STEP_PARTIES_MAX];
    work->member_count = step_parties(work->program, work->event, names);
    assert(work->member_count >= 1 && work->member_count <= STEP_PARTIES_MAX);
    for (size_t p = 0; p < work->member_count; p++) {
        struct member_work *member = &work->members[p];
        member->party = (uint8_t)p;
        enum err_code code = state_decode(work->input->parties[p].state, work->arena, &member->state, work->err);
        if (code)
            return code;
    }
    return ERR_NONE;
}

static enum err_code decide(struct work *work)
{
    if (work->event->kind == KIND_UNKNOWN)
        return ERR_NONE; /* a newer writer's: counted as seen */
    switch (work->event->type) {
    case EVENT_ORDER:
        return decide_order(work);
    case EVENT_REVIEW:
        return decide_review(work);
    case EVENT_SHARE:
        return decide_share(work);
    case EVENT_REFERRAL:
        return decide_referral(work);
    case EVENT_ACTIVITY:
        return decide_activity(work);
    case EVENT_ADJUSTMENT:
        return decide_adjustment(work);
    case EVENT_REDEMPTION:
    case EVENT_MEMBER:
    case EVENT_TIMER:
    case EVENT_TYPE_COUNT:
        break;
    }
    return ERR_NONE;
}

static enum outcome outcome_of(const struct work *work)
{
    if (work->entry_count > 0 || work->reward_count > 0)
        return OUTCOME_APPLIED;
    return work->waiting ? OUTCOME_WAITING : OUTCOME_NO_EFFECT;
}

enum err_code step(const struct step_input *input, struct arena *arena, struct decision *out, struct err *err)
{
    assert(input->program && input->event && out);
    struct work work = {.input = input, .program = input->program, .event = input->event, .arena = arena, .err = err};
    *out = (struct decision){0};
    enum err_code code = check_partner(&work);
    if (!code)
        code = read_members(&work);
    if (!code)
        code = decide(&work);
    if (code)
        return code;
    out->outcome = outcome_of(&work);
    out->entries = work.entries;
    out->entry_count = work.entry_count;
    out->rewards = work.rewards;
    out->reward_count = work.reward_count;
    out->spills = work.spills;
    out->spill_count = work.spill_count;
    for (size_t p = 0; p < work.member_count; p++)
        if (work.members[p].changed)
            out->states[p] = state_encode(&work.members[p].state, arena);
    return ERR_NONE;
}
