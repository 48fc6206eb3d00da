#include "program/load.h"

#include <assert.h>
#include <stdlib.h>

#include "program/lasting.h"
#include "program/parts.h"

/* The outermost level of a program file. */

enum { VERSION_MAX = INT32_MAX, NAME_MAX_BYTES = 32, PARTNER_MAX = 128 };

static void read_program_id(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    read_id(loader, node, "program", &loader->program->id);
}

static void read_version(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    read_integer(loader, node, "version", 1, VERSION_MAX, &loader->program->version);
}

static struct text zone_hint(struct loader *loader, struct text given)
{
    const struct zones *zones = loader->program->zones;
    const char **names = arena_array(loader->arena, zones->count, sizeof *names);
    for (size_t i = 0; i < zones->count; i++)
        names[i] = arena_printf(loader->arena, "%.*s", SHOWN(zones->items[i].name)).at;
    return hint(loader, given, names, zones->count);
}

static void read_zone(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    if (!expect_kind(loader, node, NODE_SCALAR, "zone"))
        return;
    loader->program->zone = node->text;
    loader->program->local = zones_find(loader->program->zones, node->text);
    if (loader->program->local)
        return;
    struct text nearest = zone_hint(loader, node->text);
    complain(loader, node, "zone is `%.*s`; expected an IANA name such as Europe/Berlin%.*s", SHOWN(node->text),
             SHOWN(nearest));
}

static void read_effective(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    read_date_time(loader, node, "effective", &loader->program->effective_at);
}

/* ---- currencies */

static void read_decimals(struct loader *loader, const struct node *node, void *into)
{
    int64_t decimals = DECIMALS_MAX; /* so that a mistake here makes no amounts wrong */
    read_integer(loader, node, "decimals", 0, DECIMALS_MAX, &decimals);
    ((struct currency *)into)->decimals = (int)decimals;
}

static void read_point_expiry(struct loader *loader, const struct node *node, void *into)
{
    read_expiry(loader, node, &((struct currency *)into)->expiry);
}

static void read_point_warnings(struct loader *loader, const struct node *node, void *into)
{
    read_warnings(loader, node, &((struct currency *)into)->warnings);
}

/* What one point is worth; read when the decimals are known. */
static void read_worth(struct loader *loader, const struct node *node, void *into)
{
    struct currency *currency = into;
    const struct program *program = loader->program;
    if (program->money_count == 0) {
        complain(loader, node, "worth needs currencies: declare them under `money`");
        return;
    }
    if (!expect_kind(loader, node, NODE_MAP, "worth") || !expect_count(loader, node, "worth", 1, PROGRAM_MONEY_MAX))
        return;
    struct rate *worth = arena_array(loader->arena, program->money_count, sizeof *worth);
    for (const struct node *key = node->first; key; key = key->next) {
        struct decimal money;
        size_t place;
        if (!read_money(loader, key, &place) || !expect_kind(loader, key->value, NODE_SCALAR, "worth"))
            continue;
        if (!decimal_parse(key->value->text, RATE_DECIMALS_MAX, &money) || money.digits == 0)
            complain(loader, key->value, "worth is `%.*s`; expected an amount above zero such as 0.01",
                     SHOWN(key->value->text));
        else if (worth[place].denominator > 0)
            complain(loader, key, "currency `%.*s` stands here a second time", SHOWN(key->text));
        else if (!rate_make(money, (struct decimal){1, 0}, false, program->money[place].decimals, currency->decimals,
                            &worth[place]))
            complain(loader, key->value, "worth `%.*s` has too many digits", SHOWN(key->value->text));
    }
    currency->worth = worth;
}

static const struct shape worth_shape = {
    .kind = SHAPE_MAP, .pattern = MONEY_PATTERN, .least = 1, .most = PROGRAM_MONEY_MAX, .of = &amount_shape};
static const struct shape decimals_shape = {.kind = SHAPE_WHOLE, .least = 0, .most = DECIMALS_MAX};
enum { USE_SPEND, USE_STATUS };
static const char *const use_names[] = {[USE_SPEND] = "spend", [USE_STATUS] = "status"};
static const struct shape use_shape = SHAPE_OF_NAMES(use_names);

static void read_use(struct loader *loader, const struct node *node, void *into)
{
    size_t choice;
    if (read_choice(loader, node, "use", use_names, FIELD_COUNT(use_names), &choice))
        ((struct currency *)into)->is_status = choice == USE_STATUS;
}

