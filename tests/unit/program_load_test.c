#include "program/bundle.h"
#include "program/load.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "rules/program_model.h"
#include "zones.h"

static const char good[] =
    "program: shop\n"
    "version: 3\n"
    "effective: 2026-01-01T00:00:00+01:00\n"
    "zone: Europe/Berlin\n"
    "points: {points: {expire: end of year + 3 months, warn: [7 days, 720 hours]}, stars: {decimals: 2}}\n"
    "money: {EUR: 2, JPY: 0}\n"
    "partners: [cafe, bookshop]\n"
    "refunds: clamp\n"
    "rules:\n"
    "  - {id: base, on: order.paid, earn: {rate: {EUR: 1 per 1.00}}, minimum: {EUR: 10}}\n"
    "  - {id: all, on: order.shipped, earn: {rate: 3 per whole 4, currency: stars}, rounding: up, pending: until "
    "completed + 14 days}\n"
    "  - {id: tea, on: review.approved, earn: {fixed: 50}, once_per: product}\n"
    "  - {id: post, on: share.shared, earn: {fixed: 5}, networks: [x, facebook]}\n"
    "  - {id: friend, on: referral.converted, earn: {fixed: 7}, to: referee, expire: 2 years of inactivity}\n"
    "  - {id: hello, on: activity.sign_up, earn: {fixed: 0.5, currency: stars}, once_per: member}\n"
    "  - {id: walk, on: activity.walk, earn: {rate: 10 per 1}, reason: '{amount} for {subject}!'}\n"
    "rewards:\n"
    "  - {id: note, each: 2000 points, give: Note worth 20, worth: {EUR: 20}}\n"
    "  - {id: treat, each: 300.00 EUR spent, give: A treat}\n";

struct loaded {
    struct arena *arena;
    enum err_code code;
    struct program *program;
    struct program_errors errors;
    struct err err;
};

static struct loaded load(const char *text)
{
    struct loaded loaded = {.arena = arena_new(0)};
    loaded.code = program_load(text_of(text), machine_zones(loaded.arena), loaded.arena, &loaded.program,
                               &loaded.errors, &loaded.err);
    return loaded;
}

/* "10:5: message", one line each. */
static struct text listed(const struct loaded *loaded)
{
    struct text list = TEXT("");
    for (size_t i = 0; i < loaded->errors.count; i++) {
        const struct program_error *error = &loaded->errors.items[i];
        list = arena_printf(loaded->arena, "%.*s%d:%d: %.*s\n", (int)list.len, list.at, error->line, error->column,
                            (int)error->message.len, error->message.at);
    }
    return list;
}

static void expect_errors(const char *text, const char *expected)
{
    struct loaded loaded = load(text);
    struct text list = listed(&loaded);
    cr_assert_eq(loaded.code, ERR_PROGRAM, "read without complaint:\n%s", text);
    cr_assert_null(loaded.program);
    cr_assert(text_equal(list, text_of(expected)), "expected:\n%s\nbut was:\n%.*s", expected, (int)list.len, list.at);
    arena_free(loaded.arena);
}

/* The good program with one thing changed. */
static void expect_mistake(const char *what, const char *by, const char *expected)
{
    char text[8192];
    const char *at = strstr(good, what);
    cr_assert_not_null(at, "%s", what);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, by, at + strlen(what));
    expect_errors(text, expected);
}

