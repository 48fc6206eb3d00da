#ifndef POINTS_AUDIT_REDIS_AUDIT_H
#define POINTS_AUDIT_REDIS_AUDIT_H

#include <libpq-fe.h>

#include "audit/findings.h"
#include "ops/ticker.h"
#include "projection/redis.h"

/* Whether Redis shows what the ledger holds, member by member, while processors may write to both. */

struct redis_audit {
    PGconn *connection;
    struct redis *redis;
    bool repair;
    struct ticker *ticker;
    struct findings *findings;
    int64_t members; /* compared */
    int64_t moving;  /* changed each time they were looked at, so that nothing can be said of them */
};

enum err_code redis_audit_run(struct redis_audit *audit, struct err *err);

#endif
