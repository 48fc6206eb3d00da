#include "program/bundle.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "program/load.h"
#include "zones.h"

/* A folder of its own for each test. */

static struct arena *arena;
static char folder[] = "/tmp/points-bundle-XXXXXX";

static void setup(void)
{
    arena = arena_new(0);
    cr_assert_not_null(mkdtemp(folder));
}

static void teardown(void)
{
    static const char *const names[] = {"p.yaml", "a.txt", "b.txt", "long.txt", "empty.txt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(arena_printf(arena, "%s/%s", folder, names[i]).at);
    rmdir(folder);
    arena = arena_free(arena);
}

TestSuite(bundle, .init = setup, .fini = teardown);

static const char *path_of(const char *name)
{
    return arena_printf(arena, "%s/%s", folder, name).at;
}

static FILE *create(const char *name)
{
    FILE *file = fopen(path_of(name), "w");
    cr_assert_not_null(file, "%s", name);
    return file;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = create(name);
    fputs(text, file);
    fclose(file);
}

#define PROGRAM                                                                                                        \
    "program: p\nversion: 1\neffective: 2026-01-01\npoints: {points: {}}\nmoney: {EUR: 2}\nrules:\n"                   \
    "  - {id: r, on: order.paid, earn: {fixed: 1}, items: {skus: [cup], skus_from: "

static enum err_code read_program(struct text *bundle, struct err *err)
{
    return program_read_file(path_of("p.yaml"), arena, bundle, err);
}

Test(bundle, a_program_and_its_lists_are_one_text)
{
    struct text bundle, program, list;
    struct attachments attachments;
    struct err err;
    write_file("p.yaml", PROGRAM "a.txt, except: {skus_from: b.txt}}}"); /* no newline at its end */
    write_file("a.txt", "pot\n mug \r\n# a remark\n\n");
    write_file("b.txt", "jar");
    cr_assert_eq(read_program(&bundle, &err), ERR_NONE, "%s", err.text);
    bundle_split(bundle, &program, &attachments);
    cr_assert(program.len > 0 && program.at[program.len - 1] == '\n');
    cr_assert_eq(attachments.count, 2);
    cr_assert(attachment_find(&attachments, TEXT("a.txt"), &list) && list.at[0] == 'p');
    cr_assert(attachment_find(&attachments, TEXT("b.txt"), &list) && text_equal(list, TEXT("jar")));
    cr_assert_not(attachment_find(&attachments, TEXT("c.txt"), &list));

    struct program *loaded;
    struct program_errors errors = {0};
    cr_assert_eq(program_load(bundle, machine_zones(arena), arena, &loaded, &errors, &err), ERR_NONE, "%s", err.text);
}

Test(bundle, a_list_may_have_a_hundred_thousand_entries)
{
    struct text bundle;
    struct err err;
    struct program *loaded;
    struct program_errors errors = {0};
    write_file("p.yaml", PROGRAM "long.txt}}\n");
    FILE *file = create("long.txt");
    for (int i = 0; i < 100000; i++)
        fprintf(file, "sku-%06d\n", i);
    fclose(file);
    cr_assert_eq(read_program(&bundle, &err), ERR_NONE, "%s", err.text);
    cr_assert_eq(program_load(bundle, machine_zones(arena), arena, &loaded, &errors, &err), ERR_NONE, "%s", err.text);
}

Test(bundle, a_list_that_is_missing_elsewhere_or_empty_is_an_error)
{
    struct text bundle;
    struct err err;
    write_file("p.yaml", PROGRAM "none.txt}}\n");
    cr_assert_eq(read_program(&bundle, &err), ERR_FILE);
    cr_assert(strstr(err.text, "none.txt: No such file"), "%s", err.text);
    write_file("p.yaml", PROGRAM "../etc/passwd}}\n");
    cr_assert_eq(read_program(&bundle, &err), ERR_FILE);
    cr_assert(strstr(err.text, "not the name of a list file"), "%s", err.text);
    write_file("p.yaml", PROGRAM "empty.txt}}\n");
    write_file("empty.txt", "\n# nothing\n");
    cr_assert_eq(read_program(&bundle, &err), ERR_NONE);
    struct program *loaded;
    struct program_errors errors = {0};
    cr_assert_eq(program_load(bundle, machine_zones(arena), arena, &loaded, &errors, &err), ERR_PROGRAM);
    cr_assert(text_equal(errors.items[0].message, TEXT("`empty.txt` holds no entry")));
}
