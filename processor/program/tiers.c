#include <assert.h>

#include "program/parts.h"
#include "rules/record.h"

/* `tiers`: levels that members reach, buy and hold. */

enum { GRACE_MONTHS_MAX = 12, GRACE_DAYS_MAX = 366, NAME_MAX_BYTES = 256 };

/* Tiers in the making. */
struct making {
    struct tiers tiers;
    const struct node *by; /* NULL: not there */
    const struct node *over;
    const struct node *down;
    const struct node *grace;
    struct tier_level *levels;
};

/* A level in the making; what it takes waits until it is known what the tiers go by. */
struct level {
    struct making *making;
    struct tier_level level;
    const struct node *at;
    struct text give; /* of the birthday */
    const struct node *birthday_points;
    const struct node *bonus;
};

/* ---- words */

/* "12 months", "30 days", "1 year" */
static bool read_span(struct loader *loader, const struct node *node, const char *what, struct calendar_span *out)
{
    static const char *const units[] = {"days", "day", "weeks", "week", "months", "month", "years", "year"};
    static const int64_t months[] = {0, 0, 0, 0, 1, 1, 12, 12}, days[] = {1, 1, 7, 7, 0, 0, 0, 0};
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return false;
    struct text rest = node->text;
    struct decimal number;
    bool good = decimal_parse(next_word(&rest), 0, &number) && number.digits > 0;
    struct text word = next_word(&rest);
    good &= next_word(&rest).len == 0;
    for (size_t i = 0; good && i < FIELD_COUNT(units); i++) {
        if (!text_equal(word, text_of(units[i])))
            continue;
        if (number.digits > (months[i] > 0 ? TIER_MONTHS_MAX / months[i] : TIER_DURATION_DAYS_MAX / days[i]))
            break;
        *out = (struct calendar_span){number.digits * months[i], number.digits * days[i]};
        return true;
    }
    complain(loader, node, "%s is `%.*s`; expected a time such as \"12 months\" or \"30 days\"", what,
             SHOWN(node->text));
    return false;
}

/* "100 points": a rule that nothing but the level asks. */
static const struct rule *read_points_given(struct loader *loader, const struct node *node, const char *what,
                                            struct text id, struct reason reason)
{
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return NULL;
    struct text rest = node->text;
    struct node amount = word_node(node, next_word(&rest)), currency = word_node(node, next_word(&rest));
    struct rule *rule = arena_alloc(loader->arena, sizeof *rule);
    if (currency.text.len == 0 || next_word(&rest).len > 0) {
        complain(loader, node, "%s is `%.*s`; expected \"100 points\"", what, SHOWN(node->text));
        return NULL;
    }
    *rule = (struct rule){
        .id = id, .place = PLACE_NONE, .type = EVENT_MEMBER, .form = EARN_FIXED, .gate = GATE_ALWAYS, .reason = reason};
    if (!read_points(loader, &currency, &rule->currency) ||
        !read_amount(loader, &amount, what, &loader->program->points[rule->currency], &rule->fixed))
        return NULL;
    settle_reason(loader, rule);
    return rule;
}

static const struct reason_part bonus_words[] = {{.kind = REASON_AMOUNT},
                                                 LITERAL(" "),
                                                 {.kind = REASON_CURRENCY},
                                                 LITERAL(" for reaching "),
                                                 {.kind = REASON_SUBJECT}};
static const struct reason_part birthday_words[] = {
    {.kind = REASON_AMOUNT}, LITERAL(" "), {.kind = REASON_CURRENCY}, LITERAL(" for your birthday")};

/* ---- levels */

static void read_level_id(struct loader *loader, const struct node *node, void *into)
{
    read_id(loader, node, "id", &((struct level *)into)->level.id);
}

static void read_at(struct loader *loader, const struct node *node, void *into)
{
    (void)loader;
    ((struct level *)into)->at = node;
}

