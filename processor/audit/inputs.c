#include "audit/inputs.h"

#include <inttypes.h>

/* Why K is not to be trusted; NULL: it is. */
static const char *doubt(const struct partition_offsets *item)
{
    if (item->committed == OFFSET_NONE)
        return "the group has no offset";
    if (!item->is_signed)
        return "the offset was set by another tool";
    return item->high < item->committed ? "the topic ends before it, so it was made anew" : NULL;
}

static void add_position_finding(const struct partition_offsets *item, struct findings *findings)
{
    struct finding finding = {.kind = FINDING_POSITION, .fate = FATE_REPORTED};
    snprintf(finding.where, sizeof finding.where, "%.*s/%" PRId32, (int)item->topic.len, item->topic.at,
             item->partition);
    snprintf(finding.remark, sizeof finding.remark, "%s; see `points offsets reset --help`", doubt(item));
    findings_add(findings, &finding);
}

void inputs_from_offsets(const struct offsets *offsets, struct arena *arena, struct audit_inputs *out,
                         struct findings *findings)
{
    out->items = arena_array(arena, offsets->count, sizeof *out->items);
    out->count = 0;
    for (size_t i = 0; i < offsets->count; i++) {
        const struct partition_offsets *item = &offsets->items[i];
        bool trusted = !doubt(item);
        if (!item->in_ledger)
            continue;
        if (!trusted && item->highest > 0)
            add_position_finding(item, findings);
        out->items[out->count++] =
            (struct audit_input){.topic = arena_printf(arena, "%.*s", (int)item->topic.len, item->topic.at).at,
                                 .partition = item->partition,
                                 .topic_no = item->topic_no,
                                 .published = trusted ? item->committed : 0};
    }
}

int inputs_find(const struct audit_inputs *inputs, int32_t topic_no, int32_t partition)
{
    for (size_t i = 0; i < inputs->count; i++)
        if (inputs->items[i].topic_no == topic_no && inputs->items[i].partition == partition)
            return (int)i;
    return INPUT_NONE;
}
