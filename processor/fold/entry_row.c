#include "fold/entry_row.h"

#include <assert.h>

#include "base/copy_row.h"
#include "base/hash.h"

struct hash16 settlement_key(const struct settlement *settlement, const struct member *member)
{
    return hash_settlement(member->program_id, member->member_id, settlement->obligation, settlement->due,
                           settlement->after);
}

void entry_row_append(struct buffer *rows, const struct record *record, const struct member *member,
                      const struct entry *entry)
{
    assert(entry->amount > 0);
    assert(entry->from != entry->to);
    const struct settlement *settlement = entry->settlement;
    copy_row(rows, 18);
    copy_hash(rows, member->key);
    copy_i64(rows, entry->sequence);
    copy_hash(rows, settlement ? settlement_key(settlement, member) : record->event_key);
    copy_i64(rows, entry->amount);
    copy_i64(rows, entry->wanted);
    copy_i64(rows, settlement ? settlement->due : record->event.occurred_at);
    copy_i64(rows, record->offset);
    copy_i32(rows, record->partition->topic_no);
    copy_i32(rows, record->partition->number);
    copy_i32(rows, (int32_t)entry->program_version);
    copy_i16(rows, (int16_t)entry->kind);
    copy_i16(rows, (int16_t)entry->from);
    copy_i16(rows, (int16_t)entry->to);
    copy_text(rows, record->event.program_id);
    copy_text(rows, entry->partner_id);
    copy_text(rows, entry->currency);
    copy_text(rows, entry->rule_id);
    copy_text(rows, entry->subject);
}
