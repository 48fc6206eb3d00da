#include "casebook.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/buffer.h"
#include "cases/run.h"
#include "cases/words.h"
#include "zones.h"

static void say_faults(const struct case_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        fprintf(stderr, "%.*s:%d: %.*s\n", VIEW(faults->items[i].file), faults->items[i].line,
                VIEW(faults->items[i].message));
}

static void say_differences(const char *path, const struct case_result *result)
{
    for (size_t i = 0; i < result->difference_count; i++) {
        const struct difference *difference = &result->differences[i];
        fprintf(stderr, "%s:%d: %.*s\n> %.*s\nexpected:\n%.*sbut was:\n%.*s%.*s\n", path, difference->event->line,
                VIEW(result->test->name), VIEW(difference->event->text), VIEW(difference->event->expected),
                VIEW(difference->got), VIEW(difference->broken));
    }
}

size_t casebook_run(const char *path)
{
    struct arena *arena = arena_new(0);
    struct case_file file;
    struct case_faults faults = {0};
    enum err_code code = cases_read(path, machine_zones(arena), arena, &file, &faults);
    say_faults(&faults);
    cr_assert_eq(code, ERR_NONE, "%s cannot be read", path);
    struct reach *reach = reach_new(&file, arena);
    size_t spilled = 0, failed = 0;
    for (size_t i = 0; i < file.case_count; i++) {
        struct case_result result;
        case_run(&file, &file.cases[i], reach, arena, &result);
        say_differences(path, &result);
        failed += result.difference_count > 0;
        spilled += result.spilled;
    }
    cr_assert_eq(failed, 0, "%zu of %zu cases of %s failed", failed, file.case_count, path);
    arena_free(arena);
    return spilled;
}
