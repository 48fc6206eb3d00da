#include "writers.h"

#include <assert.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/embedded.h"
#include "decode/readers.h"

static void fail(const char *name, const struct err *err)
{
    fprintf(stderr, "%s: %s\n", name, err->text);
    abort();
}

static void add(struct writers *writers, const char *name, struct text json)
{
    struct err err = {0};
    assert(writers->count < sizeof writers->at / sizeof *writers->at);
    struct writer *writer = &writers->at[writers->count];
    snprintf(writer->name, sizeof writer->name, "%s", name);
    writer->json = strndup(json.at, json.len);
    if (schema_parse(json, &writer->schema, &err))
        fail(name, &err);
    writer->type = fields_type(schema_short_name(schema_root(writer->schema)->name));
    if (writer->type == EVENT_TYPE_COUNT) {
        schema_free(writer->schema);
        free(writer->json);
        return;
    }
    writer->reader = writers->readers[writer->type];
    if (plan_compile(writer->schema, writer->reader, writer->type, &writer->plan, &err))
        fail(name, &err);
    writers->count++;
}

static void add_file(struct writers *writers, const char *path)
{
    static char json[65536];
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        abort();
    }
    size_t len = fread(json, 1, sizeof json, file);
    assert(len < sizeof json);
    fclose(file);
    add(writers, strrchr(path, '/') + 1, (struct text){json, len});
}

struct writers *writers_open(void)
{
    glob_t found;
    struct writers *writers = calloc(1, sizeof *writers);
    assert(writers);
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        char name[64];
        snprintf(name, sizeof name, "avro/%s.avsc", event_type_name((enum event_type)type));
        assert(!schema_parse(readers_file(name), &writers->readers[type], NULL));
    }
    for (const struct embedded_file *file = embedded_files; file->name; file++)
        if (strncmp(file->name, "avro/", 5) == 0)
            add(writers, file->name, (struct text){file->at, (size_t)(file->end - file->at)});
    if (glob("tests/schemas/writers/*.avsc", 0, NULL, &found)) {
        fprintf(stderr, "no tests/schemas/writers/ here: run from the repository's root\n");
        abort();
    }
    for (size_t i = 0; i < found.gl_pathc; i++)
        add_file(writers, found.gl_pathv[i]);
    globfree(&found);
    return writers;
}

void writers_close(struct writers *writers)
{
    for (size_t i = 0; i < writers->count; i++) {
        plan_free(writers->at[i].plan);
        schema_free(writers->at[i].schema);
        free(writers->at[i].json);
    }
    for (int type = 0; type < EVENT_TYPE_COUNT; type++)
        schema_free(writers->readers[type]);
    free(writers);
}