Test(program_load, reads_every_field)
{
    struct loaded loaded = load(good);
    const struct program *program = loaded.program;
    cr_assert_eq(loaded.code, ERR_NONE, "%s", loaded.err.text);
    cr_assert(text_equal(program_id(program), TEXT("shop")) && program_version(program) == 3);
    cr_assert_eq(program_effective_at(program), INT64_C(1767222000000000));
    cr_assert(text_equal(program->zone, TEXT("Europe/Berlin")) && program->refunds == REFUND_CLAMP);
    cr_assert_eq(zone_offset(program->local, 0), 3600);
    cr_assert(text_equal(program_default_currency(program), TEXT("points")) && program->point_count == 2);
    cr_assert(program->points[1].decimals == 2 && program->money[0].decimals == 2 && program->money[1].decimals == 0);
    cr_assert(program_has_partner(program, TEXT("cafe")) && program_has_partner(program, TEXT("bookshop")));
    cr_assert_not(program_has_partner(program, TEXT("caf")));
    cr_assert_eq(program->rule_count, 7);

    const struct rule *base = &program->rules[0];
    cr_assert(base->kind == ORDER_PAID && base->type == EVENT_ORDER && base->form == EARN_RATE);
    cr_assert(base->rates[0].numerator == 1 && base->rates[0].denominator == 100 && base->rates[1].denominator == 0);
    cr_assert(base->minimums[0] == 1000 && base->minimums[1] == 0 && base->rounding == ROUNDING_DOWN);
    cr_assert_eq(base->once_per, ONCE_PER_ORDER);
    const struct rule *all = &program->rules[1];
    cr_assert(all->rates[0].whole && all->rates[0].numerator == 300 && all->rates[0].step_denominator == 400);
    cr_assert(all->rates[1].step_denominator == 4 && all->currency == 1 && all->rounding == ROUNDING_UP);
    cr_assert(program->rules[2].fixed == 50 && program->rules[2].once_per == ONCE_PER_PRODUCT);
    cr_assert_eq(program->rules[3].networks, 1U << NETWORK_X | 1U << NETWORK_FACEBOOK);
    cr_assert(program->rules[4].to == SIDE_REFEREE && program->rules[4].once_per == ONCE_PER_REFEREE);
    cr_assert(program->rules[5].fixed == 50 && program->rules[5].once_per == ONCE_PER_MEMBER);
    const struct pending_terms *waiting = all->pending;
    cr_assert(waiting->awaits == ORDER_COMPLETED && waiting->delay == INT64_C(14) * 86400 * 1000000 && !base->pending);
    cr_assert(program->awaited[ORDER_COMPLETED] && !program->awaited[ORDER_SHIPPED]);
    const struct currency *points = &program->points[0];
    cr_assert(points->expiry.form == EXPIRY_PERIOD && points->expiry.period == 12 && points->expiry.months == 3);
    cr_assert(points->warnings.count == 2 && points->warnings.distances[0] == 30 * 86400 &&
              points->warnings.distances[1] == 7 * 86400);
    cr_assert(program->points[1].expiry.form == EXPIRY_NEVER && !program->rules[5].expiry);
    cr_assert(program->rules[4].expiry->form == EXPIRY_IDLE && program->rules[4].expiry->months == 24);
    const struct rule *walk = &program->rules[6];
    cr_assert(text_equal(walk->activity, TEXT("walk")) && walk->once_per == ONCE_PER_EVENT);
    cr_assert(walk->rates[0].numerator == 1 && walk->rates[0].denominator == 100);
    cr_assert(walk->reason.count == 4 && walk->reason.parts[2].kind == REASON_SUBJECT);

    const struct automatic *note = &program->rewards[0];
    cr_assert(note->form == AUTOMATIC_POINTS && note->each == 2000 && note->worth == 2000);
    cr_assert(text_equal(note->worth_currency, TEXT("EUR")) && text_equal(note->give, TEXT("Note worth 20")));
    cr_assert(program->rewards[1].form == AUTOMATIC_SPENT && program->rewards[1].each == 30000);
    arena_free(loaded.arena);
}

Test(program_load, finds_the_rules_of_an_event_in_file_order)
{
    struct loaded loaded = load("program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {}}\nrules:\n"
                                "  - {id: b2, on: activity.b, earn: {fixed: 1}}\n"
                                "  - {id: a1, on: activity.a, earn: {fixed: 1}}\n"
                                "  - {id: b1, on: activity.b, earn: {fixed: 1}}\n"
                                "  - {id: r, on: review.approved, earn: {fixed: 1}}\n"
                                "  - {id: c, on: activity.c, earn: {fixed: 1}}\n");
    cr_assert_eq(loaded.code, ERR_NONE, "%s", loaded.err.text);
    struct event event = {.type = EVENT_ACTIVITY, .kind = ACTIVITY_DONE, .activity = {.name = TEXT("b")}};
    struct rule_list rules = program_rules(loaded.program, &event);
    cr_assert_eq(rules.count, 2);
    cr_assert(text_equal(rules.items[0]->id, TEXT("b2")) && text_equal(rules.items[1]->id, TEXT("b1")));
    event.activity.name = TEXT("bb");
    cr_assert_eq(program_rules(loaded.program, &event).count, 0);
    event.kind = REVIEW_APPROVED;
    cr_assert_eq(program_rules(loaded.program, &event).count, 1);
    event.kind = KIND_UNKNOWN;
    cr_assert_eq(program_rules(loaded.program, &event).count, 0);
    arena_free(loaded.arena);
}

static int64_t effective_in(const char *date, const char *zone)
{
    char text[256];
    snprintf(text, sizeof text,
             "program: p\nversion: 1\neffective: %s\nzone: %s\npoints: {points: {}}\n"
             "rules: [{id: r, on: review.approved, earn: {fixed: 1}}]\n",
             date, zone);
    struct loaded loaded = load(text);
    cr_assert_eq(loaded.code, ERR_NONE, "%s", loaded.err.text);
    int64_t effective = program_effective_at(loaded.program) / 1000000;
    arena_free(loaded.arena);
    return effective;
}

Test(program_load, takes_a_date_as_its_midnight_in_the_programs_zone)
{
    cr_assert_eq(effective_in("2026-01-01", "UTC"), 1767225600);
    cr_assert_eq(effective_in("2026-01-01", "Europe/Berlin"), 1767225600 - 3600);
    cr_assert_eq(effective_in("2026-07-01", "America/New_York"), 1782864000 + 4 * 3600);
    /* The clocks went from 00:00 to 01:00: the day began at what would have been 00:00. */
    cr_assert_eq(effective_in("2018-11-04", "America/Sao_Paulo"), 1541289600 + 3 * 3600);
}

