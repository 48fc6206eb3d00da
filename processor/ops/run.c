#include <unistd.h>

#include "ops/command.h"
#include "pipeline.h"

static int run(const struct invocation *invocation)
{
    struct err err = {.code = ERR_NONE};
    struct pipeline_options options = {.progress = option_given(invocation, "--progress") || isatty(STDERR_FILENO)};
    enum { DAY_S = 24 * 60 * 60 };
    if (option_number(invocation, "--exit-when-idle", 1, DAY_S, 0, &options.exit_when_idle_s, &err) != ERR_NONE)
        return command_failed(invocation, &err);
    if (pipeline_run(invocation->config, &options, &err) != ERR_NONE)
        return command_failed(invocation, &err);
    return EXIT_OK;
}

const struct command command_run = {
    .name = "run",
    .arguments = "",
    .summary = "process events until told to stop",
    .description =
        "Reads the input topics as a member of the consumer group kafka.group, decides by the programs in force, "
        "writes "
        "the ledger and publishes rewards and dead letters. Several instances share the partitions; give each its own "
        "`instance`.\n\n"
        "SIGTERM or SIGINT finishes the batch under way, leaves the group and ends with status 0; a second one ends at "
        "once, which is safe too: after any crash the next start goes on where the ledger stands, and nothing counts "
        "twice or is lost. PostgreSQL, Kafka or Redis being away is waited for, not an error.",
    .loads_config = true,
    .options =
        {
            {"--exit-when-idle", "SECONDS", "end when nothing came for so long and all is published; for scripts"},
            {"--progress", NULL, "show how far it is on standard error (on a terminal it does so anyway)"},
        },
    .examples =
        {
            {"points run --exit-when-idle 2", "process what is there, then end"},
            {"points run --config /etc/points.conf", "process for ever, as a service does"},
            {"POINTS_INSTANCE=1 points run", "a second instance beside the first"},
        },
    .run = run,
};
