#include <criterion/criterion.h>
#include <stdio.h>

#include "ops/linediff.h"

/* The edits as one text: sign and line, joined by '|'. */
static void expect(const char *before, const char *after, const char *expected)
{
    char got[256] = "";
    struct arena *arena = arena_new(0);
    struct line_edits edits = line_diff(text_of(before), text_of(after), arena);
    for (size_t i = 0; i < edits.count; i++) {
        size_t used = strlen(got);
        snprintf(got + used, sizeof got - used, "%s%c%zu%.*s", i ? "|" : "", edits.items[i].sign, edits.items[i].line,
                 (int)edits.items[i].text.len, edits.items[i].text.at);
    }
    arena_free(arena);
    cr_assert_str_eq(got, expected);
}

Test(linediff, equal_texts_have_no_changes)
{
    expect("a\nb\n", "a\nb\n", " 1a| 2b");
}

Test(linediff, changed_line_is_taken_out_and_put_in)
{
    expect("a\nb\nc\n", "a\nx\nc\n", " 1a|-2b|+2x| 3c");
}

Test(linediff, lines_put_in_and_taken_out_keep_what_is_common)
{
    expect("a\nb\nc\nd\n", "b\nc\nx\nd\ne\n", "-1a| 1b| 2c|+3x| 4d|+5e");
}

Test(linediff, everything_is_new_against_nothing)
{
    expect("", "a\nb", "+1a|+2b");
    expect("a\nb", "", "-1a|-2b");
    expect("", "", "");
}

Test(linediff, missing_line_end_is_no_change)
{
    expect("a\nb", "a\nb\n", " 1a| 2b");
}

Test(linediff, huge_different_texts_are_shown_as_one_replacement)
{
    enum { LINES = 4000 };
    struct arena *arena = arena_new(0);
    char *before = arena_alloc(arena, LINES * 2), *after = arena_alloc(arena, LINES * 2);
    for (size_t i = 0; i < LINES; i++) {
        memcpy(before + i * 2, "a\n", 2);
        memcpy(after + i * 2, "b\n", 2);
    }
    struct line_edits edits = line_diff((struct text){before, LINES * 2}, (struct text){after, LINES * 2}, arena);
    cr_assert_eq(edits.changed, 2 * LINES);
    cr_assert_eq(edits.items[0].sign, '-');
    cr_assert_eq(edits.items[LINES].sign, '+');
    arena_free(arena);
}
