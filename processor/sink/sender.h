#ifndef POINTS_SINK_SENDER_H
#define POINTS_SINK_SENDER_H

#include <librdkafka/rdkafka.h>

#include "base/config.h"
#include "base/text.h"

/* An idempotent producer for commands and timers: records are kept in order per partition and acknowledged by all
 * in-sync replicas. */
struct sender;

enum err_code sender_open(const struct config *config, struct sender **out, struct err *err);

/* Takes NULL; returns NULL. Records not yet acknowledged are dropped. */
struct sender *sender_close(struct sender *sender);

/* ERR_KAFKA where the topic does not exist: publishing must not make one with a broker's defaults. */
enum err_code sender_require_topic(struct sender *sender, const char *topic, struct err *err);

/* key.at NULL: none. time_ms: the record's timestamp, since 1970 UTC; 0: now. Waits while too much is in flight. */
enum err_code sender_send(struct sender *sender, const char *topic, struct bytes key, struct bytes value,
                          int64_t time_ms, struct err *err);

/* Waits at most wait_ms for an acknowledgement; true when everything sent is acknowledged or has failed. */
bool sender_is_settled(struct sender *sender, int wait_ms);

/* Waits until everything sent is acknowledged. ERR_KAFKA says how many were not, and why the first was not. */
enum err_code sender_finish(struct sender *sender, struct err *err);

/* Records acknowledged so far. */
int64_t sender_acknowledged(const struct sender *sender);

#endif
