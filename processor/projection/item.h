#ifndef POINTS_PROJECTION_ITEM_H
#define POINTS_PROJECTION_ITEM_H

#include "base/text.h"

/* A member's state as the ledger holds it at one version: what Redis is to show. */
struct projection_item {
    struct hash16 member_key;
    struct text program_id;
    struct text member_id;
    int64_t version;
    struct bytes state;
};

#endif
