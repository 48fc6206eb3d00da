#ifndef POINTS_RULES_CEL_REGEX_H
#define POINTS_RULES_CEL_REGEX_H

#include "base/arena.h"

/* Regular expressions of RE2's syntax: literals, . [classes] with ranges, \d \w \s (of ASCII), groups
 * (capturing or not), | * + ? {n,m} lazy or not, ^ $ \A \z \b \B, flags (?i) (?s) (?m). A pattern becomes a program
 * whose states advance together over the text (Thompson 1968; Pike's machine without captures): a search takes at most
 * length × size steps whatever the pattern. Code points, not bytes. */
struct cel_regex;

enum { CEL_REGEX_SIZE_MAX = 2000, CEL_REGEX_WEIGHT_MAX = 8000, CEL_REGEX_REPEAT_MAX = 1000 };

/* Bytes that compiling a pattern may take beside 256 for each of its own, and that a search may take. */
enum { CEL_REGEX_COMPILE_BYTES = 64 * 1024, CEL_REGEX_SEARCH_BYTES = 5 * 4 * CEL_REGEX_SIZE_MAX };

/* False, with what is wrong, when the pattern is malformed or its program would be larger than
 * CEL_REGEX_SIZE_MAX instructions. */
bool cel_regex_compile(struct text pattern, struct arena *arena, struct cel_regex **out, const char **wrong);

/* Steps that one code point may take: the program's instructions and the ranges of their classes. */
size_t cel_regex_size(const struct cel_regex *regex);

/* Whether the pattern matches somewhere in the text. steps, unless NULL, is set to the states entered. */
bool cel_regex_search(const struct cel_regex *regex, struct text text, struct arena *arena, uint64_t *steps);

#endif
