#include "ops/record_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"
#include "base/rfc3339.h"
#include "decode/registry.h"
#include "decode/wire.h"

/* One schema that rewards were written by. */
struct known_schema {
    struct known_schema *next;
    bool registered; /* found by id, else by fingerprint */
    int32_t id;
    struct avro_json *avro;
};

struct reward_schemas {
    struct registry *registry; /* NULL: none is set */
    struct known_schema *first;
};

static void keep_schema(struct reward_schemas *schemas, struct avro_json *avro, bool registered, int32_t id)
{
    struct known_schema *known = calloc(1, sizeof *known);
    if (!known)
        abort();
    *known = (struct known_schema){schemas->first, registered, id, avro};
    schemas->first = known;
}

static bool is_reward_schema(const char *name)
{
    static const char older[] = "avro/history/reward-";
    return strcmp(name, "avro/reward.avsc") == 0 || strncmp(name, older, sizeof older - 1) == 0;
}

static enum err_code load_built_in(struct reward_schemas *schemas, struct err *err)
{
    for (const struct embedded_file *file = embedded_files; file->name; file++) {
        if (!is_reward_schema(file->name))
            continue;
        struct avro_json *avro;
        enum err_code code = avro_json_new((struct text){file->at, (size_t)(file->end - file->at)}, &avro, err);
        if (code != ERR_NONE)
            return err_wrap(err, "%s", file->name);
        keep_schema(schemas, avro, false, 0);
    }
    return ERR_NONE;
}

static enum err_code open_registry(const struct config *config, struct reward_schemas *schemas, struct err *err)
{
    char *password = NULL;
    if (!config->registry_url[0])
        return ERR_NONE;
    enum err_code code = config_secret(config->registry_password_file, &password, err);
    if (code != ERR_NONE)
        return code;
    struct registry_options options = {.url = config->registry_url,
                                       .user = config->registry_user,
                                       .password = password ? password : "",
                                       .timeout_ms = config->registry_timeout_ms};
    code = registry_new(&options, &schemas->registry, err);
    free(password);
    return code;
}

enum err_code reward_schemas_new(const struct config *config, struct reward_schemas **out, struct err *err)
{
    struct reward_schemas *schemas = calloc(1, sizeof *schemas);
    if (!schemas)
        abort();
    enum err_code code = load_built_in(schemas, err);
    if (code == ERR_NONE)
        code = open_registry(config, schemas, err);
    if (code != ERR_NONE)
        reward_schemas_free(schemas);
    else
        *out = schemas;
    return code;
}

struct reward_schemas *reward_schemas_free(struct reward_schemas *schemas)
{
    if (!schemas)
        return NULL;
    while (schemas->first) {
        struct known_schema *known = schemas->first;
        schemas->first = known->next;
        avro_json_free(known->avro);
        free(known);
    }
    registry_free(schemas->registry);
    free(schemas);
    return NULL;
}

static enum err_code fetch_schema(struct reward_schemas *schemas, int32_t id, const struct avro_json **out,
                                  struct err *err)
{
    struct text text;
    struct avro_json *avro;
    if (!schemas->registry)
        return err_set(err, ERR_SCHEMA_UNKNOWN, "schema id %d is a registry's, and registry.url is not set", id);
    enum err_code code = registry_schema(schemas->registry, id, &text, err);
    if (code == ERR_NONE)
        code = avro_json_new(text, &avro, err);
    if (code != ERR_NONE)
        return err_wrap(err, "schema id %d", id);
    keep_schema(schemas, avro, true, id);
    *out = avro;
    return ERR_NONE;
}

static enum err_code find_schema(struct reward_schemas *schemas, const struct wire_frame *frame,
                                 const struct avro_json **out, struct err *err)
{
    bool registered = frame->format == WIRE_CONFLUENT;
    for (const struct known_schema *known = schemas->first; known; known = known->next) {
        if (known->registered != registered ||
            (registered ? known->id != frame->schema_id : avro_json_fingerprint(known->avro) != frame->fingerprint))
            continue;
        *out = known->avro;
        return ERR_NONE;
    }
    if (registered)
        return fetch_schema(schemas, frame->schema_id, out, err);
    return err_set(err, ERR_SCHEMA_UNKNOWN, "no schema built in has the fingerprint %016llx",
                   (unsigned long long)frame->fingerprint);
}

/* A text where the bytes are UTF-8, {"base64": ...} where not, null where there are none. */
static json_t *json_of_bytes(const void *at, size_t len)
{
    if (!at)
        return json_null();
    json_t *text = json_stringn(at, len);
    return text ? text : json_pack("{s:o}", "base64", avro_json_base64((struct bytes){at, len}));
}

/* A name that stands several times gets a list of its values. */
static void add_header(json_t *headers, const char *name, json_t *value)
{
    json_t *before = json_object_get(headers, name);
    if (json_is_array(before))
        json_array_append_new(before, value);
    else if (before)
        json_object_set_new(headers, name, json_pack("[O, o]", before, value));
    else
        json_object_set_new(headers, name, value);
}

static json_t *json_of_headers(const rd_kafka_message_t *message)
{
    json_t *json = json_object();
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t len;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return json;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        add_header(json, name, json_of_bytes(value, len));
    return json;
}

/* What both kinds of records have. */
static json_t *json_of_record(const rd_kafka_message_t *message)
{
    char time[RFC3339_SIZE];
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(message, &type);
    bool timed = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && ms > INT64_MIN / 1000 && ms < INT64_MAX / 1000;
    json_t *timestamp = timed ? json_string(rfc3339_format(ms * 1000, time)) : json_null();
    return json_pack("{s:s, s:i, s:I, s:o, s:o, s:o}", "topic", rd_kafka_topic_name(message->rkt), "partition",
                     message->partition, "offset", (json_int_t)message->offset, "timestamp", timestamp, "key",
                     json_of_bytes(message->key, message->key_len), "headers", json_of_headers(message));
}

static json_t *base64_value(const rd_kafka_message_t *message)
{
    return message->payload ? avro_json_base64((struct bytes){message->payload, message->len}) : json_null();
}

static enum err_code decode_reward(struct reward_schemas *schemas, struct bytes value, json_t **out, struct err *err)
{
    struct wire_frame frame;
    const struct avro_json *avro = NULL;
    enum err_code code = wire_parse(value, &frame, err);
    if (code == ERR_NONE)
        code = find_schema(schemas, &frame, &avro, err);
    if (code == ERR_NONE)
        code = avro_json_decode(avro, frame.body, out, err);
    return code;
}

json_t *record_json_reward(struct reward_schemas *schemas, const rd_kafka_message_t *message, struct err *err)
{
    json_t *reward;
    json_t *record = json_of_record(message);
    struct bytes value = {message->payload, message->payload ? message->len : 0};
    err->code = ERR_NONE;
    if (decode_reward(schemas, value, &reward, err) == ERR_NONE) {
        json_object_set_new(record, "reward", reward);
        return record;
    }
    json_t *reason = json_string(err->text);
    json_object_set_new(record, "undecodable", reason ? reason : json_string(err_name(err->code)));
    json_object_set_new(record, "value_base64", base64_value(message));
    return record;
}

json_t *record_json_dead_letter(const rd_kafka_message_t *message)
{
    json_t *record = json_of_record(message);
    json_object_set_new(record, "value_base64", base64_value(message));
    return record;
}
