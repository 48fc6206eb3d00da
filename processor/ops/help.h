#ifndef POINTS_OPS_HELP_H
#define POINTS_OPS_HELP_H

#include <stdio.h>

#include "ops/command.h"

/* Everything that teaches, printed from the tables of commands, settings and exit statuses. */

/* What the program is and its commands. */
void help_overview(FILE *out);

/* One command: usage, description, options, examples, exit statuses. */
void help_command(FILE *out, const struct command *command);

/* The commands whose first word is `word`, for `points program`. */
void help_group(FILE *out, const char *word);

/* The man page, in roff. */
void help_man(FILE *out);

#endif
