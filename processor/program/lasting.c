#include "program/lasting.h"

#include <assert.h>

/* How long points last, and how long they are pending: spans of time in words. */

enum unit { UNIT_HOUR, UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_YEAR, UNIT_COUNT };

/* "12 months": so many of a unit. */
struct stretch {
    int64_t count;
    enum unit unit;
};

enum {
    STRETCH_MAX = 36500,
    DAYS_A_WEEK = 7,
    MONTHS_A_YEAR = 12,
    SECONDS_AN_HOUR = 3600,
    HOURS_A_DAY = 24,
    MICROSECONDS = 1000000
};

#define BLANK             " +"
#define STRETCH_OF(units) "[0-9]+" BLANK "(" units ")s?"
#define CALENDAR_STRETCH  STRETCH_OF("day|week|month|year")
#define EXACT_STRETCH     STRETCH_OF("hour|day|week")

static bool find_unit(struct text word, enum unit *out)
{
    static const struct text names[UNIT_COUNT] = {{"hour", 4}, {"day", 3}, {"week", 4}, {"month", 5}, {"year", 4}};
    if (word.len > 1 && word.at[word.len - 1] == 's')
        word.len--;
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (!text_equal(word, names[i]))
            continue;
        *out = (enum unit)i;
        return true;
    }
    return false;
}

/* Takes "12 months" off the text. */
static bool take_stretch(struct text *rest, struct stretch *out)
{
    struct decimal number;
    if (!decimal_parse(next_word(rest), 0, &number) || number.digits < 1 || number.digits > STRETCH_MAX)
        return false;
    out->count = number.digits;
    return find_unit(next_word(rest), &out->unit);
}

/* A stretch of the calendar; false where it is one of hours, or too long. */
static bool set_calendar(struct stretch stretch, struct expiry *out)
{
    int64_t days = stretch.unit == UNIT_DAY    ? stretch.count
                   : stretch.unit == UNIT_WEEK ? stretch.count * DAYS_A_WEEK
                                               : 0;
    int64_t months = stretch.unit == UNIT_MONTH  ? stretch.count
                     : stretch.unit == UNIT_YEAR ? stretch.count * MONTHS_A_YEAR
                                                 : 0;
    if (stretch.unit == UNIT_HOUR || days > EXPIRY_DAYS_MAX || months > EXPIRY_MONTHS_MAX)
        return false;
    out->days = (int)days;
    out->months = (int)months;
    return true;
}

/* A stretch of hours, days or weeks, each of the same length. */
static bool exact_seconds(struct stretch stretch, int64_t *out)
{
    static const int64_t hours[UNIT_COUNT] = {
        [UNIT_HOUR] = 1, [UNIT_DAY] = HOURS_A_DAY, [UNIT_WEEK] = HOURS_A_DAY * DAYS_A_WEEK};
    *out = stretch.count * hours[stretch.unit] * SECONDS_AN_HOUR;
    return *out > 0 && *out <= (int64_t)EXPIRY_DAYS_MAX * HOURS_A_DAY * SECONDS_AN_HOUR;
}

/* ---- expire */

/* "of month + 3 months", behind "end". */
static bool parse_period(struct text rest, struct expiry *out)
{
    static const struct text names[] = {{"month", 5}, {"quarter", 7}, {"year", 4}};
    static const int months[] = {1, 3, MONTHS_A_YEAR};
    struct stretch stretch;
    struct text of = next_word(&rest), name = next_word(&rest);
    out->form = EXPIRY_PERIOD;
    for (size_t i = 0; i < FIELD_COUNT(names); i++)
        if (text_equal(name, names[i]))
            out->period = months[i];
    if (!text_equal(of, TEXT("of")) || out->period == 0)
        return false;
    struct text plus = next_word(&rest);
    if (plus.len == 0)
        return true;
    return text_equal(plus, TEXT("+")) && take_stretch(&rest, &stretch) && set_calendar(stretch, out) &&
           next_word(&rest).len == 0;
}

static bool parse_expiry(struct text text, struct expiry *out)
{
    struct text rest = text;
    struct text first = next_word(&rest);
    struct stretch stretch;
    *out = (struct expiry){.form = EXPIRY_NEVER};
    if (text_equal(first, TEXT("never")))
        return next_word(&rest).len == 0;
    if (text_equal(first, TEXT("end")))
        return parse_period(rest, out);
    out->form = EXPIRY_AFTER;
    rest = text;
    if (!take_stretch(&rest, &stretch) || !set_calendar(stretch, out))
        return false;
    struct text of = next_word(&rest);
    if (of.len == 0)
        return true;
    out->form = EXPIRY_IDLE;
    return text_equal(of, TEXT("of")) && text_equal(next_word(&rest), TEXT("inactivity")) && next_word(&rest).len == 0;
}

