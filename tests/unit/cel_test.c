#include <criterion/criterion.h>
#include <stdio.h>

#include "base/embedded.h"
#include "rules/cel/cel.h"
#include "rules/cel/explain.h"
#include "rules/cel/number.h"
#include "rules/cel/regex.h"
#include "rules/event_fields.h"

static const struct order_line lines[] = {
    {.category = {"tea", 3}, .quantity = 1, .unit_price = 3999},
    {.category = {"coffee", 6}, .quantity = 2, .unit_price = 1295, .discount = 100},
};
static const struct event order = {.type = EVENT_ORDER,
                                   .kind = ORDER_PAID,
                                   .occurred_at = INT64_C(1234567890123456),
                                   .order = {.currency = {"EUR", 3}, .lines = lines, .line_count = 2, .discount = 9}};

static struct arena *arena;

static void begin(void)
{
    arena = arena_new(0);
}

static void end(void)
{
    arena = arena_free(arena);
}

TestSuite(cel, .init = begin, .fini = end);

static struct cel_env environment(void)
{
    static struct cel_variable variables[] = {{.name = "event"}, {.name = "n", .type = &cel_type_int}};
    variables[0].type = event_fields_type(EVENT_ORDER);
    return (struct cel_env){.variables = variables, .variable_count = 2, .strict = true};
}

static struct cel_value evaluated_in(struct cel_env env, const char *source)
{
    struct cel_program *program;
    struct cel_fault fault;
    struct cel_value result, variables[] = {event_fields_value(&order), cel_int(7)};
    cr_assert_eq(cel_compile(&env, text_of(source), arena, &program, &fault), ERR_NONE, "%s: %d:%d: %.*s", source,
                 fault.line, fault.column, (int)fault.message.len, fault.message.at);
    cel_eval(program, variables, arena, &result);
    return result;
}

static struct cel_value evaluated(const char *source)
{
    return evaluated_in(environment(), source);
}

static void holds(const char *source)
{
    struct cel_value value = evaluated(source);
    cr_assert(value.kind == CEL_BOOL && value.boolean, "%s: kind %d, %d", source, value.kind, value.boolean);
}

static void ends_in(const char *source, enum cel_error_code code)
{
    struct cel_value value = evaluated(source);
    cr_assert(value.kind == CEL_ERROR && value.error == code, "%s: kind %d, %d", source, value.kind, value.error);
}

static void refused(const char *source, const char *expected)
{
    struct cel_env env = environment();
    struct cel_program *program = NULL;
    struct cel_fault fault;
    cr_assert_eq(cel_compile(&env, text_of(source), arena, &program, &fault), ERR_PROGRAM, "%s", source);
    struct text text =
        arena_printf(arena, "%d:%d: %.*s", fault.line, fault.column, (int)fault.message.len, fault.message.at);
    cr_assert(text_equal(text, text_of(expected)), "%.*s", (int)text.len, text.at);
    cr_assert_null(program);
}

Test(cel, reads_an_order)
{
    holds("event.total >= 5000 && event.lines.exists(l, l.category == \"coffee\")");
    holds("event.total == 3999 + 2 * 1295 - 100 - 9");
    holds("event.kind == 'paid' && event.currency in ['EUR', 'USD'] && event.lines.size() == 2");
    holds("event.lines.map(l, l.quantity) == [1, 2] && event.lines.filter(l, l.quantity > 1)[0].category == 'coffee'");
    holds("!has(event.coupon) && has(event.currency) && event.occurred_at.getFullYear() == 2009");
    holds("event.occurred_at.getHours('+01:00') == 0 && event.occurred_at < timestamp('2010-01-01T00:00:00Z')");
}

