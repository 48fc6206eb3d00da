#include <stdio.h>
#include <stdlib.h>

#include "program/zones.h"
#include "values.h"

/* run FOLDER EXCEPTIONS: reads google/cel-spec's test files as they are and holds our language to them. A test that
 * EXCEPTIONS names ("file/section/test: reason") must fail; all others must pass. */

enum { EXCEPTIONS_MAX = 1000, VARIABLES_MAX = 16 };

struct suite {
    struct arena *arena; /* for as long as the program runs */
    struct arena *scratch;
    const struct zones *zones;
    struct text excepted[EXCEPTIONS_MAX];
    bool met[EXCEPTIONS_MAX];
    size_t exception_count;
    int passed, failed, used;
};

static const struct zone *zone_named(const void *context, struct text name)
{
    return zones_find(context, name);
}

static struct text read_file(const char *path, struct arena *arena)
{
    FILE *file = fopen(path, "rb");
    char *bytes = arena_raw(arena, 4 << 20);
    size_t len = file ? fread(bytes, 1, 4 << 20, file) : 0;
    if (!file || len == 4 << 20) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(2);
    }
    fclose(file);
    return (struct text){bytes, len};
}

static void read_exceptions(struct suite *suite, const char *path)
{
    struct text source = read_file(path, suite->arena);
    const char *at = source.at, *end = source.at + source.len;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end ? line_end : end;
        const char *colon = memchr(at, ':', (size_t)(line_end - at));
        if (*at != '#' && line_end > at) {
            if (!colon || line_end - colon < 4 || suite->exception_count == EXCEPTIONS_MAX) {
                fprintf(stderr, "%s: a line that is not `file/section/test: reason`\n", path);
                exit(2);
            }
            suite->excepted[suite->exception_count++] = (struct text){at, (size_t)(colon - at)};
        }
        at = line_end + 1;
    }
}

static bool is_true(const struct message *test, const char *name)
{
    return text_equal(field_text(test, name), TEXT("true"));
}

/* The names, their types and values: those of the environment, and of bindings without a check. */
static bool read_variables(const struct message *test, struct cel_variable *variables, struct cel_value *values,
                           size_t *count, struct arena *arena)
{
    for (const struct field *field = field_named(test, "type_env"); field; field = field_next(field)) {
        struct text name = field_text(field->message, "name");
        const struct message *ident = field_message(field->message, "ident");
        values[*count] = cel_error(CEL_UNDECLARED);
        variables[(*count)++] =
            (struct cel_variable){.name = arena_printf(arena, "%.*s", (int)name.len, name.at).at,
                                  .type = ident ? type_read(field_message(ident, "type"), arena) : &cel_type_dyn};
    }
    for (const struct field *field = field_named(test, "bindings"); field; field = field_next(field)) {
        struct text key = field_text(field->message, "key");
        const struct message *value = field_message(field_message(field->message, "value"), "value");
        size_t i = 0;
        while (i < *count && !text_equal(text_of(variables[i].name), key))
            i++;
        if (i == *count)
            variables[(*count)++] = (struct cel_variable){.name = arena_printf(arena, "%.*s", (int)key.len, key.at).at,
                                                          .type = &cel_type_dyn};
        if (!value_read(value, arena, &values[i]))
            return false;
    }
    return true;
}

/* NULL when the result is what the test wants; else what it was. */
static const char *judge(const struct message *test, const struct cel_value *result, struct arena *arena)
{
    struct cel_value wanted = cel_bool(true);
    const struct message *value = field_message(test, "value");
    struct text got = value_text(result, arena);
    if (field_named(test, "eval_error"))
        return result->kind == CEL_ERROR ? NULL : arena_printf(arena, "got %.*s", (int)got.len, got.at).at;
    if (value && !value_read(value, arena, &wanted))
        return "wants a message";
    return value_same(result, &wanted) ? NULL : arena_printf(arena, "got %.*s", (int)got.len, got.at).at;
}

