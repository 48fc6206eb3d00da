#include <stdlib.h>

#include "cases/cases.h"
#include "cases/event.h"
#include "cases/event_values.h"
#include "cases/grow.h"
#include "decode/utf8.h"
#include "program/bundle.h"
#include "program/load.h"
#include "program/versions.h"
#include "rules/program_model.h"

/* A case file, line by line. */

struct reader {
    struct arena *arena;
    const struct zones *zones;
    struct case_faults *faults;
    struct case_file file;
    struct text rest; /* what was not read yet */
    int line;         /* the newest that was, from 1 */
    int64_t previous_at;
    enum err_code code;
    size_t program_capacity;
    size_t case_capacity;
    size_t event_capacity;
};

static void refuse(struct reader *reader, enum err_code code)
{
    if (reader->code == ERR_NONE)
        reader->code = code;
}

static struct text next_line(struct text text, size_t *whole)
{
    const char *end = text.len > 0 ? memchr(text.at, '\n', text.len) : NULL;
    size_t len = end ? (size_t)(end - text.at) : text.len;
    *whole = end ? len + 1 : len;
    while (len > 0 && (text.at[len - 1] == ' ' || text.at[len - 1] == '\r'))
        len--;
    return (struct text){text.at, len};
}

static struct text peek_line(const struct reader *reader)
{
    size_t whole;
    return next_line(reader->rest, &whole);
}

static struct text take_line(struct reader *reader)
{
    size_t whole;
    struct text line = next_line(reader->rest, &whole);
    reader->rest = without_first(reader->rest, whole);
    reader->line++;
    return line;
}

/* ---- programs */

static void add_program(struct reader *reader, struct text yaml, struct text file, bool inside, int line)
{
    struct program_errors errors = {0};
    struct program *program;
    struct err err;
    struct case_file *cases = &reader->file;
    if (program_load(yaml, reader->zones, reader->arena, &program, &errors, &err)) {
        refuse(reader, ERR_PROGRAM);
        for (size_t i = 0; i < errors.count; i++)
            fault_add_at(reader->faults, (struct case_fault){.file = file,
                                                             .line = errors.items[i].line + (inside ? line : 0),
                                                             .column = errors.items[i].column + (inside ? 2 : 0),
                                                             .message = errors.items[i].message});
        return;
    }
    cases->programs =
        grown(reader->arena, cases->programs, cases->program_count, &reader->program_capacity, sizeof *cases->programs);
    cases->programs[cases->program_count++] = (struct case_program){program, file, inside, line};
}

/* The indented lines that follow, without what they are indented by. */
static struct text take_indented(struct reader *reader)
{
    size_t len = 0;
    char *yaml = arena_raw(reader->arena, reader->rest.len + 1);
    while (begins_with(reader->rest, "  ") || (peek_line(reader).len == 0 && reader->rest.len > 0)) {
        struct text line = take_line(reader);
        line = without_first(line, line.len < 2 ? line.len : 2);
        if (line.len > 0)
            memcpy(yaml + len, line.at, line.len);
        len += line.len;
        yaml[len++] = '\n';
    }
    return (struct text){yaml, len};
}

/* The file as named from where the case file is named from. */
static struct text beside(const struct reader *reader, struct text name)
{
    size_t folder = reader->file.path.len;
    while (folder > 0 && reader->file.path.at[folder - 1] != '/')
        folder--;
    if (begins_with(name, "/"))
        folder = 0;
    return arena_printf(reader->arena, "%.*s%.*s", (int)folder, reader->file.path.at, VIEW(name));
}

static void read_named_program(struct reader *reader, struct text name)
{
    struct text path = beside(reader, name);
    struct text yaml;
    struct err err;
    if (program_read_file(path.at, reader->arena, &yaml, &err)) {
        refuse(reader, ERR_FILE);
        fault_add(reader->faults, reader->line, "%s; a program is named as seen from this file", err.text);
        return;
    }
    add_program(reader, yaml, path, false, reader->line);
}

static void read_program(struct reader *reader, struct text name)
{
    int line = reader->line;
    if (reader->file.case_count > 0) {
        refuse(reader, ERR_FILE);
        fault_add(reader->faults, line, "a program stands before the first case");
    }
    if (name.len > 0)
        read_named_program(reader, name);
    else
        add_program(reader, take_indented(reader), reader->file.path, true, line);
}

