#include "rules/tier.h"

#include <assert.h>

#include "base/checked.h"
#include "rules/reason.h"
#include "rules/tier_level.h"

/* ---- what counts */

static const struct tiers *tiers_of(const struct program *program)
{
    return program ? program->tiers : NULL;
}

/* Counted under the one as under the other. */
static bool count_alike(const struct program *a, const struct program *b)
{
    const struct tiers *one = tiers_of(a), *other = tiers_of(b);
    if (!one || !other || one->measure != other->measure)
        return false;
    return one->measure != TIER_BY_EARNED || text_equal(a->points[one->currency].name, b->points[other->currency].name);
}

static void count(struct work *work, struct member_work *member, struct text key, int64_t amount, int64_t at)
{
    if (amount == 0)
        return;
    struct tier_state *tier = tier_open(&member->state, work->scratch);
    int64_t day = tier_day_kept(work->program->tiers, tier_day_of(work->program, at));
    tier_add(tier, key, day, amount, work->scratch);
    member->tier_moved = true;
    member->tier_lost |= amount < 0;
    member->changed = true;
}

void tier_count_points(struct work *work, struct member_work *member, const struct rule *rule, int64_t points,
                       int64_t came_at, const struct program *terms)
{
    const struct tiers *tiers = tiers_of(work->program);
    if (!tiers || tiers->measure != TIER_BY_EARNED || rule->place == PLACE_NONE || !count_alike(work->program, terms))
        return;
    struct text currency = work->program->points[tiers->currency].name;
    if (text_equal(terms->points[rule->currency].name, currency))
        count(work, member, currency, points, came_at);
}

void tier_count_purchase(struct work *work, struct member_work *member, const struct purchase *purchase)
{
    const struct tiers *tiers = tiers_of(work->program);
    if (!tiers || !count_alike(work->program, purchase->ordered_under))
        return;
    if (tiers->measure == TIER_BY_SPEND)
        count(work, member, purchase->money, purchase->spent, purchase->at);
    if (tiers->measure == TIER_BY_ORDERS)
        count(work, member, (struct text){NULL, 0}, purchase->orders, purchase->at);
}

static bool buys(const struct tier_offer *offer, const struct order_record *record, const struct order_view *view)
{
    for (size_t i = 0; i < record->line_count && !view->gone; i++) {
        const struct line_record *line = &record->lines[i];
        bool named = offer->sku.len > 0 ? text_equal(line->sku, offer->sku)
                                        : offer->category.len > 0 && text_equal(line->category, offer->category);
        if (named && line->quantity > line->refunded)
            return true;
    }
    return false;
}

static void buy(struct work *work, struct member_work *member, const struct tier_level *level, int64_t at,
                struct hash16 key)
{
    struct tier_purchase purchase = {level->id, at, level->offer->lasts.months, level->offer->lasts.days, key};
    tier_buy(tier_open(&member->state, work->scratch), &purchase);
    member->tier_moved = member->changed = true;
}

void tier_follow_offers(struct work *work, struct member_work *member, const struct order_record *record,
                        const struct order_view *view)
{
    struct hash16 key = work->input->subject_keys[0]; /* of the order */
    const struct program *terms = NULL;
    assert(record->decision_count > 0);
    if (work_terms(work, record->decisions[0].version, &terms) || !terms->tiers)
        return;
    for (size_t i = 0; i < terms->tiers->level_count; i++) {
        const struct tier_level *level = &terms->tiers->levels[i];
        if (!level->offer || level->offer->activity.len > 0)
            continue;
        if (buys(level->offer, record, view))
            buy(work, member, level, record->decisions[0].at, key);
        else if (member->state.tier && tier_unbuy(member->state.tier, level->id, key))
            member->tier_lost = member->tier_moved = member->changed = true;
    }
}

void tier_follow_activity(struct work *work, struct member_work *member)
{
    const struct tiers *tiers = tiers_of(work->program);
    for (size_t i = 0; tiers && i < tiers->level_count; i++) {
        const struct tier_level *level = &tiers->levels[i];
        if (level->offer && level->offer->activity.len > 0 &&
            text_equal(level->offer->activity, work->event->activity.name))
            buy(work, member, level, work->event->occurred_at, (struct hash16){{0}});
    }
}