static const struct field point_fields[] = {
    {"decimals", false, read_decimals, &decimals_shape, "digits behind the point; none without it"},
    {"worth", false, read_worth, &worth_shape, "what one of them is worth, by currency, where it pays for orders"},
    {"expire", false, read_point_expiry, &expire_shape, "how long points last: \"12 months\"; for ever without it"},
    {"use", false, read_use, &use_shape, "spend, or status: points that count and cannot be spent; spend without it"},
    {"warn", false, read_point_warnings, &warn_shape, "how long before points end their member is warned"},
};
static const struct shape point_shape = SHAPE_OF_FIELDS(point_fields);
static const struct shape points_shape = {
    .kind = SHAPE_MAP, .pattern = POINTS_PATTERN, .least = 1, .most = PROGRAM_POINTS_MAX, .of = &point_shape};
static const struct shape money_shape = {
    .kind = SHAPE_MAP, .pattern = MONEY_PATTERN, .least = 1, .most = PROGRAM_MONEY_MAX, .of = &decimals_shape};

static bool is_point_name(struct text name)
{
    bool good = name.len >= 1 && name.len <= NAME_MAX_BYTES && name.at[0] >= 'a' && name.at[0] <= 'z';
    for (size_t i = 1; good && i < name.len; i++)
        good = (name.at[i] >= 'a' && name.at[i] <= 'z') || (name.at[i] >= '0' && name.at[i] <= '9') ||
               name.at[i] == '_' || name.at[i] == '-';
    return good;
}

static bool is_money_name(struct text name)
{
    bool good = name.len == 3;
    for (size_t i = 0; good && i < name.len; i++)
        good = name.at[i] >= 'A' && name.at[i] <= 'Z';
    return good;
}

static bool is_repeated(const struct currency *currencies, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(currencies[i].name, name))
            return true;
    return false;
}

static void read_points_map(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    if (!expect_kind(loader, node, NODE_MAP, "points") || !expect_count(loader, node, "points", 1, PROGRAM_POINTS_MAX))
        return;
    struct currency *points = arena_array(loader->arena, node->count, sizeof *points);
    size_t count = 0;
    for (const struct node *key = node->first; key; key = key->next) {
        if (!is_point_name(key->text))
            complain(loader, key, "point currency `%.*s`; expected a-z, then a-z 0-9 _ -, at most %d bytes",
                     SHOWN(key->text), NAME_MAX_BYTES);
        else if (is_repeated(points, count, key->text))
            complain(loader, key, "point currency `%.*s` stands here a second time", SHOWN(key->text));
        points[count].name = key->text;
        points[count].decimals = key->value->kind == NODE_MAP ? 0 : DECIMALS_MAX;
        fields_read(loader, key->value, "a point currency", point_fields, FIELD_COUNT(point_fields), &points[count]);
        count++;
    }
    loader->program->points = points;
    loader->program->point_count = count;
}

static void read_money_map(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    if (!expect_kind(loader, node, NODE_MAP, "money") || !expect_count(loader, node, "money", 1, PROGRAM_MONEY_MAX))
        return;
    struct currency *money = arena_array(loader->arena, node->count, sizeof *money);
    size_t count = 0;
    for (const struct node *key = node->first; key; key = key->next) {
        if (!is_money_name(key->text))
            complain(loader, key, "currency `%.*s`; expected three capitals such as EUR", SHOWN(key->text));
        else if (is_repeated(money, count, key->text))
            complain(loader, key, "currency `%.*s` stands here a second time", SHOWN(key->text));
        money[count].name = key->text;
        read_decimals(loader, key->value, &money[count]);
        count++;
    }
    loader->program->money = money;
    loader->program->money_count = count;
}

/* ---- partners, refunds */

static int partner_compare(const void *a, const void *b)
{
    return text_compare((*(const struct node *const *)a)->text, (*(const struct node *const *)b)->text);
}

static void read_partners(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    if (!expect_kind(loader, node, NODE_LIST, "partners") ||
        !expect_count(loader, node, "partners", 0, PROGRAM_PARTNERS_MAX))
        return;
    const struct node **items = arena_array(loader->arena, node->count, sizeof *items);
    struct text *partners = arena_array(loader->arena, node->count, sizeof *partners);
    size_t count = 0;
    for (const struct node *item = node->first; item; item = item->next)
        if (expect_kind(loader, item, NODE_SCALAR, "a partner")) {
            if (item->text.len < 1 || item->text.len > PARTNER_MAX)
                complain(loader, item, "a partner's id has 1 to %d bytes", PARTNER_MAX);
            items[count++] = item;
        }
    if (count > 1)
        qsort(items, count, sizeof *items, partner_compare);
    for (size_t i = 0; i < count; i++) {
        partners[i] = items[i]->text;
        if (i > 0 && text_equal(partners[i], partners[i - 1]))
            complain(loader, items[i], "partner `%.*s` stands here a second time", SHOWN(partners[i]));
    }
    loader->program->partners = partners;
    loader->program->partner_count = count;
}

