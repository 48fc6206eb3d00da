#include "rules/decide.h"

/* Erasure: the state becomes a tombstone, which keeps what the ledger's sums rest on. What is available stays, since
 * nothing of it is owed any more to anybody who could be named; what is pending goes back. */

static enum err_code give_back(struct work *work, struct member_work *member, struct text currency, int64_t amount)
{
    struct cause cause = {.terms = work->program, .partner_id = work->event->partner_id};
    struct transfer transfer = {.kind = ENTRY_ERASED,
                                .from = ACCOUNT_MEMBER_PENDING,
                                .to = ACCOUNT_PROGRAMME,
                                .amount = amount,
                                .wanted = amount,
                                .currency = currency,
                                .rule_id = TEXT("erasure")};
    return work_post(work, member, state_balance(&member->state, currency, work->scratch), &transfer, &cause);
}

static enum err_code give_back_pending(struct work *work, struct member_work *member)
{
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < member->state.balance_count && !code; i++) {
        struct text currency = arena_text(work->arena, member->state.balances[i].currency);
        int64_t amount = pending_sum(&member->state.pending, currency);
        if (amount > 0)
            code = give_back(work, member, currency, amount);
    }
    return code;
}

enum err_code decide_erasure(struct work *work)
{
    struct member_work *member = &work->members[0];
    const struct identity identity = member->state.identity;
    struct text *merged = arena_array(work->arena, identity.merged_count, sizeof *merged);
    for (size_t i = 0; i < identity.merged_count; i++)
        merged[i] = arena_text(work->arena, identity.merged[i]);
    enum err_code code = give_back_pending(work, member);
    if (code)
        return code;
    state_clear(&member->state);
    member->state.identity.ending = ENDING_ERASED;
    member->changed = true;
    work->erases = true;
    work->merged = merged;
    work->merged_count = identity.merged_count;
    return ERR_NONE;
}
