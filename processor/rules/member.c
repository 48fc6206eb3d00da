#include <assert.h>

#include "rules/decide.h"

/* Members: what is told of them is kept, in force from when it occurred. */

enum err_code decide_member(struct work *work)
{
    struct member_work *member = &work->members[0];
    bool changed = false;
    assert(work->member_count >= 1);
    enum err_code code = profile_take(&member->state, work->event, work->scratch, &changed, work->err);
    member->changed |= changed;
    return code;
}
