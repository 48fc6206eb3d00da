#ifndef POINTS_FOLD_INNER_H
#define POINTS_FOLD_INNER_H

#include <stdlib.h>

#include "base/table.h"
#include "fold/fold.h"

/* The parts of the fold that its files share. */

/* What the fold knows of one record beside the record itself. */
struct work {
    const struct program *program;
    const struct event *event; /* the record's, or a copy that names the members whom it counts for after merges */
    struct hash16 subject_keys[STEP_SUBJECTS_MAX];
    uint8_t subject_party[STEP_SUBJECTS_MAX];
    uint8_t subject_count;
    uint8_t party_count;
    uint32_t parties[STEP_PARTIES_MAX]; /* indexes of members */
    uint32_t range;
    bool skip; /* a duplicate, or refused in an earlier pass over the topic */
    enum err_code refused;
    struct text refusal;
};

/* A row of the ledger in `unsorted`. */
struct row_ref {
    struct hash16 member_key;
    int64_t sequence;
    size_t at;
    size_t len;
};

struct fold {
    const struct reward_frame *frame;
    struct cache *cache;
    struct arena *arena;    /* lives as long as the batch */
    struct arena *scratch;  /* lives as long as one record: small, so that it stays in the processor's cache */
    struct buffer unsorted; /* rows of entries in order of decision */
    struct row_ref *refs;
    size_t ref_capacity;
    struct buffer entries; /* the same in order of the index */
    struct range *ranges;  /* their frame buffers are kept from batch to batch */
    size_t range_capacity;
    struct table member_table;
    struct table side_table;
    struct work *work;
    struct changes changes;
    size_t member_capacity;
    size_t side_capacity;
    size_t dead_capacity;
};

/* A batch of duplicates has no rows, and no memory for them: qsort takes no NULL. */
static inline void sort_rows(void *rows, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 1)
        qsort(rows, count, size, compare);
}

/* ---- members.c */

/* The member's index; made where the batch does not know it yet: earlier pointers to members are void then. */
uint32_t fold_member(struct fold *fold, struct hash16 key, struct text program_id, struct text member_id);

/* Finds the members and subjects that the work's event touches. */
void fold_find_parties(struct fold *fold, const struct record *record, struct work *work);

/* Loads the members that are not loaded. */
enum err_code fold_load_members(struct fold *fold, const struct fold_reader *reader, struct err *err);

/* Loads the members that the events name, and those that they were merged into. */
enum err_code fold_load_parties(struct fold *fold, const struct fold_input *input, const struct fold_reader *reader,
                                struct err *err);

/* Follows one party that was merged into another member, as far as states are loaded; true where it did. */
bool fold_follow(struct fold *fold, const struct record *record, struct work *work);

/* ---- sides.c */

/* The batch's record of the side table; made where it has none. The pointer is good until the next call. */
struct side_record *fold_side(struct fold *fold, struct hash16 member, struct hash16 subject);

/* Loads what the events need of the side table. */
enum err_code fold_load_sides(struct fold *fold, const struct fold_input *input, const struct fold_reader *reader,
                              struct err *err);

/* {NULL, 0} where the batch has none. */
struct bytes fold_side_record(struct fold *fold, struct hash16 member, struct hash16 subject);

/* Follows what earlier records of the batch merged, with members and side records that nothing needed before. */
enum err_code fold_follow_merges(struct fold *fold, const struct record *record, struct work *work,
                                 const struct fold_reader *reader, struct err *err);

/* Of a merge: all records of the account that ends, with those that the other one has about the same. */
enum err_code fold_find_moved(struct fold *fold, const struct work *work, const struct fold_reader *reader,
                              struct step_input *input, struct err *err);

#endif
