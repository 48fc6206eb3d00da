#ifndef POINTS_OPS_TEST_FILES_H
#define POINTS_OPS_TEST_FILES_H

#include "base/arena.h"
#include "base/err.h"

/* Paths in the order in which they were found; each once. */
struct path_list {
    const char **items; /* the arena's */
    size_t count;
    size_t capacity;
};

struct case_paths {
    struct path_list cases;
    struct path_list yamls; /* files *.yaml of the folders: what may be a program */
};

/* Adds the path, or where it is a folder all files *.cases in it and below, by name; folders whose names begin with a
 * dot are left out, symbolic links to folders are not followed. ERR_FILE when there is no such path, or no *.cases in
 * it, or it is a program. */
enum err_code case_paths_add(struct case_paths *paths, const char *path, struct arena *arena, struct err *err);

/* Puts the text in the file's place, or leaves the file as it was. */
enum err_code case_file_replace(const char *path, struct text text, struct err *err);

#endif
