#include "base/buffer.h"
#include "cases/run.h"

/* Expectations rewritten in place: everything else of the file stays byte for byte. */

/* Where the text goes on after so many lines; its end when there are fewer. */
static size_t line_start(struct text text, size_t from, int lines)
{
    for (; lines > 0 && from < text.len; lines--) {
        const char *end = memchr(text.at + from, '\n', text.len - from);
        from = end ? (size_t)(end - text.at) + 1 : text.len;
    }
    return from;
}

struct text cases_updated(const struct case_file *file, const struct case_result *results, size_t count,
                          struct arena *arena)
{
    struct text source = file->source;
    struct buffer out = {0};
    size_t copied = 0, at = 0;
    int line = 0; /* lines before `at` */
    for (size_t i = 0; i < count; i++) {
        for (size_t d = 0; d < results[i].difference_count; d++) {
            const struct difference *difference = &results[i].differences[d];
            if (difference->broken.len > 0)
                continue;
            at = line_start(source, at, difference->event->line - line);
            buffer_put(&out, source.at + copied, at - copied);
            if (out.len > 0 && out.at[out.len - 1] != '\n')
                buffer_put_u8(&out, '\n');
            buffer_put(&out, difference->got.at, difference->got.len);
            copied = at = line_start(source, at, difference->event->expected_lines);
            line = difference->event->line + difference->event->expected_lines;
        }
    }
    buffer_put(&out, source.at + copied, source.len - copied);
    struct text text = arena_text(arena, (struct text){(const char *)out.at, out.len});
    buffer_release(&out);
    return text;
}
