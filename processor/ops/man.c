#include <string.h>

#include "ops/help.h"

/* Prints text with what roff would take for itself escaped; a blank line begins a paragraph. */
static void print_text(FILE *out, const char *text)
{
    bool line_begins = true;
    for (; *text; text++) {
        if (text[0] == '\n' && text[1] == '\n') {
            fputs("\n.PP\n", out);
            text++;
            line_begins = true;
            continue;
        }
        if (line_begins && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        line_begins = *text == '\n';
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else if (*text == '`')
            fputs("\\(ga", out);
        else
            fputc(*text, out);
    }
    fputc('\n', out);
}

static void print_section(FILE *out, const char *name)
{
    fprintf(out, ".SH %s\n", name);
}

/* A tagged paragraph: the tag in bold, its text indented. */
static void print_tagged(FILE *out, const char *tag, const char *value, const char *text)
{
    fputs(".TP\n\\fB", out);
    for (; *tag; tag++)
        fputs(*tag == '-' ? "\\-" : (char[]){*tag, 0}, out);
    fputs("\\fR", out);
    if (value)
        fprintf(out, " \\fI%s\\fR", value);
    fputc('\n', out);
    print_text(out, text);
}

static void print_options(FILE *out, const struct command_option *option)
{
    for (; option->name; option++)
        print_tagged(out, option->name, option->value, option->help);
}

static void print_command(FILE *out, const struct command *command)
{
    fprintf(out, ".SS points %s \\fR[\\fIOPTION\\fR]... \\fI%s\\fR\n", command->name, command->arguments);
    print_text(out, command->description);
    print_options(out, command->options);
    struct command_option shared[SHARED_OPTIONS_MAX + 1];
    help_shared_options(command, shared);
    print_options(out, shared);
    fputs(".PP\nExamples:\n", out);
    for (const struct command_example *example = command->examples; example->line; example++)
        print_tagged(out, example->line, NULL, example->what);
}

static void print_setting(void *context, const struct config_setting *setting)
{
    FILE *out = context;
    fprintf(out, ".TP\n\\fB%s\\fR = %s\n", setting->name, setting->standard);
    print_text(out, setting->help);
    fputs(".br\n", out);
    print_text(out, setting->allowed);
}

static void print_variable(void *context, const struct config_setting *setting)
{
    print_tagged(context, setting->environment, NULL, setting->name);
}

static void print_exit_statuses(FILE *out)
{
    char number[16];
#define X(name, status, meaning)                                                                                       \
    snprintf(number, sizeof number, "%d", status);                                                                     \
    print_tagged(out, number, NULL, meaning);
    EXIT_STATUSES(X)
#undef X
}

void help_man(FILE *out)
{
    fputs(".TH POINTS 1 \"\" \"points " POINTS_VERSION "\" \"User Commands\"\n.ad l\n", out);
    print_section(out, "NAME");
    fputs("points \\- turns what customers do into loyalty points, exactly once\n", out);
    print_section(out, "SYNOPSIS");
    fputs("\\fBpoints\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n", out);
    print_section(out, "DESCRIPTION");
    print_text(out, help_description);
    print_section(out, "COMMANDS");
    for (const struct command *const *command = commands; *command; command++)
        print_command(out, *command);
    print_section(out, "SETTINGS");
    print_text(out, help_settings_text);
    config_each(print_setting, out);
    print_section(out, "ENVIRONMENT");
    print_text(out, help_environment_text);
    config_each(print_variable, out);
    print_section(out, "EXIT STATUS");
    print_exit_statuses(out);
}