static void read_bonus(struct loader *loader, const struct node *node, void *into)
{
    (void)loader;
    ((struct level *)into)->bonus = node;
}

static void read_multiplier(struct loader *loader, const struct node *node, void *into)
{
    struct level *level = into;
    struct decimal times;
    if (!expect_kind(loader, node, NODE_SCALAR, "multiplier"))
        return;
    if (!decimal_parse(node->text, RATE_DECIMALS_MAX, &times) || times.digits == 0) {
        complain(loader, node, "multiplier is `%.*s`; expected a number above zero such as 2 or 1.5",
                 SHOWN(node->text));
        return;
    }
    level->level.multiplier = fraction_of(times);
    level->making->tiers.image |= IMAGE_TIER;
}

static void read_offer_name(struct loader *loader, const struct node *node, const char *what, struct text *out)
{
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return;
    if (node->text.len >= 1 && node->text.len <= NAME_MAX_BYTES)
        *out = node->text;
    else
        complain(loader, node, "%s takes 1 to %d bytes", what, NAME_MAX_BYTES);
}

static void read_sku(struct loader *loader, const struct node *node, void *into)
{
    read_offer_name(loader, node, "sku", &((struct tier_offer *)into)->sku);
}

static void read_category(struct loader *loader, const struct node *node, void *into)
{
    read_offer_name(loader, node, "category", &((struct tier_offer *)into)->category);
}

static void read_offer_activity(struct loader *loader, const struct node *node, void *into)
{
    read_offer_name(loader, node, "activity", &((struct tier_offer *)into)->activity);
}

static void read_for(struct loader *loader, const struct node *node, void *into)
{
    read_span(loader, node, "for", &((struct tier_offer *)into)->lasts);
}

static const struct shape name_shape = {.kind = SHAPE_TEXT};
static const struct shape span_shape = {
    .kind = SHAPE_TEXT, .pattern = "^ *[0-9]+ +(day|week|month|year)s? *$", .example = "12 months"};
static const struct field offer_fields[] = {
    {"sku", false, read_sku, &name_shape, "bought with an order's line of this sku"},
    {"category", false, read_category, &name_shape, "bought with an order's line of this category"},
    {"activity", false, read_offer_activity, &name_shape, "had by this activity"},
    {"for", true, read_for, &span_shape, "how long it lasts; bought again, it lasts as long from there"},
};
static const struct shape offer_shape = SHAPE_OF_FIELDS(offer_fields);

static void read_bought(struct loader *loader, const struct node *node, void *into)
{
    struct level *level = into;
    struct tier_offer *offer = arena_alloc(loader->arena, sizeof *offer);
    *offer = (struct tier_offer){.lasts = {0, 0}};
    fields_read(loader, node, "bought", offer_fields, FIELD_COUNT(offer_fields), offer);
    if (node->kind != NODE_MAP)
        return;
    int ways = (offer->sku.len > 0) + (offer->category.len > 0) + (offer->activity.len > 0);
    if (ways != 1)
        complain(loader, node, "bought takes one of `sku`, `category` and `activity`");
    level->level.offer = offer;
    level->making->tiers.image |= offer->activity.len > 0 ? 0 : IMAGE_ITEM;
    level->making->tiers.counts_orders |= offer->activity.len == 0;
}

static void read_give(struct loader *loader, const struct node *node, void *into)
{
    read_words(loader, node, "give", &((struct level *)into)->give);
}

static void read_birthday_points(struct loader *loader, const struct node *node, void *into)
{
    (void)loader;
    ((struct level *)into)->birthday_points = node;
}

static const struct shape given_shape = {
    .kind = SHAPE_TEXT, .pattern = "^ *[0-9.]+ +[a-z0-9_-]+ *$", .example = "100 points"};
static const struct field birthday_fields[] = {
    {"give", false, read_give, &words_shape, "what is given, in words"},
    {"bonus", false, read_birthday_points, &given_shape, "points: \"100 points\""},
};
static const struct shape birthday_shape = SHAPE_OF_FIELDS(birthday_fields);

