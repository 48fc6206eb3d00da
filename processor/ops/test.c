#include <errno.h>

#include "cases/words.h"
#include "ops/command.h"
#include "ops/test_files.h"
#include "ops/test_report.h"
#include "program/zones.h"

enum { ARENA_KEEP = 1 << 20 };

static const char standard_path[] = "config/programs";

struct test {
    const struct invocation *invocation;
    const char *filter; /* NULL: every case */
    struct case_paths paths;
    struct tested tested;
};

/* ---- what to test */

static enum err_code check_options(const struct invocation *invocation, struct err *err)
{
    static const char *const running[] = {"--junit", "--update"};
    for (size_t i = 0; i < sizeof running / sizeof *running; i++)
        if (option_given(invocation, "--list") && option_given(invocation, running[i]))
            return err_set(err, ERR_USAGE, "--list runs nothing, so that %s has nothing to write", running[i]);
    if (option_given(invocation, "--strict") &&
        (option_given(invocation, "--case") || option_given(invocation, "--list")))
        return err_set(err, ERR_USAGE, "--strict asks what no case reaches, and so wants all of them run");
    return ERR_NONE;
}

static struct tested_file *add_file(struct test *test, const char *path)
{
    struct tested_file *file = &test->tested.files[test->tested.file_count++];
    *file = (struct tested_file){.path = path};
    file->faults.arena = test->tested.arena;
    return file;
}

/* Paths that hold no cases are shown as files that cannot be used, beside the results of the others. */
static void find_files(struct test *test)
{
    const struct invocation *invocation = test->invocation;
    struct arena *arena = test->tested.arena;
    struct err errs[COMMAND_ARGUMENTS_MAX];
    const char *const *paths = invocation->argument_count ? invocation->arguments : (const char *[]){standard_path};
    int count = invocation->argument_count ? invocation->argument_count : 1;
    for (int i = 0; i < count; i++) {
        errs[i].code = ERR_NONE;
        case_paths_add(&test->paths, paths[i], arena, &errs[i]);
    }
    test->tested.files = arena_array(arena, test->paths.cases.count + (size_t)count, sizeof *test->tested.files);
    for (int i = 0; i < count; i++) {
        if (errs[i].code == ERR_NONE)
            continue;
        struct tested_file *file = add_file(test, paths[i]);
        const char *cause = errs[i].text + strlen(paths[i]) + strlen(": ");
        file->code = errs[i].code;
        fault_add_at(&file->faults,
                     (struct case_fault){.file = text_of(paths[i]), .message = arena_text(arena, text_of(cause))});
    }
    for (size_t i = 0; i < test->paths.cases.count; i++)
        add_file(test, test->paths.cases.items[i]);
}

/* ---- testing */

static bool is_chosen(const struct test *test, const struct test_case *each)
{
    return !test->filter ||
           strcasestr(arena_printf(test->tested.arena, "%.*s", VIEW(each->name)).at, test->filter) != NULL;
}

static void test_file(struct test *test, struct tested_file *file)
{
    struct arena *arena = test->tested.arena;
    file->code = cases_read(file->path, test->tested.zones, arena, &file->file, &file->faults);
    if (file->code != ERR_NONE)
        return;
    file->reach = reach_new(&file->file, arena);
    file->results = arena_array(arena, file->file.case_count, sizeof *file->results);
    for (size_t i = 0; i < file->file.case_count; i++) {
        const struct test_case *each = &file->file.cases[i];
        if (!is_chosen(test, each))
            continue;
        struct case_result *result = &file->results[file->result_count++];
        *result = (struct case_result){.test = each};
        if (!test->tested.listed)
            case_run(&file->file, each, file->reach, arena, result);
    }
}

static void test_files(struct test *test)
{
    for (size_t i = 0; i < test->tested.file_count; i++)
        if (test->tested.files[i].code == ERR_NONE)
            test_file(test, &test->tested.files[i]);
    if (!test->filter && !test->tested.listed)
        tested_find_unreached(&test->tested, &test->paths.yamls);
}

/* ---- what is written */

static bool differs(const struct tested_file *file)
{
    for (size_t i = 0; i < file->result_count; i++)
        if (file->results[i].difference_count > 0)
            return true;
    return false;
}

static enum err_code update_files(struct test *test, struct err *err)
{
    for (size_t i = 0; i < test->tested.file_count; i++) {
        struct tested_file *file = &test->tested.files[i];
        if (!differs(file))
            continue;
        struct text text = cases_updated(&file->file, file->results, file->result_count, test->tested.arena);
        enum err_code code = case_file_replace(file->path, text, err);
        if (code)
            return code;
        file->rewritten = true;
    }
    return ERR_NONE;
}

