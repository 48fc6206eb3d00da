#ifndef POINTS_RULES_UNITE_H
#define POINTS_RULES_UNITE_H

#include "rules/record.h"

/* Records of one thing that two accounts had, when one is merged into the other: what was granted for it adds up, what
 * came back adds up, and what was undone once stays undone. */

/* {NULL, 0} is no record. The bytes are scratch, or those of an argument. ERR_BAD_STATE, ERR_OVERFLOW. */
enum err_code records_unite(struct bytes into, struct bytes from, struct scratch *scratch, struct bytes *out,
                            struct err *err);

/* A record that says the same was done once, with nothing of it to be taken back. */
enum err_code once_record_used_up(struct bytes record, struct scratch *scratch, struct bytes *out, struct err *err);

#endif
