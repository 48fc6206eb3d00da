#ifndef POINTS_AUDIT_EXPECTED_H
#define POINTS_AUDIT_EXPECTED_H

#include "audit/evidence.h"
#include "audit/ledger_check.h"

/* The output that an entry causes. The rules give exactly one for each entry; outputs without an entry are those that
 * move no points (a referral accepted or refused, a reward for money spent). Pure. */

/* False where the kind of entry has no output that this version knows of. */
bool expected_reward_type(const struct ledger_row *row, enum reward_type *out);

/* What is known of the output from the entry. Views into the row. */
bool expected_content(const struct ledger_row *row, struct reward_content *out);

#endif
