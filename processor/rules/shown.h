#ifndef POINTS_RULES_SHOWN_H
#define POINTS_RULES_SHOWN_H

#include "base/text.h"

enum { SHOWN_MAX = 64 };

/* How much of a text an error shows: all of a short one, of a long one whole UTF-8 characters. */
static inline int shown_len(struct text text)
{
    if (text.len <= SHOWN_MAX)
        return (int)text.len;
    size_t len = SHOWN_MAX;
    while (len > 0 && ((unsigned char)text.at[len] & 0xC0) == 0x80)
        len--;
    return (int)len;
}

/* The two arguments of a printf format's %.*s. */
#define SHOWN(text) shown_len(text), ((text).len > 0 ? (text).at : "")

#endif
