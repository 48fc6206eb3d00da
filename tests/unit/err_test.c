#include <criterion/criterion.h>
#include <string.h>

#include "base/err.h"

Test(err, set_fills_the_error_and_returns_its_code)
{
    struct err err;
    cr_assert_eq(err_set(&err, ERR_KAFKA, "broker %d", 7), ERR_KAFKA);
    cr_assert_eq(err.code, ERR_KAFKA);
    cr_assert_str_eq(err.text, "broker 7");
}

Test(err, set_without_a_struct_only_returns_the_code)
{
    cr_assert_eq(err_set(NULL, ERR_REDIS, "x"), ERR_REDIS);
}

Test(err, wrap_puts_the_context_first_and_keeps_the_code)
{
    struct err err;
    err_set(&err, ERR_FILE, "not found");
    cr_assert_eq(err_wrap(&err, "program %s", "a.yaml"), ERR_FILE);
    cr_assert_str_eq(err.text, "program a.yaml: not found");
}

Test(err, an_argument_may_be_the_errors_own_text)
{
    struct err err;
    err_set(&err, ERR_FILE, "inner");
    err_set(&err, ERR_CONFIG, "outer (%s)", err.text);
    cr_assert_str_eq(err.text, "outer (inner)");
}

Test(err, a_text_too_long_is_cut_at_a_whole_character)
{
    struct err err;
    char text[sizeof err.text + 10];
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof err.text - 3, "\xE2\x82\xAC", 4); /* the euro sign's third byte does not fit */
    err_set(&err, ERR_FILE, "%s", text);
    cr_assert_eq(strlen(err.text), sizeof err.text - 3);
    cr_assert_eq(err.text[sizeof err.text - 4], 'a');
}

Test(err, a_character_that_just_fits_is_kept)
{
    struct err err;
    char text[sizeof err.text + 10];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    memcpy(text + sizeof err.text - 4, "\xE2\x82\xAC", 3);
    err_set(&err, ERR_FILE, "%s", text);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
    cr_assert_str_eq(err.text + sizeof err.text - 4, "\xE2\x82\xAC");
}

Test(err, every_code_has_a_name_of_its_own_and_a_documented_exit_status)
{
    static const int documented[] = {
#define X(name, status, meaning) status,
        EXIT_STATUSES(X)
#undef X
    };
    for (enum err_code code = 0; code < ERR_CODE_COUNT; code++) {
        bool found = false;
        for (size_t i = 0; i < sizeof documented / sizeof *documented; i++)
            found = found || documented[i] == err_exit_status(code);
        cr_assert(found, "%s", err_name(code));
        for (enum err_code other = 0; other < code; other++)
            cr_assert_str_neq(err_name(code), err_name(other));
    }
}

Test(err, only_success_exits_with_zero)
{
    cr_assert_eq(err_exit_status(ERR_NONE), 0);
    for (enum err_code code = 1; code < ERR_CODE_COUNT; code++)
        cr_assert_neq(err_exit_status(code), 0, "%s", err_name(code));
}

Test(err, a_fenced_instance_has_an_exit_status_that_no_other_error_has)
{
    for (enum err_code code = 0; code < ERR_CODE_COUNT; code++)
        if (code != ERR_FENCED)
            cr_assert_neq(err_exit_status(code), err_exit_status(ERR_FENCED), "%s", err_name(code));
}

Test(err, classes_tell_retry_poison_and_fatal_apart)
{
    cr_assert_eq(err_class(ERR_NONE), ERR_CLASS_NONE);
    cr_assert_eq(err_class(ERR_DATABASE_AWAY), ERR_CLASS_RETRY);
    cr_assert_eq(err_class(ERR_BAD_BYTES), ERR_CLASS_POISON);
    cr_assert_eq(err_class(ERR_OFFSET_AHEAD), ERR_CLASS_FATAL);
}
