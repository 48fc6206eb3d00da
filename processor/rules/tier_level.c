#include "rules/tier_level.h"

#include <assert.h>

enum { DAY = 86400, SECOND = 1000000, YEAR_MONTHS = 12 };

/* ---- days */

static int64_t floor_seconds(int64_t at)
{
    return at / SECOND - (at % SECOND < 0);
}

static struct civil local_at(const struct zone *zone, int64_t at)
{
    return zone_local(zone, floor_seconds(at));
}

int64_t tier_day_of(const struct program *program, int64_t at)
{
    struct civil day = local_at(program->local, at);
    return civil_days(day.year, day.month, day.day);
}

int64_t tier_year_of(const struct zone *zone, int64_t at)
{
    return local_at(zone, at).year;
}

/* The instant at which the local day begins, µs UTC. */
static int64_t day_begins(const struct program *program, int64_t day)
{
    return zone_instant(program->local, day * DAY) * SECOND;
}

static int64_t day_later(int64_t day, struct calendar_span span)
{
    struct civil later = civil_add_months(civil_at(day * DAY), span.months);
    return civil_days(later.year, later.month, later.day) + span.days;
}

static int64_t months_later(int64_t day, int64_t months)
{
    return day_later(day, (struct calendar_span){.months = months});
}

static int64_t year_of_day(int64_t day)
{
    return civil_at(day * DAY).year;
}

static int64_t year_begins(int64_t year)
{
    return civil_days(year, 1, 1);
}

int64_t tier_day_kept(const struct tiers *tiers, int64_t day)
{
    switch (tiers->period) {
    case TIER_LIFETIME:
        return 0;
    case TIER_CALENDAR_YEAR:
        return year_begins(year_of_day(day));
    case TIER_ROLLING_YEAR:
        break;
    }
    return day;
}

/* ---- levels */

size_t tier_numbered(const struct tiers *tiers, struct text id)
{
    for (size_t i = 0; i < tiers->level_count; i++)
        if (text_equal(tiers->levels[i].id, id))
            return i + 1;
    return 0;
}

