#ifndef POINTS_FOLD_BATCH_H
#define POINTS_FOLD_BATCH_H

#include <librdkafka/rdkafka.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"
#include "fold/budgets.h"
#include "rules/step.h"
#include "source/assignment.h"

/* A record on its way: Kafka's message, and what decode made of it. */
struct record {
    rd_kafka_message_t *message; /* owned by the batch */
    struct partition *partition;
    int64_t offset;
    enum err_code refused; /* ERR_NONE: event is set */
    const char *stage;     /* that refused it */
    struct text refusal;   /* in words, the batch arena's */
    struct event event;
    struct hash16 event_key;
    struct hash16 content;
    struct hash16 member_key; /* of event.member_id */
};

/* What arrived while the last batch was written. */
struct batch {
    const struct assignment *assignment;
    uint64_t first;      /* the place of records[0] among the assignment's records, from 0 */
    struct arena *arena; /* texts and lines of the events */
    struct record *records;
    size_t count;
    size_t capacity;
    size_t bytes;
};

struct batch *batch_new(size_t most_records);

/* Destroys the messages and empties the batch. */
void batch_clear(struct batch *batch);
struct batch *batch_free(struct batch *batch);

/* A range of one partition that a batch applies: [from, to). */
struct range {
    struct partition *partition;
    int64_t from;
    int64_t to;
    int64_t newest_event_at; /* newest occurred_at in it, µs UTC; 0: none */
    struct buffer frames;    /* its outputs; see sink/frames.h */
};

struct key_row {
    struct hash16 key;
    struct hash16 content;
};

/* member.due_at of one whose state the batch did not decide anew. */
#define DUE_AS_BEFORE INT64_MIN

/* A member as the batch sees it. */
struct member {
    struct hash16 key;
    struct text program_id;
    struct text member_id;
    int64_t version; /* as loaded; 0: not in the database */
    struct bytes state;
    int64_t due_at; /* when it falls due next, µs UTC; INT64_MAX: nothing does; or DUE_AS_BEFORE */
    bool loaded;
    bool changed;
    bool erased; /* by this batch: its id and its side table are to be forgotten */
};

/* A record of the side table, loaded or to be written. */
struct side_record {
    struct hash16 member_key;
    struct hash16 subject_key;
    struct bytes record; /* at NULL: not there */
    bool changed;
};

struct dead_row {
    const struct partition *partition;
    int64_t offset;
    enum err_code reason;
    const char *stage;
    struct text detail;
    struct hash16 event_key; /* zero where it has none */
};

/* All that a batch writes: the ledger's transaction is a function of this. */
struct changes {
    struct range *ranges;
    size_t range_count;
    struct key_row *keys; /* sorted */
    size_t key_count;
    struct member *members; /* sorted by key; those not changed are skipped */
    size_t member_count;
    struct side_record *sides;
    size_t side_count;
    struct budgets budgets;
    struct dead_row *dead;
    size_t dead_count;
    struct buffer *entries; /* rows in COPY's binary form, without header and trailer */
    size_t entry_count;
    size_t reward_count;
    size_t duplicate_count;
    int64_t revision; /* of the programs decided under */
};

#endif
