#include "base/config.h"

static void print_as_text(void *context, const struct config_setting *setting)
{
    fprintf(context, "  %s = %s\n        %s (%s)\n", setting->name, setting->standard, setting->help, setting->allowed);
}

/* A bar would end the table's cell. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void print_as_row(void *context, const struct config_setting *setting)
{
    FILE *out = context;
    const char *quote = setting->standard[0] ? "`" : "";
    fprintf(out, "| `%s` | %s%s%s | ", setting->name, quote, setting->standard, quote);
    print_cell(out, setting->allowed);
    fputs(" | ", out);
    print_cell(out, setting->help);
    fputs(" |\n", out);
}

void config_print_reference(FILE *out, bool markdown)
{
    if (markdown)
        fputs("| setting | default | allowed | what it is |\n| --- | --- | --- | --- |\n", out);
    config_each(markdown ? print_as_row : print_as_text, out);
}
