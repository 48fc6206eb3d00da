#ifndef POINTS_FOLD_ENTRY_ROW_H
#define POINTS_FOLD_ENTRY_ROW_H

#include "fold/batch.h"

/* The column list that the rows are written for: entries(ENTRY_COLUMNS). */
#define ENTRY_COLUMNS                                                                                                  \
    "member_key, sequence, event_key, amount, wanted, occurred_at, input_offset, topic_no, partition, "                \
    "program_version, kind, from_account, to_account, program_id, partner_id, currency, rule_id, subject"

/* What stands for the event in what a member owed. */
struct hash16 settlement_key(const struct settlement *settlement, const struct member *member);

/* Appends one row of the ledger in the binary form of COPY. What was owed has the settlement for its event and falls on
 * the time due; its coordinates say which record brought it. */
void entry_row_append(struct buffer *rows, const struct record *record, const struct member *member,
                      const struct entry *entry);

#endif