static const char *const refund_names[] = {[REFUND_NEGATIVE] = "negative", [REFUND_CLAMP] = "clamp"};
static const struct shape refunds_shape = SHAPE_OF_NAMES(refund_names);

static void read_refunds(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    size_t choice;
    if (read_choice(loader, node, "refunds", refund_names, FIELD_COUNT(refund_names), &choice))
        loader->program->refunds = (enum refund_policy)choice;
}

enum { ENROLMENT_FIRST_EVENT, ENROLMENT_REQUIRED };
static const char *const enrolment_names[] = {
    [ENROLMENT_FIRST_EVENT] = "first_event", [ENROLMENT_REQUIRED] = "required"};
static const struct shape enrolment_shape = SHAPE_OF_NAMES(enrolment_names);

static void read_enrolment(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    size_t choice;
    if (read_choice(loader, node, "enrolment", enrolment_names, FIELD_COUNT(enrolment_names), &choice))
        loader->program->enrolment_required = choice == ENROLMENT_REQUIRED;
}

static const struct shape version_shape = {.kind = SHAPE_WHOLE, .least = 1, .most = VERSION_MAX};
static const struct shape zone_shape = {
    .kind = SHAPE_TEXT, .pattern = "^[A-Za-z0-9]+([/_+-][A-Za-z0-9]+)*$", .example = "Europe/Berlin"};
static const struct shape partner_shape = {.kind = SHAPE_TEXT};
static const struct shape partners_shape = {.kind = SHAPE_LIST, .most = PROGRAM_PARTNERS_MAX, .of = &partner_shape};

/* In the order in which they depend on each other. */
static const struct field program_fields[] = {
    {"program", true, read_program_id, &id_shape, "its name"},
    {"version", true, read_version, &version_shape, "raised with every change; a version in force is never rewritten"},
    {"zone", false, read_zone, &zone_shape, "the shop's time zone, by its IANA name; UTC without it"},
    {"effective", true, read_effective, &date_time_shape, "the instant from which this version decides"},
    {"money", false, read_money_map, &money_shape, "currencies of orders, with the digits of their minor unit"},
    {"points", true, read_points_map, &points_shape, "point currencies; the first is meant where none is named"},
    {"partners", false, read_partners, &partners_shape, "who else may send events"},
    {"refunds", false, read_refunds, &refunds_shape, "whether a take-back may leave less than nothing"},
    {"week_begins", false, read_week_begins, &weekday_shape, "the first day of a week; monday without it"},
    {"enrolment", false, read_enrolment, &enrolment_shape, "whether a member must enrol before anything is earned"},
    {"rules", true, read_rules, &rules_shape, "what is earned"},
    {"limits", false, read_limits, &limits_shape, "the most that several rules together grant to each member"},
    {"budgets", false, read_budgets, &budgets_shape, "the most that several rules grant to all members together"},
    {"multipliers", false, read_multipliers, &multipliers_shape, "what multiplies the points of rules"},
    {"rewards", false, read_rewards, &rewards_shape, "what is given by itself at thresholds"},
    {"tiers", false, read_tiers, &tiers_shape, "levels that members reach or buy, and what they give"},
};
const struct shape program_shape = SHAPE_OF_FIELDS(program_fields);

enum err_code program_load(struct text source, const struct zones *zones, struct arena *arena, struct program **out,
                           struct program_errors *errors, struct err *err)
{
    assert(zones && arena && out && errors);
    struct program *program = arena_alloc(arena, sizeof *program);
    *program = (struct program){
        .zone = TEXT("UTC"), .local = zones_find(zones, TEXT("UTC")), .zones = zones, .week_begins = 1};
    struct loader loader = {.arena = arena, .errors = errors, .program = program};
    loader.claims = arena_array(arena, CLAIMS_MAX, sizeof *loader.claims);
    size_t before = errors->count;
    bundle_split(source, &source, &loader.attachments);
    const struct node *root = node_read(source, arena, errors);
    if (root)
        fields_read(&loader, root, "a program", program_fields, FIELD_COUNT(program_fields), NULL);
    if (errors->count > before) {
        errors_sort(errors);
        const struct program_error *first = &errors->items[0];
        return err_set(err, ERR_PROGRAM, "%zu error%s, the first in line %d, column %d: %.*s", errors->count,
                       errors->count == 1 ? "" : "s", first->line, first->column, (int)first->message.len,
                       first->message.at);
    }
    program_index(program, arena);
    *out = program;
    return ERR_NONE;
}
