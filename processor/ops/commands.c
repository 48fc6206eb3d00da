#include "ops/command.h"

/* X(name): the command of ops/<name>.c, in the order in which help lists them. */
#define COMMANDS(X) \
    X(migrate)      \
    X(publish)      \
    X(consume)      \
    X(version)      \
    X(help)

#define X(name) extern const struct command command_##name;
COMMANDS(X)
#undef X

#define X(name) &command_##name,
const struct command *const commands[] = {COMMANDS(X) NULL};
#undef X
