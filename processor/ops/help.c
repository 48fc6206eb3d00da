#include "ops/help.h"

#include <string.h>

#include "base/nearest.h"

enum { WIDTH = 90, NAME_COLUMN = 18, OPTION_COLUMN = 24 };

const char help_description[] =
    "points reads what customers do (orders, reviews, shares, referrals, activities) from Kafka, decides by a program "
    "file what they earn, writes a double-entry ledger to PostgreSQL, shows balances in Redis and sends rewards back "
    "to Kafka. Each event counts once, whatever crashes, repeats or is replayed.\n\n"
    "A first run: `points migrate` makes the tables, `points program apply FILE` puts a program in force, `points run` "
    "processes. `points publish FILE` sends events from a file, `points consume rewards` shows what came of them.";

const char help_settings_text[] =
    "Settings stand in one file, given by --config FILE or by $POINTS_CONFIG. Each line is `name = value`, without "
    "quotes; a # that begins a line or follows a blank begins a comment. A variable of the environment overrides the "
    "file: POINTS_KAFKA_BROKERS for kafka.brokers. Unknown names, values out of bounds and names set twice are errors. "
    "Secrets are never written into the file: a setting whose name ends in _file names a file that holds one. "
    "`points check` tries all of it without touching anything.";

const char help_environment_text[] =
    "Each setting can be overridden by a variable: upper case, POINTS_ in front, dots become underscores. A variable "
    "that begins with POINTS_ and is not listed here is an error, so that a misspelt one is not silently ignored. "
    "POINTS_CONFIG names the configuration file where --config is not given.";

/* Prints text in lines of at most WIDTH columns; \n\n begins a paragraph, and a line that begins with a blank is
 * printed as it is. The first line goes on behind `indent` columns that are there already, the others are indented by
 * as much. */
static void print_wrapped(FILE *out, int indent, const char *text)
{
    int column = indent;
    bool line_begins = true;
    while (*text) {
        int len = (int)strcspn(text, " \n");
        if (!line_begins && column + 1 + len > WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
            line_begins = true;
        }
        column += fprintf(out, "%s%.*s", line_begins ? "" : " ", len, text);
        line_begins = false;
        text += len;
        size_t ends = strspn(text, "\n");
        text += ends;
        if (ends > 0) {
            bool as_it_is = text[0] == ' ';
            fprintf(out, as_it_is && ends == 1 ? "\n%*s" : "\n\n%*s", indent, "");
            len = as_it_is ? (int)strcspn(text, "\n") : 0;
            fprintf(out, "%.*s", len, text);
            text += len;
            column = indent;
            line_begins = true;
        } else {
            text += strspn(text, " ");
        }
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const struct command_option *option)
{
    char name[64];
    int len = snprintf(name, sizeof name, "%s%s%s", option->name, option->value ? " " : "",
                       option->value ? option->value : "");
    fprintf(out, "  %-*s ", OPTION_COLUMN, name);
    if (len > OPTION_COLUMN)
        fprintf(out, "\n  %*s ", OPTION_COLUMN, "");
    print_wrapped(out, OPTION_COLUMN + 3, option->help);
}

void help_shared_options(const struct command *command, struct command_option out[SHARED_OPTIONS_MAX + 1])
{
    size_t count = 0;
    if (command->loads_config)
        out[count++] =
            (struct command_option){"--config", "FILE", "settings; without it $POINTS_CONFIG, else defaults"};
    if (command->json)
        out[count++] = (struct command_option){"--json", NULL, "print JSON, for programs to read"};
    out[count++] = (struct command_option){"--help", NULL, "explain this command"};
    out[count] = (struct command_option){NULL, NULL, NULL};
}

void help_overview(FILE *out)
{
    fputs("points: turns what customers do into loyalty points, exactly once\n\n", out);
    print_wrapped(out, 0, help_description);
    fputs("\nUsage: points COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n", out);
    for (const struct command *const *command = commands; *command; command++)
        fprintf(out, "  %-*s %s\n", NAME_COLUMN, (*command)->name, (*command)->summary);
    fputs("\n`points COMMAND --help` explains a command with examples. `points help TOPIC` knows also: settings,\n"
          "environment, exit-codes.\n",
          out);
}

void help_group(FILE *out, const char *word)
{
    size_t len = strlen(word);
    fprintf(out, "Usage: points %s COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n", word);
    for (const struct command *const *command = commands; *command; command++)
        if (strncmp((*command)->name, word, len) == 0 && (*command)->name[len] == ' ')
            fprintf(out, "  %-*s %s\n", NAME_COLUMN, (*command)->name, (*command)->summary);
    fprintf(out, "\n`points %s COMMAND --help` explains a command with examples.\n", word);
}

static void print_options(FILE *out, const struct command_option *option)
{
    for (; option->name; option++)
        print_option(out, option);
}

static void print_exit_status(FILE *out, int status, const char *meaning)
{
    enum { COLUMN = 7 };
    fprintf(out, "  %3d  ", status);
    print_wrapped(out, COLUMN, meaning);
}

static void print_exit_statuses(FILE *out)
{
#define X(name, status, meaning) print_exit_status(out, status, meaning);
    EXIT_STATUSES(X)
#undef X
}

void help_command(FILE *out, const struct command *command)
{
    fprintf(out, "points %s: %s\n\nUsage: points %s [OPTION]...%s%s\n\n", command->name, command->summary,
            command->name, command->arguments[0] ? " " : "", command->arguments);
    print_wrapped(out, 0, command->description);
    fputs("\nOptions:\n", out);
    print_options(out, command->options);
    struct command_option shared[SHARED_OPTIONS_MAX + 1];
    help_shared_options(command, shared);
    print_options(out, shared);
    fputs("\nExamples:\n", out);
    for (const struct command_example *example = command->examples; example->line; example++)
        fprintf(out, "  %s\n      %s\n", example->line, example->what);
    fputs("\nExit status:\n", out);
    print_exit_statuses(out);
}

static void print_settings(FILE *out, bool markdown)
{
    if (!markdown) {
        print_wrapped(out, 0, help_settings_text);
        fputs("\nSettings, with their defaults:\n", out);
    }
    config_print_reference(out, markdown);
}

static void print_variable(void *out, const struct config_setting *setting)
{
    fprintf(out, "  %-36s %s\n", setting->environment, setting->name);
}

static void print_environment(FILE *out, bool markdown)
{
    (void)markdown;
    print_wrapped(out, 0, help_environment_text);
    fputs("\nVariable, and the setting that it overrides:\n", out);
    config_each(print_variable, out);
}

static void print_exit_codes(FILE *out, bool markdown)
{
    (void)markdown;
    fputs("What the exit status says:\n", out);
    print_exit_statuses(out);
}

static const struct topic {
    const char *name;
    void (*print)(FILE *out, bool markdown);
} topics[] = {{"settings", print_settings}, {"environment", print_environment}, {"exit-codes", print_exit_codes}};

enum { TOPIC_COUNT = sizeof topics / sizeof topics[0], NAMES_MAX = 96 };

static bool print_topic(FILE *out, const char *name, bool markdown)
{
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        if (strcmp(topics[i].name, name) != 0)
            continue;
        topics[i].print(out, markdown);
        return true;
    }
    size_t len = strlen(name);
    bool group = false;
    for (const struct command *const *command = commands; *command; command++) {
        if (strcmp((*command)->name, name) == 0) {
            help_command(out, *command);
            return true;
        }
        group = group || (strncmp((*command)->name, name, len) == 0 && (*command)->name[len] == ' ');
    }
    if (group)
        help_group(out, name);
    return group;
}

