#include <criterion/criterion.h>

#include "ledger/postgres.h"

Test(postgres, states_that_another_attempt_may_mend_are_conflicts)
{
    cr_assert_eq(postgres_state_code("40001"), ERR_CONFLICT);
    cr_assert_eq(postgres_state_code("40P01"), ERR_CONFLICT);
}

Test(postgres, states_that_pass_by_themselves_mean_that_the_database_is_away)
{
    static const char *const states[] = {"08006", "57P01", "57P02", "57P03", "57014", "55P03",
                                         "53300", "53100", "25P03", "25006", "58030"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        cr_assert_eq(postgres_state_code(states[i]), ERR_DATABASE_AWAY, "%s", states[i]);
}

Test(postgres, states_that_an_operator_must_mend_are_errors)
{
    static const char *const states[] = {"28P01", "3D000", "42501", "42P01", "23505", "22P02", "XX000"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        cr_assert_eq(postgres_state_code(states[i]), ERR_DATABASE, "%s", states[i]);
}

static enum err_code open_url(const char *url, struct err *err)
{
    struct config config = {.postgres_url = (char *)url, .postgres_password_file = ""};
    PGconn *connection = NULL;
    enum err_code code = postgres_open(&config, POSTGRES_RUNTIME, &connection, err);
    cr_assert_null(connection);
    return code;
}

Test(postgres, server_that_is_not_there_is_away)
{
    struct err err;
    cr_assert_eq(open_url("postgresql://me@127.0.0.1:1/points", &err), ERR_DATABASE_AWAY);
    cr_assert(strstr(err.text, "127.0.0.1"), "%s", err.text);
}

Test(postgres, malformed_url_is_an_error_of_the_configuration_that_shows_no_password)
{
    struct err err;
    cr_assert_eq(open_url("postgresql://me:hunter2@127.0.0.1:notaport/points?x", &err), ERR_CONFIG);
    cr_assert_null(strstr(err.text, "hunter2"), "%s", err.text);
}
