#include "program/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "program/node.h"

enum { READ_CHUNK = 65536, NAME_MAX_BYTES = 255 };

static const char separator[] = "--- file: ";
static const char key[] = "skus_from";

/* ---- taking apart */

static struct text line_at(struct text text)
{
    const char *newline = memchr(text.at, '\n', text.len);
    return (struct text){text.at, newline ? (size_t)(newline - text.at) : text.len};
}

static bool is_separator(struct text line)
{
    return line.len > strlen(separator) && memcmp(line.at, separator, strlen(separator)) == 0;
}

static void skip_line(struct text *rest, struct text line)
{
    size_t used = line.len < rest->len ? line.len + 1 : line.len;
    rest->at += used;
    rest->len -= used;
}

void bundle_split(struct text bundle, struct text *program, struct attachments *out)
{
    struct text rest = bundle;
    struct text *part = program;
    out->count = 0;
    *program = (struct text){bundle.at, 0};
    while (rest.len > 0) {
        struct text line = line_at(rest);
        skip_line(&rest, line);
        if (is_separator(line) && out->count < ATTACHMENTS_MAX) {
            struct attachment *attachment = &out->items[out->count++];
            attachment->name = (struct text){line.at + strlen(separator), line.len - strlen(separator)};
            attachment->text = (struct text){rest.at, 0};
            part = &attachment->text;
        } else {
            part->len = (size_t)(rest.at - part->at);
        }
    }
}

bool attachment_find(const struct attachments *attachments, struct text name, struct text *out)
{
    for (size_t i = 0; i < attachments->count; i++) {
        if (!text_equal(attachments->items[i].name, name))
            continue;
        *out = attachments->items[i].text;
        return true;
    }
    return false;
}

/* ---- reading */

static enum err_code read_whole(const char *path, struct buffer *buffer, struct err *err)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
    size_t got;
    do {
        got = fread(buffer_reserve(buffer, READ_CHUNK), 1, READ_CHUNK, file);
        buffer->len += got;
    } while (got > 0 && buffer->len <= PROGRAM_FILE_MAX);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed)
        return err_set(err, ERR_FILE, "%s: cannot be read", path);
    if (buffer->len > PROGRAM_FILE_MAX)
        return err_set(err, ERR_FILE, "%s: larger than %d bytes", path, PROGRAM_FILE_MAX);
    return ERR_NONE;
}

/* A list file lies beside the program or below: no path that leads elsewhere. */
static bool is_beside(struct text name)
{
    if (name.len == 0 || name.len > NAME_MAX_BYTES || name.at[0] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] < ' ' || (name.at[i] == '.' && i + 1 < name.len && name.at[i + 1] == '.'))
            return false;
    return true;
}

struct bundling {
    const char *path; /* of the program */
    struct arena *arena;
    struct buffer *buffer;
    struct attachments names; /* of the files that are in already */
};

static enum err_code append_list(struct bundling *bundling, const struct node *named, struct err *err)
{
    struct text ignored;
    const char *slash = strrchr(bundling->path, '/');
    int folder = slash ? (int)(slash - bundling->path + 1) : 0;
    if (attachment_find(&bundling->names, named->text, &ignored))
        return ERR_NONE;
    if (!is_beside(named->text) || bundling->names.count == ATTACHMENTS_MAX)
        return err_set(err, ERR_FILE,
                       "%s:%d: `%.*s` is not the name of a list file beside the program, or there are "
                       "more than %d",
                       bundling->path, named->line, (int)named->text.len, named->text.at, ATTACHMENTS_MAX);
    bundling->names.items[bundling->names.count++].name = named->text;
    struct text path =
        arena_printf(bundling->arena, "%.*s%.*s", folder, bundling->path, (int)named->text.len, named->text.at);
    struct text line =
        arena_printf(bundling->arena, "%s%s%.*s\n",
                     bundling->buffer->len > 0 && bundling->buffer->at[bundling->buffer->len - 1] == '\n' ? "" : "\n",
                     separator, (int)named->text.len, named->text.at);
    buffer_put(bundling->buffer, line.at, line.len);
    return read_whole(path.at, bundling->buffer, err);
}

/* Every list file that the tree names, in order. */
static enum err_code append_lists(struct bundling *bundling, const struct node *node, struct err *err)
{
    enum err_code code = ERR_NONE;
    for (const struct node *item = node->first; item && !code; item = item->next) {
        const struct node *value = node->kind == NODE_MAP ? item->value : item;
        if (node->kind == NODE_MAP && text_equal(item->text, text_of(key)) && value->kind == NODE_SCALAR)
            code = append_list(bundling, value, err);
        else if (value->kind != NODE_SCALAR)
            code = append_lists(bundling, value, err);
    }
    return code;
}

enum err_code program_read_file(const char *path, struct arena *arena, struct text *out, struct err *err)
{
    struct buffer buffer = {0};
    enum err_code code = read_whole(path, &buffer, err);
    if (!code) {
        struct text source = arena_text(arena, (struct text){(const char *)buffer.at, buffer.len});
        struct program_errors errors = {0};
        const struct node *root =
            memmem(source.at, source.len, key, strlen(key)) ? node_read(source, arena, &errors) : NULL;
        struct bundling bundling = {.path = path, .arena = arena, .buffer = &buffer};
        if (root) /* of a file that is no YAML its reader complains */
            code = append_lists(&bundling, root, err);
    }
    if (!code)
        *out = arena_text(arena, (struct text){(const char *)buffer.at, buffer.len});
    buffer_release(&buffer);
    return code;
}
