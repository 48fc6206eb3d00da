#include "ops/test_report.h"

#include <jansson.h>

#include "cases/words.h"
#include "ops/linediff.h"
#include "rules/program_model.h"

bool result_failed(const struct tested_file *file, const struct case_result *result)
{
    for (size_t i = 0; i < result->difference_count; i++)
        if (!file->rewritten || result->differences[i].broken.len > 0)
            return true;
    return false;
}

static void count_file(const struct tested_file *file, struct case_tally *tally)
{
    tally->faulty += file->code != ERR_NONE;
    for (size_t i = 0; i < file->result_count; i++) {
        if (result_failed(file, &file->results[i]))
            tally->failed++;
        else if (file->results[i].difference_count > 0)
            tally->rewritten++;
        else
            tally->passed++;
    }
}

struct case_tally tested_count(const struct tested *tested)
{
    struct case_tally tally = {0};
    for (size_t i = 0; i < tested->file_count; i++)
        count_file(&tested->files[i], &tally);
    return tally;
}

/* ---- for people */

static void print_fault(const struct case_fault *fault, FILE *out)
{
    fprintf(out, "%.*s:", VIEW(fault->file));
    if (fault->line > 0)
        fprintf(out, "%d:", fault->line);
    if (fault->column > 0)
        fprintf(out, "%d:", fault->column);
    fprintf(out, " %.*s\n", VIEW(fault->message));
}

static void print_difference(const struct tested_file *file, const struct difference *difference, struct arena *arena,
                             FILE *out)
{
    struct line_edits edits = line_diff(difference->event->expected, difference->got, arena);
    fprintf(out, "    %s:%d: > %.*s\n", file->path, difference->event->line, VIEW(difference->event->text));
    for (size_t i = 0; i < edits.count; i++)
        fprintf(out, "      %c %.*s\n", edits.items[i].sign, VIEW(edits.items[i].text));
    if (difference->broken.len > 0)
        fprintf(out, "      ! %.*s: please report this\n", VIEW(difference->broken));
}

static void print_file(const struct tested_file *file, struct arena *arena, FILE *out)
{
    struct case_tally tally = {0};
    count_file(file, &tally);
    for (size_t i = 0; i < file->faults.count; i++)
        print_fault(&file->faults.items[i], out);
    if (file->result_count == 0)
        return; /* it cannot be used, or --case took none of its cases */
    fprintf(out, "%s: %zu passed, %zu failed", file->path, tally.passed, tally.failed);
    fprintf(out, tally.rewritten ? ", %zu rewritten\n" : "\n", tally.rewritten);
    for (size_t i = 0; i < file->result_count; i++) {
        const struct case_result *result = &file->results[i];
        if (result->difference_count > 0)
            fprintf(out, "  %s:%d: case %.*s\n", file->path, result->test->line, VIEW(result->test->name));
        for (size_t d = 0; d < result->difference_count; d++)
            print_difference(file, &result->differences[d], arena, out);
    }
}

static void print_list(const struct tested_file *file, FILE *out)
{
    for (size_t i = 0; i < file->faults.count; i++)
        print_fault(&file->faults.items[i], out);
    for (size_t i = 0; i < file->result_count; i++)
        fprintf(out, "%s:%d: %.*s\n", file->path, file->results[i].test->line, VIEW(file->results[i].test->name));
}

static void print_legend(const struct tested *tested, FILE *out)
{
    for (size_t i = 0; i < tested->file_count; i++) {
        for (size_t r = 0; r < tested->files[i].result_count; r++) {
            if (tested->files[i].results[r].difference_count == 0)
                continue;
            fputs("- the file expects it, + the program gives it\n", out);
            return;
        }
    }
}

static void print_unreached(const struct unreached *unreached, FILE *out)
{
    fprintf(out, "%.*s: %s %.*s", VIEW(unreached->file), unreached_name(unreached->kind), VIEW(unreached->id));
    if (unreached->kind != UNREACHED_PROGRAM)
        fprintf(out, " of program %.*s", VIEW(unreached->program->id));
    fprintf(out, ", version %lld: no case %s it\n", (long long)unreached->program->version,
            unreached->kind == UNREACHED_PROGRAM ? "file names" : "reaches");
}