Test(program_load, takes_utc_where_no_zone_is_named)
{
    struct loaded loaded = load("program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {}}\n"
                                "rules: [{id: r, on: review.approved, earn: {fixed: 1}}]\n");
    cr_assert_eq(loaded.code, ERR_NONE, "%s", loaded.err.text);
    cr_assert_eq(program_effective_at(loaded.program), INT64_C(1767225600000000));
    cr_assert(text_equal(loaded.program->zone, TEXT("UTC")) && zone_offset(loaded.program->local, 0) == 0);
    arena_free(loaded.arena);
}

/* What of the good program, changed to what, and the errors of that. */
static const struct {
    const char *what, *by, *expected;
} mistakes[] = {
    {"program: shop", "program: Shop", "1:10: program is `Shop`; expected 1 to 64 of the characters a-z 0-9 -\n"},
    {"version: 3", "version: 0", "2:10: version is `0`; expected a whole number from 1 to 2147483647\n"},
    {"version: 3", "version: 1.0", "2:10: version is `1.0`; expected a whole number from 1 to 2147483647\n"},
    {"version: 3", "verison: 3",
     "1:1: `version` is missing in a program\n"
     "2:1: unknown key `verison` in a program; did you mean `version`?\n"},
    {"version: 3\n", "version: 3\nversion: 4\n", "3:1: `version` stands here a second time; the first is in line 2\n"},
    {"2026-01-01T00:00:00+01:00", "2026-02-30T00:00:00Z",
     "3:12: effective is `2026-02-30T00:00:00Z`; expected an instant such as 2026-01-01T00:00:00Z, or a date, whose "
     "midnight in the "
     "program's zone is meant\n"},
    {"2026-01-01T00:00:00+01:00", "2026-02-30",
     "3:12: effective is `2026-02-30`; expected an instant such as 2026-01-01T00:00:00Z, or a date, whose midnight in "
     "the "
     "program's zone is meant\n"},
    {"Europe/Berlin", "Europe/Berln",
     "4:7: zone is `Europe/Berln`; expected an IANA name such as Europe/Berlin; did you mean `Europe/Berlin`?\n"},
    {"Europe/Berlin", "CEST",
     "4:7: zone is `CEST`; expected an IANA name such as Europe/Berlin; did you mean `CET`?\n"},
    {"stars: {decimals: 2}", "stars: {decimals: 7}", "5:97: decimals is `7`; expected a whole number from 0 to 6\n"},
    {"stars: {decimals: 2}", "stars: 2",
     "5:86: a point currency must be a map of `key: value`, this is a single value\n"},
    {"JPY: 0", "yen: 0", "6:17: currency `yen`; expected three capitals such as EUR\n"},
    {"JPY: 0", "EUR: 2", "6:17: currency `EUR` stands here a second time\n"},
    {"[cafe, bookshop]", "[cafe, cafe]", "7:18: partner `cafe` stands here a second time\n"},
    {"[cafe, bookshop]", "cafe", "7:11: partners must be a list, this is a single value\n"},
    {"clamp", "clam", "8:10: refunds is `clam`; it can be: negative, clamp; did you mean `clamp`?\n"},
    {"refunds: clamp", "enrolment: require",
     "8:12: enrolment is `require`; it can be: first_event, required; did you mean `required`?\n"},
    {"id: base", "id: tea", "12:5: id `tea` stands here a second time; the first is in line 10\n"},
    {"id: base", "id: adjustment",
     "10:10: id `adjustment` is what corrections by support are booked under; choose another\n"},
    {"end of year + 3 months", "end of yeer",
     "5:27: expire is `end of yeer`; expected \"12 months\", \"end of year\", \"end of year + 3 months\", \"12 months "
     "of inactivity\" or never\n"},
    {"end of year + 3 months", "end of year 3 months",
     "5:27: expire is `end of year 3 months`; expected \"12 months\", \"end of year\", \"end of year + 3 months\", "
     "\"12 months of inactivity\" or never\n"},
    {"end of year + 3 months", "12",
     "5:27: expire is `12`; expected \"12 months\", \"end of year\", \"end of year + 3 months\", \"12 months of "
     "inactivity\" or never\n"},
    {"end of year + 3 months", "12 moon",
     "5:27: expire is `12 moon`; expected \"12 months\", \"end of year\", \"end of year + 3 months\", \"12 months of "
     "inactivity\" or never\n"},
    {"end of year + 3 months", "0 days",
     "5:27: expire is `0 days`; expected \"12 months\", \"end of year\", \"end of year + 3 months\", \"12 months of "
     "inactivity\" or never\n"},
    {"end of year + 3 months", "2 hours",
     "5:27: expire is `2 hours`; expected \"12 months\", \"end of year\", \"end of year + 3 months\", \"12 months of "
     "inactivity\" or never\n"},
    {"end of year + 3 months", "200 years",
     "5:27: expire is `200 years`; expected \"12 months\", \"end of year\", \"end of year + 3 months\", \"12 months of "
     "inactivity\" or never\n"},
    {"end of year + 3 months", "1 year of idleness",
     "5:27: expire is `1 year of idleness`; expected \"12 months\", \"end of year\", \"end of year + 3 months\", \"12 "
     "months of inactivity\" or never\n"},
    {"end of year + 3 months", "never ever",
     "5:27: expire is `never ever`; expected \"12 months\", \"end of year\", \"end of year + 3 months\", \"12 months "
     "of inactivity\" or never\n"},
    {"end of year + 3 months", "end year",
     "5:27: expire is `end year`; expected \"12 months\", \"end of year\", \"end of year + 3 months\", \"12 months of "
     "inactivity\" or never\n"},
    {"7 days", "7 months", "5:58: warn names `7 months`; expected how long before the end, such as \"30 days\"\n"},
    {"7 days", "30 days", "5:67: warn names `720 hours` a second time\n"},
    {"until completed + 14 days", "until complete",
     "11:103: pending is `until complete`; expected \"14 days\", \"until shipped\" or \"until completed + 14 days\"\n"},
    {"until completed + 14 days", "until",
     "11:103: pending is `until`; expected \"14 days\", \"until shipped\" or \"until completed + 14 days\"\n"},
    {"until completed + 14 days", "until completed 14 days",
     "11:103: pending is `until completed 14 days`; expected \"14 days\", \"until shipped\" or \"until completed + 14 "
     "days\"\n"},
    {"until completed + 14 days", "until completed + 2 months",
     "11:103: pending is `until completed + 2 months`; expected \"14 days\", \"until shipped\" or \"until completed + "
     "14 days\"\n"},
    {"until completed + 14 days", "14",
     "11:103: pending is `14`; expected \"14 days\", \"until shipped\" or \"until completed + 14 days\"\n"},
    {"until completed + 14 days", "completed + 14 days",
     "11:103: pending is `completed + 14 days`; expected \"14 days\", \"until shipped\" or \"until completed + 14 "
     "days\"\n"},
    {"until completed + 14 days", "until shipped",
     "11:103: pending until order.shipped is no wait: the rule is on it\n"},
    {"once_per: product", "pending: until shipped",
     "12:64: pending until something is for rules on orders; name a time such as \"14 days\"\n"},
    {"id: base", "id: expiry", "10:10: id `expiry` is what points that end are booked under; choose another\n"},
    {"id: base", "id: redemption", "10:10: id `redemption` is what points spent are booked under; choose another\n"},
    {"id: base, ", "", "10:5: `id` is missing in a rule\n"},
    {"order.paid", "order.payed",
     "10:20: on: `order.payed` is no event; it can be: activity.<name>, order.placed, order.paid, order.shipped, "
     "order.completed, review.submitted, review.approved, share.shared, referral.signed_up, referral.converted; "
     "did "
     "you mean `order.paid`?\n"},
    {"order.paid", "order.refunded",
     "10:20: on: `order.refunded` earns nothing; it can be: activity.<name>, order.placed, order.paid, "
     "order.shipped, order.completed, review.submitted, review.approved, share.shared, referral.signed_up, "
     "referral.converted\n"},
    {"activity.sign_up", "activity.", "15:21: on: activity.<name> takes a name of 1 to 64 bytes\n"},
    {"1 per 1.00", "1 for 1.00",
     "10:51: rate `1 for 1.00`; expected \"1 per 1.00\", \"1 per whole 1.00\" or \"5%\", at most 9 decimals\n"},
    {"1 per 1.00", "1 per 0.00", "10:51: rate `1 per 0.00`: both numbers must be above zero\n"},
    {"1 per 1.00", "-1 per 1.00",
     "10:51: rate `-1 per 1.00`; expected \"1 per 1.00\", \"1 per whole 1.00\" or \"5%\", at most 9 decimals\n"},
    {"1 per 1.00", "1 per 1.00 EUR",
     "10:51: rate `1 per 1.00 EUR`; expected \"1 per 1.00\", \"1 per whole 1.00\" or \"5%\", at most 9 decimals\n"},
    {"1 per 1.00", "9223372036854775807 per 0.000000001",
     "10:51: rate `9223372036854775807 per 0.000000001` has too many digits\n"},
    {"rate: {EUR: 1 per 1.00}", "rate: {EURO: 1 per 1.00}",
     "10:46: currency `EURO` is not declared in this file; did you mean `EUR`?\n"},
    {"rate: {EUR: 1 per 1.00}", "rate: {}", "10:45: rate has 0 entries; it takes 1 to 64\n"},
    {"rate: {EUR: 1 per 1.00}", "fixed: 1, rate: 1 per 1",
     "10:38: earn has 2 of `rate`, `fixed`, `per_item`, `amount`; it takes one of them\n"},
    {"earn: {rate: {EUR: 1 per 1.00}}", "earn: {}", "10:38: earn needs `rate: \"1 per 1.00\"` or `fixed: 50`\n"},
    {"minimum: {EUR: 10}", "minimum: {EUR: 10.001}", "10:80: minimum is `10.001`: EUR has 2 decimals\n"},
    {"minimum: {EUR: 10}", "minimum: {JPY: 10.0}", "10:80: minimum is `10.0`: JPY has 0 decimals\n"},
    {"minimum: {EUR: 10}", "minimum: {EUR: 0}", "10:80: minimum is zero; expected an amount above zero\n"},
    {"minimum: {EUR: 10}", "minimum: {EUR: ten}",
     "10:80: minimum is `ten`; expected an amount such as 10.00, above zero\n"},
    {"minimum: {EUR: 10}", "minimum: {EUR: 99999999999999999}",
     "10:80: minimum is `99999999999999999`, which is too large\n"},
    {"currency: stars}, rounding: up", "currency: star}, rounding: up",
     "11:72: point currency `star` is not declared in this file; did you mean `stars`?\n"},
    {"rounding: up", "rounding: halfeven",
     "11:90: rounding is `halfeven`; it can be: down, half_up, half_even, up; did you mean `half_even`?\n"},
    {"fixed: 50}", "rate: 1 per 1}", "12:49: a rate is for orders and activities; this rule earns {fixed: <points>}\n"},
    {"fixed: 50}", "fixed: 5.5}", "12:50: fixed is `5.5`: points has 0 decimals\n"},
    {"once_per: product", "once_per: order",
     "12:65: once_per: rules on this event count once per product, not per order\n"},
    {"once_per: product", "minimum: {EUR: 1}", "12:64: minimum is for rules on orders\n"},
    {"once_per: product", "networks: [x]", "12:65: networks are for rules on share.shared\n"},
    {"once_per: product", "to: both", "12:59: to is for rules on referrals\n"},
    {"[x, facebook]", "[x, facebok]",
     "13:66: network is `facebok`; it can be: other, facebook, messenger, pinterest, telegram, x, whatsapp, "
     "instagram, tiktok; did you mean `facebook`?\n"},
    {"[x, facebook]", "[x, x]", "13:66: network `x` stands here a second time\n"},
    {"{subject}!", "{sbject}!",
     "16:67: unknown placeholder {sbject}; there are {amount}, {currency}, {subject} and {rule}; did you mean "
     "`subject`?\n"},
    {"{subject}!", "{subject",
     "16:67: unknown placeholder {subject}; there are {amount}, {currency}, {subject} and {rule}; did you mean "
     "`subject`?\n"},
    {"2000 points,", "2000 pints,",
     "18:22: point currency `pints` is not declared in this file; did you mean `points`?\n"},
    {"2000 points,", "2000,", "18:22: each is `2000`; expected \"2000 points\" or \"300.00 EUR spent\"\n"},
    {"300.00 EUR spent", "300.00 EUR", "19:23: point currency `EUR` is not declared in this file\n"},
    {"300.00 EUR spent", "300.00 EUR spend",
     "19:23: each is `300.00 EUR spend`; expected \"2000 points\" or \"300.00 EUR spent\"\n"},
    {"worth: {EUR: 20}", "worth: {EUR: 20, JPY: 1}", "18:63: worth has 2 entries; it takes 1\n"},
    {"give: A treat", "give: ''", "19:47: give must be a text of 1 to 256 bytes on one line\n"},
    {", give: A treat", "", "19:5: `give` is missing in a reward\n"},
    {"id: treat", "id: base", "19:5: id `base` stands here a second time; the first is in line 10\n"},
    {"money: {EUR: 2, JPY: 0}\n", "",
     "9:5: a rule on orders needs currencies: declare them under `money`\n"
     "10:5: a rule on orders needs currencies: declare them under `money`\n"
     "17:64: currency `EUR` is not declared in this file\n"
     "18:23: currency `EUR` is not declared in this file\n"},
};

