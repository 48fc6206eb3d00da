#ifndef POINTS_OPS_PUBLISH_H
#define POINTS_OPS_PUBLISH_H

#include <jansson.h>

#include "ops/command.h"
#include "ops/event_json.h"
#include "ops/ticker.h"
#include "sink/sender.h"

/* What `points publish` was asked for. */
struct publish_options {
    const char *path;  /* "-": standard input */
    const char *topic; /* NULL: by type */
    const char *key_field;
    bool confluent;
    bool now; /* the record's timestamp; else the event's occurred_at */
    bool dry_run;
    bool skip_bad;
    bool raw;
};

/* What became of the lines. */
struct publish_report {
    int64_t lines;
    int64_t bad;
    int64_t sent[EVENT_TYPE_COUNT + 1]; /* by type; the last: raw */
    json_t *problems;                   /* the first of them, for --json */
};

/* Frames records and sends them; the producer is opened, the topic looked up and the schema registered when the first
 * record of a type comes. */
struct publish_sink {
    const struct config *config;
    const struct publish_options *options;
    const struct event_routes *routes; /* NULL: raw */
    struct sender *sender;
    uint8_t heads[EVENT_TYPE_COUNT][10];
    size_t head_lens[EVENT_TYPE_COUNT]; /* 0: none of the type was sent yet */
    struct buffer value;
    struct publish_report *report;
};

enum err_code publish_sink_send(struct publish_sink *sink, const struct event_record *record, struct err *err);
enum err_code publish_sink_send_raw(struct publish_sink *sink, struct bytes line, struct err *err);

/* Waits for all acknowledgements; nothing to do where nothing was sent. */
enum err_code publish_sink_finish(struct publish_sink *sink, struct err *err);
void publish_sink_release(struct publish_sink *sink);

/* Records that wait in an unlinked file until the whole input is known to be good. */
struct spool;
struct spool *spool_new(struct err *err);
struct spool *spool_free(struct spool *spool);
enum err_code spool_put(struct spool *spool, const struct event_record *record, struct err *err);

/* Back to the first record. */
enum err_code spool_rewind(struct spool *spool, struct err *err);

/* False in *more after the last. */
enum err_code spool_next(struct spool *spool, struct event_record *record, bool *more, struct err *err);

#endif
