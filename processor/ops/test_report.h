#ifndef POINTS_OPS_TEST_REPORT_H
#define POINTS_OPS_TEST_REPORT_H

#include <stdio.h>

#include "cases/run.h"
#include "ops/test_files.h"

/* What `points test` found, for people, for --json and as JUnit's XML. */

struct tested_file {
    const char *path;
    enum err_code code; /* of faults; ERR_NONE: it could be read */
    struct case_faults faults;
    struct case_file file;
    struct case_result *results; /* of the cases that the filter takes, in the file's order */
    size_t result_count;
    struct reach *reach; /* aligned with file.programs */
    bool rewritten;      /* what differed now stands in the file */
};

enum unreached_kind {
    UNREACHED_RULE,
    UNREACHED_REWARD,
    UNREACHED_PROGRAM /* no case file names it */
};

/* What had no effect in any case. */
struct unreached {
    struct text file; /* where the program stands */
    const struct program *program;
    enum unreached_kind kind;
    struct text id;
};

struct tested {
    struct arena *arena;
    const struct zones *zones;
    struct tested_file *files;
    size_t file_count;
    bool listed; /* the cases were not run */
    const struct unreached *unreached;
    size_t unreached_count;
};

struct case_tally {
    size_t passed;
    size_t failed;
    size_t rewritten; /* they failed, and now stand in the file as they are */
    size_t faulty;    /* files */
};

/* True where the case differs and the file still says something else. */
bool result_failed(const struct tested_file *file, const struct case_result *result);

struct case_tally tested_count(const struct tested *tested);

/* Fills unreached; programs that several case files name count once. yamls: files that may be programs. */
void tested_find_unreached(struct tested *tested, const struct path_list *yamls);

/* "rule", "reward", "program" */
const char *unreached_name(enum unreached_kind kind);

void report_text(const struct tested *tested, FILE *out);
void report_json(const struct tested *tested, FILE *out);
void report_junit(const struct tested *tested, FILE *out);

#endif
