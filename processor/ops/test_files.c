#include "ops/test_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cases/grow.h"

static bool ends_with(const char *path, const char *ending)
{
    size_t len = strlen(path), ending_len = strlen(ending);
    return len > ending_len && strcmp(path + len - ending_len, ending) == 0;
}

static void add(struct path_list *paths, const char *path, struct arena *arena)
{
    for (size_t i = 0; i < paths->count; i++)
        if (strcmp(paths->items[i], path) == 0)
            return;
    paths->items = grown(arena, paths->items, paths->count, &paths->capacity, sizeof *paths->items);
    paths->items[paths->count++] = arena_printf(arena, "%s", path).at;
}

/* How many files *.cases the folder and those below it hold; -1, with errno, when one cannot be read. */
static long add_folder(struct case_paths *paths, const char *folder, struct arena *arena)
{
    struct dirent **entries;
    long found = 0;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        const char *slash = ends_with(folder, "/") ? "" : "/";
        const char *path = arena_printf(arena, "%s%s%s", folder, slash, entries[i]->d_name).at;
        struct stat status;
        bool hidden = entries[i]->d_name[0] == '.';
        free(entries[i]);
        if (hidden || lstat(path, &status) || found < 0)
            continue;
        if (S_ISDIR(status.st_mode)) {
            long below = add_folder(paths, path, arena);
            found = below < 0 ? below : found + below;
        } else if (ends_with(path, ".cases")) {
            add(&paths->cases, path, arena);
            found++;
        } else if (ends_with(path, ".yaml")) {
            add(&paths->yamls, path, arena);
        }
    }
    free(entries);
    return found;
}

enum err_code case_paths_add(struct case_paths *paths, const char *path, struct arena *arena, struct err *err)
{
    struct stat status;
    if (stat(path, &status))
        return err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
    if (ends_with(path, ".yaml"))
        return err_set(err, ERR_FILE, "%s: is a program; name the file of its cases, %.*s.cases", path,
                       (int)(strlen(path) - strlen(".yaml")), path);
    if (!S_ISDIR(status.st_mode)) {
        add(&paths->cases, path, arena);
        return ERR_NONE;
    }
    long found = add_folder(paths, path, arena);
    if (found < 0)
        return err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
    if (found == 0)
        return err_set(err, ERR_FILE, "%s: holds no file *.cases; write one beside the program that it tests", path);
    return ERR_NONE;
}

static bool write_all(FILE *file, struct text text, mode_t mode)
{
    bool good = fwrite(text.at, 1, text.len, file) == text.len && fchmod(fileno(file), mode) == 0 && fflush(file) == 0;
    return fclose(file) == 0 && good;
}

enum err_code case_file_replace(const char *path, struct text text, struct err *err)
{
    struct stat status;
    char temporary[4096];
    char *real = realpath(path, NULL);
    int len = real ? snprintf(temporary, sizeof temporary, "%s.XXXXXX", real) : -1;
    bool good = len > 0 && (size_t)len < sizeof temporary && stat(real, &status) == 0;
    int fd = good ? mkstemp(temporary) : -1;
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    good = file && write_all(file, text, status.st_mode & 07777) && rename(temporary, real) == 0;
    int why = errno;
    if (!good && fd >= 0)
        unlink(temporary);
    free(real);
    return good ? ERR_NONE : err_set(err, ERR_FILE, "%s: cannot be written: %s", path, strerror(why));
}