const struct shape expire_shape = {.kind = SHAPE_TEXT,
                                   .pattern = "^ *(never|end" BLANK "of" BLANK "(month|quarter|year)(" BLANK
                                              "\\+" BLANK CALENDAR_STRETCH ")?|" CALENDAR_STRETCH "(" BLANK "of" BLANK
                                              "inactivity)?) *$",
                                   .example = "12 months"};

bool read_expiry(struct loader *loader, const struct node *node, struct expiry *out)
{
    struct expiry expiry;
    if (!expect_kind(loader, node, NODE_SCALAR, "expire"))
        return false;
    if (!parse_expiry(node->text, &expiry)) {
        complain(loader, node,
                 "expire is `%.*s`; expected \"12 months\", \"end of year\", \"end of year + 3 months\", "
                 "\"12 months of inactivity\" or never",
                 SHOWN(node->text));
        return false;
    }
    *out = expiry;
    return true;
}

/* ---- warn */

static const struct shape distance_shape = {
    .kind = SHAPE_TEXT, .pattern = "^ *" EXACT_STRETCH " *$", .example = "30 days"};
const struct shape warn_shape = {.kind = SHAPE_LIST, .least = 1, .most = EXPIRY_WARNINGS_MAX, .of = &distance_shape};

static bool parse_exact(struct text text, int64_t *out)
{
    struct stretch stretch;
    return take_stretch(&text, &stretch) && exact_seconds(stretch, out) && next_word(&text).len == 0;
}

/* At its place; false where it is there. */
static bool add_distance(struct warnings *warnings, int64_t distance)
{
    size_t at = warnings->count;
    assert(at < EXPIRY_WARNINGS_MAX);
    for (size_t i = 0; i < warnings->count; i++)
        if (warnings->distances[i] == distance)
            return false;
    for (; at > 0 && warnings->distances[at - 1] < distance; at--)
        warnings->distances[at] = warnings->distances[at - 1];
    warnings->distances[at] = distance;
    warnings->count++;
    return true;
}

bool read_warnings(struct loader *loader, const struct node *node, struct warnings *out)
{
    *out = (struct warnings){.count = 0};
    if (!expect_kind(loader, node, NODE_LIST, "warn") || !expect_count(loader, node, "warn", 1, EXPIRY_WARNINGS_MAX))
        return false;
    for (const struct node *item = node->first; item; item = item->next) {
        int64_t distance;
        if (!expect_kind(loader, item, NODE_SCALAR, "warn"))
            continue;
        if (!parse_exact(item->text, &distance))
            complain(loader, item, "warn names `%.*s`; expected how long before the end, such as \"30 days\"",
                     SHOWN(item->text));
        else if (!add_distance(out, distance))
            complain(loader, item, "warn names `%.*s` a second time", SHOWN(item->text));
    }
    return true;
}

/* ---- pending */

static const struct {
    struct text name;
    enum event_kind kind;
} awaited[] = {{{"shipped", 7}, ORDER_SHIPPED}, {{"completed", 9}, ORDER_COMPLETED}};

static bool find_awaited(struct text name, enum event_kind *out)
{
    for (size_t i = 0; i < FIELD_COUNT(awaited); i++) {
        if (!text_equal(name, awaited[i].name))
            continue;
        *out = awaited[i].kind;
        return true;
    }
    return false;
}

static bool parse_waiting(struct text text, struct pending_terms *out)
{
    struct text rest = text;
    int64_t seconds = 0;
    bool until = text_equal(next_word(&rest), TEXT("until"));
    *out = (struct pending_terms){.awaits = KIND_UNKNOWN};
    if (until && !find_awaited(next_word(&rest), &out->awaits))
        return false;
    struct text plus = until ? next_word(&rest) : TEXT("");
    if (until && plus.len == 0)
        return true;
    if ((until && !text_equal(plus, TEXT("+"))) || !parse_exact(until ? rest : text, &seconds))
        return false;
    out->delay = seconds * MICROSECONDS;
    return true;
}

const struct shape pending_shape = {.kind = SHAPE_TEXT,
                                    .pattern = "^ *(until" BLANK "(shipped|completed)(" BLANK "\\+" BLANK EXACT_STRETCH
                                               ")?|" EXACT_STRETCH ") *$",
                                    .example = "until completed + 14 days"};

bool read_waiting(struct loader *loader, const struct node *node, struct pending_terms *out)
{
    struct pending_terms waiting;
    if (!expect_kind(loader, node, NODE_SCALAR, "pending"))
        return false;
    if (!parse_waiting(node->text, &waiting)) {
        complain(loader, node,
                 "pending is `%.*s`; expected \"14 days\", \"until shipped\" or \"until completed + 14 days\"",
                 SHOWN(node->text));
        return false;
    }
    *out = waiting;
    return true;
}
