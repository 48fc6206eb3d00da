#ifndef POINTS_PROGRAM_LASTING_H
#define POINTS_PROGRAM_LASTING_H

#include "program/parts.h"

/* How long points last, in words: each reader complains at its node and gives false where it does not understand. */

/* "12 months", "end of year + 3 months", "12 months of inactivity", "never". */
extern const struct shape expire_shape;
bool read_expiry(struct loader *loader, const struct node *node, struct expiry *out);

/* [30 days, 7 days]: distances before the end. */
extern const struct shape warn_shape;
bool read_warnings(struct loader *loader, const struct node *node, struct warnings *out);

/* "14 days", "until shipped", "until completed + 14 days". */
extern const struct shape pending_shape;
bool read_waiting(struct loader *loader, const struct node *node, struct pending_terms *out);

#endif
