#ifndef POINTS_AUDIT_FINDINGS_H
#define POINTS_AUDIT_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What an audit found: everything is counted; the first of each kind and fate are kept in words, so
 * that what is refused is not hidden behind what is mended. */

/* X(name, code, words): the code is stable, it stands in --json. */
#define FINDING_KINDS(X)                                                                                               \
    X(FINDING_SUM, "sum_not_zero", "the accounts do not sum to zero")                                                  \
    X(FINDING_BALANCE, "balance", "a balance is not the sum of its entries")                                           \
    X(FINDING_SEQUENCE, "sequence", "entries have a gap or are too many")                                              \
    X(FINDING_ORPHAN, "entries_without_member", "entries belong to no member")                                         \
    X(FINDING_STATE, "unreadable_state", "a member's state cannot be read or is another's")                            \
    X(FINDING_DUE, "due", "a member is not woken when its state says")                                                 \
    X(FINDING_REDIS_MISSING, "redis_missing", "Redis does not have the member")                                        \
    X(FINDING_REDIS_BEHIND, "redis_behind", "Redis shows an older version")                                            \
    X(FINDING_REDIS_AHEAD, "redis_ahead", "Redis shows a version that the ledger has not reached")                     \
    X(FINDING_REDIS_ALTERED, "redis_altered", "Redis shows other points")                                              \
    X(FINDING_REDIS_UNKNOWN, "redis_unknown_member", "Redis shows a member that the ledger does not know")             \
    X(FINDING_POSITION, "position", "K cannot be trusted, so nothing was judged there")                                \
    X(FINDING_MISSING, "output_missing", "a reward is not on its topic")                                               \
    X(FINDING_DUPLICATE, "output_duplicate", "an output stands twice")                                                 \
    X(FINDING_ALTERED, "output_altered", "a reward says something else than its entry")                                \
    X(FINDING_UNEXPLAINED, "output_unexplained", "an output has no row in the ledger")                                 \
    X(FINDING_LETTER_MISSING, "dead_letter_missing", "a dead letter is not on its topic")                              \
    X(FINDING_FOREIGN, "foreign_record", "a record on our topic is not ours or cannot be read")

enum finding_kind {
#define X(name, code, words) name,
    FINDING_KINDS(X)
#undef X
        FINDING_KIND_COUNT
};

/* What becomes of it. */
enum finding_fate {
    FATE_REPORTED, /* nothing to be done by us */
    FATE_MENDABLE, /* a repair would mend it */
    FATE_MENDED,
    FATE_REFUSED, /* it would be for a repair, but cannot be mended: the remark says why */
    FATE_COUNT
};

enum { FINDINGS_SHOWN = 10, FINDING_WHERE_SIZE = 320, FINDING_REMARK_SIZE = 320 };

struct finding {
    enum finding_kind kind;
    enum finding_fate fate;
    char where[FINDING_WHERE_SIZE];
    char remark[FINDING_REMARK_SIZE];
};

struct findings {
    int64_t counts[FINDING_KIND_COUNT][FATE_COUNT];
    struct finding shown[FINDING_KIND_COUNT][FATE_COUNT][FINDINGS_SHOWN];
    size_t shown_count[FINDING_KIND_COUNT][FATE_COUNT];
};

/* where and remark are cut where they are too long. */
void findings_add(struct findings *findings, const struct finding *finding);

/* All that is not mended. */
int64_t findings_left(const struct findings *findings);
int64_t findings_of(const struct findings *findings, enum finding_fate fate);
int64_t findings_of_kind(const struct findings *findings, enum finding_kind kind);

const char *finding_fate_name(enum finding_fate fate);

/* A line for each kind that was found and its first ones. */
void findings_print(const struct findings *findings, FILE *out);

/* [{"kind", "count", "mended", "mendable", "refused", "first": [{"where", "remark", "fate"}]}] */
json_t *findings_json(const struct findings *findings);

#endif
