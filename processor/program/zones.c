#include "program/zones.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "rules/program_model.h"

enum { ZONES_MAX = 2048, FILE_BYTES_MAX = 64 * 1024, DEPTH_MAX = 4 };

/* What was found, in the order of the folders. */
struct found {
    struct named_zone *items; /* room for ZONES_MAX */
    size_t count;
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

/* Other files stand among the zones: tables, leap seconds. They are no TZif files and are passed over. */
static void add_file(struct found *found, const char *path, const char *name, struct arena *arena)
{
    struct bytes file;
    struct zone *zone;
    if (found->count == ZONES_MAX || !read_whole(path, arena, &file) || zone_parse(file, arena, &zone, NULL))
        return;
    found->items[found->count++] = (struct named_zone){arena_text(arena, text_of(name)), file, zone};
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

static void add_folder(struct found *found, const char *folder, const char *prefix, int depth, struct arena *arena)
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
            add_folder(found, path, name, depth + 1, arena);
        else if (S_ISREG(status.st_mode))
            add_file(found, path, name, arena);
    }
    if (directory)
        closedir(directory);
}

static int by_name(const void *a, const void *b)
{
    return text_compare(((const struct named_zone *)a)->name, ((const struct named_zone *)b)->name);
}

static struct hash16 hash_all(const struct found *zones, struct arena *arena)
{
    struct text *fields = arena_array(arena, 2 * zones->count, sizeof *fields);
    for (size_t i = 0; i < zones->count; i++) {
        fields[2 * i] = zones->items[i].name;
        fields[2 * i + 1] = (struct text){(const char *)zones->items[i].file.at, zones->items[i].file.len};
    }
    return hash_fields(TEXT("zones"), fields, 2 * zones->count);
}

static const struct zones *zones_of(struct found found, struct arena *arena)
{
    struct zones *zones = arena_alloc(arena, sizeof *zones);
    if (found.count > 1)
        qsort(found.items, found.count, sizeof *found.items, by_name);
    *zones = (struct zones){.items = found.items, .count = found.count, .hash = hash_all(&found, arena)};
    return zones;
}

enum err_code zones_load(const char *folder, struct arena *arena, const struct zones **out, struct err *err)
{
    struct found found = {.items = arena_array(arena, ZONES_MAX, sizeof *found.items)};
    add_folder(&found, folder, "", 0, arena);
    const struct zones *zones = zones_of(found, arena);
    if (!zones_find(zones, TEXT("UTC")))
        return err_set(err, ERR_FILE, "%s: no time zones there; is tzdata installed?", folder);
    *out = zones;
    return ERR_NONE;
}

/* ---- packed: for each zone its name and its file, each behind its length in four bytes, big-endian */

static void put_field(struct buffer *buffer, const void *at, size_t len)
{
    buffer_put_be32(buffer, (uint32_t)len);
    buffer_put(buffer, at, len);
}

struct bytes zones_pack(const struct zones *zones, struct arena *arena)
{
    struct buffer buffer = {0};
    for (size_t i = 0; i < zones->count; i++) {
        put_field(&buffer, zones->items[i].name.at, zones->items[i].name.len);
        put_field(&buffer, zones->items[i].file.at, zones->items[i].file.len);
    }
    struct bytes packed = arena_bytes(arena, buffer_view(&buffer));
    buffer_release(&buffer);
    return packed;
}

static bool take_field(struct bytes *rest, struct bytes *out)
{
    uint32_t len;
    if (rest->len < sizeof len)
        return false;
    memcpy(&len, rest->at, sizeof len);
    len = __builtin_bswap32(len);
    if (rest->len - sizeof len < len)
        return false;
    *out = (struct bytes){rest->at + sizeof len, len};
    *rest = (struct bytes){out->at + len, rest->len - sizeof len - len};
    return true;
}

enum err_code zones_unpack(struct bytes packed, struct arena *arena, const struct zones **out, struct err *err)
{
    struct found found = {.items = arena_array(arena, ZONES_MAX, sizeof *found.items)};
    struct bytes rest = arena_bytes(arena, packed);
    while (rest.len > 0) {
        struct bytes name, file;
        struct zone *zone;
        if (found.count == ZONES_MAX || !take_field(&rest, &name) || !take_field(&rest, &file) ||
            zone_parse(file, arena, &zone, NULL))
            return err_set(err, ERR_DATABASE, "the time zones stored there are damaged");
        found.items[found.count++] = (struct named_zone){{(const char *)name.at, name.len}, file, zone};
    }
    *out = zones_of(found, arena);
    return ERR_NONE;
}
