#include <errno.h>
#include <stdlib.h>

#include "ops/publish.h"

struct spool {
    FILE *file;
};

/* What stands before each record's key and body. */
struct spool_head {
    int64_t occurred_at;
    uint64_t key_len;
    uint64_t body_len;
    enum event_type type;
};

struct spool *spool_new(struct err *err)
{
    struct spool *spool = calloc(1, sizeof *spool);
    if (!spool)
        abort();
    spool->file = tmpfile();
    if (spool->file)
        return spool;
    err_set(err, ERR_FILE, "cannot make a temporary file: %s", strerror(errno));
    return spool_free(spool);
}

struct spool *spool_free(struct spool *spool)
{
    if (spool && spool->file)
        fclose(spool->file);
    free(spool);
    return NULL;
}

static bool put(FILE *file, const void *from, size_t len)
{
    return len == 0 || fwrite(from, len, 1, file) == 1;
}

enum err_code spool_put(struct spool *spool, const struct event_record *record, struct err *err)
{
    struct spool_head head;
    memset(&head, 0, sizeof head);
    head.occurred_at = record->occurred_at;
    head.key_len = record->key.len;
    head.body_len = record->body.len;
    head.type = record->type;
    if (put(spool->file, &head, sizeof head) && put(spool->file, record->key.at, record->key.len) &&
        put(spool->file, record->body.at, record->body.len))
        return ERR_NONE;
    return err_set(err, ERR_FILE, "cannot write the temporary file: %s", strerror(errno));
}

enum err_code spool_rewind(struct spool *spool, struct err *err)
{
    if (fflush(spool->file) != 0 || fseek(spool->file, 0, SEEK_SET) != 0)
        return err_set(err, ERR_FILE, "cannot write the temporary file: %s", strerror(errno));
    return ERR_NONE;
}

static bool get(FILE *file, struct buffer *out, size_t len)
{
    buffer_clear(out);
    if (len && fread(buffer_reserve(out, len), len, 1, file) != 1)
        return false;
    out->len = len;
    return true;
}

enum err_code spool_next(struct spool *spool, struct event_record *record, bool *more, struct err *err)
{
    struct spool_head head;
    *more = fread(&head, sizeof head, 1, spool->file) == 1;
    if (!*more && !ferror(spool->file))
        return ERR_NONE;
    if (!*more || !get(spool->file, &record->key, head.key_len) || !get(spool->file, &record->body, head.body_len))
        return err_set(err, ERR_FILE, "cannot read the temporary file");
    record->type = head.type;
    record->occurred_at = head.occurred_at;
    return ERR_NONE;
}