Test(program_load, names_each_mistake_with_its_place_and_a_hint)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        expect_mistake(mistakes[i].what, mistakes[i].by, mistakes[i].expected);
}

Test(program_load, finds_all_mistakes_in_one_pass_in_order_of_line)
{
    expect_errors(
        "verson: 1\n"
        "program: Big Shop\n"
        "effective: soon\n"
        "points: {}\n"
        "zone: 5 o'clock\n"
        "rules: none\n",
        "1:1: unknown key `verson` in a program; did you mean `version`?\n"
        "1:1: `version` is missing in a program\n"
        "2:10: program is `Big Shop`; expected 1 to 64 of the characters a-z 0-9 -\n"
        "3:12: effective is `soon`; expected an instant such as 2026-01-01T00:00:00Z, or a date, whose midnight in the "
        "program's zone is meant\n"
        "4:9: points has 0 entries; it takes 1 to 16\n"
        "5:7: zone is `5 o'clock`; expected an IANA name such as Europe/Berlin\n"
        "6:8: rules must be a list, this is a single value\n");
}

Test(program_load, refuses_what_is_no_plain_yaml)
{
    expect_errors("", "1:1: the file is empty; a program begins with `program: <id>`\n");
    expect_errors("- a\n", "1:1: a program must be a map of `key: value`, this is a list\n");
    expect_errors("a: &x 1\nb: *x\n", "1:4: anchors (&name) are not used in program files; write the value out\n");
    expect_errors("a: 1\nb: *x\n", "2:4: aliases (*name) are not used in program files; write the value out\n");
    expect_errors("a: !!int 1\n", "1:4: tags (!name) are not used in program files\n");
    expect_errors("{a: 1, [b]: 2}\n", "1:8: a key must be a word, not a list or a map\n");
    expect_errors("a: 1\n---\nb: 1\n", "2:1: a second document begins here; a program file has one\n");
    expect_errors("a: [1\nb: 2\n", "2:2: not readable as YAML: did not find expected ',' or ']', while parsing a flow "
                                   "sequence\n");
    expect_errors("a: \"\xff\"\n", "1:1: not readable as UTF-8 at byte 4: invalid leading UTF-8 octet\n");
    expect_errors("\tprogram: shop\n",
                  "1:1: not readable as YAML: found character that cannot start any token, while scanning for the next "
                  "token\n");
}

