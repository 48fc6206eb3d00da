#ifndef POINTS_OPS_COMMAND_H
#define POINTS_OPS_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/config.h"
#include "base/err.h"

/* A subcommand as data: the dispatcher parses its options, `--help`, `points help` and the man page are printed from
 * the same rows, so that none of them can lag behind.
 *
 * To add one: define `const struct command command_<name>` in ops/<name>.c and put its name into ops/commands.c. */

enum { COMMAND_OPTIONS_MAX = 16, COMMAND_EXAMPLES_MAX = 6, COMMAND_ARGUMENTS_MAX = 256 };

struct command_option {
    const char *name;  /* "--topic" */
    const char *value; /* "NAME"; NULL for a flag */
    const char *help;  /* one sentence, no full stop */
};

struct command_example {
    const char *line; /* "points publish orders.jsonl" */
    const char *what; /* what it does */
};

struct invocation;

struct command {
    const char *name;        /* "publish", or two words: "program apply" */
    const char *arguments;   /* "FILE|-", "[ID]", "" */
    const char *summary;     /* one line, begins with a verb, no full stop */
    const char *description; /* paragraphs, separated by \n\n; the printer wraps them */
    int least_arguments;
    int most_arguments;
    bool loads_config; /* the dispatcher loads it, sets up the log, and offers --config FILE */
    bool json;         /* offers --json */
    struct command_option options[COMMAND_OPTIONS_MAX + 1];    /* beside --config, --json, --help; ends with NULL */
    struct command_example examples[COMMAND_EXAMPLES_MAX + 1]; /* ends with NULL; the first is tried by a test */

    /* Gives the process's exit status. Results go to invocation->out, all else to invocation->errors. */
    int (*run)(const struct invocation *invocation);
};

struct invocation {
    const struct command *command;
    const struct config *config; /* NULL unless command->loads_config */
    const char *config_path;     /* NULL: none was given */
    bool json;
    FILE *out;
    FILE *errors;
    const char *arguments[COMMAND_ARGUMENTS_MAX];
    int argument_count;
    const char *values[COMMAND_OPTIONS_MAX]; /* aligned with command->options; NULL: not given; "" for a flag */
};

/* True where the option, one of command->options, was given. */
bool option_given(const struct invocation *invocation, const char *name);

/* Its value; standard where it was not given. */
const char *option_text(const struct invocation *invocation, const char *name, const char *standard);

/* Its value as a whole number within bounds, or standard; ERR_USAGE says what is allowed. */
enum err_code option_number(const struct invocation *invocation, const char *name, int64_t least, int64_t most,
                            int64_t standard, int64_t *out, struct err *err);

/* Says what went wrong, on errors, or with --json as {"error": {"code", "text"}} on out; returns the exit status of
 * err->code, so that a command can end with `return command_failed(invocation, &err)`. */
int command_failed(const struct invocation *invocation, const struct err *err);

/* All commands, in the order in which help lists them; ends with NULL. */
extern const struct command *const commands[];

/* Parses a command line (argv[0] is the program's name) and runs the command; gives the exit status. */
int command_main(int argc, char **argv, FILE *out, FILE *errors);

#endif