Test(cel, says_where_and_what_is_wrong)
{
    refused("event.totl > 5", "1:7: no field `totl` in order; did you mean `total`?");
    refused("evnt.total > 5", "1:1: nothing is named `evnt`; did you mean `event`?");
    refused("n >\n  'a'", "1:3: `_>_` does not take (int, string)");
    refused("event.lines.exists(l,\n  l.categry == 'x')",
            "2:5: no field `categry` in order line; did you mean `category`?");
    refused("event.currency.startWith('E')", "1:16: no function `startWith`; did you mean `startsWith`?");
    refused("1 +", "1:4: expected a name, found the end");
    refused("n = 1", "1:3: = does not compare; == does");
    refused("(n > 1", "1:7: expected `)`, found the end");
    refused("'abc", "1:1: a string without its closing quote");
    refused("'\\q'", "1:1: unknown escape; a backslash is written \\\\");
    refused("has(n)", "1:1: has() asks for a field: has(order.coupon)");
    refused("event.lines.all(1, true)", "1:13: a macro's first argument is the name of its variable: "
                                        "lines.exists(line, line.quantity > 1)");
    refused("event.lines.all(l, l.quantity)", "1:22: a macro's condition is a int, not a bool");
    refused("n ? 1 : 2", "1:1: what stands before ? is a int, not a bool");
    refused("9223372036854775808", "1:1: number outside of the 64-bit range");
    refused("n == 1.0", "1:3: `_==_` does not take (int, double)");
    refused("[1, 'a']", "1:1: the types in a literal differ");
    refused("dyn(n) == 1.0", "1:1: dyn() puts a check off to run time");
    refused("event.currency.matches('(a')", "1:24: a ( without its ) in the pattern");
    refused("event.occurred_at.getHours('Nowhere')", "1:28: unknown time zone");
    refused("for", "1:1: `for` is reserved and names nothing");
}

Test(cel, has_errors_as_values)
{
    ends_in("1 / (n - 7) > 0", CEL_DIVISION_BY_ZERO);
    ends_in("n % (n - 7) > 0", CEL_MODULUS_BY_ZERO);
    ends_in("9223372036854775807 + n > 0", CEL_OVERFLOW);
    ends_in("{'a': 1}['b'] > 0", CEL_NO_SUCH_KEY);
    ends_in("event.lines[2].quantity > 0", CEL_OUT_OF_BOUNDS);
    ends_in("int('x') > n", CEL_CONVERSION);
    holds("1 / (n - 7) > 0 || true");
    holds("!(1 / (n - 7) > 0 && false)");
    holds("event.lines.exists(l, 1 / (l.quantity - 1) == 1)"); /* the first divides by zero */
}

Test(cel, says_where_an_error_happened)
{
    struct cel_env env = environment();
    struct cel_program *program;
    struct cel_fault fault;
    struct cel_value result, variables[] = {event_fields_value(&order), cel_int(0)};
    cr_assert_eq(cel_compile(&env, TEXT("event.total\n  / n > 0"), arena, &program, &fault), ERR_NONE);
    cel_eval(program, variables, arena, &result);
    struct text text = cel_error_text(program, &result, arena);
    cr_assert(text_equal(text, TEXT("division by zero at line 2, column 3")), "%.*s", (int)text.len, text.at);
}

Test(cel, has_the_standard_library)
{
    holds("size('\\u00fcber') == 4 && b'\\xff'.size() == 1 && 'abc'.contains('bc') && !'abc'.endsWith('b')");
    holds("string(1.5) == '1.5' && string(-0.0045) == '-0.0045' && string(1e30) == '1e+30' && double('2.5') == 2.5");
    holds("duration('1h30m') == duration('5400s') && string(duration('-1.5s')) == '-1.5s'");
    holds("timestamp('2024-02-29T12:00:00+02:00') + duration('24h') == timestamp('2024-03-01T10:00:00Z')");
    holds("type(n) == int && type('a') != int");
    holds("event.lines.exists_one(l, l.quantity == 2) && [1, 2, 3].map(x, x > 1, x * x) == [4, 9]");
    holds("{'a': [1, 2]}.a[1] == 2 && 'b' in {'b': 1}");
    holds("r'a\\b' == 'a\\\\b' && '''a'b''' == \"a'b\" && 0x10 == 16");
}

/* No expression that is accepted can take or build more than its bound. */
Test(cel, refuses_what_could_grow_without_bound)
{
    struct cel_env env = environment();
    struct cel_program *program;
    struct cel_fault fault;
    struct text doubling = TEXT("['aaaaaaaaaaaaaaaa']");
    for (int i = 0; i < 40; i++)
        doubling = arena_printf(arena, "%.*s.map(x, x + x)", (int)doubling.len, doubling.at);
    cr_assert_eq(cel_compile(&env, doubling, arena, &program, &fault), ERR_PROGRAM);
    struct text nested = TEXT("1 == 1");
    for (int i = 0; i < 4; i++)
        nested = arena_printf(arena, "event.lines.all(l%d, %.*s)", i, (int)nested.len, nested.at);
    cr_assert_eq(cel_compile(&env, nested, arena, &program, &fault), ERR_PROGRAM);
    cr_assert(strstr(arena_printf(arena, "%.*s", (int)fault.message.len, fault.message.at).at, "steps"));
}