Test(program_load, bounds_depth_and_the_number_of_errors)
{
    char deep[200];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    expect_errors(deep, "1:33: lists and maps are nested too deeply\n");

    struct arena *arena = arena_new(0);
    struct text many = TEXT("program: p\n");
    for (int i = 0; i < 1000; i++)
        many = arena_printf(arena, "%.*szzzz%d: 1\n", (int)many.len, many.at, i);
    struct loaded loaded = load(arena_printf(arena, "%.*s", (int)many.len, many.at).at);
    cr_assert_eq(loaded.code, ERR_PROGRAM);
    cr_assert_eq(loaded.errors.count, 200);
    arena_free(loaded.arena);
    arena_free(arena);
}

Test(program_load, says_how_many_errors_and_where_the_first_is)
{
    struct loaded loaded = load("- a\n");
    cr_assert_str_eq(loaded.err.text,
                     "1 error, the first in line 1, column 1: a program must be a map of `key: value`, "
                     "this is a list");
    arena_free(loaded.arena);
}

Test(program_load, reads_the_shop_that_comes_with_the_source)
{
    struct arena *arena = arena_new(0);
    struct text source;
    struct program *program;
    struct program_errors errors = {0};
    struct err err;
    cr_assert_eq(program_read_file("config/programs/shop.yaml", arena, &source, &err), ERR_NONE, "%s", err.text);
    cr_assert_eq(program_load(source, machine_zones(arena), arena, &program, &errors, &err), ERR_NONE, "%s", err.text);
    cr_assert(text_equal(program_id(program), TEXT("shop")));
    arena_free(arena);
}