struct text tier_name(const struct tiers *tiers, size_t level)
{
    assert(level <= tiers->level_count);
    return level == 0 ? (struct text){NULL, 0} : tiers->levels[level - 1].id;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The highest level whose threshold the sum of one measure reaches. money: of spend, the currency's place. */
static size_t level_of_sum(const struct tiers *tiers, size_t money, int64_t sum)
{
    for (size_t level = tiers->level_count; level > 0; level--) {
        const struct tier_level *it = &tiers->levels[level - 1];
        int64_t threshold = it->spend ? it->spend[money] : it->threshold;
        if (it->is_counted && threshold >= 0 && sum >= threshold)
            return level;
    }
    return 0;
}

/* The level that what counted on these days reaches: of spend by the currency that reaches most. */
static size_t fit(const struct program *program, const struct tier_state *tier, int64_t from, int64_t before)
{
    const struct tiers *tiers = program->tiers;
    size_t level = 0;
    switch (tiers->measure) {
    case TIER_BY_NOTHING:
        break;
    case TIER_BY_SPEND:
        for (size_t money = 0; money < program->money_count; money++)
            level = larger(level, level_of_sum(tiers, money, tier_sum(tier, program->money[money].name, from, before)));
        break;
    case TIER_BY_EARNED:
        return level_of_sum(tiers, 0, tier_sum(tier, program->points[tiers->currency].name, from, before));
    case TIER_BY_ORDERS:
        return level_of_sum(tiers, 0, tier_sum(tier, (struct text){NULL, 0}, from, before));
    }
    return level;
}

/* ---- calendar years */

static size_t fit_year(const struct program *program, const struct tier_state *tier, int64_t year)
{
    return fit(program, tier, year_begins(year), year_begins(year + 1));
}

static size_t down(const struct tiers *tiers, size_t held, size_t reached)
{
    if (!tiers->one_step || held == 0)
        return reached;
    return larger(reached, held - 1);
}

/* The level held when that year begins, its grace over. base: when the year before it began. */
static size_t after_year(const struct program *program, const struct tier_state *tier, int64_t year, size_t base)
{
    size_t reached = fit_year(program, tier, year - 1);
    return down(program->tiers, larger(base, reached), reached);
}

static size_t base_of(const struct tiers *tiers, const struct tier_state *tier)
{
    return tier_numbered(tiers, tier->base);
}

static size_t calendar_level(const struct program *program, const struct tier_state *tier, int64_t day)
{
    int64_t year = year_of_day(day);
    size_t base = base_of(program->tiers, tier);
    int64_t steps = year - tier->year;
    if (steps > (int64_t)program->tiers->level_count + 2)
        steps = (int64_t)program->tiers->level_count + 2; /* nothing is left of it by then */
    for (int64_t y = year - steps; y < year; y++)
        base = after_year(program, tier, y, base);
    size_t reached = fit_year(program, tier, year - 1), held = larger(base, reached);
    bool in_grace = day < day_later(year_begins(year), program->tiers->grace);
    return larger(in_grace ? held : down(program->tiers, held, reached), fit_year(program, tier, year));
}

/* Levels are gone after as many years without anything as there are levels, and those before need not be gone through.
 */
static void roll_years(const struct program *program, struct tier_state *tier, int64_t year)
{
    int64_t most = (int64_t)program->tiers->level_count + 3;
    if (tier->year == 0)
        tier->year = year;
    if (tier->year < year - most)
        tier->year = year - most;
    for (; tier->year < year; tier->year++) {
        size_t base = after_year(program, tier, tier->year, base_of(program->tiers, tier));
        tier->base = tier_name(program->tiers, base);
    }
}

/* ---- a rolling year */

/* The level that the twelve months reach that end with the day. */
static size_t rolling_fit(const struct program *program, const struct tier_state *tier, int64_t day)
{
    return fit(program, tier, months_later(day + 1, -YEAR_MONTHS), day + 1);
}

int64_t tier_counted_at(const struct program *program, const struct tier_state *tier, struct text key, int64_t at)
{
    int64_t day = tier_day_of(program, at);
    switch (program->tiers->period) {
    case TIER_LIFETIME:
        return tier_sum(tier, key, 0, 1);
    case TIER_CALENDAR_YEAR:
        return tier_sum(tier, key, year_begins(year_of_day(day)), year_begins(year_of_day(day) + 1));
    case TIER_ROLLING_YEAR:
        break;
    }
    return tier_sum(tier, key, months_later(day + 1, -YEAR_MONTHS), day + 1);
}

/* The first day whose level a day does not hold up any more. */
static int64_t grace_ends(const struct tiers *tiers, int64_t day)
{
    return day_later(day + 1, tiers->grace);
}

/* Levels rise on days on which something counts, so that these and today are all that the grace can look back to. */
static size_t rolling_level(const struct program *program, const struct tier_state *tier, int64_t day)
{
    const struct tiers *tiers = program->tiers;
    size_t level = rolling_fit(program, tier, day);
    int64_t first = day; /* from which on the grace reaches today */
    if (tiers->grace.months == 0 && tiers->grace.days == 0)
        return level;
    first = day_later(day, (struct calendar_span){-tiers->grace.months, -tiers->grace.days});
    while (grace_ends(tiers, first) <= day)
        first++;
    level = larger(level, rolling_fit(program, tier, first));
    for (size_t i = 0; i < tier->day_count; i++)
        if (tier->days[i].day > first && tier->days[i].day < day)
            level = larger(level, rolling_fit(program, tier, tier->days[i].day));
    return level;
}

/* ---- what was bought */

/* The first day on which nothing of the level is left of what was bought, of purchases of one level in their order. */
static int64_t bought_until(const struct program *program, const struct tier_state *tier, size_t *at, int64_t day,
                            bool *held)
{
    struct text level = tier->purchases[*at].level;
    int64_t until = INT64_MIN;
    *held = false;
    for (; *at < tier->purchase_count && text_equal(tier->purchases[*at].level, level); ++*at) {
        const struct tier_purchase *purchase = &tier->purchases[*at];
        int64_t bought = tier_day_of(program, purchase->at);
        int64_t last = until > bought ? until - 1 : bought; /* from which it counts */
        if (bought > day)
            break;
        until = day_later(last, (struct calendar_span){purchase->months, purchase->days}) + 1;
        *held = until > day;
    }
    while (*at < tier->purchase_count && text_equal(tier->purchases[*at].level, level))
        ++*at;
    return until;
}

static size_t bought_level(const struct program *program, const struct tier_state *tier, int64_t day)
{
    size_t level = 0;
    for (size_t at = 0; at < tier->purchase_count;) {
        size_t number = tier_numbered(program->tiers, tier->purchases[at].level);
        bool held = false;
        bought_until(program, tier, &at, day, &held);
        level = larger(level, held ? number : 0);
    }
    return level;
}

/* ---- all together */

static size_t counted_level(const struct program *program, const struct tier_state *tier, int64_t day)
{
    switch (program->tiers->period) {
    case TIER_LIFETIME:
        return fit(program, tier, 0, 1);
    case TIER_CALENDAR_YEAR:
        return calendar_level(program, tier, day);
    case TIER_ROLLING_YEAR:
        break;
    }
    return rolling_level(program, tier, day);
}

static size_t level_on(const struct program *program, const struct tier_state *tier, int64_t day)
{
    return larger(counted_level(program, tier, day), bought_level(program, tier, day));
}

void tier_roll(const struct program *program, struct tier_state *tier, int64_t day)
{
    if (program->tiers->period == TIER_CALENDAR_YEAR) {
        roll_years(program, tier, year_of_day(day));
        tier_forget_days(tier, year_begins(tier->year - 1));
    }
    if (program->tiers->period == TIER_ROLLING_YEAR) {
        struct calendar_span grace = program->tiers->grace;
        struct calendar_span back = {-YEAR_MONTHS - grace.months, -grace.days - 1};
        tier_forget_days(tier, day_later(day, back));
    }
}

size_t tier_level_at(const struct program *program, const struct tier_state *tier, int64_t at)
{
    return level_on(program, tier, tier_day_of(program, at));
}

/* A day by which all has gone down that ever will. */
static int64_t horizon(const struct program *program, const struct tier_state *tier, int64_t day)
{
    const struct tiers *tiers = program->tiers;
    int64_t last = day + 1;
    bool held;
    for (size_t at = 0; at < tier->purchase_count;) {
        int64_t until = bought_until(program, tier, &at, day, &held);
        last = until > last ? until : last;
    }
    if (tiers->period == TIER_CALENDAR_YEAR) {
        int64_t years = (int64_t)tiers->level_count + 2;
        int64_t ends = day_later(year_begins(year_of_day(day) + years), tiers->grace);
        last = ends > last ? ends : last;
    }
    for (size_t i = 0; i < tier->day_count && tiers->period == TIER_ROLLING_YEAR; i++) {
        int64_t ends = day_later(months_later(tier->days[i].day, YEAR_MONTHS), tiers->grace) + 2;
        last = ends > last ? ends : last;
    }
    return last;
}

/* If nothing else counts, levels only fall, so that the first day of a lower one is found by halving. */
int64_t tier_due_after(const struct program *program, const struct tier_state *tier, int64_t at)
{
    int64_t day = tier_day_of(program, at);
    size_t level = level_on(program, tier, day);
    int64_t last = horizon(program, tier, day);
    if (level == 0 || level_on(program, tier, last) >= level)
        return INT64_MAX;
    while (last - day > 1) {
        int64_t middle = day + (last - day) / 2;
        if (level_on(program, tier, middle) < level)
            last = middle;
        else
            day = middle;
    }
    return day_begins(program, last);
}

/* ---- birthdays */

static bool read_digits(struct text text, size_t from, size_t count, int *out)
{
    *out = 0;
    for (size_t i = from; i < from + count; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *out = *out * 10 + (text.at[i] - '0');
    }
    return true;
}

int64_t tier_next_birthday(const struct zone *zone, struct text birthday, int64_t after, int64_t year)
{
    int month, day;
    bool is_day = birthday.len == strlen("2000-01-31") && birthday.at[4] == '-' && birthday.at[7] == '-' &&
                  read_digits(birthday, 5, 2, &month) && read_digits(birthday, 8, 2, &day);
    if (!is_day || month < 1 || month > 12 || day < 1 || day > civil_month_length(2000, month))
        return INT64_MAX;
    int64_t first = tier_year_of(zone, after);
    for (int64_t y = first > year ? first : year + 1; y <= first + 2 || y <= year + 2; y++) {
        int length = civil_month_length(y, month);
        int64_t at = zone_instant(zone, civil_days(y, month, day < length ? day : length) * DAY) * SECOND;
        if (at > after)
            return at;
    }
    return INT64_MAX;
}
