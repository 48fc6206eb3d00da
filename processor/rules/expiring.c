#include "rules/expiring.h"

#include <assert.h>

#include "rules/reason.h"

int64_t expiring_next(const struct member_state *state)
{
    return lots_next_end(&state->lots);
}

int64_t expiring_next_warning(const struct member_state *state)
{
    return lots_next_warning(&state->lots);
}

/* How the program writes the currency; where it has it no longer, in minor units. */
static struct currency currency_of(const struct work *work, struct text name)
{
    size_t place = program_point_place(work->program, name);
    return place == PLACE_NONE ? (struct currency){.name = name} : work->program->points[place];
}

static void tell(struct work *work, struct member_work *member, enum reward_type type, const struct lot *lot,
                 int64_t amount)
{
    struct currency currency = currency_of(work, lot->currency);
    struct reward *reward = work_add_reward(work, member, type, state_find_balance(&member->state, lot->currency));
    reward->amount = amount;
    reward->currency = lot->currency;
    reward->rule_id = TEXT("expiry");
    reward->partner_id = lot->partner_id;
    reward->reason = reason_for_expiry(work->arena, work->program, &currency, amount, lot->end, type);
    reward->program_version = work->program->version;
}

enum err_code expiring_end_lot(struct work *work, struct member_work *member, const struct lot *lot, int64_t amount)
{
    struct lot ending = *lot;
    ending.currency = arena_text(work->arena, lot->currency); /* the state's bytes may go before the decision */
    ending.partner_id = arena_text(work->arena, lot->partner_id);
    struct transfer transfer = {.kind = ENTRY_EXPIRY,
                                .from = ACCOUNT_MEMBER_AVAILABLE,
                                .to = ACCOUNT_BREAKAGE,
                                .amount = amount,
                                .wanted = amount,
                                .currency = ending.currency,
                                .rule_id = TEXT("expiry"),
                                .lot = &ending};
    struct cause cause = {.terms = work->program, .partner_id = ending.partner_id};
    struct balance *balance = state_balance(&member->state, lot->currency, work->scratch);
    enum err_code code = work_post(work, member, balance, &transfer, &cause);
    if (!code)
        tell(work, member, REWARD_POINTS_EXPIRED, &ending, amount);
    return code;
}

enum err_code expiring_settle(struct work *work, struct member_work *member, int64_t due)
{
    struct lots *lots = &member->state.lots;
    for (size_t i = 0; i < lots->count;) {
        struct lot lot = lots->items[i];
        if (lot.end != due) {
            i++;
            continue;
        }
        enum err_code code = expiring_end_lot(work, member, &lot, lot.left); /* which takes it from this place */
        if (code)
            return code;
    }
    return ERR_NONE;
}

enum err_code expiring_warn(struct work *work, struct member_work *member, int64_t due)
{
    for (size_t i = 0; i < member->state.lots.count; i++) {
        struct lot *lot = &member->state.lots.items[i];
        if (lot->warn_at != due)
            continue;
        struct lot told = *lot;
        told.currency = arena_text(work->arena, lot->currency);
        told.partner_id = arena_text(work->arena, lot->partner_id);
        tell(work, member, REWARD_POINTS_EXPIRING, &told, lot->left);
        struct currency currency = currency_of(work, lot->currency);
        lot->warn_at = warnings_next(&currency.warnings, lot->end, due);
    }
    return ERR_NONE;
}