Test(program_load, says_why_a_file_cannot_be_read)
{
    struct arena *arena = arena_new(0);
    struct text source = TEXT("untouched");
    struct err err;
    cr_assert_eq(program_read_file("no/such.yaml", arena, &source, &err), ERR_FILE);
    cr_assert_str_eq(err.text, "no/such.yaml: No such file or directory");
    cr_assert_eq(program_read_file("/dev/zero", arena, &source, &err), ERR_FILE);
    cr_assert_str_eq(err.text, "/dev/zero: larger than 4194304 bytes");
    cr_assert_eq(program_read_file("tests", arena, &source, &err), ERR_FILE);
    cr_assert(text_equal(source, TEXT("untouched")));
    arena_free(arena);
}

/* ---- sets of programs */

static struct program *version_of(struct arena *arena, const char *id, int version, const char *effective)
{
    struct program_errors errors = {0};
    struct program *program = NULL;
    struct err err;
    struct text source = arena_printf(arena,
                                      "program: %s\nversion: %d\neffective: %s\npoints: {points: {}}\n"
                                      "rules: [{id: r, on: review.approved, earn: {fixed: 1}}]\n",
                                      id, version, effective);
    cr_assert_eq(program_load(source, machine_zones(arena), arena, &program, &errors, &err), ERR_NONE, "%s", err.text);
    return program;
}

Test(program_set, gives_the_newest_version_in_force)
{
    struct arena *arena = arena_new(0);
    struct program *programs[] = {
        version_of(arena, "a", 1, "1970-01-01T00:00:01Z"),  version_of(arena, "b", 1, "1970-01-01T00:00:01Z"),
        version_of(arena, "b", 3, "1970-01-01T00:00:02Z"),  version_of(arena, "b", 2, "1970-01-01T00:00:03Z"),
        version_of(arena, "bb", 1, "1970-01-01T00:00:01Z"),
    };
    struct program_set set = {.revision = 1, .programs = programs, .count = 5};
    cr_assert_null(program_set_at(&set, TEXT("b"), 999999));
    cr_assert_eq(program_set_at(&set, TEXT("b"), 1000000), programs[1]);
    cr_assert_eq(program_set_at(&set, TEXT("b"), 1999999), programs[1]);
    cr_assert_eq(program_set_at(&set, TEXT("b"), 2000000), programs[2]);
    cr_assert_eq(program_set_at(&set, TEXT("b"), INT64_MAX), programs[3]);
    cr_assert_eq(program_set_at(&set, TEXT("bb"), INT64_MAX), programs[4]);
    cr_assert_null(program_set_at(&set, TEXT("c"), INT64_MAX));
    cr_assert_null(program_set_at(&set, TEXT(""), INT64_MAX));
    cr_assert_eq(program_set_version(&set, TEXT("b"), 1), programs[1]);
    cr_assert_eq(program_set_version(&set, TEXT("b"), 3), programs[2]);
    cr_assert_null(program_set_version(&set, TEXT("b"), 4));
    cr_assert_null(program_set_version(&set, TEXT("ba"), 1));
    arena_free(arena);
}