static void read_birthday(struct loader *loader, const struct node *node, void *into)
{
    struct level *level = into;
    fields_read(loader, node, "birthday", birthday_fields, FIELD_COUNT(birthday_fields), level);
    if (node->kind == NODE_MAP && node->count == 0)
        complain(loader, node, "birthday takes `give`, `bonus` or both");
}

/* ---- what a level takes */

static void read_spend(struct loader *loader, const struct node *node, struct tier_level *level)
{
    const struct program *program = loader->program;
    int64_t *spend = arena_array(loader->arena, program->money_count, sizeof *spend);
    level->spend = spend;
    bool zero = node->kind == NODE_SCALAR && text_equal(node->text, TEXT("0"));
    for (size_t i = 0; i < program->money_count; i++)
        spend[i] = zero ? 0 : -1;
    if (zero || !expect_kind(loader, node, NODE_MAP, "at") ||
        !expect_count(loader, node, "at", 1, program->money_count))
        return;
    for (const struct node *key = node->first; key; key = key->next) {
        size_t place;
        if (!read_money(loader, key, &place))
            continue;
        if (spend[place] >= 0)
            complain(loader, key, "currency `%.*s` stands here a second time", SHOWN(key->text));
        read_amount(loader, key->value, "at", &program->money[place], &spend[place]);
    }
}

static void read_threshold(struct loader *loader, const struct node *node, const struct tiers *tiers,
                           struct tier_level *level)
{
    const struct program *program = loader->program;
    if (node->kind == NODE_SCALAR && text_equal(node->text, TEXT("0")))
        return;
    if (tiers->measure == TIER_BY_ORDERS)
        read_integer(loader, node, "at", 0, INT32_MAX, &level->threshold);
    else
        read_amount(loader, node, "at", &program->points[tiers->currency], &level->threshold);
}

static void complete_level(struct loader *loader, const struct node *item, struct level *level)
{
    const struct tiers *tiers = &level->making->tiers;
    struct tier_level *it = &level->level;
    if (!level->at && !it->offer)
        complain(loader, item, "a level needs `at`, `bought` or both");
    if (level->at && tiers->measure == TIER_BY_NOTHING)
        complain(loader, level->at, "`at` needs `by` in the tiers: by: spend, by: orders or by: {earned: points}");
    it->is_counted = level->at != NULL;
    if (level->at && tiers->measure == TIER_BY_SPEND)
        read_spend(loader, level->at, it);
    else if (level->at && tiers->measure != TIER_BY_NOTHING)
        read_threshold(loader, level->at, tiers, it);
    if (level->bonus)
        it->bonus = read_points_given(loader, level->bonus, "bonus", it->id,
                                      (struct reason){.parts = bonus_words, .count = FIELD_COUNT(bonus_words)});
    if (level->give.len == 0 && !level->birthday_points)
        return;
    struct tier_gift *gift = arena_alloc(loader->arena, sizeof *gift);
    *gift = (struct tier_gift){.id = arena_printf(loader->arena, "%.*s-birthday", SHOWN(it->id)), .give = level->give};
    claim_id(loader, item, gift->id);
    if (level->birthday_points)
        gift->rule = read_points_given(loader, level->birthday_points, "bonus", gift->id,
                                       (struct reason){.parts = birthday_words, .count = FIELD_COUNT(birthday_words)});
    it->birthday = gift;
}

/* Levels stand from the lowest up, so that each of their thresholds is above those before it. */
static void check_order(struct loader *loader, const struct node *item, const struct tiers *tiers,
                        const struct tier_level *levels, size_t count)
{
    const struct tier_level *level = &levels[count];
    for (size_t i = 0; i < count && level->is_counted; i++) {
        if (!levels[i].is_counted)
            continue;
        bool above = tiers->measure == TIER_BY_SPEND || level->threshold > levels[i].threshold;
        for (size_t money = 0; level->spend && levels[i].spend && money < loader->program->money_count; money++)
            above &= level->spend[money] < 0 || level->spend[money] > levels[i].spend[money];
        if (!above) {
            complain(loader, item, "level `%.*s` takes no more than `%.*s` above it; write them from the lowest up",
                     SHOWN(level->id), SHOWN(levels[i].id));
            return;
        }
    }
}

