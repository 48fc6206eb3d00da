#ifndef POINTS_OPS_MEMBER_STATE_H
#define POINTS_OPS_MEMBER_STATE_H

#include <jansson.h>
#include <stdio.h>

#include "rules/program.h"
#include "rules/state.h"

/* What a member has beside balances: points that end, points that are pending, the tier and the way to the next, what
 * was used of limits. */

struct member_holdings {
    const struct program *program; /* in force now; NULL: none is */
    struct member_state state;
    int64_t at; /* µs UTC: now */
    struct arena *arena;
};

/* state: as the ledger has it. All memory is the arena's. ERR_BAD_STATE. */
enum err_code member_holdings_read(struct bytes state, const struct program_set *programs, struct text program_id,
                                   int64_t at, struct arena *arena, struct member_holdings *out, struct err *err);

void member_holdings_print(FILE *out, const struct member_holdings *holdings);

/* Adds "lots", "pending", "tier" and "limits" to the object. */
void member_holdings_json(json_t *object, const struct member_holdings *holdings);

#endif
