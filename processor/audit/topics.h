#ifndef POINTS_AUDIT_TOPICS_H
#define POINTS_AUDIT_TOPICS_H

#include "audit/ledger_walk.h"
#include "audit/mender.h"
#include "ops/ticker.h"

/* Whether each output below K stands exactly once on its topic.
 *
 * What is read, and in which order, so that a processor may run meanwhile:
 *   1. K of each input partition. A commit of K that is still open is waited for.
 *   2. The ends of the output topics, records of open transactions included. Outputs and K are committed together, and
 *      outputs are sent before that: what K covers lies before these ends, whichever markers are still on their way.
 *   3. The topics up to these ends, past every transaction that was open (delivery rule 12).
 *   4. The ledger, at any time after K: a batch is in PostgreSQL before K passes it, and rows are never changed.
 * What appears later, in the topics or in the ledger, lies at or above K and is not judged. Ids that stand twice are:
 * that is wrong wherever it happens. */

struct topics_audit {
    const struct config *config;
    PGconn *connection;
    bool repair;
    FILE *errors; /* for progress */
    struct findings *findings;
    /* what was looked at */
    int64_t rewards;      /* records on the topic */
    int64_t dead_letters; /* likewise */
    int64_t expected;     /* rows below K */
    int64_t above;        /* rows at or above K, or of partitions whose K is not known: not judged */
    int64_t gone;         /* outputs that retention may have removed */
    int64_t untraced;     /* outputs that move no points, which no row tells of */
};

struct topics;

/* Steps 1 and 2, after the mender is ready. */
enum err_code topics_begin(struct topics_audit *audit, struct topics **out, struct err *err);
struct topics *topics_free(struct topics *topics);

/* Step 3. */
enum err_code topics_read(struct topics *topics, struct err *err);

/* Step 4: to be told of all that is in the ledger. */
struct ledger_visitor topics_ledger_visitor(struct topics *topics);

/* The dead letters' rows; then compares, and publishes again what may be. */
enum err_code topics_compare(struct topics *topics, struct err *err);

#endif
