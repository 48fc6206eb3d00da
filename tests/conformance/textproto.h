#ifndef POINTS_TESTS_TEXTPROTO_H
#define POINTS_TESTS_TEXTPROTO_H

#include "base/arena.h"

/* Protocol buffers' text format, as far as the conformance tests use it: fields in the order of the file. */

struct message;

struct field {
    struct text name;              /* of an expanded Any: the text between the brackets */
    struct text scalar;            /* a string's bytes, or the token as it stands */
    const struct message *message; /* NULL: a scalar */
    struct field *next;
};

struct message {
    struct field *first;
};

/* The file's text as a message in the arena; NULL with the line of what could not be read. */
const struct message *textproto_parse(struct text source, struct arena *arena, int *line);

/* The first field of that name, NULL when there is none; and the next one of the same name. */
const struct field *field_named(const struct message *message, const char *name);
const struct field *field_next(const struct field *field);

/* A scalar field's text; empty when it is not there. */
struct text field_text(const struct message *message, const char *name);

/* The message in a field, NULL when it is not there. */
const struct message *field_message(const struct message *message, const char *name);

#endif
