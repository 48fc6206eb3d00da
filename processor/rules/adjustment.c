#include "base/checked.h"
#include "rules/decide.h"
#include "rules/reason.h"

/* Adjustments by support: any sign, straight to the available balance, apart from what was earned. */

enum err_code decide_adjustment(struct work *work)
{
    const struct adjustment_event *adjustment = &work->event->adjustment;
    struct member_work *member = &work->members[0];
    size_t place = adjustment->currency.len > 0 ? program_point_place(work->program, adjustment->currency) : 0;
    if (place == PLACE_NONE)
        return err_set(work->err, ERR_UNKNOWN_CURRENCY, "adjustment.currency is %.*s; program %.*s has no such points",
                       SHOWN(adjustment->currency), SHOWN(work->program->id));
    if (adjustment->points == 0)
        return ERR_NONE;
    bool adds = adjustment->points > 0;
    int64_t amount = adjustment->points;
    if (!adds && !checked_sub(0, adjustment->points, &amount))
        return err_set(work->err, ERR_OVERFLOW, "adjustment.points is %lld, which has no magnitude",
                       (long long)adjustment->points);
    const struct currency *currency = &work->program->points[place];
    struct lot lot = work_lot(work->program, NULL, place, work->event->partner_id, work->now);
    struct transfer transfer = {.kind = ENTRY_ADJUSTMENT,
                                .from = adds ? ACCOUNT_PROGRAMME : ACCOUNT_MEMBER_AVAILABLE,
                                .to = adds ? ACCOUNT_MEMBER_AVAILABLE : ACCOUNT_PROGRAMME,
                                .amount = amount,
                                .wanted = amount,
                                .currency = currency->name,
                                .rule_id = TEXT("adjustment"),
                                .lot = adds ? &lot : NULL};
    struct cause cause = {.terms = work->program, .partner_id = work->event->partner_id};
    struct balance *balance = state_balance(&member->state, currency->name, work->scratch);
    enum err_code code = work_post(work, member, balance, &transfer, &cause);
    if (code)
        return code;
    struct reward *reward =
        work_add_reward(work, member, adds ? REWARD_POINTS_GRANTED : REWARD_POINTS_TAKEN_BACK, balance);
    reward->amount = amount;
    reward->currency = currency->name;
    reward->rule_id = transfer.rule_id;
    reward->partner_id = cause.partner_id;
    reward->reason = reason_for_adjustment(work->arena, adjustment, currency);
    reward->program_version = cause.terms->version;
    return ERR_NONE;
}
