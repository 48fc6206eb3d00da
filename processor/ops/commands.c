#include "ops/command.h"

/* X(name): the command of ops/<name>.c, in the order in which help lists them. */
#define COMMANDS(X)                                                                                                    \
    X(run)                                                                                                             \
    X(check)                                                                                                           \
    X(test)                                                                                                            \
    X(explain)                                                                                                         \
    X(migrate)                                                                                                         \
    X(program_apply)                                                                                                   \
    X(program_diff)                                                                                                    \
    X(program_list)                                                                                                    \
    X(program_show)                                                                                                    \
    X(program_schema)                                                                                                  \
    X(adjust)                                                                                                          \
    X(publish)                                                                                                         \
    X(consume)                                                                                                         \
    X(member_show)                                                                                                     \
    X(offsets_show)                                                                                                    \
    X(offsets_reset)                                                                                                   \
    X(timers_show)                                                                                                     \
    X(redis_rebuild)                                                                                                   \
    X(audit)                                                                                                           \
    X(version)                                                                                                         \
    X(help)

#define X(name) extern const struct command command_##name;
COMMANDS(X)
#undef X

#define X(name) &command_##name,
const struct command *const commands[] = {COMMANDS(X) NULL};
#undef X