struct fraction tier_factor(const struct program *program, const struct rule *rule, struct text tier)
{
    const struct tiers *tiers = program->tiers;
    if (!tiers || rule->type != EVENT_ORDER || rule->form == EARN_FIXED)
        return FRACTION_ONE;
    bool is_status = tiers->measure == TIER_BY_EARNED && rule->currency == tiers->currency;
    size_t level = is_status && program->point_count > 1 ? 0 : tier_numbered(tiers, tier);
    return level > 0 ? tiers->levels[level - 1].multiplier : FRACTION_ONE;
}

struct text tier_held(const struct program *program, const struct member_state *state)
{
    if (!program->tiers)
        return (struct text){NULL, 0};
    return state->tier ? state->tier->level : tier_name(program->tiers, program->tiers->begins_with);
}

/* ---- a change of level */

/* When a level is judged, and under which version. */
struct judgement {
    const struct program *terms;
    int64_t at;
};

/* The version in force at that time: of a late event, the newest time at which the level was judged. */
static struct judgement judgement_at(const struct work *work, int64_t at)
{
    const struct program *terms = work->program;
    if (at != work->now)
        terms = program_set_at(work->input->programs, work->program->id, at);
    return (struct judgement){terms ? terms : work->program, at};
}

static struct cause cause_of(const struct work *work, const struct program *terms, struct text level, int64_t at)
{
    return (struct cause){.terms = terms, .partner_id = work_partner(work), .subject = level, .granted_at = at};
}

static struct reward *add_reward(struct work *work, struct member_work *member, enum reward_type type,
                                 const struct judgement *judgement)
{
    const struct program *terms = judgement->terms;
    const struct balance *balance = state_find_balance(&member->state, program_default_currency(terms));
    struct reward *reward = work_add_reward(work, member, type, balance);
    reward->partner_id = work_partner(work);
    reward->program_version = terms->version;
    return reward;
}

static void tell(struct work *work, struct member_work *member, const struct judgement *judgement, struct text from,
                 struct text to)
{
    struct reward *reward = add_reward(work, member, REWARD_TIER_CHANGED, judgement);
    reward->rule_id = to.len > 0 ? to : from;
    reward->subject = from;
    reward->benefit = to;
    reward->reason = to.len > 0 ? arena_printf(work->arena, "your level is now %.*s", SHOWN(to))
                                : arena_printf(work->arena, "your level %.*s has ended", SHOWN(from));
}

/* What a level gives has no limits. */
static enum err_code give_points(struct work *work, struct member_work *member, const struct rule *rule,
                                 const struct cause *cause)
{
    int64_t granted = 0;
    enum err_code code = work_accrue(work, member, rule, rule->fixed, cause, &granted);
    assert(code || granted == rule->fixed);
    return code;
}

/* Levels that were passed on the way up are entered too, so that one large order gives what several small ones do. */
static enum err_code enter_levels(struct work *work, struct member_work *member, const struct judgement *judgement,
                                  size_t held, size_t level)
{
    const struct program *terms = judgement->terms;
    enum err_code code = ERR_NONE;
    for (size_t i = held; i < level && !code; i++) {
        const struct tier_level *it = &terms->tiers->levels[i];
        if (!it->bonus || tier_entered(member->state.tier, it->id))
            continue;
        struct cause cause = cause_of(work, terms, it->id, judgement->at);
        tier_enter(member->state.tier, &(struct tier_entry){it->id, terms->version, it->bonus->fixed});
        code = give_points(work, member, it->bonus, &cause);
    }
    return code;
}

