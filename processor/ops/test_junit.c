#include "cases/words.h"
#include "decode/utf8.h"
#include "ops/test_report.h"

/* JUnit's XML: a testsuite for each file, a testcase for each case. */

/* XML holds neither control characters nor what is no UTF-8. */
static void print_escaped(struct text text, FILE *out)
{
    bool clean = utf8_is_clean(text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '&')
            fputs("&amp;", out);
        else if (c == '<')
            fputs("&lt;", out);
        else if (c == '>')
            fputs("&gt;", out);
        else if (c == '"')
            fputs("&quot;", out);
        else if (c == '\n')
            fputs("&#10;", out);
        else
            fputc((c < 0x20 && c != '\t') || (c >= 0x80 && !clean) ? '?' : c, out);
    }
}

static void print_attribute(const char *name, struct text value, FILE *out)
{
    fprintf(out, " %s=\"", name);
    print_escaped(value, out);
    fputc('"', out);
}

static void print_difference(const struct difference *difference, FILE *out)
{
    fprintf(out, "line %d: &gt; ", difference->event->line);
    print_escaped(difference->event->text, out);
    fputs("&#10;expected:&#10;", out);
    print_escaped(difference->event->expected, out);
    fputs("got:&#10;", out);
    print_escaped(difference->got, out);
    print_escaped(difference->broken, out);
    fputs("&#10;", out);
}

static void print_case(const struct tested_file *file, const struct case_result *result, FILE *out)
{
    fputs("    <testcase", out);
    print_attribute("name", result->test->name, out);
    print_attribute("classname", text_of(file->path), out);
    print_attribute("file", text_of(file->path), out);
    fprintf(out, " line=\"%d\"", result->test->line);
    if (!result_failed(file, result)) {
        fputs("/>\n", out);
        return;
    }
    fprintf(out, ">\n      <failure message=\"%zu of %zu events differ\">", result->difference_count,
            result->test->event_count);
    for (size_t i = 0; i < result->difference_count; i++)
        print_difference(&result->differences[i], out);
    fputs("</failure>\n    </testcase>\n", out);
}

/* A file that cannot be used, as a case that could not run. */
static void print_faults(const struct tested_file *file, FILE *out)
{
    fputs("    <testcase name=\"(the file itself)\"", out);
    print_attribute("classname", text_of(file->path), out);
    print_attribute("file", text_of(file->path), out);
    fprintf(out, ">\n      <error message=\"%s\">", err_name(file->code));
    for (size_t i = 0; i < file->faults.count; i++) {
        const struct case_fault *fault = &file->faults.items[i];
        print_escaped(fault->file, out);
        fprintf(out, ":%d: ", fault->line);
        print_escaped(fault->message, out);
        fputs("&#10;", out);
    }
    fputs("</error>\n    </testcase>\n", out);
}

static void print_suite(const struct tested_file *file, FILE *out)
{
    bool faulty = file->code != ERR_NONE;
    size_t failed = 0;
    for (size_t i = 0; i < file->result_count; i++)
        failed += result_failed(file, &file->results[i]);
    fputs("  <testsuite", out);
    print_attribute("name", text_of(file->path), out);
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%d\" skipped=\"0\">\n", file->result_count + faulty, failed,
            faulty);
    if (faulty)
        print_faults(file, out);
    for (size_t i = 0; i < file->result_count; i++)
        print_case(file, &file->results[i], out);
    fputs("  </testsuite>\n", out);
}

void report_junit(const struct tested *tested, FILE *out)
{
    struct case_tally tally = tested_count(tested);
    size_t tests = tally.passed + tally.failed + tally.rewritten + tally.faulty;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    fprintf(out, "<testsuites tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n", tests, tally.failed, tally.faulty);
    for (size_t i = 0; i < tested->file_count; i++)
        print_suite(&tested->files[i], out);
    fputs("</testsuites>\n", out);
}