static const char *run_test(struct suite *suite, const struct message *test)
{
    struct arena *arena = suite->scratch;
    struct cel_variable variables[VARIABLES_MAX];
    struct cel_value values[VARIABLES_MAX], result;
    struct cel_program *program;
    struct cel_fault fault;
    size_t count = 0;
    if (!read_variables(test, variables, values, &count, arena))
        return "binds a message";
    struct cel_env env = {.variables = variables,
                          .variable_count = count,
                          .container = field_text(test, "container"),
                          .lenient = is_true(test, "disable_check"),
                          .no_macros = is_true(test, "disable_macros"),
                          .zone = zone_named,
                          .zone_context = suite->zones};
    if (cel_compile(&env, field_text(test, "expr"), arena, &program, &fault))
        return arena_printf(arena, "%d:%d: %.*s", fault.line, fault.column, (int)fault.message.len, fault.message.at)
            .at;
    if (is_true(test, "check_only"))
        return NULL;
    cel_eval(program, values, arena, &result);
    return judge(test, &result, arena);
}

static bool is_excepted(struct suite *suite, struct text name)
{
    for (size_t i = 0; i < suite->exception_count; i++) {
        if (text_equal(suite->excepted[i], name)) {
            suite->met[i] = true;
            return true;
        }
    }
    return false;
}

static void count_test(struct suite *suite, struct text name, const char *wrong)
{
    bool excepted = is_excepted(suite, name);
    if (!wrong)
        suite->passed++;
    else if (excepted)
        suite->used++;
    if (excepted == (wrong != NULL))
        return;
    suite->failed++;
    printf("%.*s: %s\n", (int)name.len, name.at, wrong ? wrong : "passes, but is listed as an exception");
}

static void run_file(struct suite *suite, const char *folder, const char *file)
{
    int line;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.textproto", folder, file);
    const struct message *root = textproto_parse(read_file(path, suite->arena), suite->arena, &line);
    if (!root) {
        fprintf(stderr, "%s:%d: not text format\n", path, line);
        exit(2);
    }
    for (const struct field *part = field_named(root, "section"); part; part = field_next(part)) {
        struct text section = field_text(part->message, "name");
        for (const struct field *test = field_named(part->message, "test"); test; test = field_next(test)) {
            struct text name = field_text(test->message, "name");
            arena_reset(suite->scratch);
            const char *wrong = run_test(suite, test->message);
            name = arena_printf(suite->scratch, "%s/%.*s/%.*s", file, (int)section.len, section.at, (int)name.len,
                                name.at);
            count_test(suite, name, wrong);
        }
    }
}

static void report_unmet(struct suite *suite)
{
    for (size_t i = 0; i < suite->exception_count; i++) {
        if (suite->met[i])
            continue;
        suite->failed++;
        printf("%.*s: is listed as an exception, but there is no such test\n", (int)suite->excepted[i].len,
               suite->excepted[i].at);
    }
}

int main(int argc, char **argv)
{
    static const char *const files[] = {"basic", "comparisons",  "conversions", "fields",    "fp_math",
                                        "lists", "integer_math", "logic",       "macros",    "namespace",
                                        "parse", "plumbing",     "string",      "timestamps"};
    struct suite suite = {.arena = arena_new(0), .scratch = arena_new(1 << 20)};
    const struct zones *zones;
    struct err err;
    if (argc != 3) {
        fprintf(stderr, "usage: run FOLDER EXCEPTIONS\n");
        return 2;
    }
    if (zones_load(ZONES_FOLDER, suite.arena, &zones, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    suite.zones = zones;
    read_exceptions(&suite, argv[2]);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_file(&suite, argv[1], files[i]);
    report_unmet(&suite);
    printf("%d passed, %d failed\n", suite.passed, suite.failed);
    printf("CEL conformance: %d of 1192 pass, %d excepted\n", suite.passed, suite.used);
    arena_free(suite.arena);
    arena_free(suite.scratch);
    return suite.failed > 0;
}
