#include <assert.h>

#include "rules/decide.h"
#include "rules/expiring.h"
#include "rules/reason.h"
#include "rules/redemption_record.h"

/* Redemptions: a confirmed one spends points, once; a cancelled one returns them to the lots that they came from. */

enum { SUBJECT = 0 };

#define RULE_REDEMPTION TEXT("redemption")

static struct cause cause_of(const struct work *work, struct text partner_id)
{
    return (struct cause){.terms = work->program,
                          .partner_id = partner_id,
                          .subject = work->event->redemption.redemption_id,
                          .subject_key = work->input->subject_keys[SUBJECT]};
}

/* One side of it: entry and output. */
static enum err_code move(struct work *work, struct member_work *member, size_t place,
                          const struct redemption_record *record, bool back, struct lot_draws *draws)
{
    const struct currency *currency = &work->program->points[place];
    struct cause cause = cause_of(work, record->partner_id);
    struct transfer transfer = {.kind = back ? ENTRY_REDEMPTION_RETURNED : ENTRY_REDEMPTION,
                                .from = back ? ACCOUNT_REDEEMED : ACCOUNT_MEMBER_AVAILABLE,
                                .to = back ? ACCOUNT_MEMBER_AVAILABLE : ACCOUNT_REDEEMED,
                                .amount = record->points,
                                .wanted = record->points,
                                .currency = currency->name,
                                .rule_id = RULE_REDEMPTION,
                                .draws = draws};
    struct balance *balance = state_balance(&member->state, currency->name, work->scratch);
    enum err_code code = work_post(work, member, balance, &transfer, &cause);
    if (code)
        return code;
    struct reward *reward = work_add_reward(work, member, back ? REWARD_POINTS_RETURNED : REWARD_POINTS_SPENT, balance);
    reward->amount = record->points;
    reward->currency = currency->name;
    reward->rule_id = RULE_REDEMPTION;
    reward->partner_id = record->partner_id;
    reward->subject = cause.subject;
    reward->reason = reason_for_redemption(work->arena, currency, record->points, cause.subject, back);
    reward->program_version = work->program->version;
    return ERR_NONE;
}

/* ---- confirmed */

static enum err_code check_spending(struct work *work, const struct member_work *member, size_t *place)
{
    const struct redemption_event *redemption = &work->event->redemption;
    *place = redemption->currency.len > 0 ? program_point_place(work->program, redemption->currency) : 0;
    if (*place == PLACE_NONE)
        return err_set(work->err, ERR_UNKNOWN_CURRENCY, "redemption.currency is %.*s; program %.*s has no such points",
                       SHOWN(redemption->currency), SHOWN(work->program->id));
    if (work->program->points[*place].is_status)
        return err_set(work->err, ERR_BAD_EVENT, "redemption.currency: %.*s are for status; they cannot be spent",
                       SHOWN(work->program->points[*place].name));
    if (redemption->points <= 0)
        return err_set(work->err, ERR_BAD_EVENT,
                       "redemption.points is %lld; there is no catalogue to ask what reward %.*s costs",
                       (long long)redemption->points, SHOWN(redemption->reward));
    const struct currency *currency = &work->program->points[*place];
    const struct balance *balance = state_find_balance(&member->state, currency->name);
    int64_t available = balance ? balance->available : 0;
    if (redemption->points <= available)
        return ERR_NONE;
    char wanted_room[AMOUNT_TEXT_MAX], available_room[AMOUNT_TEXT_MAX];
    struct text wanted = amount_write(redemption->points, currency->decimals, wanted_room);
    struct text has = amount_write(available, currency->decimals, available_room);
    return err_set(work->err, ERR_INSUFFICIENT, "redemption.points asks for %.*s %.*s; the member has %.*s",
                   SHOWN(wanted), SHOWN(currency->name), SHOWN(has));
}

