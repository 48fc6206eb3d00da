#include "rules/limiting.h"

#include <assert.h>

#include "base/checked.h"

enum { MICROS = 1000000, ONE_TIME = 1, DRAWS_USUAL = 4 };

/* A limit in the window that a grant falls into. */
struct applied {
    const struct limit *limit;
    struct limit_key key;
    struct span period;
};

static int64_t seconds_of(int64_t micros)
{
    return micros / MICROS - (micros % MICROS < 0);
}

static struct limit_key key_of(const struct limit *limit, const struct cause *cause)
{
    struct limit_key key = limit->key;
    if (limit->per_network)
        key.network = cause->network;
    return key;
}

/* member: of a limit of each member; of a budget NULL. */
static struct applied apply(const struct member_work *member, const struct limit *limit, const struct cause *cause)
{
    const struct zone *zone = cause->terms->local;
    if (limit->in_members_zone)
        zone = profile_zone_at(cause->terms, &member->state, cause->granted_at);
    return (struct applied){.limit = limit,
                            .key = key_of(limit, cause),
                            .period = window_at(&limit->window, zone, seconds_of(cause->granted_at))};
}

/* What the grant uses of the limit: its points, or one time unless some of it stands already. */
static int64_t use_of(const struct limit *limit, int64_t points, const struct cause *cause)
{
    if (limit->key.unit == LIMIT_POINTS)
        return points;
    return cause->standing == 0 ? ONE_TIME : 0;
}

/* How many of the points a limit lets pass that so much of was used. */
static int64_t cut(const struct limit *limit, int64_t used, int64_t points, const struct cause *cause)
{
    int64_t left = used < limit->most ? limit->most - used : 0;
    if (left >= use_of(limit, points, cause))
        return points;
    return limit->key.unit == LIMIT_POINTS ? left : 0;
}

/* ---- budgets */

int budget_compare(const struct limit_key *a, struct span a_period, const struct limit_key *b, struct span b_period)
{
    int order = limit_key_compare(a, b);
    return order != 0 ? order : span_compare(a_period, b_period);
}

