#include "rules/decide.h"

/* Erasure: the state becomes a tombstone, which keeps what the ledger's sums rest on. */

enum err_code decide_erasure(struct work *work)
{
    struct member_work *member = &work->members[0];
    const struct identity identity = member->state.identity;
    struct hash16 *merged = arena_array(work->arena, identity.merged_count, sizeof *merged);
    for (size_t i = 0; i < identity.merged_count; i++)
        merged[i] = identity.merged[i];
    state_clear(&member->state);
    member->state.identity.ending = ENDING_ERASED;
    member->changed = true;
    work->erases = true;
    work->merged = merged;
    work->merged_count = identity.merged_count;
    return ERR_NONE;
}