static const struct shape spend_shape = {
    .kind = SHAPE_MAP, .pattern = MONEY_PATTERN, .least = 1, .most = PROGRAM_MONEY_MAX, .of = &amount_shape};
static const struct shape at_shape = {
    .kind = SHAPE_TEXT, .pattern = "^[0-9]+(\\.[0-9]+)?$", .example = "25000", .otherwise = &spend_shape};
static const struct shape multiplier_shape = {.kind = SHAPE_AMOUNT};
static const struct field level_fields[] = {
    {"id", true, read_level_id, &id_shape, "its name"},
    {"at", false, read_at, &at_shape,
     "what reaches it: {EUR: 350.00} of spend, else a number; 0: all members begin there"},
    {"bought", false, read_bought, &offer_shape, "what buys it"},
    {"bonus", false, read_bonus, &given_shape, "points on entry, once: \"100 points\""},
    {"multiplier", false, read_multiplier, &multiplier_shape, "what points on orders are multiplied by"},
    {"birthday", false, read_birthday, &birthday_shape, "what is given on each birthday"},
};
static const struct shape level_shape = SHAPE_OF_FIELDS(level_fields);

static void read_level(struct loader *loader, const struct node *item, struct making *making)
{
    struct tiers *tiers = &making->tiers;
    struct level level = {.making = making, .level = {.multiplier = FRACTION_ONE}};
    fields_read(loader, item, "a level", level_fields, FIELD_COUNT(level_fields), &level);
    claim_id(loader, item, level.level.id);
    if (item->kind == NODE_MAP)
        complete_level(loader, item, &level);
    making->levels[tiers->level_count] = level.level;
    check_order(loader, item, tiers, making->levels, tiers->level_count);
    tiers->level_count++;
    bool from_nothing = level.level.is_counted && level.level.threshold == 0 &&
                        (!level.level.spend || (loader->program->money_count > 0 && level.level.spend[0] == 0));
    if (from_nothing)
        tiers->begins_with = tiers->level_count;
}

static void read_levels(struct loader *loader, const struct node *node, void *into)
{
    struct making *making = into;
    if (!expect_kind(loader, node, NODE_LIST, "levels") || !expect_count(loader, node, "levels", 1, TIER_LEVELS_MAX))
        return;
    making->levels = arena_array(loader->arena, node->count, sizeof *making->levels);
    making->tiers.levels = making->levels;
    for (const struct node *item = node->first; item; item = item->next)
        read_level(loader, item, making);
    assert(making->tiers.level_count == node->count);
}

/* ---- what they go by */

static void read_earned(struct loader *loader, const struct node *node, void *into)
{
    read_points(loader, node, &((struct tiers *)into)->currency);
}

static const char *const measure_names[] = {"spend", "orders"};
static const struct field earned_fields[] = {
    {"earned", true, read_earned, &points_name_shape, "the point currency that counts, as it is earned"}};
static const struct shape earned_shape = SHAPE_OF_FIELDS(earned_fields);
static const struct shape by_shape = {
    .kind = SHAPE_CHOICE, .names = measure_names, .count = FIELD_COUNT(measure_names), .otherwise = &earned_shape};

static void read_by(struct loader *loader, const struct node *node, void *into)
{
    struct making *making = into;
    size_t choice;
    making->by = node;
    making->tiers.measure = TIER_BY_EARNED;
    if (node->kind == NODE_MAP) {
        fields_read(loader, node, "by", earned_fields, FIELD_COUNT(earned_fields), &making->tiers);
        return;
    }
    if (!read_choice(loader, node, "by", measure_names, FIELD_COUNT(measure_names), &choice))
        return;
    making->tiers.measure = choice == 0 ? TIER_BY_SPEND : TIER_BY_ORDERS;
    making->tiers.counts_orders = true;
    if (loader->program->money_count == 0)
        complain(loader, node, "tiers by %s need currencies: declare them under `money`", measure_names[choice]);
}

