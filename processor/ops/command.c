#include "ops/command.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nearest.h"
#include "ops/help.h"

static int option_index(const struct command *command, const char *name)
{
    for (int i = 0; command->options[i].name; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return i;
    return -1;
}

bool option_given(const struct invocation *invocation, const char *name)
{
    int i = option_index(invocation->command, name);
    assert(i >= 0);
    return invocation->values[i] != NULL;
}

const char *option_text(const struct invocation *invocation, const char *name, const char *standard)
{
    int i = option_index(invocation->command, name);
    assert(i >= 0);
    return invocation->values[i] ? invocation->values[i] : standard;
}

enum err_code option_number(const struct invocation *invocation, const char *name, int64_t least, int64_t most,
                            int64_t standard, int64_t *out, struct err *err)
{
    const char *text = option_text(invocation, name, NULL);
    if (!text) {
        *out = standard;
        return ERR_NONE;
    }
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || number < least || number > most)
        return err_set(err, ERR_USAGE, "%s is %.80s; it must be a whole number from %lld to %lld", name, text,
                       (long long)least, (long long)most);
    *out = number;
    return ERR_NONE;
}

int command_failed(const struct invocation *invocation, const struct err *err)
{
    if (invocation->json) {
        json_t *text = json_string(err->text);
        json_t *object = json_pack("{s:{s:s, s:o}}", "error", "code", err_name(err->code), "text",
                                   text ? text : json_string("(text is not UTF-8)"));
        json_dumpf(object, invocation->out, JSON_COMPACT);
        fputc('\n', invocation->out);
        json_decref(object);
    } else {
        fprintf(invocation->errors, "points %s: %s\n", invocation->command->name, err->text);
    }
    return err_exit_status(err->code);
}

/* "program apply" takes two words of the command line, "publish" one; 0: another command. */
static int words_matched(const struct command *command, int argc, char **argv)
{
    const char *second = strchr(command->name, ' ');
    size_t first_len = second ? (size_t)(second - command->name) : strlen(command->name);
    if (argc < 2 || strlen(argv[1]) != first_len || strncmp(argv[1], command->name, first_len) != 0)
        return 0;
    if (!second)
        return 1;
    return argc > 2 && strcmp(argv[2], second + 1) == 0 ? 2 : 0;
}

static const struct command *find_command(int argc, char **argv, int *words)
{
    for (const struct command *const *command = commands; *command; command++) {
        *words = words_matched(*command, argc, argv);
        if (*words)
            return *command;
    }
    return NULL;
}

