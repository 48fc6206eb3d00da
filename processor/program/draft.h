#ifndef POINTS_PROGRAM_DRAFT_H
#define POINTS_PROGRAM_DRAFT_H

#include "program/parts.h"

/* A rule in the making. What depends on the rule's type is read after `on`, and not at all where `on` is wrong: one
 * mistake, one error. */
struct draft {
    struct rule rule;
    bool typed; /* `on` was understood */
    bool earns; /* `earn` was */
};

/* Fields of a rule, as struct field's read; into is a draft. */
extern const struct shape on_shape, earn_shape, minimum_shape, when_shape, items_shape, basis_shape, nth_shape,
    stacking_shape, priority_shape, limit_shape, budget_shape;
void read_on(struct loader *loader, const struct node *node, void *into);
void read_earn(struct loader *loader, const struct node *node, void *into);
void read_minimum(struct loader *loader, const struct node *node, void *into);
void read_when(struct loader *loader, const struct node *node, void *into);
void read_items(struct loader *loader, const struct node *node, void *into);
void read_basis(struct loader *loader, const struct node *node, void *into);
void read_nth(struct loader *loader, const struct node *node, void *into);
void read_stacking(struct loader *loader, const struct node *node, void *into);
void read_priority(struct loader *loader, const struct node *node, void *into);
void read_limit(struct loader *loader, const struct node *node, void *into);
void read_budget(struct loader *loader, const struct node *node, void *into);

/* True where the rule is for orders; complains otherwise. what: the field's name. */
bool expect_order_rule(struct loader *loader, const struct node *node, const struct draft *draft, const char *what);

#endif
