#include "program/draft.h"
#include "rules/record.h"

/* `basis`: what of an order counts. */

static const char *const added_names[] = {"excluded", "included"};
static const char *const taken_off_names[] = {"deducted", "ignored"};
static const char *const paid_names[] = {"ignored", "deducted"};

static void read_part(struct loader *loader, const struct node *node, const char *what, const char *const *names,
                      enum basis_part part, struct draft *draft)
{
    size_t choice;
    if (read_choice(loader, node, what, names, 2, &choice) && choice == 1)
        draft->rule.basis |= part;
}

static void read_tax(struct loader *loader, const struct node *node, void *into)
{
    read_part(loader, node, "tax", added_names, BASIS_TAX, into);
}

static void read_shipping(struct loader *loader, const struct node *node, void *into)
{
    read_part(loader, node, "shipping", added_names, BASIS_SHIPPING, into);
}

static void read_discounts(struct loader *loader, const struct node *node, void *into)
{
    read_part(loader, node, "discounts", taken_off_names, BASIS_BEFORE_DISCOUNTS, into);
}

static void read_points_used(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    read_part(loader, node, "points_used", paid_names, BASIS_LESS_POINTS, draft);
    if (draft->rule.basis & BASIS_LESS_POINTS && !loader->program->points[0].worth)
        complain(loader, node, "points_used: %.*s need a `worth` in money to be deducted",
                 SHOWN(loader->program->points[0].name));
}

static const struct shape added_shape = SHAPE_OF_NAMES(added_names);
static const struct shape taken_off_shape = SHAPE_OF_NAMES(taken_off_names);
static const struct shape paid_shape = SHAPE_OF_NAMES(paid_names);
static const struct field basis_fields[] = {
    {"tax", false, read_tax, &added_shape, "the lines' taxes; excluded without it"},
    {"shipping", false, read_shipping, &added_shape, "excluded without it"},
    {"discounts", false, read_discounts, &taken_off_shape, "of lines and of the order; deducted without it"},
    {"points_used", false, read_points_used, &paid_shape,
     "points that paid for a part, at their worth; ignored without it"},
};
const struct shape basis_shape = SHAPE_OF_FIELDS(basis_fields);

void read_basis(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    if (!expect_order_rule(loader, node, draft, "basis"))
        return;
    fields_read(loader, node, "basis", basis_fields, FIELD_COUNT(basis_fields), draft);
    if (draft->rule.basis & BASIS_TAX)
        draft->rule.image |= IMAGE_TAX;
    if (draft->rule.basis & BASIS_BEFORE_DISCOUNTS)
        draft->rule.image |= IMAGE_PRICE;
    if (draft->rule.basis & (BASIS_SHIPPING | BASIS_LESS_POINTS))
        draft->rule.image |= IMAGE_TERMS;
}
