#ifndef POINTS_RULES_IDENTITY_H
#define POINTS_RULES_IDENTITY_H

#include "rules/codec.h"
#include "rules/scratch.h"

/* Whether a member's account goes on, in which other one it went up, and which went up in it. A section of the state:
 *
 *   natural ending; where merged: text member id; where it goes on: count of text member ids, sorted
 */

/* Written into states: never renumber. */
enum ending {
    ENDING_NONE = 0,
    ENDING_MERGED = 1, /* its events count for the member that it was merged into */
    ENDING_ERASED = 2  /* a tombstone: its events are dead letters */
};

struct identity {
    enum ending ending;
    struct text merged_into; /* the member's id */
    struct text *merged;     /* ids of the accounts that went up in this one, and of those that went up in them */
    size_t merged_count;
};

/* Texts are views into the bytes. */
void identity_read(struct reader *reader, struct scratch *scratch, struct identity *out);

/* 0 where nothing is to be written: an account that goes on, in which none went up. */
size_t identity_size_max(const struct identity *identity);
void identity_write(struct writer *writer, const struct identity *identity);

/* The other account, and what went up in it, goes up in this one. id: the other's. */
void identity_take_over(struct identity *identity, const struct identity *other, struct text id,
                        struct scratch *scratch);

#endif
