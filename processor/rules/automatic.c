#include "rules/automatic.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/reason.h"

/* A reward under the terms of one version. */
struct terms {
    const struct program *program;
    const struct automatic *reward;
};

/* reward is NULL where the version does not have it. */
static struct terms terms_in(const struct program *program, struct text reward_id)
{
    size_t place = program_reward_place(program, reward_id);
    return (struct terms){program, place == PLACE_NONE ? NULL : &program->rewards[place]};
}

/* reward is NULL also where the tally's version is not held. */
static struct terms terms_of(const struct work *work, const struct tally *tally)
{
    const struct program *program = work->program;
    if (tally->version != program->version)
        program = program_set_version(work->input->programs, program->id, tally->version);
    return program ? terms_in(program, tally->reward_id) : (struct terms){NULL, NULL};
}

static struct text counted_currency(struct terms terms)
{
    const struct automatic *reward = terms.reward;
    assert(reward);
    return reward->form == AUTOMATIC_POINTS ? terms.program->points[reward->currency].name
                                            : terms.program->money[reward->currency].name;
}

static bool count_alike(struct terms a, struct terms b)
{
    if (a.reward && a.reward == b.reward)
        return true;
    return a.reward && b.reward && a.reward->form == b.reward->form &&
           text_equal(counted_currency(a), counted_currency(b));
}

static bool terms_equal(struct terms a, struct terms b)
{
    return count_alike(a, b) && a.reward->each == b.reward->each;
}

/* What the tally's next reward is booked under: the event's version where that has the same threshold, else the
 * tally's. */
static struct terms terms_to_book(const struct work *work, const struct tally *tally)
{
    struct terms own = terms_of(work, tally);
    if (own.program == work->program)
        return own;
    struct terms now = terms_in(work->program, tally->reward_id);
    return terms_equal(own, now) ? now : own;
}

/* The newest tally that counts the same; NULL where there is none. given: only one that has given something. */
static struct tally *newest_tally(struct work *work, struct member_work *member, struct terms terms, bool given)
{
    for (size_t i = member->state.tally_count; i-- > 0;) {
        struct tally *tally = &member->state.tallies[i];
        if ((!given || tally->count > 0) && text_equal(tally->reward_id, terms.reward->id) &&
            count_alike(terms_of(work, tally), terms))
            return tally;
    }
    return NULL;
}

/* The tally that counts on under these terms. Where a new version changed the threshold, the older tally stays for what
 * it gave, and what it carried moves to a new one. */
static struct tally *tally_under(struct work *work, struct member_work *member, struct terms terms)
{
    struct tally *newest = newest_tally(work, member, terms, false);
    if (newest && (newest->version >= terms.program->version || terms_equal(terms_of(work, newest), terms)))
        return newest;
    int64_t carry = newest ? newest->carry : 0;
    if (newest)
        newest->carry = 0;
    struct tally *tally = state_tally(&member->state, terms.reward->id, terms.program->version, work->scratch);
    tally->carry = carry;
    return tally;
}

static void add_reward(struct work *work, struct member_work *member, enum reward_type type, struct terms terms)
{
    const struct automatic *automatic = terms.reward;
    const struct program *program = terms.program;
    size_t shown = automatic->form == AUTOMATIC_POINTS ? automatic->currency : 0;
    struct reward *reward =
        work_add_reward(work, member, type, state_find_balance(&member->state, program->points[shown].name));
    reward->amount = automatic->worth;
    reward->currency = automatic->worth_currency;
    reward->rule_id = automatic->id;
    reward->partner_id = work_partner(work);
    reward->benefit = automatic->give;
    reward->reason = reason_for_automatic(work->arena, program, automatic, type);
    reward->program_version = program->version;
}

/* Moves the points of one reward: into it, or back out of it. */
static enum err_code move_points(struct work *work, struct member_work *member, enum entry_kind kind,
                                 struct terms terms)
{
    assert(kind == ENTRY_CONVERSION || kind == ENTRY_CONVERSION_VOIDED);
    bool into = kind == ENTRY_CONVERSION;
    struct lot lot = work_lot(terms.program, NULL, terms.reward->currency, work_partner(work), work->now);
    struct transfer transfer = {.kind = kind,
                                .from = into ? ACCOUNT_MEMBER_AVAILABLE : ACCOUNT_CONVERTED,
                                .to = into ? ACCOUNT_CONVERTED : ACCOUNT_MEMBER_AVAILABLE,
                                .amount = terms.reward->each,
                                .wanted = terms.reward->each,
                                .currency = counted_currency(terms),
                                .rule_id = terms.reward->id,
                                .lot = into ? NULL : &lot};
    struct cause cause = {.terms = terms.program, .partner_id = work_partner(work)};
    struct balance *balance = state_balance(&member->state, transfer.currency, work->scratch);
    enum err_code code = work_post(work, member, balance, &transfer, &cause);
    if (!code)
        add_reward(work, member, into ? REWARD_GRANTED : REWARD_VOIDED, terms);
    return code;
}

static enum err_code overflow(struct work *work, struct terms terms)
{
    return err_set(work->err, ERR_OVERFLOW, "what the member has towards reward %.*s does not fit",
                   SHOWN(terms.reward->id));
}