static int unknown_topic(const struct invocation *invocation, const char *name)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < TOPIC_COUNT; i++)
        names[count++] = topics[i].name;
    for (const struct command *const *command = commands; *command && count < NAMES_MAX; command++)
        names[count++] = (*command)->name;
    const char *hint = nearest_name(text_of(name), names, count);
    struct err err;
    err_set(&err, ERR_USAGE, "no topic %.80s; %s%s%s", name, hint ? "did you mean " : "`points help` lists all",
            hint ? hint : "", hint ? "?" : "");
    return command_failed(invocation, &err);
}

static int help(const struct invocation *invocation)
{
    if (option_given(invocation, "--man")) {
        help_man(invocation->out);
        return EXIT_OK;
    }
    if (invocation->argument_count == 0) {
        help_overview(invocation->out);
        return EXIT_OK;
    }
    char topic[96];
    const char *second = invocation->argument_count > 1 ? invocation->arguments[1] : NULL;
    snprintf(topic, sizeof topic, "%s%s%s", invocation->arguments[0], second ? " " : "", second ? second : "");
    if (print_topic(invocation->out, topic, option_given(invocation, "--markdown")))
        return EXIT_OK;
    return unknown_topic(invocation, topic);
}

const struct command command_help = {
    .name = "help",
    .arguments = "[TOPIC]",
    .summary = "explain a command, the settings, the environment or the exit codes",
    .description = "Without a topic: what the program is and its commands. A topic is a command, as in `points help "
                   "program apply`, or one of settings, environment, exit-codes.\n\n"
                   "Everything is printed from the tables that the program itself works by, so it describes this very "
                   "version.",
    .most_arguments = 2,
    .options = {{"--man", NULL, "print the whole manual as a man page, in roff"},
                {"--markdown", NULL, "with the topic settings: print a Markdown table"}},
    .examples = {{"points help exit-codes", "what the exit statuses mean"},
                 {"points help publish", "the same as `points publish --help`"},
                 {"points help --man | man -l -", "read the manual"},
                 {"points help settings --markdown", "the reference, for a web page"}},
    .run = help,
};