static const char *const period_names[] = {
    [TIER_LIFETIME] = "lifetime", [TIER_CALENDAR_YEAR] = "calendar_year", [TIER_ROLLING_YEAR] = "rolling_year"};
static const struct shape period_shape = SHAPE_OF_NAMES(period_names);

static void read_over(struct loader *loader, const struct node *node, void *into)
{
    struct making *making = into;
    size_t choice;
    making->over = node;
    if (read_choice(loader, node, "over", period_names, FIELD_COUNT(period_names), &choice))
        making->tiers.period = (enum tier_period)choice;
}

static const char *const down_names[] = {"to_fit", "one_step"};
static const struct shape down_shape = SHAPE_OF_NAMES(down_names);

static void read_down(struct loader *loader, const struct node *node, void *into)
{
    struct making *making = into;
    size_t choice;
    if (!read_choice(loader, node, "down", down_names, FIELD_COUNT(down_names), &choice))
        return;
    making->down = node;
    making->tiers.one_step = choice == 1;
}

static void read_grace(struct loader *loader, const struct node *node, void *into)
{
    struct making *making = into;
    struct calendar_span *grace = &making->tiers.grace;
    if (!read_span(loader, node, "grace", grace))
        return;
    making->grace = node;
    if (grace->months > GRACE_MONTHS_MAX || grace->days > GRACE_DAYS_MAX)
        complain(loader, node, "grace is `%.*s`; it can be a year at most", SHOWN(node->text));
}

static void check_period(struct loader *loader, const struct node *node, const struct making *making)
{
    const struct tiers *tiers = &making->tiers;
    if (making->by && !making->over)
        complain(loader, node, "`over` is missing in tiers: calendar_year, rolling_year or lifetime");
    if (!making->by && making->over)
        complain(loader, making->over, "`over` needs `by`: what is counted over it");
    if (making->over && tiers->period == TIER_LIFETIME && (making->down || making->grace))
        complain(loader, making->down ? making->down : making->grace,
                 "over a lifetime no level ends; `down` and `grace` are for years");
    if (tiers->one_step && tiers->period == TIER_ROLLING_YEAR)
        complain(loader, making->down,
                 "down: one_step is for calendar years; a rolling year has no end to step down at");
}

static const struct shape levels_shape = {.kind = SHAPE_LIST, .least = 1, .most = TIER_LEVELS_MAX, .of = &level_shape};

/* Levels come last: what they take depends on what they go by. */
static const struct field tiers_fields[] = {
    {"by", false, read_by, &by_shape,
     "what counts: spend, orders, or {earned: points}; none where levels are only bought"},
    {"over", false, read_over, &period_shape, "the time over which it counts"},
    {"down", false, read_down, &down_shape, "how far a member goes down at a year's end; to_fit without it"},
    {"grace", false, read_grace, &span_shape, "how long a level is held after it is not reached any more"},
    {"levels", true, read_levels, &levels_shape, "from the lowest up"},
};
const struct shape tiers_shape = SHAPE_OF_FIELDS(tiers_fields);

void read_tiers(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    struct making making = {.tiers = {.period = TIER_LIFETIME}};
    if (loader->program->point_count == 0)
        return; /* that was complained of */
    fields_read(loader, node, "tiers", tiers_fields, FIELD_COUNT(tiers_fields), &making);
    if (node->kind != NODE_MAP)
        return;
    check_period(loader, node, &making);
    struct tiers *tiers = arena_alloc(loader->arena, sizeof *tiers);
    *tiers = making.tiers;
    loader->program->tiers = tiers;
}
