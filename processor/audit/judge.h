#ifndef POINTS_AUDIT_JUDGE_H
#define POINTS_AUDIT_JUDGE_H

#include "audit/evidence.h"

/* What the signs of one input's outputs say. Pure. */

enum { JUDGE_MISSING_MAX = 64 };

struct verdict {
    size_t entries;                   /* the ledger's rows */
    size_t outputs;                   /* records on the topic, each id once */
    size_t duplicates;                /* records whose id stands there before them */
    size_t altered;                   /* rows whose output says something else than they do */
    size_t unexplained;               /* outputs that must have a row and have none */
    size_t untraced;                  /* outputs that need no row and have none */
    size_t missing;                   /* outputs that are certain to be missing */
    size_t traceless;                 /* of these: a hole among the indexes tells of them, and no row does */
    const struct evidence *duplicate; /* the first one */
    const struct evidence *unmatched[JUDGE_MISSING_MAX]; /* the first rows without an output */
    size_t unmatched_count;
};

/* group: sorted, of one input and one kind. complete: the input lies below K, so that every output must be there; else
 * only duplicates are judged, as the rest may be on its way. */
struct verdict judge(const struct evidence *group, size_t count, bool complete);

#endif