/* A program of one rule with that condition. */
static void expect_condition(const char *on, const char *when, const char *expected)
{
    char text[512];
    snprintf(text, sizeof text,
             "program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {}}\nmoney: {EUR: 2}\nrules:\n"
             "  - {id: r, on: %s, earn: {fixed: 1}, when: \"%s\"}\n",
             on, when);
    expect_errors(text, expected);
}

Test(program_load, checks_a_condition_against_the_events_fields)
{
    expect_condition("review.approved", "event.lenght > 3",
                     "7:58: when: no field `lenght` in review; did you mean `length`? (line 1, column 7 of the "
                     "condition)\n");
    expect_condition("review.approved", "event.length > 'long'",
                     "7:58: when: `_>_` does not take (int, string) (line 1, column 14 of the condition)\n");
    expect_condition("review.approved", "event.length", "7:58: when gives int; a condition is true or false\n");
    expect_condition("review.approved", "event.length >",
                     "7:58: when: expected a name, found the end (line 1, column 15 of the condition)\n");
    expect_condition("review.approved", "revent.length > 3",
                     "7:58: when: nothing is named `revent`; did you mean `event`? (line 1, column 1 of the "
                     "condition)\n");
    expect_condition("review.approved", "event.id.matches('(')",
                     "7:58: when: a ( without its ) in the pattern (line 1, column 18 of the condition)\n");
    expect_condition(
        "review.approved", "member.zon == 'UTC'",
        "7:58: when: no field `zon` in member; did you mean `zone`? (line 1, column 8 of the condition)\n");
    expect_condition("review.approved", "event.occurred_at.getHours('Mars/Base') > 6",
                     "7:58: when: unknown time zone (line 1, column 28 of the condition)\n");
}

/* The first mistake of a rule with one more field. */
static void expect_field(const char *on, const char *field, const char *expected)
{
    char text[1024];
    snprintf(text, sizeof text,
             "program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {}}\nmoney: {EUR: 2}\nrules:\n"
             "  - {id: r, on: %s, earn: {fixed: 1}, %s}\n",
             on, field);
    struct loaded loaded = load(text);
    cr_assert_eq(loaded.code, ERR_PROGRAM, "read without complaint:\n%s", text);
    struct text message = loaded.errors.items[0].message;
    cr_assert(loaded.errors.items[0].line == 7 && text_equal(message, text_of(expected)),
              "expected:\n%s\nbut was:\n%.*s", expected, (int)message.len, message.at);
    arena_free(loaded.arena);
}

Test(program_load, says_what_is_wrong_with_what_a_rule_counts_and_when)
{
    static const char paid[] = "order.paid", seen[] = "activity.seen";
    expect_field(paid, "items: {}", "items names nothing; it takes skus, skus_from, categories, labels, except");
    expect_field(paid, "items: {sku: [a]}", "unknown key `sku` in items; did you mean `skus`?");
    expect_field(paid, "items: {skus: []}", "skus has 0 entries; it takes 1 to 500000");
    expect_field(paid, "items: {skus: [[a]]}", "skus: an entry is a text of 1 to 256 bytes");
    expect_field(paid, "items: {except: {skus_from: a.txt}}",
                 "`a.txt` was not read: a list file stands beside the program, one SKU a line");
    expect_field(seen, "items: {skus: [a]}", "items is for rules on orders");
    expect_field(paid, "basis: {tax: yes}", "tax is `yes`; it can be: excluded, included");
    expect_field(paid, "basis: {points_used: deducted}", "points_used: points need a `worth` in money to be deducted");
    expect_field(paid, "nth_order: 65", "nth_order is `65`; expected a whole number from 1 to 64");
    expect_field(paid, "nth_order: 65 and later", "nth_order is `65 and later`; expected a whole number from 1 to 64");
    expect_field(paid, "nth_order: 0 and later", "nth_order is `0 and later`; expected a whole number from 1 to 64");
    expect_field(paid, "nth_order: 2 and latter", "nth_order is `2 and latter`; expected a whole number from 1 to 64");
    expect_field(paid, "nth_order: [1, 1]", "nth_order: 1 stands here a second time");
    expect_field(seen, "nth_order: 1", "nth_order is for rules on orders");
    expect_field(paid, "stacking: best",
                 "stacking is `best`; it can be: add, exclusive, best of NAME (of the characters "
                 "a-z 0-9 -)");
    expect_field("referral.converted", "stacking: exclusive",
                 "stacking is not for rules on referrals, which each reward a referee once");
    expect_field(paid, "priority: 1",
                 "priority orders rules of `stacking: exclusive` or `best of NAME`; this one adds");
    expect_field(paid, "days: Tues",
                 "days is `Tues`; it can be: Sun, Mon, Tue, Wed, Thu, Fri, Sat; did you mean `Tue`?");
    expect_field(paid, "days: [Tue, Tue]", "days: Tue stands here a second time");
    expect_field(paid, "hours: 9-12", "hours is `9-12`; expected two times of day such as 10:00-13:00");
    expect_field(paid, "hours: 10:00-24:00", "hours is `10:00-24:00`; expected two times of day such as 10:00-13:00");
    expect_field(paid, "from: 2026-05-02, until: 2026-05-02", "until is `2026-05-02`; it must lie after `from`");
    expect_field(paid, "when: event.id == ''", "when: no field `id` in order (line 1, column 7 of the condition)");
}

