#ifndef POINTS_PIPELINE_H
#define POINTS_PIPELINE_H

#include "base/config.h"
#include "base/err.h"

/* The processor: source -> decode -> rules -> ledger -> sink and projection, until it is told to stop. */

struct pipeline_options {
    int64_t exit_when_idle_s; /* end by itself when nothing arrived for so long and all is published; 0: never */
    bool progress;            /* a line on standard error while it works */
};

/* Runs until SIGTERM or SIGINT, which finish the batch under way and leave the group cleanly; a second one ends the
 * process at once. ERR_NONE after a clean end; else what stopped it: see err_exit_status. */
enum err_code pipeline_run(const struct config *config, const struct pipeline_options *options, struct err *err);

#endif
