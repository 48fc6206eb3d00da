#ifndef POINTS_CASES_CASES_H
#define POINTS_CASES_CASES_H

#include "base/err.h"
#include "cases/faults.h"
#include "rules/program.h"
#include "rules/zones.h"

/* Golden cases: what a program must give for a sequence of events, as text that a loyalty team can read and write. A
 * file names its programs, or holds them, and then its cases:
 *
 *   program shop.yaml
 *
 *   case a refund of 5.00 takes one point back
 *   > order.paid o1 EUR tea=1x21.90
 *   ann +2 points order-points o1 = 2
 *   > order.refunded o1 EUR amount=5.00 at=+2d
 *   ann -1 points order-points o1 = 1
 *
 * Below each event, in the order of arrival, stand its effects, exactly: see cases/effects.h. How an event is written:
 * see cases/event.h. A line that begins with # is a comment. */

/* One version of a program that the file uses. */
struct case_program {
    struct program *program;
    struct text file; /* where its text stands: a program file as the case file names it from here, or the case file */
    bool inside;      /* the case file */
    int line;         /* of the case file, that names it */
};

struct case_event {
    int line;         /* of the case file, from 1 */
    struct text text; /* "order.paid o1 EUR tea=1x21.90" */
    struct event event;
    bool shows;           /* no event: asks what the member has */
    bool named;           /* `id=` or `source=` was given: a second one like it is a duplicate or a conflict */
    struct text expected; /* the lines that follow, each ending with \n */
    int expected_lines;
};

struct test_case {
    struct text name;
    int line;
    bool outputs; /* the outputs' words are compared too */
    struct case_event *events;
    size_t event_count;
};

struct case_file {
    struct text path;
    struct text source;
    struct case_program *programs; /* in the file's order */
    size_t program_count;
    struct program_set set; /* the same, as the rules want them */
    struct test_case *cases;
    size_t case_count;
};

/* Reads the case file and the program files that it names, relative to its own folder; they refer to zones. All memory
 * is the arena's. ERR_FILE when a file cannot be read or says something that is not understood, ERR_PROGRAM when a
 * program is wrong: everything that is wrong stands in *faults, and *out is untouched. path need not outlive the call.
 */
enum err_code cases_read(const char *path, const struct zones *zones, struct arena *arena, struct case_file *out,
                         struct case_faults *faults);

#endif
