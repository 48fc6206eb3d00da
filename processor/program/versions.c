#include "program/versions.h"

#include <inttypes.h>

#include "base/rfc3339.h"
#include "rules/program_model.h"
#include "rules/shown.h"

int versions_compare(const struct program *a, const struct program *b)
{
    int order = text_compare(a->id, b->id);
    return order != 0 ? order : (a->version > b->version) - (a->version < b->version);
}

enum err_code versions_follow(const struct program *earlier, const struct program *later, struct err *err)
{
    char effective[RFC3339_SIZE];
    if (!text_equal(earlier->id, later->id))
        return ERR_NONE;
    if (earlier->version == later->version)
        return err_set(err, ERR_PROGRAM, "version %" PRId64 " of program %.*s stands here a second time",
                       later->version, SHOWN(later->id));
    if (later->effective_at <= earlier->effective_at)
        return err_set(
            err, ERR_PROGRAM,
            "version %" PRId64 " of program %.*s overlaps version %" PRId64 ", which takes effect at %s; set "
            "a later `effective:`",
            later->version, SHOWN(later->id), earlier->version, rfc3339_format(earlier->effective_at, effective));
    return ERR_NONE;
}
