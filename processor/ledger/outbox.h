#ifndef POINTS_LEDGER_OUTBOX_H
#define POINTS_LEDGER_OUTBOX_H

#include "ledger/exchange.h"

/* Outputs applied but perhaps not published. */

#define OUTBOX_READ_SQL                                                                                                \
    "SELECT from_offset, to_offset, frames, touched FROM outbox"                                                       \
    " WHERE topic_no = $1::int AND partition = $2::int AND consumer = $3::text ORDER BY from_offset"

/* One batch's outputs of one partition. */
struct outbox_row {
    int64_t from;
    int64_t to;
    struct buffer frames; /* the caller's to release */
};

struct outbox_rows {
    struct outbox_row *items;
    size_t count;
    struct buffer
        touched; /* keys of members whose projection is not certain, 16 bytes each; of all rows, published or not */
};

/* Rows whose `to` is above published (K), in order. ERR_OUTBOX_GAP where they do not tile [published, applied). */
enum err_code outbox_read(struct exchange *exchange, int32_t topic_no, int32_t partition, struct text consumer,
                          int64_t published, int64_t applied, struct outbox_rows *out, struct err *err);

void outbox_release(struct outbox_rows *rows);

#endif