/* What ends when the member is idle ends so long after this, wherever it is. */
static void touch_draws(const struct work *work, struct lot_draws *draws)
{
    for (size_t i = 0; i < draws->count; i++) {
        struct expiry expiry = expiry_of_idle(draws->items[i].idle);
        int64_t end = draws->items[i].idle > 0 ? expiry_end(&expiry, work->program->local, work->now) : 0;
        if (end > draws->items[i].end && end != NEVER)
            draws->items[i].end = end;
    }
}

static enum err_code confirm(struct work *work, struct member_work *member, struct redemption_record *record)
{
    const struct redemption_event *redemption = &work->event->redemption;
    size_t place = 0;
    if (record->spent || record->cancelled)
        return ERR_NONE;
    enum err_code code = check_spending(work, member, &place);
    if (code)
        return code;
    record->spent = true;
    record->currency = work->program->points[place].name;
    record->partner_id = work->event->partner_id;
    record->points = redemption->points;
    code = move(work, member, place, record, false, &record->draws);
    if (code)
        return code;
    touch_draws(work, &record->draws);
    work_touch(work, member, work->program, place);
    work_put_record(work, member, SUBJECT, redemption_record_encode(record, work->scratch));
    return ERR_NONE;
}

/* ---- cancelled */

/* Puts back what a deficit leaves; what has ended meanwhile ends now. */
static enum err_code put_back(struct work *work, struct member_work *member, size_t place,
                              const struct lot_draws *draws, int64_t deficit)
{
    const struct warnings *warnings = &work->program->points[place].warnings;
    for (size_t i = 0; i < draws->count; i++) {
        struct lot lot = draws->items[i];
        int64_t paid = lot.left < deficit ? lot.left : deficit, amount = lot.left - paid;
        deficit -= paid;
        lot.currency = work->program->points[place].name;
        lot.partner_id = arena_text(work->arena, lot.partner_id);
        lot.warn_at = warnings_next(warnings, lot.end, work->now);
        lot = lots_placed(&member->state.lots, &lot);
        lots_put(&member->state.lots, &lot, amount, work->scratch);
        enum err_code code =
            amount > 0 && lot.end <= work->now ? expiring_end_lot(work, member, &lot, amount) : ERR_NONE;
        if (code)
            return code;
    }
    return ERR_NONE;
}

static enum err_code cancel(struct work *work, struct member_work *member, struct redemption_record *record)
{
    if (record->cancelled)
        return ERR_NONE;
    record->cancelled = true;
    work_put_record(work, member, SUBJECT, redemption_record_encode(record, work->scratch));
    if (!record->spent)
        return ERR_NONE;
    size_t place = program_point_place(work->program, record->currency);
    if (place == PLACE_NONE)
        return err_set(work->err, ERR_UNKNOWN_CURRENCY,
                       "the redemption spent %.*s; program %.*s has no such points any more", SHOWN(record->currency),
                       SHOWN(work->program->id));
    record->partner_id = arena_text(work->arena, record->partner_id);
    const struct balance *balance = state_balance(&member->state, record->currency, work->scratch);
    int64_t deficit = balance->available < 0 ? -(balance->available + 1) : 0;
    deficit += balance->available < 0; /* in two steps: the least of all numbers has no magnitude */
    enum err_code code = move(work, member, place, record, true, NULL);
    return code ? code : put_back(work, member, place, &record->draws, deficit);
}

enum err_code decide_redemption(struct work *work)
{
    struct member_work *member = &work->members[0];
    struct redemption_record record;
    enum err_code code = ERR_NONE;
    if (work->event->kind != REDEMPTION_CONFIRMED && work->event->kind != REDEMPTION_CANCELLED)
        return ERR_NONE;
    if (work->event->redemption.redemption_id.len == 0)
        return err_set(work->err, ERR_BAD_EVENT, "redemption.redemption_id is empty");
    code = redemption_record_decode(work_record(work, member, SUBJECT), work->scratch, &record, work->err);
    if (code)
        return code;
    return work->event->kind == REDEMPTION_CONFIRMED ? confirm(work, member, &record) : cancel(work, member, &record);
}
