#include "ledger/outbox.h"

#include <stdlib.h>

/* The first row may begin before K: it belongs to an older owner, whose batches were cut elsewhere; its frames below K
 * are skipped when it is published. From there to P rows must follow one another without a hole. */
static enum err_code check_tiles(const struct outbox_rows *rows, int64_t published, int64_t applied, struct err *err)
{
    int64_t reached = published;
    size_t i = 0;
    for (; i < rows->count; i++) {
        const struct outbox_row *row = &rows->items[i];
        if (i == 0 ? row->from > reached : row->from != reached)
            break;
        reached = row->to;
    }
    if (i == rows->count && reached >= applied)
        return ERR_NONE;
    if (i < rows->count)
        applied = rows->items[i].from;
    return err_set(err, ERR_OUTBOX_GAP, "outputs of offsets %lld to %lld are neither published nor in the outbox",
                   (long long)reached, (long long)applied);
}

static void take_row(const PGresult *result, int row, int64_t published, struct outbox_rows *out)
{
    struct bytes touched = result_bytes(result, row, 3);
    buffer_put(&out->touched, touched.at, touched.len);
    int64_t to = result_i64(result, row, 1);
    if (to <= published)
        return;
    struct bytes frames = result_bytes(result, row, 2);
    struct outbox_row *item = &out->items[out->count++];
    *item = (struct outbox_row){.from = result_i64(result, row, 0), .to = to};
    buffer_put(&item->frames, frames.at, frames.len);
}

enum err_code outbox_read(struct exchange *exchange, int32_t topic_no, int32_t partition, struct text consumer,
                          int64_t published, int64_t applied, struct outbox_rows *out, struct err *err)
{
    uint32_t be_topic = __builtin_bswap32((uint32_t)topic_no), be_partition = __builtin_bswap32((uint32_t)partition);
    struct parameters parameters = {{{(const uint8_t *)&be_topic, 4},
                                     {(const uint8_t *)&be_partition, 4},
                                     {(const uint8_t *)consumer.at, consumer.len}},
                                    3};
    PGresult *result = NULL;
    enum err_code code = exchange_run(exchange, "read_outbox", &parameters, &result, err);
    if (code)
        return code;
    struct outbox_rows rows = {.items = calloc((size_t)PQntuples(result) + 1, sizeof *rows.items)};
    if (!rows.items)
        abort();
    for (int row = 0; row < PQntuples(result); row++)
        take_row(result, row, published, &rows);
    PQclear(result);
    code = check_tiles(&rows, published, applied, err);
    if (code) {
        outbox_release(&rows);
        return code;
    }
    *out = rows;
    return ERR_NONE;
}

void outbox_release(struct outbox_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        buffer_release(&rows->items[i].frames);
    free(rows->items);
    buffer_release(&rows->touched);
    *rows = (struct outbox_rows){0};
}
