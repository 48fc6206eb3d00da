#include <assert.h>

#include "rules/decide.h"

/* Members: what is told of them is kept, in force from when it occurred. Two accounts become one, or one is erased. */

static enum err_code decide_profile(struct work *work)
{
    struct member_work *member = &work->members[0];
    bool changed = false;
    assert(work->member_count >= 1);
    enum err_code code = profile_take(&member->state, work->event, work->scratch, &changed, work->err);
    member->changed |= changed;
    return code;
}

enum err_code decide_member(struct work *work)
{
    switch (work->event->kind) {
    case MEMBER_MERGED:
        return decide_merge(work);
    case MEMBER_ERASED:
        return decide_erasure(work);
    default:
        return decide_profile(work);
    }
}
