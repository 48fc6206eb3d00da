#include <assert.h>

#include "program/draft.h"

/* `limit`, `budget`, `limits`, `budgets`, `week_begins`: the most that rules grant. */

enum { FIXED_SECONDS_MAX = 10 * 366 * 86400, TIMES_MAX = INT32_MAX };

static const char *const weekday_names[] = {"sunday",   "monday", "tuesday", "wednesday",
                                            "thursday", "friday", "saturday"};
const struct shape weekday_shape = SHAPE_OF_NAMES(weekday_names);

void read_week_begins(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    size_t weekday;
    if (read_choice(loader, node, "week_begins", weekday_names, FIELD_COUNT(weekday_names), &weekday))
        loader->program->week_begins = (int)weekday;
}

/* ---- phrases: "100 points per day", "3 times per network and week", "1000 points in all" */

#define PHRASE_PATTERN "^[0-9]+(\\.[0-9]+)?( +[a-z][a-z0-9_-]*)?( +(in all|per .*))?$"
static const struct shape phrase_shape = {
    .kind = SHAPE_TEXT, .pattern = PHRASE_PATTERN, .example = "100 points per day"};
static const struct shape budget_phrase_shape = {
    .kind = SHAPE_TEXT, .pattern = PHRASE_PATTERN, .example = "100000 points"};
const struct shape limit_shape = {
    .kind = SHAPE_LIST, .least = 1, .most = RULE_LIMITS_MAX, .of = &phrase_shape, .otherwise = &phrase_shape};
const struct shape budget_shape = {.kind = SHAPE_LIST,
                                   .least = 1,
                                   .most = RULE_LIMITS_MAX,
                                   .of = &budget_phrase_shape,
                                   .otherwise = &budget_phrase_shape};

/* A limit or budget in the making. */
struct most {
    const char *what; /* "limit" or "budget" */
    bool budget;
    struct limit limit;
    size_t currency; /* of LIMIT_POINTS; before it is read, the one meant where none is named */
    const struct node *rules;
    bool read; /* its phrase was understood */
};

static const char *const window_names[] = {"hour", "day", "week", "month", "quarter", "year"};
static const char *const unit_names[] = {"minutes", "hours", "days"};
static const int64_t unit_seconds[] = {60, 3600, 86400};

static bool complain_phrase(struct loader *loader, const struct node *node, const struct most *most)
{
    if (most->budget)
        complain(loader, node,
                 "budget is `%.*s`; expected \"100000 points\", \"500 times\" or \"2000 points per month\"",
                 SHOWN(node->text));
    else
        complain(
            loader, node,
            "limit is `%.*s`; expected \"100 points per day\", \"3 times per network and week\" or \"1000 points in "
            "all\"",
            SHOWN(node->text));
    return false;
}

/* "4 hours" */
static bool read_length(struct loader *loader, const struct node *node, struct text number, struct text unit,
                        struct most *most)
{
    struct node count = word_node(node, number), word = word_node(node, unit);
    int64_t length = 0;
    size_t at = 0;
    if (!read_choice(loader, &word, "the unit of a length", unit_names, FIELD_COUNT(unit_names), &at) ||
        !read_integer(loader, &count, "a length", 1, FIXED_SECONDS_MAX / unit_seconds[at], &length))
        return false;
    most->limit.window.form = WINDOW_FIXED;
    most->limit.window.length = length * unit_seconds[at];
    return true;
}

/* "network", "day", "member's week", "4 hours" off the front of the rest. */
static bool read_part(struct loader *loader, const struct node *node, struct text *rest, struct most *most)
{
    struct text word = next_word(rest);
    bool has_window = most->limit.window.form != WINDOW_EVER;
    if (text_equal(word, TEXT("network")) && !most->budget && !most->limit.per_network) {
        most->limit.per_network = true;
        return true;
    }
    if (word.len == 0 || has_window || text_equal(word, TEXT("network")))
        return complain_phrase(loader, node, most);
    if (word.at[0] >= '0' && word.at[0] <= '9')
        return read_length(loader, node, word, next_word(rest), most);
    if (text_equal(word, TEXT("member's")) && !most->budget) {
        most->limit.in_members_zone = true;
        word = next_word(rest);
    }
    struct node window = word_node(node, word);
    size_t at = 0;
    if (!read_choice(loader, &window, "the period", window_names, FIELD_COUNT(window_names), &at))
        return false;
    most->limit.window.form = (enum window_form)(WINDOW_HOUR + at);
    return true;
}

