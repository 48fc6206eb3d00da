#ifndef POINTS_AUDIT_REBUILD_REWARD_H
#define POINTS_AUDIT_REBUILD_REWARD_H

#include "audit/ledger_check.h"
#include "rules/program.h"

/* Rewards made anew from what is kept: the entries say what was decided, the input record says about which event, the
 * program file says in which words. Nothing is decided again. Pure.
 *
 * That is sound only where it is certain at which index each output stood. The rules post entries and their outputs in
 * one order, so of one member's entries for one input the n-th output belongs to the n-th entry, unless an output
 * without an entry came before it: a reward for money spent, which the rules give after all entries but conversions,
 * or what a referral says to both its members, or a warning of an end. What the member owed and the input settled is
 * rebuilt with it. */

struct rebuild_input {
    const struct event *event; /* of the input record */
    const struct ledger_row *rows;
    size_t row_count; /* all entries of the member up to the input's last one, by sequence */
    size_t first;     /* the first one that the input caused */
    const struct program_set *programs;
};

/* Fills out[0..row_count - first), in order of index. *refusal says why it cannot be done; NULL: it was done. */
void rebuild_rewards(const struct rebuild_input *input, struct arena *arena, struct reward *out, const char **refusal);

#endif
