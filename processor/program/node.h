#ifndef POINTS_PROGRAM_NODE_H
#define POINTS_PROGRAM_NODE_H

#include "program/load.h"

/* A YAML file as a tree in the arena, every node with its place, read within bounds: depth, number of nodes, no
 * anchors, aliases or tags, one document. */

enum { NODE_DEPTH_MAX = 32, NODE_COUNT_MAX = 500000 };

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    int line;                 /* from 1 */
    int column;               /* from 1 */
    struct text text;         /* of a scalar */
    const struct node *first; /* a list's first item, a map's first key */
    const struct node *next;  /* the next item, or key */
    const struct node *value; /* of a key: what it names */
    size_t count;             /* items or keys */
};

/* NULL after complaining when the text is not one well-formed YAML document within bounds. */
const struct node *node_read(struct text source, struct arena *arena, struct program_errors *errors);

/* Appends an error, unless there are PROGRAM_ERRORS_MAX already. */
enum { PROGRAM_ERRORS_MAX = 200 };
void errors_add(struct program_errors *errors, struct arena *arena, int line, int column, struct text message);

/* By line, then column. */
void errors_sort(struct program_errors *errors);

#endif
