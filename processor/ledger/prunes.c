#include "ledger/prunes.h"

#include <stdlib.h>
#include <string.h>

void prunes_add(struct prunes *prunes, struct partition *partition, int64_t to, int64_t ticket)
{
    if (prunes->first > 0 && prunes->first + prunes->count == prunes->capacity) {
        memmove(prunes->rows, prunes->rows + prunes->first, prunes->count * sizeof *prunes->rows);
        prunes->first = 0;
    }
    if (prunes->count == prunes->capacity) {
        prunes->capacity = prunes->capacity ? prunes->capacity * 2 : 64;
        prunes->rows = realloc(prunes->rows, prunes->capacity * sizeof *prunes->rows);
        if (!prunes->rows)
            abort();
    }
    prunes->rows[prunes->first + prunes->count++] = (struct waiting_row){partition, to, ticket};
}

static bool put(struct prune *out, size_t *count, size_t most, const struct waiting_row *row)
{
    for (size_t i = 0; i < *count; i++) {
        if (out[i].partition == row->partition) {
            out[i].below = row->to;
            return true;
        }
    }
    if (*count == most)
        return false;
    out[(*count)++] = (struct prune){row->partition, row->to};
    return true;
}

size_t prunes_take(struct prunes *prunes, int64_t projected, struct prune *out, size_t most)
{
    size_t count = 0;
    while (prunes->count > 0) {
        const struct waiting_row *row = &prunes->rows[prunes->first];
        if (row->ticket > projected || atomic_load(&row->partition->confirmed) < row->to)
            break;
        if (!put(out, &count, most, row))
            break;
        prunes->first++;
        prunes->count--;
    }
    return count;
}

void prunes_clear(struct prunes *prunes)
{
    prunes->first = 0;
    prunes->count = 0;
}

void prunes_release(struct prunes *prunes)
{
    free(prunes->rows);
    *prunes = (struct prunes){0};
}
