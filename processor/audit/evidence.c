#include "audit/evidence.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"

static int order(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_input(const struct evidence *a, const struct evidence *b)
{
    int by = order(a->topic_no, b->topic_no);
    if (!by)
        by = order(a->partition, b->partition);
    return by ? by : order(a->offset, b->offset);
}

int evidence_compare(const struct evidence *a, const struct evidence *b)
{
    int by = compare_input(a, b);
    if (!by)
        by = order(a->kind, b->kind);
    if (!by)
        by = order(a->origin, b->origin);
    if (!by)
        by = hash16_compare(a->member_key, b->member_key);
    if (!by)
        by = order(a->index, b->index);
    if (!by)
        by = order(a->out_partition, b->out_partition);
    return by ? by : order(a->place, b->place);
}

bool evidence_same_group(const struct evidence *a, const struct evidence *b)
{
    return compare_input(a, b) == 0 && a->kind == b->kind;
}

struct hash16 evidence_reward_content(const struct reward_content *content)
{
    char amount[24], occurred[24], version[24];
    snprintf(amount, sizeof amount, "%" PRId64, content->amount);
    snprintf(occurred, sizeof occurred, "%" PRId64, content->occurred_at);
    snprintf(version, sizeof version, "%" PRId64, content->program_version);
    const struct text member = {(const char *)content->member_key.bytes, sizeof content->member_key.bytes};
    const struct text fields[] = {content->type,     content->program_id, content->partner_id, member,
                                  content->currency, content->rule_id,    content->subject,    text_of(amount),
                                  text_of(occurred), text_of(version)};
    return hash_fields(TEXT("audit.reward"), fields, sizeof fields / sizeof *fields);
}

struct hash16 evidence_dead_letter_content(struct text reason)
{
    return hash_fields(TEXT("audit.dead_letter"), &reason, 1);
}
