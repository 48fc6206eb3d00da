#include <criterion/criterion.h>

#include "base/arena.h"
#include "cli.h"
#include "program/parts.h"

static struct arena *arena;

static void setup(void)
{
    cli_forget_settings();
    arena = arena_new(0);
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(program_schema, .init = setup, .fini = teardown);

Test(program_schema, the_committed_file_is_what_the_tables_say)
{
    struct cli_result made = cli_run("points program schema");
    struct text committed;
    struct err err;
    cr_assert_eq(program_read_file("config/program.schema.json", arena, &committed, &err), ERR_NONE, "%s", err.text);
    cr_assert(text_equal(committed, text_of(made.out)),
              "config/program.schema.json is out of date: build/points program schema > config/program.schema.json");
    cli_release(&made);
}

/* The fields of a shape and of all that it holds; each says what it means. */
static size_t count_described(const struct shape *shape)
{
    size_t count = 0;
    if (shape->of)
        count += count_described(shape->of);
    if (shape->otherwise)
        count += count_described(shape->otherwise);
    for (size_t i = 0; shape->kind == SHAPE_FIELDS && i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        cr_assert(field->shape, "`%s` has no shape", field->name);
        cr_assert(field->help && field->help[0] && field->help[strlen(field->help) - 1] != '.', "`%s`: help is \"%s\"",
                  field->name, field->help ? field->help : "");
        count += 1 + count_described(field->shape);
    }
    return count;
}

Test(program_schema, every_field_says_what_it_is)
{
    cr_assert_gt(count_described(&program_shape), 20);
}
