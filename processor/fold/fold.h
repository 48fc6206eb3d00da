#ifndef POINTS_FOLD_FOLD_H
#define POINTS_FOLD_FOLD_H

#include "fold/batch.h"
#include "fold/cache.h"
#include "sink/reward_avro.h"

/* Folds a run of records over members' states into one set of changes. Reads the world only through `fold_reader`, so
 * that it can be tested without one. */

/* What the fold asks of the ledger. Each fills its rows in place. */
struct fold_reader {
    void *context;
    /* versions and states of members that are not loaded; unknown ones get version 0. Texts are the arena's. */
    enum err_code (*members)(void *context, struct member **members, size_t count, struct arena *arena,
                             struct err *err);
    /* side-table records; those absent keep record.at NULL */
    enum err_code (*sides)(void *context, struct side_record *sides, size_t count, struct arena *arena,
                           struct err *err);
    /* all of a member's side-table records */
    enum err_code (*sides_of)(void *context, struct hash16 member_key, struct arena *arena, struct side_record **sides,
                              size_t *count, struct err *err);
    /* how much of a budget is used; 0 where there is no row */
    enum err_code (*budget)(void *context, struct hash16 key, int64_t *used, struct err *err);
    /* content[i] and found[i] for keys that exist already */
    enum err_code (*keys)(void *context, const struct hash16 *keys, size_t count, struct hash16 *content, bool *found,
                          struct err *err);
    /* offsets below partition->highest that were refused the first time: refused[i] for offsets[i] */
    enum err_code (*refused)(void *context, const struct partition *partition, int64_t from, int64_t to,
                             struct arena *arena, int64_t **offsets, size_t *count, struct err *err);
};

struct fold;

/* frame: how rewards are framed; borrowed. */
struct fold *fold_new(const struct reward_frame *frame, struct cache *cache);
struct fold *fold_free(struct fold *fold);

struct fold_input {
    struct record *records;
    size_t count;
    const struct program_set *programs;
    bool look_up_keys;             /* ask the reader which event keys exist, before deciding */
    const struct changes *pending; /* a batch before this one that the reader may not show yet; NULL: none */
};

/* Folds records[0..count). *out is the fold's, valid until the next fold_run. Decides by content alone: the same
 * records over the same states give the same bytes. ERR_BAD_STATE and the reader's errors are returned; everything that
 * is wrong with one record becomes a dead letter in *out. ERR_KEYS_EXIST asks for another run with look_up_keys: a
 * record was refused that may be the copy of one already applied. */
enum err_code fold_run(struct fold *fold, const struct fold_input *input, const struct fold_reader *reader,
                       struct changes **out, struct err *err);

/* After fold_run: puts the states that the transaction will lead to into the cache. Where it fails they have to be
 * cleared from it. */
void fold_expect(struct fold *fold);

#endif
