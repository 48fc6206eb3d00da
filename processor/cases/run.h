#ifndef POINTS_CASES_RUN_H
#define POINTS_CASES_RUN_H

#include "cases/cases.h"

/* Runs cases: what each event did beside what the file expects of it. */

/* An event that did something else, or broke what always holds. */
struct difference {
    const struct case_event *event;
    struct text got;    /* lines, each ending with \n */
    struct text broken; /* empty: nothing is */
};

struct case_result {
    const struct test_case *test;
    const struct difference *differences; /* in the order of events; none: it passed */
    size_t difference_count;
    size_t spilled; /* records moved to the side table */
};

/* Which rules and automatic rewards of a program have had an effect. */
struct reach {
    bool *rules;
    bool *rewards; /* both by place in the program's file */
};

/* For cases_run: one per program of the file, nothing reached. Memory is the arena's. */
struct reach *reach_new(const struct case_file *file, struct arena *arena);

/* Runs one case of the file on members never seen. An event that differs does not end it. Memory is the arena's.
 * reach: aligned with file->programs. */
void case_run(const struct case_file *file, const struct test_case *test, struct reach *reach, struct arena *arena,
              struct case_result *out);

/* The file's text with what the results' differences got in place of what it expected. What broke something that always
 * holds is left as it is. The results are of cases of this file, in its order. */
struct text cases_updated(const struct case_file *file, const struct case_result *results, size_t count,
                          struct arena *arena);

#endif