void report_text(const struct tested *tested, FILE *out)
{
    struct case_tally tally = tested_count(tested);
    for (size_t i = 0; i < tested->file_count; i++) {
        if (tested->listed)
            print_list(&tested->files[i], out);
        else
            print_file(&tested->files[i], tested->arena, out);
    }
    if (!tested->listed)
        print_legend(tested, out);
    for (size_t i = 0; i < tested->unreached_count; i++)
        print_unreached(&tested->unreached[i], out);
    if (tally.faulty > 0)
        fprintf(out, "%zu file%s cannot be used\n", tally.faulty, tally.faulty == 1 ? "" : "s");
    if (!tested->listed)
        fprintf(out, "%zu passed, %zu failed\n", tally.passed + tally.rewritten, tally.failed);
}

/* ---- for programs */

/* A path, or words that were cut, may be no UTF-8, which JSON cannot hold. */
static json_t *json_text(struct text text)
{
    json_t *json = json_stringn(text.len > 0 ? text.at : "", text.len);
    return json ? json : json_string("(not UTF-8)");
}

static json_t *json_lines(struct text text)
{
    json_t *list = json_array();
    while (text.len > 0) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t len = end ? (size_t)(end - text.at) : text.len;
        json_array_append_new(list, json_text((struct text){text.at, len}));
        text = without_first(text, end ? len + 1 : len);
    }
    return list;
}

static json_t *json_difference(const struct difference *difference)
{
    json_t *json =
        json_pack("{s:i, s:o, s:o, s:o}", "line", difference->event->line, "event", json_text(difference->event->text),
                  "expected", json_lines(difference->event->expected), "got", json_lines(difference->got));
    if (difference->broken.len > 0)
        json_object_set_new(json, "broken", json_text(difference->broken));
    return json;
}

static json_t *json_result(const struct tested *tested, const struct tested_file *file,
                           const struct case_result *result)
{
    json_t *json = json_pack("{s:o, s:i}", "name", json_text(result->test->name), "line", result->test->line);
    json_t *differences = json_array();
    for (size_t i = 0; i < result->difference_count; i++)
        json_array_append_new(differences, json_difference(&result->differences[i]));
    if (tested->listed) {
        json_decref(differences);
        return json;
    }
    json_object_set_new(json, "passed", json_boolean(!result_failed(file, result)));
    if (file->rewritten && result->difference_count > 0)
        json_object_set_new(json, "rewritten", json_true());
    json_object_set_new(json, "differences", differences);
    return json;
}

static json_t *json_fault(const struct case_fault *fault)
{
    return json_pack("{s:o, s:i, s:i, s:o}", "file", json_text(fault->file), "line", fault->line, "column",
                     fault->column, "text", json_text(fault->message));
}

static json_t *json_file(const struct tested *tested, const struct tested_file *file)
{
    json_t *cases = json_array();
    for (size_t i = 0; i < file->result_count; i++)
        json_array_append_new(cases, json_result(tested, file, &file->results[i]));
    return json_pack("{s:o, s:o}", "file", json_text(text_of(file->path)), "cases", cases);
}

static json_t *json_unreached(const struct unreached *unreached)
{
    return json_pack("{s:o, s:o, s:I, s:s, s:o}", "file", json_text(unreached->file), "program",
                     json_text(unreached->program->id), "version", (json_int_t)unreached->program->version, "kind",
                     unreached_name(unreached->kind), "id", json_text(unreached->id));
}

void report_json(const struct tested *tested, FILE *out)
{
    struct case_tally tally = tested_count(tested);
    json_t *files = json_array(), *errors = json_array(), *unreached = json_array();
    for (size_t i = 0; i < tested->file_count; i++) {
        const struct tested_file *file = &tested->files[i];
        for (size_t f = 0; f < file->faults.count; f++)
            json_array_append_new(errors, json_fault(&file->faults.items[f]));
        if (file->code == ERR_NONE)
            json_array_append_new(files, json_file(tested, file));
    }
    for (size_t i = 0; i < tested->unreached_count; i++)
        json_array_append_new(unreached, json_unreached(&tested->unreached[i]));
    json_t *all = json_pack("{s:b, s:I, s:I, s:I, s:o, s:o, s:o}", "ok", tally.failed + tally.faulty == 0, "passed",
                            (json_int_t)tally.passed, "failed", (json_int_t)tally.failed, "rewritten",
                            (json_int_t)tally.rewritten, "files", files, "unreached", unreached, "errors", errors);
    json_dumpf(all, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(all);
}
