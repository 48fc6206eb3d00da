#ifndef POINTS_CASES_WORDS_H
#define POINTS_CASES_WORDS_H

#include "cases/faults.h"

/* A line taken apart: words, parted by blanks, some of the form name=value. Quotes hold blanks together and take the
 * meaning from what they hold: `reason="with thanks"`, `"amount"=1x5.00`; a doubled quote inside is a quote. */

struct word {
    struct text whole; /* as written, quotes included */
    struct text name;  /* before the =, as written; empty where there is none */
    struct text value; /* behind it, as written; without a =, the whole */
    bool has_name;
    bool taken;
};

struct words {
    struct case_faults *faults;
    int line;
    struct word *items;
    size_t count;
};

/* Takes a line apart; false, with a fault, where a quote is not closed. */
bool words_split(struct text line, int number, struct case_faults *faults, struct words *out);

/* The next word without a name that was not taken; an empty text when there is none. */
struct text words_take_plain(struct words *words);

/* The word with that name, taken; NULL when there is none. Two of them are a fault. */
const struct word *words_take(struct words *words, const char *name);

/* True where the word stands there without a name; takes it. */
bool words_take_flag(struct words *words, const char *flag);

/* The text without its quotes. */
struct text unquoted(struct arena *arena, struct text text);

/* The place of the first such character outside quotes; text.len when there is none. */
size_t find_unquoted(struct text text, char c);

/* Takes the text up to the next such character, which is dropped, off the rest. */
struct text take_until(struct text *rest, char c);

bool begins_with(struct text text, const char *prefix);

/* The text without its first `count` bytes. */
struct text without_first(struct text text, size_t count);

#define VIEW(text) (int)(text).len, (text).len > 0 ? (text).at : ""

#endif
