#ifndef POINTS_RULES_CEL_REGEX_PROGRAM_H
#define POINTS_RULES_CEL_REGEX_PROGRAM_H

#include "rules/cel/regex.h"

/* What regex_parse.c makes and regex.c runs. */

enum cel_regex_code {
    REGEX_READ,  /* a code point of the class, then next */
    REGEX_SPLIT, /* next and other */
    REGEX_JUMP,  /* next */
    REGEX_BEGIN, /* an assertion, then next */
    REGEX_END,
    REGEX_LINE_BEGIN,
    REGEX_LINE_END,
    REGEX_BOUNDARY,
    REGEX_NO_BOUNDARY,
    REGEX_MATCH,
};

struct cel_regex_range {
    uint32_t from, to;
};

struct cel_regex_op {
    enum cel_regex_code code;
    uint32_t next, other;
    uint32_t first, ranges; /* of a class */
    bool negated;
};

struct cel_regex {
    struct cel_regex_op *ops;
    size_t count;
    struct cel_regex_range *ranges;
    size_t range_count;
    size_t weight; /* instructions, and for those that read the ranges of their class */
};

static inline bool cel_is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

#endif
