#ifndef POINTS_OPS_HELP_H
#define POINTS_OPS_HELP_H

#include <stdio.h>

#include "ops/command.h"

/* Everything that teaches, printed from the tables of commands, settings and exit statuses. */

/* What the program is, and its commands. */
void help_overview(FILE *out);

/* One command: usage, description, options, examples, exit statuses. */
void help_command(FILE *out, const struct command *command);

/* The commands whose first word is `word`, for `points program`. */
void help_group(FILE *out, const char *word);

/* The man page, in roff. */
void help_man(FILE *out);

/* Options that the dispatcher adds to a command: --config, --json, --help as they apply. Ends with a row whose name is
 * NULL. */
enum { SHARED_OPTIONS_MAX = 3 };
void help_shared_options(const struct command *command, struct command_option out[SHARED_OPTIONS_MAX + 1]);

/* What the program is, in paragraphs separated by \n\n. */
extern const char help_description[];

/* How a configuration file is written and what overrides it, likewise. */
extern const char help_settings_text[];

/* How the environment is read, likewise. */
extern const char help_environment_text[];

#endif
