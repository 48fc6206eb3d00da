#ifndef POINTS_FOLD_ENTRY_ROW_H
#define POINTS_FOLD_ENTRY_ROW_H

#include "fold/batch.h"

/* The column list that the rows are written for: entries(ENTRY_COLUMNS). */
#define ENTRY_COLUMNS                                                                                                  \
    "member_key, sequence, event_key, amount, wanted, occurred_at, input_offset, topic_no, partition, "                \
    "program_version, kind, from_account, to_account, program_id, partner_id, currency, rule_id, subject"

/* Appends one row of the ledger in the binary form of COPY. */
void entry_row_append(struct buffer *rows, const struct record *record, struct hash16 member_key,
                      const struct entry *entry);

#endif
