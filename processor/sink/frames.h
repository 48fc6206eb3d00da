#ifndef POINTS_SINK_FRAMES_H
#define POINTS_SINK_FRAMES_H

#include "base/buffer.h"
#include "base/err.h"

/* What an outbox row holds: the outputs of one batch and one partition, framed one after another, each tagged with the
 * offset of the input that caused it. A frame has all that its Kafka record is made of, so that publishing again gives
 * the same record: the headers of a reward are a function of its frame. */

enum frame_kind { FRAME_REWARD = 1, FRAME_DEAD_LETTER = 2 };

struct frame_header {
    struct text name;
    struct bytes value; /* at NULL: a null header */
};

struct frame {
    enum frame_kind kind;
    int64_t offset;     /* of the input */
    uint32_t index;     /* of the output among the input's */
    struct bytes key;   /* at NULL: none. A reward's is its member id */
    struct bytes value; /* at NULL: a tombstone */
    int64_t time;       /* µs UTC: the event's occurred_at, or the dead record's timestamp */
    /* a reward's */
    struct text type; /* CloudEvents type */
    struct text program_id;
    struct text id; /* of what was owed; empty: the id that follows from the place */
    /* a dead letter's */
    struct text reason;
    struct text stage;
    struct text detail;
    const struct frame_header *headers; /* the original ones */
    size_t header_count;
};

enum { FRAME_HEADERS_MAX = 256 };

void frame_append(struct buffer *frames, const struct frame *frame);

/* Reads the frame at *at and moves *at behind it. headers: room for FRAME_HEADERS_MAX. The views point into frames.
 * ERR_OUTBOX_GAP on bytes that frame_append did not write. */
enum err_code frame_next(struct bytes frames, size_t *at, struct frame *out, struct frame_header *headers,
                         struct err *err);

#endif