static bool read_periods(struct loader *loader, const struct node *node, struct text rest, struct most *most)
{
    struct text word = next_word(&rest);
    if (word.len == 0)
        return most->budget || complain_phrase(loader, node, most);
    if (text_equal(word, TEXT("in")))
        return (text_equal(next_word(&rest), TEXT("all")) && next_word(&rest).len == 0) ||
               complain_phrase(loader, node, most);
    if (!text_equal(word, TEXT("per")))
        return complain_phrase(loader, node, most);
    if (!read_part(loader, node, &rest, most))
        return false;
    word = next_word(&rest);
    if (text_equal(word, TEXT("and"))) {
        if (!read_part(loader, node, &rest, most))
            return false;
        word = next_word(&rest);
    }
    return word.len == 0 || complain_phrase(loader, node, most);
}

static bool is_times(struct text word)
{
    return text_equal(word, TEXT("times")) || text_equal(word, TEXT("time"));
}

/* Amount and currency off the front of the rest. */
static bool read_quantity(struct loader *loader, const struct node *node, struct text *rest, struct most *most)
{
    struct node amount = word_node(node, next_word(rest));
    struct text after = *rest, word = next_word(&after);
    if (amount.text.len == 0 || amount.text.at[0] < '0' || amount.text.at[0] > '9')
        return complain_phrase(loader, node, most);
    if (is_times(word)) {
        *rest = after;
        most->limit.key.unit = LIMIT_TIMES;
        return read_integer(loader, &amount, "the number of times", 1, TIMES_MAX, &most->limit.most);
    }
    if (word.len > 0 && !text_equal(word, TEXT("per")) && !text_equal(word, TEXT("in"))) {
        struct node currency = word_node(node, word);
        *rest = after;
        if (!read_points(loader, &currency, &most->currency))
            return false;
    }
    return read_amount(loader, &amount, most->what, &loader->program->points[most->currency], &most->limit.most);
}

static void read_phrase(struct loader *loader, const struct node *node, struct most *most)
{
    if (!expect_kind(loader, node, NODE_SCALAR, most->what))
        return;
    struct text rest = node->text;
    most->read = read_quantity(loader, node, &rest, most) && read_periods(loader, node, rest, most);
    most->limit.window.week_begins = loader->program->week_begins;
    most->limit.key.form = most->limit.window.form;
    most->limit.key.length = most->limit.window.length;
}

/* ---- what they are for */

/* Appends the limit to those of the rule that it is fit for. */
static void add_limit(struct loader *loader, const struct node *node, struct rule *rule, const struct most *most)
{
    struct limit_list *list = most->budget ? &rule->budgets : &rule->limits;
    if (most->limit.key.unit == LIMIT_POINTS && most->currency != rule->currency) {
        complain(loader, node, "%s counts %.*s; rule `%.*s` earns %.*s", most->what,
                 SHOWN(loader->program->points[most->currency].name), SHOWN(rule->id),
                 SHOWN(loader->program->points[rule->currency].name));
        return;
    }
    if (most->limit.per_network && rule->type != EVENT_SHARE) {
        complain(loader, node, "limit counts per network; rule `%.*s` is not on share.shared", SHOWN(rule->id));
        return;
    }
    if (list->count == RULE_LIMITS_MAX) {
        complain(loader, node, "rule `%.*s` has more than %d %ss", SHOWN(rule->id), RULE_LIMITS_MAX, most->what);
        return;
    }
    const struct limit **items = arena_array(loader->arena, list->count + 1, sizeof *items);
    struct limit *limit = arena_alloc(loader->arena, sizeof *limit);
    *limit = most->limit;
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count] = limit;
    *list = (struct limit_list){items, list->count + 1};
}

/* Two limits of a rule that count alike are one too many. */
static bool is_second(const struct limit_list *list, const struct limit *limit)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->per_network == limit->per_network &&
            limit_key_compare(&list->items[i]->key, &limit->key) == 0)
            return true;
    return false;
}

static void read_own(struct loader *loader, const struct node *node, struct rule *rule, bool budget)
{
    struct most most = {.what = budget ? "budget" : "limit", .budget = budget, .currency = rule->currency};
    read_phrase(loader, node, &most);
    most.limit.key.id = rule->id;
    if (!most.read)
        return;
    if (is_second(budget ? &rule->budgets : &rule->limits, &most.limit))
        complain(loader, node, "%s `%.*s` counts what another %s of this rule counts", most.what, SHOWN(node->text),
                 most.what);
    else
        add_limit(loader, node, rule, &most);
}