static enum err_code write_junit(const struct test *test, const char *path, struct err *err)
{
    FILE *out = fopen(path, "w");
    if (!out)
        return err_set(err, ERR_FILE, "--junit %s: %s", path, strerror(errno));
    report_junit(&test->tested, out);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed)
        return err_set(err, ERR_FILE, "--junit %s: cannot be written: %s", path, strerror(errno));
    return ERR_NONE;
}

static enum err_code write_files(struct test *test, struct err *err)
{
    const char *junit = option_text(test->invocation, "--junit", NULL);
    enum err_code code = ERR_NONE;
    if (option_given(test->invocation, "--update"))
        code = update_files(test, err);
    return code || !junit ? code : write_junit(test, junit, err);
}

/* ---- the command */

static int status_of(const struct test *test)
{
    for (size_t i = 0; i < test->tested.file_count; i++)
        if (test->tested.files[i].code != ERR_NONE)
            return err_exit_status(test->tested.files[i].code);
    bool lacking = option_given(test->invocation, "--strict") && test->tested.unreached_count > 0;
    return lacking || tested_count(&test->tested).failed > 0 ? EXIT_DIFFERENCE : EXIT_OK;
}

/* A filter that takes no case shows nothing, and must not look like success. */
static bool filter_missed(const struct test *test)
{
    size_t chosen = 0;
    for (size_t i = 0; i < test->tested.file_count; i++)
        chosen += test->tested.files[i].result_count;
    return test->filter && chosen == 0;
}

static int test_all(struct test *test)
{
    const struct invocation *invocation = test->invocation;
    struct err err = {.code = ERR_NONE};
    if (check_options(invocation, &err) || zones_load(ZONES_FOLDER, test->tested.arena, &test->tested.zones, &err))
        return command_failed(invocation, &err);
    find_files(test);
    test_files(test);
    if (write_files(test, &err))
        return command_failed(invocation, &err);
    if (invocation->json)
        report_json(&test->tested, invocation->out);
    else
        report_text(&test->tested, invocation->out);
    int status = status_of(test);
    if (status != EXIT_OK || !filter_missed(test))
        return status;
    fprintf(invocation->errors, "points test: no case's name holds `%s`; --list shows all\n", test->filter);
    return EXIT_DIFFERENCE;
}

static int run(const struct invocation *invocation)
{
    struct test test = {.invocation = invocation, .filter = option_text(invocation, "--case", NULL)};
    test.tested.arena = arena_new(ARENA_KEEP);
    test.tested.listed = option_given(invocation, "--list");
    int status = test_all(&test);
    arena_free(test.tested.arena);
    return status;
}

const struct command command_test = {
    .name = "test",
    .arguments = "[PATH]...",
    .summary = "run the golden cases of programs: events in, expected effects out",
    .description =
        "A file shop.cases stands beside its program shop.yaml and says what the program must give:\n\n"
        "    program shop.yaml\n\n"
        "    case a refund below the minimum takes all points back\n"
        "    > order.paid o1 EUR tea=2x6.00\n"
        "    ann +60 points order-points o1 = 60\n"
        "    > order.refunded o1 EUR amount=5.00 at=+2d\n"
        "    ann -60 points order-points o1 = 0\n\n"
        "Below each event, in the order of arrival, stand its effects, exactly. Each PATH is such a file or a folder, "
        "whose files *.cases are run with those of the folders below; without one, config/programs. Nothing is "
        "contacted. Of an event that does something else, the lines are printed that the file expects (-) and that "
        "the program gives (+); then the rules and rewards that no case reaches, and programs of the folders that no "
        "case "
        "file names, unless --case chose some; the last line counts the cases.\n\n"
        "Nothing is written unless --junit or --update asks for it. --update puts what the program gives into the "
        "file: first run without it, and read the difference. config/README.md explains the lines of a case.",
    .most_arguments = COMMAND_ARGUMENTS_MAX,
    .json = true,
    .options = {{"--case", "TEXT", "only cases whose name holds TEXT, in capitals or not"},
                {"--list", NULL, "list the cases, run none"},
                {"--strict", NULL, "fail, too, where no case reaches a rule, a reward or a program"},
                {"--junit", "FILE", "write the results as JUnit's XML too"},
                {"--update", NULL, "rewrite what failing cases expect, in place"}},
    .examples = {{"points test", "all cases of config/programs"},
                 {"points test shop.cases --case refund", "those with refund in their name"},
                 {"points test shop.cases --update", "accept what the changed program gives"},
                 {"points test --junit build/cases.xml", "for a build server"}},
    .run = run,
};
