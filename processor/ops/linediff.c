#include "ops/linediff.h"

#include <assert.h>

/* Cells of the table of longest common subsequences; beyond it the differing middle is shown as one replacement. */
enum { CELLS_MAX = 4 * 1024 * 1024 };

struct lines {
    struct text *at;
    size_t count;
};

static struct lines split(struct text text, struct arena *arena)
{
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++)
        most += text.at[i] == '\n' ? 1 : 0;
    struct lines lines = {arena_array(arena, most, sizeof *lines.at), 0};
    const char *end = text.at + text.len;
    for (const char *at = text.at; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        lines.at[lines.count++] = (struct text){at, (size_t)(stop - at)};
        at = stop + 1;
    }
    return lines;
}

static void put(struct line_edits *edits, char sign, size_t line, struct text text)
{
    ((struct line_edit *)edits->items)[edits->count++] = (struct line_edit){sign, line, text};
    edits->changed += sign == ' ' ? 0 : 1;
}

/* lengths[i * (m + 1) + j]: of the longest common subsequence of before[i..n) and after[j..m). */
static uint32_t *subsequences(const struct text *before, size_t n, const struct text *after, size_t m,
                              struct arena *arena)
{
    uint32_t *lengths = arena_array(arena, (n + 1) * (m + 1), sizeof *lengths);
    for (size_t i = n; i-- > 0;) {
        for (size_t j = m; j-- > 0;) {
            uint32_t down = lengths[(i + 1) * (m + 1) + j], right = lengths[i * (m + 1) + j + 1];
            lengths[i * (m + 1) + j] = text_equal(before[i], after[j]) ? lengths[(i + 1) * (m + 1) + j + 1] + 1
                                       : down > right                  ? down
                                                                       : right;
        }
    }
    return lengths;
}

/* The part between the common beginning, `skip` lines, and the common end. */
static void put_middle(struct line_edits *edits, const struct text *before, size_t n, const struct text *after,
                       size_t m, size_t skip, struct arena *arena)
{
    bool small = (n + 1) <= CELLS_MAX / (m + 1);
    const uint32_t *lengths = small ? subsequences(before, n, after, m, arena) : NULL;
    size_t i = 0, j = 0;
    while (i < n || j < m) {
        bool both = small && i < n && j < m && text_equal(before[i], after[j]);
        bool old =
            !both && i < n && (j == m || !small || lengths[(i + 1) * (m + 1) + j] >= lengths[i * (m + 1) + j + 1]);
        if (both)
            put(edits, ' ', skip + j + 1, after[j]);
        else if (old)
            put(edits, '-', skip + i + 1, before[i]);
        else
            put(edits, '+', skip + j + 1, after[j]);
        i += both || old ? 1 : 0;
        j += both || !old ? 1 : 0;
    }
}

struct line_edits line_diff(struct text before, struct text after, struct arena *arena)
{
    assert(arena);
    struct lines a = split(before, arena), b = split(after, arena);
    struct line_edits edits = {.items = arena_array(arena, a.count + b.count, sizeof *edits.items)};
    size_t least = a.count < b.count ? a.count : b.count, head = 0, tail = 0;
    while (head < least && text_equal(a.at[head], b.at[head]))
        head++;
    while (tail < least - head && text_equal(a.at[a.count - 1 - tail], b.at[b.count - 1 - tail]))
        tail++;
    for (size_t i = 0; i < head; i++)
        put(&edits, ' ', i + 1, b.at[i]);
    put_middle(&edits, a.at + head, a.count - head - tail, b.at + head, b.count - head - tail, head, arena);
    for (size_t i = b.count - tail; i < b.count; i++)
        put(&edits, ' ', i + 1, b.at[i]);
    return edits;
}