static bool is_group(const char *word)
{
    size_t len = strlen(word);
    for (const struct command *const *command = commands; *command; command++)
        if (strncmp((*command)->name, word, len) == 0 && (*command)->name[len] == ' ')
            return true;
    return false;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int no_such_command(int argc, char **argv, FILE *out, FILE *errors)
{
    enum { MOST = 64 };
    if (is_group(argv[1])) {
        bool asked = argc > 2 && asks_for_help(argv[2]);
        help_group(asked ? out : errors, argv[1]);
        return asked ? EXIT_OK : EXIT_USAGE;
    }
    const char *names[MOST];
    size_t count = 0;
    for (const struct command *const *command = commands; *command && count < MOST; command++)
        names[count++] = (*command)->name;
    const char *hint = nearest_name(text_of(argv[1]), names, count);
    fprintf(errors, "points: unknown command %.80s; ", argv[1]);
    if (hint)
        fprintf(errors, "did you mean `points %s`?\n", hint);
    else
        fputs("`points --help` lists all\n", errors);
    return EXIT_USAGE;
}

static enum err_code unknown_option(const struct command *command, const char *given, size_t len, struct err *err)
{
    const char *names[COMMAND_OPTIONS_MAX + 3];
    size_t count = 0;
    for (const struct command_option *option = command->options; option->name; option++)
        names[count++] = option->name;
    names[count++] = "--help";
    if (command->loads_config)
        names[count++] = "--config";
    if (command->json)
        names[count++] = "--json";
    const char *hint = nearest_name((struct text){given, len}, names, count);
    return err_set(err, ERR_USAGE, "unknown option %.*s; %s%s%s", (int)(len < 80 ? len : 80), given,
                   hint ? "did you mean " : "see `points ", hint ? hint : command->name, hint ? "?" : " --help`");
}

/* The options that several commands share, and where their values go. */
struct slot {
    bool takes_value;
    bool *flag;
    const char **value;
};

static bool find_slot(struct invocation *invocation, const char *name, size_t len, struct slot *out)
{
    const struct command *command = invocation->command;
    if (command->json && len == 6 && strncmp(name, "--json", len) == 0) {
        *out = (struct slot){.flag = &invocation->json};
        return true;
    }
    if (command->loads_config && len == 8 && strncmp(name, "--config", len) == 0) {
        *out = (struct slot){.takes_value = true, .value = &invocation->config_path};
        return true;
    }
    for (int i = 0; command->options[i].name; i++) {
        if (strlen(command->options[i].name) != len || strncmp(command->options[i].name, name, len) != 0)
            continue;
        *out = (struct slot){.takes_value = command->options[i].value != NULL, .value = &invocation->values[i]};
        return true;
    }
    return false;
}

/* argv[*at] is an option; advances *at past its value. */
static enum err_code parse_option(struct invocation *invocation, int argc, char **argv, int *at, struct err *err)
{
    const char *word = argv[*at];
    size_t len = strcspn(word, "=");
    const char *value = word[len] ? word + len + 1 : NULL;
    struct slot slot;
    if (!find_slot(invocation, word, len, &slot))
        return unknown_option(invocation->command, word, len, err);
    if (!slot.takes_value) {
        if (value)
            return err_set(err, ERR_USAGE, "%.*s takes no value", (int)len, word);
        if (slot.flag)
            *slot.flag = true;
        else
            *slot.value = "";
        return ERR_NONE;
    }
    if (!value && *at + 1 < argc)
        value = argv[++*at];
    if (!value)
        return err_set(err, ERR_USAGE, "%.*s needs a value", (int)len, word);
    *slot.value = value;
    return ERR_NONE;
}

/* "-" is standard input, and "-5" a number. */
static bool looks_like_option(const char *word)
{
    return word[0] == '-' && word[1] && (word[1] < '0' || word[1] > '9');
}

static enum err_code parse(struct invocation *invocation, int argc, char **argv, int at, struct err *err)
{
    const struct command *command = invocation->command;
    bool only_arguments = false;
    for (; at < argc; at++) {
        if (!only_arguments && strcmp(argv[at], "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && looks_like_option(argv[at])) {
            enum err_code code = parse_option(invocation, argc, argv, &at, err);
            if (code != ERR_NONE)
                return code;
        } else if (invocation->argument_count == command->most_arguments) {
            return err_set(err, ERR_USAGE, "too many arguments: %.80s", argv[at]);
        } else {
            invocation->arguments[invocation->argument_count++] = argv[at];
        }
    }
    if (invocation->argument_count < command->least_arguments)
        return err_set(err, ERR_USAGE, "%s is missing; usage: points %s %s", command->arguments, command->name,
                       command->arguments);
    return ERR_NONE;
}

static void set_up_log(const struct config *config)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    enum log_level level = LOG_INFO;
    for (int i = 0; i < 4; i++)
        if (strcmp(config->log_level, levels[i]) == 0)
            level = (enum log_level)i;
    bool json =
        strcmp(config->log_format, "auto") == 0 ? !isatty(STDERR_FILENO) : strcmp(config->log_format, "json") == 0;
    log_setup(level, json);
}

static int run_command(struct invocation *invocation)
{
    const struct command *command = invocation->command;
    if (!command->loads_config)
        return command->run(invocation);
    if (!invocation->config_path)
        invocation->config_path = getenv("POINTS_CONFIG");
    struct config config;
    struct err err = {.code = ERR_NONE};
    if (config_load(invocation->config_path, &config, &err) != ERR_NONE)
        return command_failed(invocation, &err);
    set_up_log(&config);
    invocation->config = &config;
    int status = command->run(invocation);
    config_release(&config);
    return status;
}

/* A result that could not be written is no success: a full disk, a closed pipe. */
static int flushed(int status, FILE *out, FILE *errors)
{
    bool failed_now = fflush(out) != 0;
    if (!failed_now && !ferror(out))
        return status;
    fprintf(errors, "points: cannot write the output%s%s\n", failed_now ? ": " : "", failed_now ? strerror(errno) : "");
    return status == EXIT_OK ? EXIT_INPUT : status;
}

int command_main(int argc, char **argv, FILE *out, FILE *errors)
{
    if (argc < 2 || asks_for_help(argv[1])) {
        help_overview(argc < 2 ? errors : out);
        return argc < 2 ? EXIT_USAGE : EXIT_OK;
    }
    char version[] = "version";
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = version;
    int words;
    struct invocation invocation = {.out = out, .errors = errors};
    invocation.command = find_command(argc, argv, &words);
    if (!invocation.command)
        return no_such_command(argc, argv, out, errors);
    for (int i = 1 + words; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (asks_for_help(argv[i])) {
            help_command(out, invocation.command);
            return EXIT_OK;
        }
    }
    struct err err = {.code = ERR_NONE};
    int status = parse(&invocation, argc, argv, 1 + words, &err) == ERR_NONE ? run_command(&invocation)
                                                                             : command_failed(&invocation, &err);
    return flushed(status, out, errors);
}
