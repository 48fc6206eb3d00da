#ifndef POINTS_PROGRAM_FIELDS_H
#define POINTS_PROGRAM_FIELDS_H

#include "program/bundle.h"
#include "program/node.h"
#include "program/shape.h"
#include "rules/program_model.h"
#include "rules/shown.h"

/* Maps read by tables of their fields, and scalars read strictly. Every reader complains at its node and goes on, so
 * that one pass finds every error of a file. */

struct loader {
    struct arena *arena;
    struct program_errors *errors;
    struct program *program; /* in the making */
    struct rule *rules;      /* the program's, to be completed by what is read later */
    size_t rule_count;
    struct claim *claims; /* ids that rules and rewards have taken */
    size_t claim_count;
    struct attachments attachments; /* list files that came with the program */
};

struct claim {
    struct text id;
    int line;
};

struct field {
    const char *name;
    bool required;
    void (*read)(struct loader *loader, const struct node *value, void *into);
    const struct shape *shape; /* what editors are told of the value */
    const char *help;          /* and of its meaning: one sentence, no full stop */
};

/* Reads the map's fields in the table's order, so that a field may rely on those before it. Complains of unknown and
 * repeated keys, and of required ones that are missing. what: "a rule". */
void fields_read(struct loader *loader, const struct node *map, const char *what, const struct field *fields,
                 size_t count, void *into);

void complain(struct loader *loader, const struct node *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "; did you mean `x`?", or the empty text. */
struct text hint(struct loader *loader, struct text given, const char *const *names, size_t count);

/* "a, b, c" */
struct text listed(struct loader *loader, const char *const *names, size_t count);

/* Complain and give false when the node is not of the kind, or has fewer or more items. what: "partners". */
bool expect_kind(struct loader *loader, const struct node *node, enum node_kind kind, const char *what);
bool expect_count(struct loader *loader, const struct node *node, const char *what, size_t least, size_t most);

/* The place of the scalar among the names; complains, lists them and gives false when it is none of them. */
bool read_choice(struct loader *loader, const struct node *node, const char *what, const char *const *names,
                 size_t count, size_t *out);

bool read_integer(struct loader *loader, const struct node *node, const char *what, int64_t least, int64_t most,
                  int64_t *out);

/* An amount > 0 of a currency, in its minor units. */
extern const struct shape amount_shape;
bool read_amount(struct loader *loader, const struct node *node, const char *what, const struct currency *currency,
                 int64_t *out);

/* "2026-01-01T00:00:00Z", or a date, which means its midnight in the program's zone. µs UTC. */
extern const struct shape date_time_shape;
bool read_date_time(struct loader *loader, const struct node *node, const char *what, int64_t *out);

/* [a-z0-9-]{1,64}. */
extern const struct shape id_shape;
bool is_id(struct text text);
bool read_id(struct loader *loader, const struct node *node, const char *what, struct text *out);

/* Text of 1 to 256 bytes on one line. */
extern const struct shape words_shape;
bool read_words(struct loader *loader, const struct node *node, const char *what, struct text *out);

/* The place of a declared currency; complains with a hint otherwise. */
#define MONEY_PATTERN  "^[A-Z]{3}$"
#define POINTS_PATTERN "^[a-z][a-z0-9_-]{0,31}$"
extern const struct shape points_name_shape;
bool read_money(struct loader *loader, const struct node *node, size_t *out);
bool read_points(struct loader *loader, const struct node *node, size_t *out);

#define FIELD_COUNT(fields) (sizeof(fields) / sizeof *(fields))

#endif
