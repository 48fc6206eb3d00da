#include "rules/decide.h"

/* Events about a membership itself. */

enum err_code decide_member(struct work *work)
{
    switch (work->event->kind) {
    case MEMBER_MERGED:
        return decide_merge(work);
    case MEMBER_ERASED:
        return decide_erasure(work);
    default:
        return ERR_NONE;
    }
}
