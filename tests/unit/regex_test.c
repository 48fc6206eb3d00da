#include <criterion/criterion.h>

#include "rules/cel/regex.h"

static struct arena *arena;

static void begin(void)
{
    arena = arena_new(0);
}

static void end(void)
{
    arena = arena_free(arena);
}

TestSuite(regex, .init = begin, .fini = end);

static struct cel_regex *compiled(const char *pattern)
{
    struct cel_regex *regex;
    const char *wrong;
    cr_assert(cel_regex_compile(text_of(pattern), arena, &regex, &wrong), "%s: %s", pattern, wrong);
    return regex;
}

static void expect(const char *pattern, const char *text, bool matches)
{
    cr_assert_eq(cel_regex_search(compiled(pattern), text_of(text), arena, NULL), matches, "%s on %s", pattern, text);
}

Test(regex, matches_what_it_should)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"abc", "xabcx", true},
        {"^abc$", "xabc", false},
        {"a|b|c", "c", true},
        {"^(a|bc)+$", "abcbc", true},
        {"^(a|bc)+$", "abcb", false},
        {"a{2,3}", "xaax", true},
        {"^a{2,3}$", "aaaa", false},
        {"^a{0}b$", "b", true},
        {"[a-c]x", "bx", true},
        {"[^a-c]x", "bx", false},
        {"\\d{4}-\\d\\d", "2024-05", true},
        {"^\\W$", "a", false},
        {"^\\W$", "-", true},
        {"^[\\d_]+$", "1_2", true},
        {"^[]a]+$", "]a", true},
        {"(?i)HeLLo", "hEllO", true},
        {"(?i)[a-f]+z", "DEADZ", true},
        {"a.c", "a\nc", false},
        {"(?s)a.c", "a\nc", true},
        {"(?m)^b$", "a\nb\nc", true},
        {"^b$", "a\nb\nc", false},
        {"\\bfoo\\b", "a foo b", true},
        {"\\bfoo\\b", "afoo", false},
        {"^.$", "\xc3\xbc", true},
        {"^[\xc3\xa4-\xc3\xbc]$", "\xc3\xb6", true},
        {"a*?b+?c??", "b", true},
        {"(?:x)(?P<n>y)", "xy", true},
        {"\\x41\\x{1F431}", "A\xf0\x9f\x90\xb1", true},
        {"[[:upper:]]", "aB", true},
        {"[[:^upper:]]", "B", false},
        {"a{,2}", "a{,2}", true},
        {"(a*)*", "", true},
        {"((a|b)*c){2}", "abcc", true},
        {"(|a)+b", "aab", true},
        {"\\Aa\\z", "a", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(cases[i].pattern, cases[i].text, cases[i].matches);
}

Test(regex, refuses_what_it_does_not_know)
{
    static const char *const patterns[] = {"(",          ")",           "a)",      "[a",     "*a",
                                           "a**",        "\\",          "\\8",     "\\pL",   "(?=a)",
                                           "(?<=a)",     "[b-a]",       "a{1001}", "a{3,2}", "((a{100}){100}){100}",
                                           "[[:nope:]]", "\\x{110000}", "(?z)a"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct cel_regex *regex;
        const char *wrong;
        cr_assert_not(cel_regex_compile(text_of(patterns[i]), arena, &regex, &wrong), "%s", patterns[i]);
        cr_assert_not_null(wrong);
    }
}

/* Steps are counted, not time: at most length × size, whatever the pattern. */
Test(regex, takes_linear_time)
{
    static const char *const patterns[] = {"(a*)*b",         "(a|a)*$x",         "(a|aa)+$b",
                                           "(a?){50}a{50}b", "(.*)*(.*)*(.*)*b", "((a+)+)+b"};
    enum { SHORT = 1000, LONG = 8000 };
    char *text = arena_raw(arena, LONG);
    memset(text, 'a', LONG);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct cel_regex *regex = compiled(patterns[i]);
        uint64_t few, many;
        cr_assert_not(cel_regex_search(regex, (struct text){text, SHORT}, arena, &few), "%s", patterns[i]);
        cr_assert_not(cel_regex_search(regex, (struct text){text, LONG}, arena, &many), "%s", patterns[i]);
        cr_assert_leq(many, (LONG + 1) * cel_regex_size(regex), "%s", patterns[i]);
        cr_assert_leq(many, few * 9, "%s: %llu, %llu", patterns[i], (unsigned long long)few, (unsigned long long)many);
    }
}
