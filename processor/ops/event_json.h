#ifndef POINTS_OPS_EVENT_JSON_H
#define POINTS_OPS_EVENT_JSON_H

#include "base/buffer.h"
#include "base/config.h"
#include "ops/avro_json.h"
#include "rules/event.h"

/* One event as people write it, a JSON object on one line whose "type" names its schema ("order", "review" ...), into
 * the record that goes to Kafka. */

enum { EVENT_LINE_MAX = 16 * 1024 * 1024, TOPIC_NAME_SIZE = 250 };

/* The schemas built in, and where each type of event goes. */
struct event_routes {
    struct avro_json *schemas[EVENT_TYPE_COUNT];
    char topics[EVENT_TYPE_COUNT][TOPIC_NAME_SIZE]; /* "": none of kafka.topics is meant for it */
};

/* Loads the schemas. A type's topic is the one of topics
 * (comma-separated) that ends with its plural, such as loyalty.orders; or `all`, where it is not NULL. */
enum err_code event_routes_new(const char *topics, const char *all, struct event_routes *out, struct err *err);
void event_routes_release(struct event_routes *routes);

/* The schema's JSON text, for registering it. */
struct text event_schema_text(enum event_type type);

struct event_record {
    enum event_type type;
    int64_t occurred_at; /* µs UTC */
    struct buffer key;
    struct buffer body; /* Avro, without the head that names the schema */
};

/* What is wrong with a line: path and text of the problem, and the column where the JSON itself is broken (else 0). */
struct line_problem {
    int column;
    struct avro_json_problem problem;
};

/* key_field: the text field of the event that becomes the record's key. The record's buffers are used again; the caller
 * releases them in the end. False: problem is filled, the record's content is undefined. */
bool event_record_read(const struct event_routes *routes, struct text line, const char *key_field,
                       struct event_record *record, struct line_problem *problem);

#endif
