#ifndef POINTS_RULES_CEL_AST_H
#define POINTS_RULES_CEL_AST_H

#include "rules/cel/type.h"

/* The tree that the parser builds, that the checker annotates and that the compiler reads. */

enum cel_node_kind {
    CEL_NODE_CONSTANT,
    CEL_NODE_IDENT,       /* name */
    CEL_NODE_SELECT,      /* children[0].name */
    CEL_NODE_HAS,         /* has(children[0].name) */
    CEL_NODE_CALL,        /* name(children); of a member: the receiver is children[0]; operators have names as "_+_" */
    CEL_NODE_LIST,        /* [children] */
    CEL_NODE_MAP,         /* {children[0]: children[1], …} */
    CEL_NODE_STRUCT,      /* name{names[0]: children[0], …} */
    CEL_NODE_FOLD,        /* a macro over children[0] with variable name; the rest by cel_fold */
    CEL_NODE_AND,         /* children[0] && children[1] */
    CEL_NODE_OR,          /* children[0] || children[1] */
    CEL_NODE_CONDITIONAL, /* children[0] ? children[1] : children[2] */
};

/* The macros that go over a list or a map's keys. Kept as what they are, not as a general loop: their results cannot
 * grow past their range, so cost and size are bounded by the tree alone. */
enum cel_fold {
    CEL_FOLD_ALL,        /* children[1]: the predicate */
    CEL_FOLD_EXISTS,     /* the same */
    CEL_FOLD_EXISTS_ONE, /* the same */
    CEL_FOLD_FILTER,     /* the same */
    CEL_FOLD_MAP,        /* children[1]: the transformation; of three arguments, [1] is the predicate, [2] the other */
};

enum cel_meaning {
    CEL_MEANS_NOTHING,  /* an error at run time; only where a check was not asked for */
    CEL_MEANS_VARIABLE, /* of the host: slot */
    CEL_MEANS_LOCAL,    /* of a macro: slot */
    CEL_MEANS_CONSTANT, /* value: a type's name, a literal */
    CEL_MEANS_CHILD,    /* the same as children[0], as a boxed literal is */
};

struct cel_function;

struct cel_node {
    enum cel_node_kind kind;
    uint32_t at;   /* bytes from the source's beginning */
    uint32_t from; /* its text in the source, with the parentheses around it */
    uint32_t end;
    uint32_t depth; /* of the tree below, this node included */
    struct text name;
    bool rooted; /* a name with a leading dot: no container, no macro's variable */
    bool member;
    enum cel_fold fold;
    struct cel_node **children;
    size_t count;
    const struct text *names; /* of a struct's fields */
    struct cel_value value;
    /* the checker's */
    const struct cel_type *type;
    enum cel_meaning meaning;
    uint32_t slot; /* of a variable; of a fold: where its variable is */
    const struct cel_function *function;
    const struct cel_field *field;
    uint32_t bound; /* of a variable: as a field's */
};

enum {
    CEL_DEPTH_MAX = 200,        /* levels of a tree */
    CEL_SOURCE_MAX = 64 * 1024, /* bytes of a source */
    CEL_NODES_MAX = 10000,
    CEL_LOCALS_MAX = 12, /* macros within one another */
    CEL_ARGUMENTS_MAX = 4,
};

/* What is wrong with a source and where; the message is the arena's. */
struct cel_fault {
    int line;   /* from 1 */
    int column; /* from 1, in bytes */
    struct text message;
};

#endif