/* A pattern that is known only at run time is compiled each time: its memory counts. */
Test(cel, counts_the_memory_of_patterns)
{
    struct cel_env env = environment();
    struct cel_program *program;
    struct cel_fault fault;
    struct cel_value result, variables[] = {event_fields_value(&order), cel_int(1)};
    struct arena *batch = arena_new(0);
    struct text source = TEXT("event.lines.all(l, 'a'.matches(l.category))");
    cr_assert_eq(cel_compile(&env, source, arena, &program, &fault), ERR_PROGRAM);
    env.list_bound = 100;
    cr_assert_eq(cel_compile(&env, source, arena, &program, &fault), ERR_NONE);
    cel_eval(program, variables, batch, &result);
    cr_assert(result.kind == CEL_BOOL && !result.boolean);
    cr_assert_leq(arena_used(batch), 2 * (CEL_REGEX_COMPILE_BYTES + CEL_REGEX_SEARCH_BYTES));
    arena_free(batch);
}

static void repeated_is_refused(const char *head, const char *part, int count, const char *tail)
{
    struct cel_env env = environment();
    struct cel_program *program;
    struct cel_fault fault;
    size_t len = strlen(part);
    char *source = arena_raw(arena, strlen(head) + len * (size_t)count + strlen(tail) + 1), *at = stpcpy(source, head);
    for (int i = 0; i < count; i++)
        at = stpcpy(at, part);
    stpcpy(at, tail);
    cr_assert_eq(cel_compile(&env, text_of(source), arena, &program, &fault), ERR_PROGRAM, "%s%s…", head, part);
}

Test(cel, refuses_what_nests_too_deeply)
{
    repeated_is_refused("", "(", 60000, "1");
    repeated_is_refused("", "[", 60000, "");
    repeated_is_refused("", "!", 60000, "true");
    repeated_is_refused("1", " + 1", 10000, "");
    repeated_is_refused("n", "[0]", 10000, "");
    repeated_is_refused("n", ".a", 10000, "");
    repeated_is_refused("true", " ? true : true", 3000, "");
    repeated_is_refused("true", " && true", 5000, "");
    repeated_is_refused("", "{1:", 10000, "");
    repeated_is_refused("'", "aaaaaaaaaa", 10000, "'");
}

Test(cel, allocates_nothing_for_a_condition)
{
    struct cel_env env = environment();
    struct cel_program *program;
    struct cel_fault fault;
    struct cel_value result, variables[] = {event_fields_value(&order), cel_int(1)};
    struct arena *batch = arena_new(0);
    cr_assert_eq(cel_compile(&env, TEXT("event.total > n && event.lines.exists(l, l.category in ['a', 'coffee'])"),
                             arena, &program, &fault),
                 ERR_NONE);
    cel_eval(program, variables, batch, &result);
    cr_assert(result.kind == CEL_BOOL && result.boolean);
    cr_assert_eq(arena_used(batch), 0);
    arena_free(batch);
}

Test(cel, reads_and_prints_doubles_as_strtod_does)
{
    static const char *const texts[] = {"0",
                                        "1",
                                        "0.1",
                                        "123.456",
                                        "5e-324",
                                        "2.4703282292062328e-324",
                                        "1e23",
                                        "1.7976931348623157e308",
                                        "2.2250738585072011e-308",
                                        "9007199254740993",
                                        "6.02214e23",
                                        "1e-7",
                                        "123456789012345678901234567890",
                                        "1e309",
                                        "3.5e-400"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double ours, again;
        char printed[CEL_DOUBLE_CHARS];
        cr_assert(cel_parse_double(text_of(texts[i]), &ours), "%s", texts[i]);
        cr_assert_eq(ours, strtod(texts[i], NULL), "%s: %.17g", texts[i], ours);
        size_t len = cel_print_double(ours, printed);
        bool infinite = ours > 1.7976931348623157e308;
        cr_assert(infinite || (cel_parse_double((struct text){printed, len}, &again) && again == ours), "%s: %.*s",
                  texts[i], (int)len, printed);
    }
}

/* What rules on orders cannot ask: an order is asked about again, as what remains of it. */
static bool is_one_event_s_own(enum event_type type, struct text name)
{
    return type == EVENT_ORDER && (text_equal(name, TEXT("id")) || text_equal(name, TEXT("source")) ||
                                   text_equal(name, TEXT("refund_amount")));
}

