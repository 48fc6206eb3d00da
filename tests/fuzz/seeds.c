#include <stdio.h>
#include <stdlib.h>

#include "decode/wire.h"
#include "values.h"
#include "writers.h"

/* seeds FOLDER: inputs that the fuzzers begin with, good ones of every writer, in FOLDER/readings, schemas and records.
 */

enum { SEEDS = 8 };

static void save(const char *folder, const char *target, size_t writer, uint64_t seed, const struct buffer *bytes)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%zu-%llu", folder, target, writer, (unsigned long long)seed);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(bytes->at, 1, bytes->len, file) != bytes->len || fclose(file)) {
        perror(path);
        exit(1);
    }
}

/* The body behind a prefix. */
static void save_behind(const char *folder, const char *target, size_t writer, uint64_t seed, struct bytes prefix,
                        const struct buffer *body)
{
    struct buffer bytes = {0};
    buffer_put(&bytes, prefix.at, prefix.len);
    buffer_put(&bytes, body->at, body->len);
    save(folder, target, writer, seed, &bytes);
    buffer_release(&bytes);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: seeds FOLDER\n");
        return 2;
    }
    struct writers *writers = writers_open();
    for (size_t i = 0; i < writers->count; i++) {
        const struct writer *writer = &writers->at[i];
        uint8_t index = (uint8_t)i;
        uint8_t head[10];
        size_t head_len = wire_head_single_object(writer->schema->fingerprint, head);
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct values values = {.seed = seed};
            struct buffer body = {0};
            values_write(&values, writer->schema, writer->schema->root, &body);
            save_behind(argv[1], "readings", i, seed, (struct bytes){&index, 1}, &body);
            save_behind(argv[1], "records", i, seed, (struct bytes){head, head_len}, &body);
            save_behind(argv[1], "schemas", i, seed,
                        (struct bytes){(const uint8_t *)writer->json, strlen(writer->json) + 1}, &body);
            buffer_release(&body);
        }
    }
    writers_close(writers);
    return 0;
}