/* Takes back what entering the level gave, by the terms under which it did. */
static enum err_code leave_level(struct work *work, struct member_work *member, const struct judgement *judgement,
                                 struct tier_entry *entry)
{
    const struct program *terms = NULL;
    struct tier_entry left = *entry;
    enum err_code code = work_terms(work, left.version, &terms);
    size_t number = code || !terms->tiers ? 0 : tier_numbered(terms->tiers, left.level);
    const struct rule *bonus = number > 0 ? terms->tiers->levels[number - 1].bonus : NULL;
    if (!code && !bonus)
        return err_set(work->err, ERR_BAD_STATE,
                       "the member's state names level %.*s of version %lld, which gives nothing on entry",
                       SHOWN(left.level), (long long)left.version);
    if (code)
        return code;
    struct cause cause = cause_of(work, terms, bonus->id, judgement->at);
    cause.standing = left.points;
    tier_unenter(member->state.tier, entry);
    return left.points > 0 ? work_take_back(work, member, bonus, left.points, &cause) : ERR_NONE;
}

static enum err_code leave_levels(struct work *work, struct member_work *member, const struct judgement *judgement,
                                  size_t level, size_t held)
{
    enum err_code code = ERR_NONE;
    for (size_t i = level; i < held && !code; i++) {
        struct tier_entry *entry = tier_entered(member->state.tier, judgement->terms->tiers->levels[i].id);
        if (entry)
            code = leave_level(work, member, judgement, entry);
    }
    return code;
}

static bool has_gifts(const struct tiers *tiers)
{
    for (size_t i = 0; i < tiers->level_count; i++)
        if (tiers->levels[i].birthday)
            return true;
    return false;
}

static void plan_gift(struct work *work, struct member_work *member, const struct program *terms, int64_t after)
{
    struct tier_state *tier = member->state.tier;
    struct member_event known;
    tier->birthday_at = INT64_MAX;
    if (!has_gifts(terms->tiers))
        return;
    profile_at(&member->state, after, work->scratch, &known);
    tier->birthday_at =
        tier_next_birthday(profile_zone_at(terms, &member->state, after), known.birthday, after, tier->birthday_year);
}

/* A program that has no tiers any more has no levels either; what counted stays. */
static void end_tiers(struct tier_state *tier, const struct judgement *judgement)
{
    tier->level = (struct text){NULL, 0};
    tier->version = judgement->terms->version;
    tier->clock = judgement->at;
    tier->due_at = tier->birthday_at = INT64_MAX;
}

/* The level, and what follows from it. */
static enum err_code judge(struct work *work, struct member_work *member, const struct judgement *judgement)
{
    const struct program *terms = judgement->terms;
    struct tier_state *tier = tier_open(&member->state, work->scratch);
    bool lost = member->tier_lost;
    member->changed = true;
    member->tier_moved = member->tier_lost = false;
    if (!terms->tiers) {
        end_tiers(tier, judgement);
        return ERR_NONE;
    }
    tier_roll(terms, tier, tier_day_of(terms, judgement->at));
    size_t held = tier_numbered(terms->tiers, tier->level), level = tier_level_at(terms, tier, judgement->at);
    struct text before = arena_text(work->arena, tier->level);
    tier->level = tier_name(terms->tiers, level);
    tier->version = terms->version;
    tier->clock = judgement->at;
    tier->due_at = tier_due_after(terms, tier, judgement->at);
    plan_gift(work, member, terms, judgement->at);
    if (!text_equal(before, tier->level))
        tell(work, member, judgement, before, tier->level);
    return level < held && lost ? leave_levels(work, member, judgement, level, held)
                                : enter_levels(work, member, judgement, held, level);
}

enum err_code tier_follow(struct work *work, struct member_work *member)
{
    const struct tier_state *tier = member->state.tier;
    if (!tier && !work->program->tiers)
        return ERR_NONE;
    int64_t at = work->now;
    if (tier && tier->clock > at)
        at = tier->clock;
    struct judgement judgement = judgement_at(work, at);
    bool told = !work->settlement && work->event->type == EVENT_MEMBER && member->changed; /* of a birthday, perhaps */
    if (tier && !member->tier_moved && !told && tier->version == judgement.terms->version)
        return ERR_NONE;
    return judge(work, member, &judgement);
}

/* ---- obligations */

int64_t tier_next_end(const struct member_state *state)
{
    return state->tier ? state->tier->due_at : INT64_MAX;
}

