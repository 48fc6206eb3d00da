#include "cases/event_values.h"

#include "base/checked.h"
#include "base/nearest.h"
#include "base/rfc3339.h"

enum { UNDECLARED_DECIMALS = 2 };

struct text nearest_hint(struct arena *arena, struct text given, const char *const *names, size_t count)
{
    const char *name = nearest_name(given, names, count);
    return name ? arena_printf(arena, "; did you mean `%s`?", name) : TEXT("");
}

bool read_number(struct reading *reading, const char *what, struct text text, int decimals, int64_t *out)
{
    struct text digits = text;
    struct decimal number;
    int64_t amount;
    bool negative = begins_with(text, "-");
    if (text_equal(text, TEXT("least"))) {
        *out = INT64_MIN;
        return true;
    }
    if (negative || begins_with(text, "+"))
        digits = without_first(text, 1);
    if (decimal_parse(digits, decimals, &number) && decimal_scale(number, decimals, &amount)) {
        *out = negative ? -amount : amount;
        return true;
    }
    fault_add(reading->words.faults, reading->words.line, "%s is `%.*s`; expected a number with at most %d decimals",
              what, VIEW(text), decimals);
    return false;
}

bool read_money_amount(struct reading *reading, const char *what, struct text text, struct text currency, int64_t *out)
{
    size_t place = reading->terms ? program_money_place(reading->terms, currency) : PLACE_NONE;
    int decimals = place == PLACE_NONE ? UNDECLARED_DECIMALS : reading->terms->money[place].decimals;
    return read_number(reading, what, text, decimals, out);
}

bool read_points_amount(struct reading *reading, const char *what, struct text text, struct text currency, int64_t *out)
{
    size_t place = reading->terms ? 0 : PLACE_NONE;
    if (reading->terms && currency.len > 0)
        place = program_point_place(reading->terms, currency);
    return read_number(reading, what, text, place == PLACE_NONE ? 0 : reading->terms->points[place].decimals, out);
}

static bool unit_us(char unit, int64_t *out)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (units[i].unit == unit) {
            *out = units[i].seconds * 1000000;
            return true;
        }
    }
    return false;
}

/* "1d12h" */
static bool duration_us(struct text text, int64_t *out)
{
    int64_t sum = 0;
    if (text.len == 0)
        return false;
    while (text.len > 0) {
        int64_t number = 0, unit = 0;
        size_t digits = 0;
        for (; digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9'; digits++)
            if (!checked_mul(number, 10, &number) || !checked_add(number, text.at[digits] - '0', &number))
                return false;
        if (digits == 0 || digits == text.len || !unit_us(text.at[digits], &unit) ||
            !checked_mul(number, unit, &number) || !checked_add(sum, number, &sum))
            return false;
        text = without_first(text, digits + 1);
    }
    *out = sum;
    return true;
}

bool read_instant(struct reading *reading, const char *what, struct text text, int64_t *out)
{
    int64_t distance;
    if (rfc3339_parse(text, out))
        return true;
    bool forward = begins_with(text, "+");
    if ((forward || begins_with(text, "-")) && duration_us(without_first(text, 1), &distance) &&
        checked_add(reading->previous_at, forward ? distance : -distance, out))
        return true;
    fault_add(reading->words.faults, reading->words.line,
              "%s is `%.*s`; expected an instant such as 2026-03-01T12:00:00Z, or a distance from the event before, "
              "such as +2d or +1d12h (w, d, h, m, s)",
              what, VIEW(text));
    return false;
}

bool read_network(struct reading *reading, struct text text, enum share_network *out)
{
    static const char *const names[NETWORK_COUNT] = {
#define X(network, name) [network] = name,
        SHARE_NETWORKS(X)
#undef X
    };
    for (int network = 0; network < NETWORK_COUNT; network++) {
        if (text_equal(text, text_of(names[network]))) {
            *out = (enum share_network)network;
            return true;
        }
    }
    struct text hint = nearest_hint(reading->arena, text, names, NETWORK_COUNT);
    fault_add(reading->words.faults, reading->words.line, "`%.*s` is no network%.*s", VIEW(text), VIEW(hint));
    return false;
}