static void read_own_list(struct loader *loader, const struct node *node, struct draft *draft, bool budget)
{
    if (!draft->typed)
        return;
    if (node->kind != NODE_LIST)
        read_own(loader, node, &draft->rule, budget);
    else if (expect_count(loader, node, budget ? "budget" : "limit", 1, RULE_LIMITS_MAX))
        for (const struct node *item = node->first; item; item = item->next)
            read_own(loader, item, &draft->rule, budget);
}

void read_limit(struct loader *loader, const struct node *node, void *into)
{
    read_own_list(loader, node, into, false);
}

void read_budget(struct loader *loader, const struct node *node, void *into)
{
    read_own_list(loader, node, into, true);
}

/* ---- of several rules */

static void read_most_id(struct loader *loader, const struct node *node, void *into)
{
    read_id(loader, node, "id", &((struct most *)into)->limit.key.id);
}

static void read_most(struct loader *loader, const struct node *node, void *into)
{
    read_phrase(loader, node, into);
}

static void read_most_rules(struct loader *loader, const struct node *node, void *into)
{
    if (expect_kind(loader, node, NODE_LIST, "rules") && expect_count(loader, node, "rules", 1, PROGRAM_RULES_MAX))
        ((struct most *)into)->rules = node;
}

static const struct shape rule_ids_shape = {.kind = SHAPE_LIST, .least = 1, .most = PROGRAM_RULES_MAX, .of = &id_shape};

static const struct field limit_fields[] = {
    {"id", true, read_most_id, &id_shape, "its name; what was used of it is kept under it"},
    {"most", true, read_most, &phrase_shape, "how much each member gets: \"1000 points per day\""},
    {"rules", false, read_most_rules, &rule_ids_shape, "the rules that share it; without it all that earn its points"},
};
static const struct field budget_fields[] = {
    {"id", true, read_most_id, &id_shape, "its name; what was used of it is kept under it"},
    {"most", true, read_most, &budget_phrase_shape, "how much all members get together: \"100000 points\""},
    {"rules", false, read_most_rules, &rule_ids_shape, "the rules that share it; without it all that earn its points"},
};
static const struct shape one_limit_shape = SHAPE_OF_FIELDS(limit_fields);
static const struct shape one_budget_shape = SHAPE_OF_FIELDS(budget_fields);
const struct shape limits_shape = {.kind = SHAPE_LIST, .least = 1, .most = PROGRAM_LIMITS_MAX, .of = &one_limit_shape};
const struct shape budgets_shape = {
    .kind = SHAPE_LIST, .least = 1, .most = PROGRAM_LIMITS_MAX, .of = &one_budget_shape};

static void attach_listed(struct loader *loader, const struct most *most)
{
    for (const struct node *item = most->rules->first; item; item = item->next) {
        struct rule *rule = read_rule_name(loader, item);
        if (!rule)
            continue;
        if (is_second(most->budget ? &rule->budgets : &rule->limits, &most->limit))
            complain(loader, item, "rule `%.*s` stands here a second time", SHOWN(rule->id));
        else
            add_limit(loader, item, rule, most);
    }
}

/* A limit that lists no rules is for all that it can count. */
static void attach_all(struct loader *loader, const struct node *node, const struct most *most)
{
    size_t count = 0;
    for (size_t i = 0; i < loader->rule_count; i++) {
        struct rule *rule = &loader->rules[i];
        bool counts = (most->limit.key.unit == LIMIT_TIMES || most->currency == rule->currency) &&
                      (!most->limit.per_network || rule->type == EVENT_SHARE);
        if (!counts)
            continue;
        add_limit(loader, node, rule, most);
        count++;
    }
    if (count == 0)
        complain(loader, node, "%s `%.*s` is for no rule of this file", most->what, SHOWN(most->limit.key.id));
}

static void read_shared(struct loader *loader, const struct node *list, bool budget)
{
    const char *what = budget ? "budget" : "limit";
    if (!expect_kind(loader, list, NODE_LIST, budget ? "budgets" : "limits") ||
        !expect_count(loader, list, budget ? "budgets" : "limits", 1, PROGRAM_LIMITS_MAX) ||
        loader->program->point_count == 0)
        return;
    for (const struct node *item = list->first; item; item = item->next) {
        struct most most = {.what = what, .budget = budget};
        fields_read(loader, item, budget ? "a budget" : "a limit", budget ? budget_fields : limit_fields,
                    FIELD_COUNT(limit_fields), &most);
        claim_id(loader, item, most.limit.key.id);
        if (most.read && most.rules)
            attach_listed(loader, &most);
        else if (most.read)
            attach_all(loader, item, &most);
    }
}

void read_limits(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    read_shared(loader, node, false);
}

void read_budgets(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    read_shared(loader, node, true);
}
