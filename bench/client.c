#include "client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/embedded.h"
#include "decode/schema.h"
#include "decode/wire.h"

void client_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

const char *client_env(const char *name)
{
    const char *value = getenv(name);
    if (!value || *value == '\0')
        client_die("%s is not set: read the file env of a deploy/dev/env", name);
    return value;
}

int64_t client_number(const char *text, int64_t least)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end != '\0' || value < least)
        client_die("%s is not a whole number of at least %" PRId64, text, least);
    return value;
}

rd_kafka_conf_t *client_conf(void)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    client_set(conf, "bootstrap.servers", client_env("POINTS_KAFKA_BROKERS"));
    return conf;
}

void client_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK)
        client_die("%s", text);
}

rd_kafka_t *client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char text[256];
    rd_kafka_t *handle = rd_kafka_new(type, conf, text, sizeof text);
    if (!handle)
        client_die("%s", text);
    return handle;
}

void client_schema_head(const char *file, uint8_t out[CLIENT_HEAD])
{
    const struct embedded_file *found = embedded_files;
    while (found->name && strcmp(found->name, file) != 0)
        found++;
    struct err err;
    struct schema *schema;
    if (!found->name)
        client_die("no schema %s", file);
    if (schema_parse((struct text){found->at, (size_t)(found->end - found->at)}, &schema, &err))
        client_die("%s: %s", file, err.text);
    wire_head_single_object(schema->fingerprint, out);
    schema_free(schema);
}
