#ifndef POINTS_RULES_TEXT_SET_H
#define POINTS_RULES_TEXT_SET_H

#include "base/arena.h"
#include "base/text.h"

/* A set of texts that is made once and asked often: the SKUs of a campaign. Equal texts are one. */
struct text_set {
    const struct text *slots; /* a power of two of them; {NULL, 0} is free, so the empty text is no member */
    size_t slot_count;
    size_t count;
};

/* The texts are kept, not copied. */
struct text_set text_set_make(const struct text *texts, size_t count, struct arena *arena);

/* False for the empty text. */
bool text_set_has(const struct text_set *set, struct text text);

#endif