enum err_code tier_settle_end(struct work *work, struct member_work *member, int64_t due)
{
    struct judgement judgement = judgement_at(work, due);
    enum err_code code = judge(work, member, &judgement);
    return code ? code : automatic_settle(work, member, NULL);
}

int64_t tier_next_gift(const struct member_state *state)
{
    return state->tier ? state->tier->birthday_at : INT64_MAX;
}

static enum err_code give_gift(struct work *work, struct member_work *member, const struct judgement *judgement,
                               const struct tier_gift *gift)
{
    struct cause cause = cause_of(work, judgement->terms, (struct text){NULL, 0}, judgement->at);
    if (gift->give.len > 0) {
        struct reward *reward = add_reward(work, member, REWARD_GRANTED, judgement);
        reward->rule_id = gift->id;
        reward->benefit = gift->give;
        reward->reason = gift->give;
    }
    return gift->rule ? give_points(work, member, gift->rule, &cause) : ERR_NONE;
}

enum err_code tier_settle_gift(struct work *work, struct member_work *member, int64_t due)
{
    struct tier_state *tier = member->state.tier;
    struct judgement judgement = judgement_at(work, due);
    const struct program *terms = judgement.terms;
    size_t level = terms->tiers ? tier_numbered(terms->tiers, tier->level) : 0;
    const struct tier_gift *gift = level > 0 ? terms->tiers->levels[level - 1].birthday : NULL;
    bool left = profile_standing_at(&member->state, due) == STANDING_LEFT;
    enum err_code code = ERR_NONE;
    member->changed = true;
    tier->birthday_at = INT64_MAX;
    if (gift && !left) {
        tier->birthday_year = tier_year_of(profile_zone_at(terms, &member->state, due), due);
        code = give_gift(work, member, &judgement, gift);
    }
    if (terms->tiers)
        plan_gift(work, member, terms, due);
    return code ? code : automatic_settle(work, member, NULL);
}

/* ---- merges */

static void unite_entries(struct tier_state *tier, const struct tier_state *other)
{
    for (size_t i = 0; i < other->entry_count; i++) {
        struct tier_entry *same = tier_entered(tier, other->entries[i].level);
        if (!same)
            tier_enter(tier, &other->entries[i]);
    }
}

/* Nothing is awarded anew: what the sums reach together counts as entered. */
static void enter_silently(struct tier_state *tier, const struct program *terms, size_t level)
{
    for (size_t i = 0; i < level; i++) {
        const struct tier_level *it = &terms->tiers->levels[i];
        if (it->bonus && !tier_entered(tier, it->id))
            tier_enter(tier, &(struct tier_entry){it->id, terms->version, 0});
    }
}

enum err_code tier_take_over(struct work *work, struct member_work *member, struct member_work *other)
{
    struct tier_state *from = other->state.tier;
    const struct program *terms = work->program;
    if (!from || !terms->tiers)
        return ERR_NONE;
    struct tier_state *tier = tier_open(&member->state, work->scratch);
    int64_t at = work->now;
    at = tier->clock > at ? tier->clock : at;
    at = from->clock > at ? from->clock : at;
    struct judgement judgement = judgement_at(work, at);
    terms = judgement.terms;
    if (!terms->tiers)
        return ERR_NONE;
    tier_roll(terms, tier, tier_day_of(terms, at));
    tier_roll(terms, from, tier_day_of(terms, at));
    for (size_t i = 0; i < from->day_count; i++)
        if (!tier_add(tier, from->days[i].key, from->days[i].day, from->days[i].amount, work->scratch))
            return err_set(work->err, ERR_OVERFLOW, "what both accounts had towards their levels does not fit");
    for (size_t i = 0; i < from->purchase_count; i++)
        tier_buy(tier, &from->purchases[i]);
    if (tier_numbered(terms->tiers, from->base) > tier_numbered(terms->tiers, tier->base))
        tier->base = from->base;
    if (from->birthday_year > tier->birthday_year)
        tier->birthday_year = from->birthday_year;
    unite_entries(tier, from);
    enter_silently(tier, terms, tier_level_at(terms, tier, at));
    other->state.tier = NULL;
    other->changed = true;
    return judge(work, member, &judgement);
}
