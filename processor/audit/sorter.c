#include "audit/sorter.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { WINDOW = 512 }; /* of a run in memory while runs are merged */

/* A sorted chunk in the file, and the part of it that is in memory. */
struct run {
    int64_t next; /* place in the file, in items */
    int64_t end;
    size_t at;
    size_t held;
    struct evidence window[WINDOW];
};

struct sorter {
    FILE *file;
    struct evidence *chunk;
    size_t chunk_size;
    size_t chunk_count;
    size_t chunk_at; /* while reading: where nothing had to be written */
    struct run **runs;
    size_t run_count;
    int64_t written;
    int64_t count;
};

enum err_code sorter_new(size_t chunk, struct sorter **out, struct err *err)
{
    assert(chunk > 0 && out);
    struct sorter *sorter = calloc(1, sizeof *sorter);
    if (!sorter)
        abort();
    sorter->chunk_size = chunk;
    sorter->chunk = malloc(chunk * sizeof *sorter->chunk);
    if (!sorter->chunk)
        abort();
    sorter->file = tmpfile();
    if (!sorter->file) {
        sorter_free(sorter);
        return err_set(err, ERR_FILE, "cannot make a temporary file: %s", strerror(errno));
    }
    *out = sorter;
    return ERR_NONE;
}

struct sorter *sorter_free(struct sorter *sorter)
{
    if (!sorter)
        return NULL;
    for (size_t i = 0; i < sorter->run_count; i++)
        free(sorter->runs[i]);
    free(sorter->runs);
    free(sorter->chunk);
    if (sorter->file)
        fclose(sorter->file);
    free(sorter);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return evidence_compare(a, b);
}

static void sort_chunk(struct sorter *sorter)
{
    if (sorter->chunk_count > 1)
        qsort(sorter->chunk, sorter->chunk_count, sizeof *sorter->chunk, compare);
}

static enum err_code file_failed(const char *what, struct err *err)
{
    return err_set(err, ERR_FILE, "%s a temporary file: %s; TMPDIR's disk may be full", what, strerror(errno));
}

static enum err_code write_chunk(struct sorter *sorter, struct err *err)
{
    struct run *run = calloc(1, sizeof *run);
    struct run **runs = realloc(sorter->runs, (sorter->run_count + 1) * sizeof *runs);
    if (!run || !runs)
        abort();
    sort_chunk(sorter);
    run->next = sorter->written;
    run->end = sorter->written + (int64_t)sorter->chunk_count;
    sorter->runs = runs;
    sorter->runs[sorter->run_count++] = run;
    if (fwrite(sorter->chunk, sizeof *sorter->chunk, sorter->chunk_count, sorter->file) != sorter->chunk_count)
        return file_failed("writing", err);
    sorter->written = run->end;
    sorter->chunk_count = 0;
    return ERR_NONE;
}

enum err_code sorter_add(struct sorter *sorter, const struct evidence *evidence, struct err *err)
{
    assert(sorter && evidence);
    enum err_code code = sorter->chunk_count == sorter->chunk_size ? write_chunk(sorter, err) : ERR_NONE;
    if (code)
        return code;
    sorter->chunk[sorter->chunk_count++] = *evidence;
    sorter->count++;
    return ERR_NONE;
}

static enum err_code fill(struct sorter *sorter, struct run *run, struct err *err)
{
    size_t wanted = run->end - run->next < WINDOW ? (size_t)(run->end - run->next) : WINDOW;
    run->at = run->held = 0;
    if (wanted == 0)
        return ERR_NONE;
    if (fseeko(sorter->file, (off_t)run->next * (off_t)sizeof *run->window, SEEK_SET) != 0 ||
        fread(run->window, sizeof *run->window, wanted, sorter->file) != wanted)
        return file_failed("reading", err);
    run->next += (int64_t)wanted;
    run->held = wanted;
    return ERR_NONE;
}

enum err_code sorter_finish(struct sorter *sorter, struct err *err)
{
    assert(sorter);
    sort_chunk(sorter); /* the last one stays in memory, as a run of its own */
    enum err_code code = fflush(sorter->file) == 0 ? ERR_NONE : file_failed("writing", err);
    for (size_t i = 0; i < sorter->run_count && !code; i++)
        code = fill(sorter, sorter->runs[i], err);
    return code;
}

/* The run whose next item is least; NULL: none has any. */
static struct run *least_run(const struct sorter *sorter)
{
    struct run *least = NULL;
    for (size_t i = 0; i < sorter->run_count; i++) {
        struct run *run = sorter->runs[i];
        if (run->at < run->held && (!least || evidence_compare(&run->window[run->at], &least->window[least->at]) < 0))
            least = run;
    }
    return least;
}

enum err_code sorter_next(struct sorter *sorter, struct evidence *out, bool *found, struct err *err)
{
    assert(sorter && out && found);
    struct run *run = least_run(sorter);
    const struct evidence *kept = sorter->chunk_at < sorter->chunk_count ? &sorter->chunk[sorter->chunk_at] : NULL;
    *found = run || kept;
    if (kept && (!run || evidence_compare(kept, &run->window[run->at]) <= 0)) {
        *out = *kept;
        sorter->chunk_at++;
        return ERR_NONE;
    }
    if (!run)
        return ERR_NONE;
    *out = run->window[run->at++];
    return run->at == run->held ? fill(sorter, run, err) : ERR_NONE;
}

int64_t sorter_count(const struct sorter *sorter)
{
    return sorter->count;
}