static const struct budget *find_budget(const struct step_input *input, const struct applied *applied)
{
    size_t low = 0, high = input->budget_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct budget *budget = &input->budgets[middle];
        int order = budget_compare(&applied->key, applied->period, &budget->key, budget->period);
        if (order == 0)
            return budget;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static void *grown(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = 2 * *capacity + DRAWS_USUAL;
    void *larger = arena_raw(arena, *capacity * size);
    if (count > 0)
        memcpy(larger, items, count * size);
    return larger;
}

static void note_lack(struct work *work, const struct applied *applied)
{
    for (size_t i = 0; i < work->lack_count; i++)
        if (budget_compare(&work->lacks[i].key, work->lacks[i].period, &applied->key, applied->period) == 0)
            return;
    work->lacks = grown(work->arena, work->lacks, work->lack_count, &work->lack_capacity, sizeof *work->lacks);
    work->lacks[work->lack_count++] = (struct budget){.key = applied->key, .period = applied->period};
}

/* The event's draw on the budget, made where there is none. Earlier pointers are void. */
static struct draw *draw_on(struct work *work, const struct applied *applied)
{
    for (size_t i = 0; i < work->draw_count; i++)
        if (budget_compare(&work->draws[i].key, work->draws[i].period, &applied->key, applied->period) == 0)
            return &work->draws[i];
    work->draws = grown(work->arena, work->draws, work->draw_count, &work->draw_capacity, sizeof *work->draws);
    struct draw *draw = &work->draws[work->draw_count++];
    *draw = (struct draw){.key = applied->key, .period = applied->period, .least = INT64_MIN, .most = INT64_MAX};
    return draw;
}

/* a - b, or the bound that it passes. */
static int64_t less(int64_t a, int64_t b)
{
    int64_t difference = 0;
    if (checked_sub(a, b, &difference))
        return difference;
    return b > 0 ? INT64_MIN : INT64_MAX;
}

/* A budget while a grant is cut: what it lets pass of what came to it. */
struct asked {
    struct applied applied;
    int64_t used;  /* the event's earlier draws too */
    int64_t drawn; /* by those */
    int64_t before;
    int64_t left;
};

static void ask_budget(struct work *work, const struct limit *limit, int64_t points, const struct cause *cause,
                       struct asked *out)
{
    out->applied = apply(NULL, limit, cause);
    const struct budget *budget = find_budget(work->input, &out->applied);
    if (!budget)
        note_lack(work, &out->applied);
    out->drawn = draw_on(work, &out->applied)->amount;
    out->used = less(budget ? budget->used : 0, less(0, out->drawn));
    out->before = points;
    out->left = cut(limit, out->used, points, cause);
}

/* What must be true of the budget for the grant to be the same: where it cut the grant, that just so much was left, or
 * nothing; elsewhere that there was enough. */
static void narrow(struct draw *draw, const struct asked *asked, int64_t granted, int64_t use)
{
    const struct limit *limit = asked->applied.limit;
    int64_t least = INT64_MIN, most = INT64_MAX;
    if (asked->left == granted && asked->left < asked->before) {
        least = granted == 0 ? less(limit->most, asked->drawn) : less(asked->used, asked->drawn);
        most = granted == 0 ? INT64_MAX : least;
    } else if (use > 0) {
        most = less(less(limit->most, use), asked->drawn);
    }
    draw->least = least > draw->least ? least : draw->least;
    draw->most = most < draw->most ? most : draw->most;
}

static int64_t take_from_budgets(struct work *work, const struct rule *rule, int64_t points, const struct cause *cause)
{
    struct asked asked[RULE_LIMITS_MAX];
    assert(rule->budgets.count <= RULE_LIMITS_MAX);
    for (size_t i = 0; i < rule->budgets.count; i++) {
        ask_budget(work, rule->budgets.items[i], points, cause, &asked[i]);
        TRACE(work, FACT_LIMIT, fact->limit = rule->budgets.items[i], fact->budget = true,
              fact->period = asked[i].applied.period, fact->used = asked[i].used, fact->wanted = points,
              fact->left = asked[i].left);
        points = asked[i].left;
    }
    for (size_t i = 0; i < rule->budgets.count; i++) {
        int64_t use = points > 0 ? use_of(rule->budgets.items[i], points, cause) : 0;
        struct draw *draw = draw_on(work, &asked[i].applied);
        narrow(draw, &asked[i], points, use);
        draw->amount = less(draw->amount, -use);
    }
    return points;
}

/* ---- both */

int64_t limiting_take(struct work *work, struct member_work *member, const struct rule *rule, int64_t wanted,
                      const struct cause *cause)
{
    struct applied applied[RULE_LIMITS_MAX];
    struct limits *limits = &member->state.limits;
    int64_t points = wanted;
    assert(wanted > 0 && rule->limits.count <= RULE_LIMITS_MAX);
    for (size_t i = 0; i < rule->limits.count && points > 0; i++) {
        applied[i] = apply(member, rule->limits.items[i], cause);
        int64_t used = limits_used(limits, &applied[i].key, applied[i].period), asked = points;
        points = cut(applied[i].limit, used, points, cause);
        TRACE(work, FACT_LIMIT, fact->limit = applied[i].limit, fact->period = applied[i].period, fact->used = used,
              fact->wanted = asked, fact->left = points);
    }
    if (points > 0 && rule->budgets.count > 0)
        points = take_from_budgets(work, rule, points, cause);
    for (size_t i = 0; i < rule->limits.count && points > 0; i++) {
        int64_t use = use_of(applied[i].limit, points, cause);
        if (use > 0)
            limits_use(limits, &applied[i].key, applied[i].period, use, work->scratch);
    }
    assert(points >= 0 && points <= wanted);
    return points;
}

void limiting_give_back(struct work *work, struct member_work *member, const struct rule *rule, int64_t amount,
                        const struct cause *cause)
{
    assert(amount > 0 && amount <= cause->standing);
    int64_t times = amount == cause->standing ? ONE_TIME : 0;
    for (size_t i = 0; i < rule->limits.count; i++) {
        const struct limit *limit = rule->limits.items[i];
        struct limit_key key = key_of(limit, cause);
        int64_t use = limit->key.unit == LIMIT_POINTS ? amount : times;
        if (use > 0)
            limits_give_back(&member->state.limits, &key, seconds_of(cause->granted_at), use);
        member->changed = true;
    }
    for (size_t i = 0; i < rule->budgets.count; i++) {
        struct applied applied = apply(NULL, rule->budgets.items[i], cause);
        struct draw *draw = draw_on(work, &applied);
        if (!find_budget(work->input, &applied))
            note_lack(work, &applied);
        draw->amount = less(draw->amount, applied.limit->key.unit == LIMIT_POINTS ? amount : times);
    }
}