static enum err_code convert(struct work *work, struct member_work *member, struct terms terms)
{
    const struct balance *balance = state_find_balance(&member->state, counted_currency(terms));
    if (!balance || !balance->accrued || balance->available < terms.reward->each)
        return ERR_NONE;
    struct tally *tally = tally_under(work, member, terms);
    struct terms counted = terms_to_book(work, tally);
    for (int given = 0; given < AUTOMATIC_EVENT_MAX && balance->available >= counted.reward->each; given++) {
        enum err_code code = move_points(work, member, ENTRY_CONVERSION, counted);
        if (code)
            return code;
        if (!checked_add(tally->count, 1, &tally->count))
            return overflow(work, terms);
    }
    return ERR_NONE;
}

static void void_spent(struct work *work, struct member_work *member, struct tally *carrying, struct terms terms)
{
    for (int voided = 0; voided < AUTOMATIC_EVENT_MAX && carrying->carry < 0; voided++) {
        struct tally *given = newest_tally(work, member, terms, true);
        if (!given)
            return;
        struct terms gave = terms_to_book(work, given);
        given->count--;
        carrying->carry += gave.reward->each; /* from below zero: cannot overflow */
        add_reward(work, member, REWARD_VOIDED, gave);
    }
}

static enum err_code count_spent(struct work *work, struct member_work *member, struct terms terms, int64_t spent)
{
    struct tally *tally = tally_under(work, member, terms);
    struct terms counted = terms_to_book(work, tally);
    if (!checked_add(tally->carry, spent, &tally->carry))
        return overflow(work, terms);
    member->changed = true;
    for (int given = 0; given < AUTOMATIC_EVENT_MAX && tally->carry >= counted.reward->each; given++) {
        if (!checked_add(tally->count, 1, &tally->count))
            return overflow(work, terms);
        tally->carry -= counted.reward->each;
        add_reward(work, member, REWARD_GRANTED, counted);
    }
    void_spent(work, member, tally, terms);
    return ERR_NONE;
}

/* A reward counts the orders that came since a version of the program had it: what they lose it loses, and no others.
 */
static bool counts(struct terms terms, const struct purchase *purchase)
{
    return purchase->spent != 0 && text_equal(counted_currency(terms), purchase->money) &&
           (terms.program == purchase->ordered_under ||
            count_alike(terms, terms_in(purchase->ordered_under, terms.reward->id)));
}

enum err_code automatic_settle(struct work *work, struct member_work *member, const struct purchase *purchase)
{
    for (size_t i = 0; i < work->program->reward_count; i++) {
        struct terms terms = {work->program, &work->program->rewards[i]};
        enum err_code code = ERR_NONE;
        if (terms.reward->form == AUTOMATIC_POINTS)
            code = convert(work, member, terms);
        else if (purchase && counts(terms, purchase))
            code = count_spent(work, member, terms, purchase->spent);
        if (code)
            return code;
    }
    return ERR_NONE;
}

/* What to void next: rewards in file order, of one reward the newest version's first. */
static struct tally *next_to_void(struct work *work, struct member_work *member, struct text currency)
{
    struct tally *best = NULL;
    size_t best_place = 0;
    for (size_t i = 0; i < member->state.tally_count; i++) {
        struct tally *tally = &member->state.tallies[i];
        struct terms terms = terms_of(work, tally);
        if (tally->count == 0 || !terms.reward || terms.reward->form != AUTOMATIC_POINTS ||
            !text_equal(counted_currency(terms), currency))
            continue;
        size_t place = program_reward_place(work->program, tally->reward_id);
        if (!best || place <= best_place) {
            best = tally;
            best_place = place;
        }
    }
    return best;
}

enum err_code automatic_cover(struct work *work, struct member_work *member, struct text currency, int64_t amount)
{
    assert(amount > 0);
    const struct balance *balance = state_balance(&member->state, currency, work->scratch);
    for (int voided = 0; voided < AUTOMATIC_EVENT_MAX && balance->available < amount; voided++) {
        struct tally *tally = next_to_void(work, member, currency);
        if (!tally)
            return ERR_NONE;
        tally->count--;
        enum err_code code = move_points(work, member, ENTRY_CONVERSION_VOIDED, terms_to_book(work, tally));
        if (code)
            return code;
    }
    return ERR_NONE;
}

/* The newest tally carries. */
static bool gather_carries(struct work *work, struct member_work *member)
{
    for (size_t i = 0; i < member->state.tally_count; i++) {
        struct tally *tally = &member->state.tallies[i];
        struct terms terms = terms_of(work, tally);
        struct tally *newest = terms.reward ? newest_tally(work, member, terms, false) : NULL;
        if (!newest || newest == tally)
            continue;
        if (!checked_add(newest->carry, tally->carry, &newest->carry))
            return false;
        tally->carry = 0;
    }
    return true;
}

enum err_code automatic_take_over(struct work *work, struct member_work *member, const struct member_work *other)
{
    bool fits = true;
    for (size_t i = 0; i < other->state.tally_count && fits; i++) {
        const struct tally *theirs = &other->state.tallies[i];
        struct tally *own = state_tally(&member->state, theirs->reward_id, theirs->version, work->scratch);
        fits =
            checked_add(own->count, theirs->count, &own->count) && checked_add(own->carry, theirs->carry, &own->carry);
    }
    if (fits && other->state.tally_count > 0)
        fits = gather_carries(work, member);
    return fits ? ERR_NONE
                : err_set(work->err, ERR_OVERFLOW, "what both accounts have towards automatic rewards does not fit");
}
