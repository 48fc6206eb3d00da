#ifndef POINTS_CASES_FAULTS_H
#define POINTS_CASES_FAULTS_H

#include "base/arena.h"

/* What is wrong with a file of cases: found all at once, each with its place. */

struct case_fault {
    struct text file; /* the case file, or a program file that it names */
    int line;         /* from 1; 0: the whole file */
    int column;       /* from 1; 0: the whole line */
    struct text message;
};

struct case_faults {
    struct arena *arena; /* whose memory items and messages are */
    struct text file;    /* what `fault` is about */
    struct case_fault *items;
    size_t count;
    size_t capacity;
};

/* Adds a fault of a line of faults->file: what was found, what was expected, a hint. */
void fault_add(struct case_faults *faults, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds a fault of any file; the texts must live as long as the arena. */
void fault_add_at(struct case_faults *faults, struct case_fault fault);

#endif
