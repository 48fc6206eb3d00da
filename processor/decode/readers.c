#include "decode/readers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/embedded.h"

struct reader {
    struct schema *schema;
    struct plan *plan;
    struct reader *next;
};

struct readers {
    const struct schema *current[EVENT_TYPE_COUNT]; /* ours; owned by one of `known` */
    struct reader *known;
};

static struct text file_text(const struct embedded_file *file)
{
    return (struct text){file->at, (size_t)(file->end - file->at)};
}

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

struct text readers_file(const char *name)
{
    for (const struct embedded_file *file = embedded_files; file->name; file++)
        if (strcmp(file->name, name) == 0)
            return file_text(file);
    return (struct text){0};
}

static struct reader *add_known(struct readers *readers, struct schema *schema)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        abort();
    *reader = (struct reader){.schema = schema, .next = readers->known};
    readers->known = reader;
    return reader;
}

static enum event_type type_of(const struct schema *schema)
{
    return fields_type(schema_short_name(schema_root(schema)->name));
}

static enum err_code load_current(struct readers *readers, enum event_type type, struct err *err)
{
    char name[64];
    struct schema *schema;
    snprintf(name, sizeof name, "avro/%s.avsc", event_type_name(type));
    enum err_code code = schema_parse(readers_file(name), &schema, err);
    if (code) {
        err_wrap(err, "schemas/%s", name);
        return code;
    }
    assert(type_of(schema) == type);
    readers->current[type] = schema;
    return plan_compile(schema, schema, type, &add_known(readers, schema)->plan, err);
}

static enum err_code load_earlier(struct readers *readers, const struct embedded_file *file, struct err *err)
{
    struct schema *schema;
    enum err_code code = schema_parse(file_text(file), &schema, err);
    if (code) {
        err_wrap(err, "schemas/%s", file->name);
        return code;
    }
    if (readers_plan(readers, schema->fingerprint) || type_of(schema) == EVENT_TYPE_COUNT) {
        schema_free(schema);
        return ERR_NONE;
    }
    code = readers_resolve(readers, schema, &add_known(readers, schema)->plan, err);
    if (code)
        err_wrap(err, "schemas/%s", file->name);
    return code;
}

enum err_code readers_new(struct readers **out, struct err *err)
{
    struct readers *readers = calloc(1, sizeof *readers);
    enum err_code code = ERR_NONE;
    if (!readers)
        abort();
    for (int type = 0; !code && type < EVENT_TYPE_COUNT; type++)
        code = load_current(readers, (enum event_type)type, err);
    for (const struct embedded_file *file = embedded_files; !code && file->name; file++)
        if (begins(file->name, "avro/history/"))
            code = load_earlier(readers, file, err);
    if (code) {
        readers_free(readers);
        return code;
    }
    *out = readers;
    return ERR_NONE;
}

struct readers *readers_free(struct readers *readers)
{
    if (!readers)
        return NULL;
    while (readers->known) {
        struct reader *reader = readers->known;
        readers->known = reader->next;
        plan_free(reader->plan);
        schema_free(reader->schema);
        free(reader);
    }
    free(readers);
    return NULL;
}

const struct plan *readers_plan(const struct readers *readers, uint64_t fingerprint)
{
    for (const struct reader *reader = readers->known; reader; reader = reader->next)
        if (reader->schema->fingerprint == fingerprint)
            return reader->plan;
    return NULL;
}

enum err_code readers_resolve(const struct readers *readers, const struct schema *writer, struct plan **out,
                              struct err *err)
{
    enum event_type type = type_of(writer);
    struct text name = schema_root(writer)->name;
    if (schema_root(writer)->type != NODE_RECORD || type == EVENT_TYPE_COUNT)
        return err_set(err, ERR_BAD_SCHEMA, "%.*s is no event of ours", name.len ? (int)name.len : 10,
                       name.len ? name.at : "the schema");
    return plan_compile(writer, readers->current[type], type, out, err);
}