static int by_version(const void *a, const void *b)
{
    const struct case_program *left = *(const struct case_program *const *)a;
    const struct case_program *right = *(const struct case_program *const *)b;
    int order = versions_compare(left->program, right->program);
    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static void check_versions(struct reader *reader, const struct case_program *const *sorted)
{
    struct err err;
    for (size_t i = 1; i < reader->file.program_count; i++) {
        if (!versions_follow(sorted[i - 1]->program, sorted[i]->program, &err))
            continue;
        refuse(reader, ERR_PROGRAM);
        fault_add(reader->faults, sorted[i]->line, "%s", err.text);
    }
}

static void index_programs(struct reader *reader)
{
    struct case_file *file = &reader->file;
    size_t count = file->program_count;
    struct program **programs = arena_array(reader->arena, count, sizeof(struct program *));
    const struct case_program **sorted = arena_array(reader->arena, count, sizeof(struct case_program *));
    for (size_t i = 0; i < count; i++)
        sorted[i] = &file->programs[i];
    if (count > 1)
        qsort(sorted, count, sizeof(struct case_program *), by_version);
    check_versions(reader, sorted);
    for (size_t i = 0; i < count; i++)
        programs[i] = sorted[i]->program;
    file->set = (struct program_set){.revision = 1, .programs = programs, .count = count};
}

/* ---- cases */

static void begin_case(struct reader *reader, struct text name)
{
    static const struct text option = {" outputs", sizeof " outputs" - 1};
    struct case_file *file = &reader->file;
    int before = 0;
    bool outputs = name.len > option.len && text_equal(without_first(name, name.len - option.len), option);
    if (outputs)
        name.len -= option.len;
    for (size_t i = 0; i < file->case_count; i++)
        if (text_equal(file->cases[i].name, name))
            before = file->cases[i].line;
    if (before > 0 || name.len == 0) {
        refuse(reader, ERR_FILE);
        if (before > 0)
            fault_add(reader->faults, reader->line, "a case of this name stands in line %d", before);
        else
            fault_add(reader->faults, reader->line, "a case needs a name: `case what it shows`");
    }
    if (file->case_count == 0)
        index_programs(reader);
    file->cases = grown(reader->arena, file->cases, file->case_count, &reader->case_capacity, sizeof *file->cases);
    file->cases[file->case_count++] = (struct test_case){.name = name, .line = reader->line, .outputs = outputs};
    reader->event_capacity = 0;
    reader->previous_at = EVENT_FIRST_AT;
}

/* A line that cannot be an effect. */
static bool ends_effects(struct text line)
{
    return line.len == 0 || line.at[0] == '#' || line.at[0] == '>' || begins_with(line, "case ");
}

static void take_expected(struct reader *reader, struct case_event *event)
{
    char *lines = arena_raw(reader->arena, reader->rest.len + 1);
    size_t len = 0;
    while (reader->rest.len > 0 && !ends_effects(peek_line(reader))) {
        struct text line = take_line(reader);
        memcpy(lines + len, line.at, line.len);
        len += line.len;
        lines[len++] = '\n';
        event->expected_lines++;
    }
    event->expected = arena_text(reader->arena, (struct text){lines, len});
}

static void read_event(struct reader *reader, struct text line)
{
    struct case_file *file = &reader->file;
    struct case_event event = {0};
    if (file->case_count == 0 || file->program_count == 0 || reader->code == ERR_PROGRAM) {
        if (reader->code == ERR_NONE)
            fault_add(reader->faults, reader->line, "an event stands in a case, after a `program` and a `case` line");
        refuse(reader, ERR_FILE);
        take_expected(reader, &event);
        return;
    }
    struct test_case *test = &file->cases[file->case_count - 1];
    struct event_place place = {.faults = reader->faults,
                                .set = &file->set,
                                .program_id = program_id(file->programs[0].program),
                                .previous_at = reader->previous_at};
    if (!event_read(line, reader->line, &place, &event))
        refuse(reader, ERR_FILE);
    reader->previous_at = event.event.occurred_at;
    take_expected(reader, &event);
    test->events = grown(reader->arena, test->events, test->event_count, &reader->event_capacity, sizeof *test->events);
    test->events[test->event_count++] = event;
}

static void refuse_line(struct reader *reader, struct text line)
{
    static const char *const words[] = {"program", "case"};
    struct text rest = line;
    struct text hint = nearest_hint(reader->arena, take_until(&rest, ' '), words, 2);
    refuse(reader, ERR_FILE);
    fault_add(reader->faults, reader->line,
              "`%.*s` is not understood%.*s; a line begins with `program`, `case`, `> ` or #, and effects stand "
              "directly below their event",
              VIEW(line), VIEW(hint));
}

static void read_line(struct reader *reader)
{
    struct text line = take_line(reader);
    if (line.len == 0 || line.at[0] == '#')
        return;
    if (text_equal(line, TEXT("program")) || begins_with(line, "program "))
        read_program(reader, without_first(line, line.len > 8 ? 8 : line.len));
    else if (begins_with(line, "case ") || text_equal(line, TEXT("case")))
        begin_case(reader, without_first(line, line.len > 5 ? 5 : line.len));
    else if (line.at[0] == '>')
        read_event(reader, without_first(line, begins_with(line, "> ") ? 2 : 1));
    else
        refuse_line(reader, line);
}

/* A file that shows nothing must not count as passed. */
static void refuse_empty(struct reader *reader)
{
    const struct case_file *file = &reader->file;
    if (reader->code)
        return;
    if (file->case_count == 0) {
        refuse(reader, ERR_FILE);
        fault_add(reader->faults, 0, "holds no case; write `program FILE.yaml`, then `case what it shows`");
    }
    for (size_t i = 0; i < file->case_count; i++) {
        if (file->cases[i].event_count > 0)
            continue;
        refuse(reader, ERR_FILE);
        fault_add(reader->faults, file->cases[i].line,
                  "the case has no event; write `> order.paid o1 EUR tea=1x10.00`");
    }
}

enum err_code cases_read(const char *path, const struct zones *zones, struct arena *arena, struct case_file *out,
                         struct case_faults *faults)
{
    struct reader reader = {.arena = arena, .zones = zones, .faults = faults};
    struct err err;
    faults->arena = arena;
    faults->file = arena_text(arena, text_of(path));
    reader.file.path = faults->file;
    enum err_code code = program_read_file(path, arena, &reader.file.source, &err);
    if (code) {
        fault_add_at(faults,
                     (struct case_fault){.file = faults->file, .message = arena_text(arena, text_of(err.text))});
        return code;
    }
    if (!utf8_is_clean(reader.file.source)) {
        fault_add(faults, 0, "is not UTF-8");
        return ERR_FILE;
    }
    for (reader.rest = reader.file.source; reader.rest.len > 0;)
        read_line(&reader);
    refuse_empty(&reader);
    if (!reader.code)
        *out = reader.file;
    return reader.code;
}
