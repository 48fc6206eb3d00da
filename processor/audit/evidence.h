#ifndef POINTS_AUDIT_EVIDENCE_H
#define POINTS_AUDIT_EVIDENCE_H

#include "base/text.h"

/* One sign of one output: a row of the ledger that must have caused it, or the record that stands on its topic. Sorted
 * by the input that caused it, both kinds of signs meet. */

enum evidence_kind { EVIDENCE_REWARD, EVIDENCE_DEAD_LETTER, EVIDENCE_KIND_COUNT };

enum evidence_origin { FROM_LEDGER, FROM_TOPIC };

enum { PARTITION_UNKNOWN = -1 };

struct evidence {
    int64_t offset;           /* of the input */
    int64_t place;            /* the ledger's: the entry's sequence; a topic's: the record's offset */
    struct hash16 content;    /* what both sides know of the output: equal where one is the other's */
    struct hash16 member_key; /* the ledger's reward: whose entry */
    int32_t topic_no;         /* of the input */
    int32_t partition;        /* of the input */
    int32_t out_partition;    /* the topic's: where it stands; the ledger's: where it belongs, or PARTITION_UNKNOWN */
    uint32_t index;           /* the topic's: of the output among the input's */
    enum evidence_kind kind;
    enum evidence_origin origin;
    bool needs_entry; /* the topic's: such an output always has a row in the ledger */
    bool doubtful;    /* the ledger's: the member's rows contradict each other */
};

/* By input, then kind, then origin, then each origin's own order. */
int evidence_compare(const struct evidence *a, const struct evidence *b);

/* Same input, same kind. */
bool evidence_same_group(const struct evidence *a, const struct evidence *b);

/* What identifies a reward to both sides; its member by the key. The amount of a reward that points were turned into is
 * its worth, which the ledger does not hold: pass 0 and no currency for it. Balances are left out: one wrong row would
 * make all that follow it look wrong. */
struct reward_content {
    struct text type; /* "points.granted" */
    struct text program_id;
    struct text partner_id;
    struct text member_id; /* the topic's; of members who were erased the ledger has none */
    struct hash16 member_key;
    struct text currency;
    struct text rule_id;
    struct text subject;
    int64_t amount;
    int64_t occurred_at;
    int64_t program_version;
};
struct hash16 evidence_reward_content(const struct reward_content *content);

struct hash16 evidence_dead_letter_content(struct text reason);

#endif