/* The first mistake of a program whose rule on orders earns so. */
static void expect_earn(const char *on, const char *earn, const char *expected)
{
    char text[1024];
    snprintf(text, sizeof text,
             "program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {}}\nmoney: {EUR: 2}\nrules:\n"
             "  - {id: r, on: %s, earn: {%s}}\n",
             on, earn);
    struct loaded loaded = load(text);
    cr_assert_eq(loaded.code, ERR_PROGRAM, "read without complaint:\n%s", text);
    struct text message = loaded.errors.items[0].message;
    cr_assert(text_equal(message, text_of(expected)), "expected:\n%s\nbut was:\n%.*s", expected, (int)message.len,
              message.at);
    arena_free(loaded.arena);
}

Test(program_load, says_what_is_wrong_with_how_much_a_rule_earns)
{
    expect_earn("review.approved", "per_item: 3", "per_item is for rules on orders");
    expect_earn("order.paid", "amount: event.total > 3", "amount gives bool; points are a whole number, an int");
    expect_earn("order.paid", "amount: event.totl",
                "amount: no field `totl` in order; did you mean `total`? (line 1, column 7 of the expression)");
    expect_earn("order.paid", "rate: 0%", "rate `0%`: both numbers must be above zero");
    expect_earn("order.paid", "rate: 1 per mile",
                "rate `1 per mile`; expected \"1 per 1.00\", \"1 per whole 1.00\" or \"5%\", at most 9 decimals");
    expect_earn("activity.walked", "rate: 1 for a mile",
                "rate `1 for a mile`; expected \"1.5 per mile\" or \"1 per whole 10\", at most 9 decimals");
}

static void expect_multiplier(const char *multiplier, const char *expected)
{
    char text[1024];
    snprintf(text, sizeof text,
             "program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {}}\nmoney: {EUR: 2}\nrules:\n"
             "  - {id: base, on: order.paid, earn: {fixed: 1}}\n"
             "  - {id: seen, on: activity.seen, earn: {rate: 1 per whole 10 minutes}}\n"
             "multipliers:\n  - {id: m, %s}\n",
             multiplier);
    struct loaded loaded = load(text);
    cr_assert_eq(loaded.code, ERR_PROGRAM, "read without complaint:\n%s", text);
    struct text message = loaded.errors.items[0].message;
    cr_assert(loaded.errors.items[0].line == 10 && text_equal(message, text_of(expected)),
              "expected:\n%s\nbut was:\n%.*s", expected, (int)message.len, message.at);
    arena_free(loaded.arena);
}

Test(program_load, says_what_is_wrong_with_multipliers)
{
    expect_multiplier("times: 0", "times is `0`; expected a number above zero such as 2 or 1.5");
    expect_multiplier("days: Sun", "`times` is missing in a multiplier");
    expect_multiplier("times: 2, rules: [bas]", "this file has no rule `bas`; did you mean `base`?");
    expect_multiplier("times: 2, rules: [base, base]", "rule `base` stands here a second time");
    expect_multiplier("times: 2, rules: [base, seen]", "rule `seen` is for another type of event than the first");
    expect_multiplier("times: 2, rules: [seen], when: event.total > 1",
                      "when: no field `total` in activity (line 1, column 7 of the condition)");
}

Test(program_load, takes_a_condition_that_looks_for_a_label_in_every_line)
{
    struct loaded loaded =
        load("program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {}}\nmoney: {EUR: 2}\nrules:\n"
             "  - {id: r, on: order.paid, earn: {fixed: 1}, when: 'event.lines.exists(l, \"new\" in l.labels)'}\n");
    cr_assert_eq(loaded.code, ERR_NONE, "%s", loaded.err.text);
    arena_free(loaded.arena);
}

Test(program_load, bounds_what_a_condition_costs)
{
    expect_condition("activity.a",
                     "event.attributes.exists(a, event.attributes.exists(b, event.attributes.exists(c, a == b)))",
                     "7:53: when: may take 4102005005005 steps; at most 1000000 are allowed (line 1, column 18 of the "
                     "condition)\n");
}
