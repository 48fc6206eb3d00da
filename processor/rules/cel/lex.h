#ifndef POINTS_RULES_CEL_LEX_H
#define POINTS_RULES_CEL_LEX_H

#include "rules/cel/ast.h"

/* Tokens of a source. An operator's kind is its first character, or one of these. */
enum cel_token_kind {
    CEL_TOKEN_END = 0,
    CEL_TOKEN_IDENT = 256, /* text: the name */
    CEL_TOKEN_QUOTED,      /* `a-b`: text between the quotes; a field's name only */
    CEL_TOKEN_LITERAL,     /* value */
    CEL_TOKEN_EQ,
    CEL_TOKEN_NE,
    CEL_TOKEN_LE,
    CEL_TOKEN_GE,
    CEL_TOKEN_AND,
    CEL_TOKEN_OR,
    CEL_TOKEN_IN,
    CEL_TOKEN_BAD, /* message says why */
};

struct cel_token {
    int kind;
    uint32_t at, end; /* bytes from the source's beginning */
    struct text text;
    struct cel_value value;
    const char *message;
};

/* The token that begins at or after `at`, white space and comments skipped. Texts of literals are the arena's or views
 * of the source. negative: a minus stands before it, so that -9223372036854775808 is a number. */
struct cel_token cel_lex(struct text source, size_t at, bool negative, struct arena *arena);

/* Lengths of what the UTF-8 sequence at `at` takes, 0 when it is not valid; *out is the code point. */
size_t cel_utf8_decode(struct text text, size_t at, uint32_t *out);
size_t cel_utf8_encode(uint32_t code, char *out);
bool cel_utf8_valid(struct text text);
size_t cel_utf8_count(struct text text);

#endif