/* The fields that a schema declares, by the names at the outermost level of its list. */
static void each_schema_field(enum event_type type, const char *at, const char *file_end)
{
    const struct cel_struct *object = event_fields_type(type)->object;
    size_t found = 0;
    int depth = 0;
    for (; at < file_end; at++) {
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        if (depth != 3 || (size_t)(file_end - at) < 10 || memcmp(at, "{\"name\": \"", 10) != 0)
            continue;
        const char *name_end = memchr(at + 10, '"', (size_t)(file_end - at - 10));
        struct text name = {at + 10, (size_t)(name_end - at - 10)};
        bool there = cel_field_named(object, name);
        cr_assert_neq(there, is_one_event_s_own(type, name), "%s: field %.*s", object->name, (int)name.len, name.at);
        found += there;
    }
    cr_assert_eq(found + (type == EVENT_ORDER), object->count, "%s: %zu of %zu", object->name, found, object->count);
}

Test(cel, fields_of_events_are_those_of_the_schemas)
{
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        char name[64];
        const struct embedded_file *file = embedded_files;
        snprintf(name, sizeof name, "avro/%s.avsc", event_type_name((enum event_type)type));
        while (file->name && strcmp(file->name, name) != 0)
            file++;
        cr_assert(file->name, "%s", name);
        each_schema_field((enum event_type)type, file->at, file->end);
    }
}

/* ---- why */

/* "source = value", one line each, indented by depth, with the element in brackets. */
static void explains(const char *source, const char *expected)
{
    struct cel_env env = environment();
    struct cel_program *program;
    struct cel_fault fault;
    struct cel_parts parts;
    struct cel_value variables[] = {event_fields_value(&order), cel_int(7)};
    struct text got = TEXT("");
    cr_assert_eq(cel_compile(&env, text_of(source), arena, &program, &fault), ERR_NONE);
    cel_explain(program, variables, arena, &parts);
    for (size_t i = 0; i < parts.count; i++) {
        const struct cel_part *part = &parts.items[i];
        got = arena_printf(arena, "%.*s%*s%.*s = %.*s", (int)got.len, got.at, 2 * part->depth, "",
                           (int)part->source.len, part->source.at, (int)part->value.len, part->value.at);
        got = part->element >= 0 ? arena_printf(arena, "%.*s [%d]\n", (int)got.len, got.at, part->element)
                                 : arena_printf(arena, "%.*s\n", (int)got.len, got.at);
    }
    cr_assert(text_equal(got, text_of(expected)), "%s\nexpected:\n%s\nbut was:\n%.*s", source, expected, (int)got.len,
              got.at);
}

Test(cel, explains_each_part_with_its_source)
{
    explains("event.currency == 'EUR' && n*(2 + n) > -3", "event.currency == 'EUR' && n*(2 + n) > -3 = true\n"
                                                          "  event.currency == 'EUR' = true\n"
                                                          "    event.currency = \"EUR\"\n"
                                                          "  n*(2 + n) > -3 = true\n"
                                                          "    n*(2 + n) = 63\n"
                                                          "      (2 + n) = 9\n");
    explains("[1, n][n] == 1", "[1, n][n] == 1 = error: index out of bounds at line 1, column 7\n"
                               "  [1, n][n] = error: index out of bounds at line 1, column 7\n"
                               "    [1, n] = [1, 7]\n");
    explains("n < 7 ? 'low' : ( 'high' )", "n < 7 ? 'low' : ( 'high' ) = \"high\"\n  n < 7 = false\n");
}

Test(cel, explains_what_a_macro_asks_of_each_element)
{
    explains("event.lines.exists(l, l.category == 'coffee' && has(event.coupon))",
             "event.lines.exists(l, l.category == 'coffee' && has(event.coupon)) = false\n"
             "  event.lines = [order line {…}, order line {…}]\n"
             "  l.category == 'coffee' && has(event.coupon) = false [0]\n"
             "    l.category == 'coffee' = false\n"
             "      l.category = \"tea\"\n"
             "    has(event.coupon) = false\n"
             "  l.category == 'coffee' && has(event.coupon) = false [1]\n"
             "    l.category == 'coffee' = true\n"
             "      l.category = \"coffee\"\n"
             "    has(event.coupon) = false\n");
}
