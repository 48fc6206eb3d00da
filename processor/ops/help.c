#include "ops/help.h"

#include <string.h>

enum { WIDTH = 88 };

/* Prints text in lines of at most WIDTH columns, each after `indent` blanks; \n\n begins a paragraph, a line that begins
 * with a blank is printed as it is. */
static void print_wrapped(FILE *out, int indent, const char *text)
{
    int column = 0;
    while (*text) {
        size_t len = strcspn(text, " \n");
        if (column && column + 1 + (int)len > WIDTH - indent) {
            fputc('\n', out);
            column = 0;
        }
        column += fprintf(out, "%*s%.*s", column ? 1 : indent, "", (int)len, text) - (column ? 0 : indent);
        text += len;
        if (*text == '\n') {
            fputs(text[1] == '\n' ? "\n\n" : "\n", out);
            column = 0;
        }
        text += strspn(text, " \n");
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const struct command_option *option)
{
    char name[48];
    snprintf(name, sizeof name, "%s%s%s", option->name, option->value ? " " : "", option->value ? option->value : "");
    fprintf(out, "  %-24s ", name);
    if (strlen(name) > 24)
        fprintf(out, "\n%27s", "");
    fprintf(out, "%s\n", option->help);
}

static const struct command_option common_config = {"--config", "FILE",
                                                    "settings; without it $POINTS_CONFIG, else defaults"};
static const struct command_option common_json = {"--json", NULL, "print JSON, for programs to read"};
static const struct command_option common_help = {"--help", NULL, "print this"};

void help_overview(FILE *out)
{
    fputs("points: turns what customers do into loyalty points, exactly once\n\nUsage: points COMMAND [OPTION]… "
          "[ARGUMENT]…\n\nCommands:\n",
          out);
    for (const struct command *const *command = commands; *command; command++)
        fprintf(out, "  %-18s %s\n", (*command)->name, (*command)->summary);
    fputs("\n`points COMMAND --help` explains a command with examples. More: points help settings, points help\n"
          "environment, points help exit-codes.\n",
          out);
}

void help_group(FILE *out, const char *word)
{
    size_t len = strlen(word);
    fprintf(out, "Usage: points %s COMMAND [OPTION]… [ARGUMENT]…\n\nCommands:\n", word);
    for (const struct command *const *command = commands; *command; command++)
        if (strncmp((*command)->name, word, len) == 0 && (*command)->name[len] == ' ')
            fprintf(out, "  %-18s %s\n", (*command)->name, (*command)->summary);
    fprintf(out, "\n`points %s COMMAND --help` explains a command with examples.\n", word);
}

void help_command(FILE *out, const struct command *command)
{
    fprintf(out, "points %s: %s\n\nUsage: points %s [OPTION]…%s%s\n\n", command->name, command->summary, command->name,
            command->arguments[0] ? " " : "", command->arguments);
    print_wrapped(out, 0, command->description);
    fputs("\nOptions:\n", out);
    for (const struct command_option *option = command->options; option->name; option++)
        print_option(out, option);
    if (command->loads_config)
        print_option(out, &common_config);
    if (command->json)
        print_option(out, &common_json);
    print_option(out, &common_help);
    if (command->examples[0].line)
        fputs("\nExamples:\n", out);
    for (const struct command_example *example = command->examples; example->line; example++)
        fprintf(out, "  %s\n      %s\n", example->line, example->what);
    fputs("\nExit status: 0 done, 1 not found or a difference, 2 usage, 3 configuration; all: points help exit-codes\n",
          out);
}

static void print_exit_statuses(FILE *out)
{
#define X(name, status, meaning) fprintf(out, "  %3d  %s\n", status, meaning);
    EXIT_STATUSES(X)
#undef X
}

static int help(const struct invocation *invocation)
{
    const char *topic = invocation->argument_count ? invocation->arguments[0] : "";
    if (option_given(invocation, "--man"))
        help_man(invocation->out);
    else if (strcmp(topic, "settings") == 0)
        config_print_reference(invocation->out, option_given(invocation, "--markdown"));
    else if (strcmp(topic, "exit-codes") == 0)
        print_exit_statuses(invocation->out);
    else
        help_overview(invocation->out);
    return EXIT_OK;
}

void help_man(FILE *out)
{
    help_overview(out);
}

const struct command command_help = {
    .name = "help",
    .arguments = "[TOPIC]",
    .summary = "explain a command or a topic",
    .description = "",
    .most_arguments = 2,
    .options = {{"--man", NULL, "print the man page"}, {"--markdown", NULL, "print settings as a Markdown table"}},
    .run = help,
};
