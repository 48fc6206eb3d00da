#include <criterion/criterion.h>

#include "ledger/migrate.h"

static const char first_sql[] = "SELECT 1;";
static const char second_sql[] = "SELECT 2;";
static const char second_changed[] = "SELECT 3;";

#define FILE_OF(name, content)                                                                                         \
    {                                                                                                                  \
        name, content, content + sizeof content - 1                                                                    \
    }

static const struct embedded_file two_files[] = {FILE_OF("avro/order.avsc", first_sql),
                                                 FILE_OF("sql/001_first.sql", first_sql),
                                                 FILE_OF("sql/002_second.sql", second_sql),
                                                 {NULL, NULL, NULL}};
static const struct embedded_file changed_files[] = {
    FILE_OF("sql/001_first.sql", first_sql), FILE_OF("sql/002_second.sql", second_changed), {NULL, NULL, NULL}};
static const struct embedded_file renamed_files[] = {
    FILE_OF("sql/001_first.sql", first_sql), FILE_OF("sql/002_other.sql", second_sql), {NULL, NULL, NULL}};
static const struct embedded_file gap_files[] = {
    FILE_OF("sql/001_first.sql", first_sql), FILE_OF("sql/003_third.sql", second_sql), {NULL, NULL, NULL}};
static const struct embedded_file nameless_files[] = {FILE_OF("sql/first.sql", first_sql), {NULL, NULL, NULL}};

static struct arena *arena;
static struct err err;

static void set_up(void)
{
    arena = arena_new(0);
}

static void tear_down(void)
{
    arena = arena_free(arena);
}

static struct migrations of(const struct embedded_file *files)
{
    struct migrations out = {0};
    cr_assert_eq(migrations_of(files, arena, &out, &err), ERR_NONE, "%s", err.text);
    return out;
}

static struct migrations first_of(struct migrations all, size_t count)
{
    return (struct migrations){all.items, count};
}

TestSuite(migrate, .init = set_up, .fini = tear_down);

Test(migrate, files_of_the_sql_folder_are_taken_in_order_with_their_hash)
{
    struct migrations all = of(two_files);
    cr_assert_eq(all.count, 2);
    cr_assert(text_equal(all.items[0].name, TEXT("001_first")));
    cr_assert(text_equal(all.items[1].sql, TEXT("SELECT 2;")));
    /* printf 'SELECT 1;' | sha256sum */
    cr_assert_str_eq(all.items[0].sha256, "17db4fd369edb9244b9f91d9aeed145c3d04ad8ba6e95d06247f07a63527d11a");
}

Test(migrate, gap_in_the_numbers_is_refused)
{
    struct migrations out = {0};
    cr_assert_eq(migrations_of(gap_files, arena, &out, &err), ERR_MIGRATION);
    cr_assert(strstr(err.text, "003_third"), "%s", err.text);
}

Test(migrate, file_without_a_number_is_refused)
{
    struct migrations out = {0};
    cr_assert_eq(migrations_of(nameless_files, arena, &out, &err), ERR_MIGRATION);
}

Test(migrate, what_was_applied_is_counted)
{
    struct migrations all = of(two_files);
    for (size_t count = 0; count <= 2; count++) {
        size_t done = 99;
        cr_assert_eq(migrations_compare(all, first_of(all, count), false, &done, &err), ERR_NONE, "%s", err.text);
        cr_assert_eq(done, count);
    }
}

Test(migrate, changed_file_is_refused_with_the_remedy)
{
    size_t done = 99;
    cr_assert_eq(migrations_compare(of(changed_files), of(two_files), false, &done, &err), ERR_MIGRATION);
    cr_assert(strstr(err.text, "002_second was changed"), "%s", err.text);
    cr_assert(strstr(err.text, "new migration"), "%s", err.text);
    cr_assert_eq(done, 99);
}

Test(migrate, renamed_file_is_refused)
{
    size_t done;
    cr_assert_eq(migrations_compare(of(renamed_files), of(two_files), false, &done, &err), ERR_MIGRATION);
    cr_assert(strstr(err.text, "002_other"), "%s", err.text);
}

Test(migrate, migration_that_this_build_lacks_is_refused_unless_newer_ones_are_allowed)
{
    size_t done = 99;
    struct migrations all = of(two_files);
    cr_assert_eq(migrations_compare(first_of(all, 1), all, false, &done, &err), ERR_MIGRATION);
    cr_assert(strstr(err.text, "newer build"), "%s", err.text);
    cr_assert_eq(migrations_compare(first_of(all, 1), all, true, &done, &err), ERR_NONE);
    cr_assert_eq(done, 1);
}

Test(migrate, hole_in_what_was_applied_is_refused)
{
    size_t done;
    struct migrations all = of(two_files);
    struct migrations second_only = {all.items + 1, 1};
    cr_assert_eq(migrations_compare(all, second_only, false, &done, &err), ERR_MIGRATION);
    cr_assert(strstr(err.text, "never applied"), "%s", err.text);
}

Test(migrate, files_of_this_build_are_in_order)
{
    cr_assert_geq(of(embedded_files).count, 2);
}
