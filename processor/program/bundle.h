#ifndef POINTS_PROGRAM_BUNDLE_H
#define POINTS_PROGRAM_BUNDLE_H

#include "base/arena.h"
#include "base/err.h"

/* A program with the list files that it names (`skus_from: spring.txt`) as one text, so that what is stored, hashed and
 * compared is all that decides. Each list file follows the program behind a line of its own:
 *
 *     --- file: spring.txt
 */

enum { PROGRAM_FILE_MAX = 4 * 1024 * 1024, ATTACHMENTS_MAX = 64 };

struct attachment {
    struct text name;
    struct text text;
};

struct attachments {
    struct attachment items[ATTACHMENTS_MAX];
    size_t count;
};

/* Takes the list files off the program's text; *program may be the text itself. All are views into it. */
void bundle_split(struct text bundle, struct text *program, struct attachments *out);

/* False when no list file of that name came along. */
bool attachment_find(const struct attachments *attachments, struct text name, struct text *out);

/* Reads a program file and the list files that it names, from its folder and below; together at most 4 MiB. The text is
 * the arena's. ERR_FILE says which file cannot be read. */
enum err_code program_read_file(const char *path, struct arena *arena, struct text *out, struct err *err);

#endif
