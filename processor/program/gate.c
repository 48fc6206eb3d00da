#include "program/gate.h"

#include <string.h>

#include "program/parts.h"

/* When something counts: `from`, `until`, `days`, `hours`, `clock`. */

enum { WEEK = 7, HOURS = 24, MINUTES = 60 };

#define MINUTE INT64_C(60000000)

void read_gate_from(struct loader *loader, const struct node *node, struct gate *gate)
{
    read_date_time(loader, node, "from", &gate->from);
}

void read_gate_until(struct loader *loader, const struct node *node, struct gate *gate)
{
    int64_t until;
    if (!read_date_time(loader, node, "until", &until))
        return;
    if (until <= gate->from)
        complain(loader, node, "until is `%.*s`; it must lie after `from`", SHOWN(node->text));
    gate->until = until;
}

/* In the order of their numbers: 0 is Sunday. */
static const char *const day_names[WEEK] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static const struct shape day_shape = SHAPE_OF_NAMES(day_names);
const struct shape days_shape = {
    .kind = SHAPE_LIST, .least = 1, .most = WEEK, .of = &day_shape, .otherwise = &day_shape};

static void read_day(struct loader *loader, const struct node *node, struct gate *gate)
{
    size_t day;
    if (!read_choice(loader, node, "days", day_names, WEEK, &day))
        return;
    if (gate->days >> day & 1)
        complain(loader, node, "days: %s stands here a second time", day_names[day]);
    gate->days |= 1U << day;
}

void read_gate_days(struct loader *loader, const struct node *node, struct gate *gate)
{
    if (node->kind != NODE_LIST) {
        read_day(loader, node, gate);
        return;
    }
    if (!expect_count(loader, node, "days", 1, WEEK))
        return;
    for (const struct node *item = node->first; item; item = item->next)
        read_day(loader, item, gate);
}

#define CLOCK "([01][0-9]|2[0-3]):[0-5][0-9]"
const struct shape hours_shape = {.kind = SHAPE_TEXT, .pattern = "^" CLOCK "-" CLOCK "$", .example = "10:00-13:00"};

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "13:05" in µs since midnight. */
static bool parse_clock(const char *at, int64_t *out)
{
    if (!digit(at[0]) || !digit(at[1]) || at[2] != ':' || !digit(at[3]) || !digit(at[4]))
        return false;
    int hour = (at[0] - '0') * 10 + at[1] - '0', minute = (at[3] - '0') * 10 + at[4] - '0';
    *out = (hour * MINUTES + minute) * MINUTE;
    return hour < HOURS && minute < MINUTES;
}

void read_gate_hours(struct loader *loader, const struct node *node, struct gate *gate)
{
    enum { HALF = sizeof "13:05" - 1 };
    if (!expect_kind(loader, node, NODE_SCALAR, "hours"))
        return;
    gate->has_hours = node->text.len == 2 * HALF + 1 && node->text.at[HALF] == '-' &&
                      parse_clock(node->text.at, &gate->opens) && parse_clock(node->text.at + HALF + 1, &gate->closes);
    if (!gate->has_hours)
        complain(loader, node, "hours is `%.*s`; expected two times of day such as 10:00-13:00", SHOWN(node->text));
}

static const char *const clock_names[] = {"program", "member"};
const struct shape clock_shape = SHAPE_OF_NAMES(clock_names);

void read_gate_clock(struct loader *loader, const struct node *node, struct gate *gate)
{
    size_t choice;
    if (!read_choice(loader, node, "clock", clock_names, FIELD_COUNT(clock_names), &choice))
        return;
    gate->by_member = choice == 1;
    if (gate->days == 0 && !gate->has_hours)
        complain(loader, node, "clock says whose time `days` and `hours` are told by; there is neither");
}
