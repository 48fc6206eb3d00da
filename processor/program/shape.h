#ifndef POINTS_PROGRAM_SHAPE_H
#define POINTS_PROGRAM_SHAPE_H

#include <stddef.h>
#include <stdint.h>

/* What a value of a program file may look like: stands in the tables of fields by which files are read, and the JSON
 * Schema for editors is made of it (program/schema.h). Readers ask for more than a shape can say: that a currency is
 * declared, that an expression has a type. A shape never refuses what its reader accepts, but for the words true, false
 * and null without quotes, which are no texts to an editor. */

struct field;

enum shape_kind {
    SHAPE_TEXT,   /* pattern */
    SHAPE_WHOLE,  /* a whole number from least to most */
    SHAPE_AMOUNT, /* a decimal number above zero */
    SHAPE_CHOICE, /* one of names */
    SHAPE_LIST,   /* least to most entries, each an `of` */
    SHAPE_MAP,    /* least to most keys of the pattern, each naming an `of` */
    SHAPE_FIELDS  /* a map read by a table of fields */
};

struct shape {
    enum shape_kind kind;
    const char *pattern; /* a regular expression of JSON Schema; NULL: any text */
    int64_t least;
    int64_t most; /* INT64_MAX: no bound */
    const char *const *names;
    const struct field *fields;
    size_t count; /* of names, or of fields */
    const struct shape *of;
    const struct shape *otherwise; /* what the value may be instead; NULL: nothing */
    const char *example;           /* of a text; NULL: none */
};

#define SHAPE_OF_NAMES(table)                                                                                          \
    {                                                                                                                  \
        .kind = SHAPE_CHOICE, .names = (table), .count = sizeof(table) / sizeof *(table)                               \
    }
#define SHAPE_OF_FIELDS(table)                                                                                         \
    {                                                                                                                  \
        .kind = SHAPE_FIELDS, .fields = (table), .count = sizeof(table) / sizeof *(table)                              \
    }

#endif
