#include "program/zones.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/hash.h"

enum { ZONES_MAX = 2048, FILE_BYTES_MAX = 64 * 1024, DEPTH_MAX = 4 };

struct named_zone {
    struct text name;
    struct bytes file;
    const struct zone *zone;
};

struct zones {
    struct named_zone at[ZONES_MAX]; /* by name */
    size_t count;
    struct hash16 hash;
};

static bool read_whole(const char *path, struct arena *arena, struct bytes *out)
{
    uint8_t bytes[FILE_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    size_t len = fread(bytes, 1, sizeof bytes, file);
    bool whole = !ferror(file) && len < sizeof bytes;
    fclose(file);
    *out = whole ? arena_bytes(arena, (struct bytes){bytes, len}) : (struct bytes){NULL, 0};
    return whole;
}

enum err_code zone_read(const char *folder, struct text name, struct arena *arena, const struct zone **out,
                        struct err *err)
{
    char path[4096];
    struct bytes file;
    struct zone *zone;
    int len = snprintf(path, sizeof path, "%s/%.*s", folder, (int)name.len, name.at);
    if (len >= (int)sizeof path || memchr(name.at, '.', name.len) || !read_whole(path, arena, &file))
        return err_set(err, ERR_FILE, "%s holds no time zone %.*s", folder, (int)name.len, name.at);
    enum err_code code = zone_parse(file, arena, &zone, err);
    if (!code)
        *out = zone;
    return code;
}

/* Other files stand among the zones: tables, leap seconds. They are no TZif files and are passed over. */
static void add_file(struct zones *zones, const char *path, const char *name, struct arena *arena)
{
    struct bytes file;
    struct zone *zone;
    if (zones->count == ZONES_MAX || !read_whole(path, arena, &file) || zone_parse(file, arena, &zone, NULL))
        return;
    zones->at[zones->count++] = (struct named_zone){arena_text(arena, text_of(name)), file, zone};
}

/* posix/ and right/ hold the same zones once more, right/ with leap seconds; localtime and posixrules are no names. */
static bool is_passed_over(const char *name)
{
    static const char *const names[] = {"posix", "right", "localtime", "posixrules"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return name[0] == '.';
}

static void add_folder(struct zones *zones, const char *folder, const char *prefix, int depth, struct arena *arena)
{
    DIR *directory = depth < DEPTH_MAX ? opendir(folder) : NULL;
    for (const struct dirent *entry; directory && (entry = readdir(directory));) {
        char path[4096], name[512];
        struct stat status;
        if (is_passed_over(entry->d_name))
            continue;
        int path_len = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        int name_len = snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "/" : "", entry->d_name);
        bool fits = path_len < (int)sizeof path && name_len < (int)sizeof name;
        if (!fits || stat(path, &status) != 0)
            continue;
        if (S_ISDIR(status.st_mode))
            add_folder(zones, path, name, depth + 1, arena);
        else if (S_ISREG(status.st_mode))
            add_file(zones, path, name, arena);
    }
    if (directory)
        closedir(directory);
}

static int compare(struct text a, struct text b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.at, b.at, common);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
    return compare(((const struct named_zone *)a)->name, ((const struct named_zone *)b)->name);
}

static struct hash16 hash_all(const struct zones *zones, struct arena *arena)
{
    struct text *fields = arena_array(arena, 2 * zones->count, sizeof *fields);
    for (size_t i = 0; i < zones->count; i++) {
        fields[2 * i] = zones->at[i].name;
        fields[2 * i + 1] = (struct text){(const char *)zones->at[i].file.at, zones->at[i].file.len};
    }
    return hash_fields(TEXT("zones"), fields, 2 * zones->count);
}

enum err_code zones_load(const char *folder, struct arena *arena, struct zones **out, struct err *err)
{
    struct zones *zones = arena_alloc(arena, sizeof *zones);
    add_folder(zones, folder, "", 0, arena);
    if (zones->count == 0)
        return err_set(err, ERR_FILE, "%s: no time zones there; is tzdata installed?", folder);
    qsort(zones->at, zones->count, sizeof *zones->at, by_name);
    zones->hash = hash_all(zones, arena);
    *out = zones;
    return ERR_NONE;
}

const struct zone *zones_find(const struct zones *zones, struct text name)
{
    size_t low = 0, high = zones->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(zones->at[middle].name, name);
        if (order == 0)
            return zones->at[middle].zone;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

size_t zones_count(const struct zones *zones)
{
    return zones->count;
}

struct hash16 zones_hash(const struct zones *zones)
{
    return zones->hash;
}
