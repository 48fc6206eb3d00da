#include "ops/event_json.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/embedded.h"
#include "base/nearest.h"
#include "base/rfc3339.h"

static bool refuse(struct line_problem *problem, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool refuse(struct line_problem *problem, const char *path, const char *format, ...)
{
    snprintf(problem->problem.path, sizeof problem->problem.path, "%s", path);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->problem.text, sizeof problem->problem.text, format, arguments);
    va_end(arguments);
    return false;
}

struct text event_schema_text(enum event_type type)
{
    char name[64];
    snprintf(name, sizeof name, "avro/%s.avsc", event_type_name(type));
    for (const struct embedded_file *file = embedded_files; file->name; file++)
        if (strcmp(file->name, name) == 0)
            return (struct text){file->at, (size_t)(file->end - file->at)};
    abort(); /* each type of event has a schema built in: a test says so */
}

/* "orders", "activities" */
static void plural(enum event_type type, char *out, size_t size)
{
    const char *name = event_type_name(type);
    size_t len = strlen(name);
    if (name[len - 1] == 'y')
        snprintf(out, size, "%.*sies", (int)len - 1, name);
    else
        snprintf(out, size, "%ss", name);
}

/* Whether the name ends with the word, as a word: loyalty.orders, orders, eu-orders, but not reorders. */
static bool ends_with_word(struct text name, const char *word)
{
    size_t len = strlen(word);
    if (name.len < len || memcmp(name.at + name.len - len, word, len) != 0)
        return false;
    char before = name.len > len ? name.at[name.len - len - 1] : '.';
    return before == '.' || before == '-' || before == '_';
}

static void choose_topic(const char *topics, enum event_type type, char out[TOPIC_NAME_SIZE])
{
    char word[32];
    plural(type, word, sizeof word);
    for (const char *at = topics; *at;) {
        struct text name = {at, strcspn(at, ", ")};
        if (ends_with_word(name, word) && name.len < TOPIC_NAME_SIZE) {
            snprintf(out, TOPIC_NAME_SIZE, "%.*s", (int)name.len, name.at);
            return;
        }
        at += name.len;
        at += strspn(at, ", ");
    }
    out[0] = 0;
}

enum err_code event_routes_new(const char *topics, const char *all, struct event_routes *out, struct err *err)
{
    struct event_routes routes = {.schemas = {NULL}};
    if (all && strlen(all) >= TOPIC_NAME_SIZE)
        return err_set(err, ERR_USAGE, "a topic's name has at most %d characters", TOPIC_NAME_SIZE - 1);
    for (enum event_type type = 0; type < EVENT_TYPE_COUNT; type++) {
        enum err_code code = avro_json_new(event_schema_text(type), &routes.schemas[type], err);
        if (code != ERR_NONE) {
            event_routes_release(&routes);
            return err_wrap(err, "schema of %s", event_type_name(type));
        }
        if (all)
            snprintf(routes.topics[type], TOPIC_NAME_SIZE, "%s", all);
        else
            choose_topic(topics, type, routes.topics[type]);
    }
    *out = routes;
    return ERR_NONE;
}

void event_routes_release(struct event_routes *routes)
{
    for (enum event_type type = 0; type < EVENT_TYPE_COUNT; type++)
        routes->schemas[type] = avro_json_free(routes->schemas[type]);
}

/* Takes "type" off the event: it names the schema and is no field of it. */
static bool take_type(json_t *event, enum event_type *out, struct line_problem *problem)
{
    const char *names[EVENT_TYPE_COUNT];
    const json_t *json = json_object_get(event, "type");
    const char *given = json_string_value(json);
    if (!given)
        return refuse(problem, "type",
                      "%s; it says what the event is: order, review, share, referral, activity, "
                      "redemption, adjustment, member or timer",
                      json ? "is no text" : "is missing");
    for (enum event_type type = 0; type < EVENT_TYPE_COUNT; type++) {
        names[type] = event_type_name(type);
        if (strcmp(names[type], given) == 0) {
            json_object_del(event, "type");
            *out = type;
            return true;
        }
    }
    const char *hint = nearest_name(text_of(given), names, EVENT_TYPE_COUNT);
    return refuse(problem, "type", "there is no \"%.60s\"; %s%s%s", given, hint ? "did you mean " : "known are: ",
                  hint ? hint : "order, review, share, referral, activity, redemption, adjustment, member, timer",
                  hint ? "?" : "");
}

/* occurred_at has been encoded, so it is one of both. */
static int64_t instant_of(const json_t *json)
{
    int64_t us = json_integer_value(json);
    if (json_is_string(json))
        rfc3339_parse((struct text){json_string_value(json), json_string_length(json)}, &us);
    return us;
}

static bool read_key(const json_t *event, const char *field, struct buffer *out, struct line_problem *problem)
{
    const json_t *key = json_object_get(event, field);
    if (!json_is_string(key))
        return refuse(problem, field, "is to be the record's key, and %s", key ? "is no text" : "is missing");
    buffer_clear(out);
    buffer_put(out, json_string_value(key), json_string_length(key));
    return true;
}

static bool read_event(const struct event_routes *routes, json_t *event, const char *key_field,
                       struct event_record *record, struct line_problem *problem)
{
    if (!json_is_object(event))
        return refuse(problem, "", "an event is a JSON object: {\"type\": \"order\", ...}");
    if (!take_type(event, &record->type, problem))
        return false;
    if (!routes->topics[record->type][0])
        return refuse(problem, "type", "none of kafka.topics is for events of this type; name one with --topic");
    buffer_clear(&record->body);
    if (!avro_json_encode(routes->schemas[record->type], event, &record->body, &problem->problem))
        return false;
    record->occurred_at = instant_of(json_object_get(event, "occurred_at"));
    return read_key(event, key_field, &record->key, problem);
}

bool event_record_read(const struct event_routes *routes, struct text line, const char *key_field,
                       struct event_record *record, struct line_problem *problem)
{
    json_error_t error;
    *problem = (struct line_problem){0};
    if (line.len > EVENT_LINE_MAX)
        return refuse(problem, "", "the line has %zu bytes; at most %d are read", line.len, EVENT_LINE_MAX);
    json_t *event = json_loadb(line.at, line.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!event) {
        problem->column = error.column > 0 ? error.column : 1;
        if (json_error_code(&error) == json_error_null_character)
            return refuse(problem, "", "a text holds the character U+0000, which no text may");
        return refuse(problem, "", "no JSON: %.200s", error.text);
    }
    bool read = read_event(routes, event, key_field, record, problem);
    json_decref(event);
    return read;
}
