#ifndef POINTS_PROGRAM_LOAD_H
#define POINTS_PROGRAM_LOAD_H

#include "base/arena.h"
#include "base/err.h"
#include "rules/program.h"
#include "rules/zones.h"

/* Reads program files (YAML, libyaml). Pure: text in, program or list of errors out. */

struct program_error {
    int line;            /* from 1 */
    int column;          /* from 1 */
    struct text message; /* what was found, what was expected, a hint */
};

struct program_errors {
    struct program_error *items;
    size_t count;
    size_t capacity;
};

/* source: the file's text, with its list files where it names some (program/bundle.h). On success *out is a program
 * whose memory is the arena's; it refers to zones, which outlive it. On ERR_PROGRAM every error of the file is in
 * errors (arena's), in order of line. */
enum err_code program_load(struct text source, const struct zones *zones, struct arena *arena, struct program **out,
                           struct program_errors *errors, struct err *err);

#endif
