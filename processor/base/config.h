#ifndef POINTS_BASE_CONFIG_H
#define POINTS_BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* Every setting in one table: it gives the file's parser, the environment's names, --help and the reference in the
 * README. The environment's name of kafka.brokers is POINTS_KAFKA_BROKERS; it overrides the file. A setting whose name
 * ends in _file names a file that holds a secret. */

/* X(field, name, default, help) */
#define SETTINGS_TEXT(X)                                                                                               \
    X(instance, "instance", "0", "name of this instance: its ordinal in a stateful set; gives the transactional id")   \
    X(kafka_brokers, "kafka.brokers", "127.0.0.1:9092", "bootstrap servers, comma-separated")                          \
    X(kafka_group, "kafka.group", "points", "consumer group; prefix of the transactional id")                          \
    X(kafka_topics, "kafka.topics",                                                                                    \
      "loyalty.orders,loyalty.reviews,loyalty.shares,loyalty.referrals,loyalty.activities,loyalty.redemptions,"        \
      "loyalty.adjustments,loyalty.members,loyalty.timers",                                                            \
      "input topics, comma-separated")                                                                                 \
    X(kafka_history_topics, "kafka.history_topics", "",                                                                \
      "those of the input topics that tell of the past, comma-separated: read to its end, such a topic counts as its " \
      "newest event, not as now, so that nothing falls due too early while history is filled in")                      \
    X(kafka_timers_topic, "kafka.timers_topic", "loyalty.timers",                                                      \
      "where timers go that wake quiet members; one of kafka.topics, else there are none")                             \
    X(kafka_rewards_topic, "kafka.rewards_topic", "loyalty.rewards", "where reward events go")                         \
    X(kafka_dead_letter_topic, "kafka.dead_letter_topic", "loyalty.dead-letter", "where refused records go")           \
    X(kafka_properties_file, "kafka.properties_file", "",                                                              \
      "file of librdkafka properties (security, tuning); those that exactness rests on are refused")                   \
    X(postgres_url, "postgres.url", "postgresql://127.0.0.1:5432/points", "libpq connection string")                   \
    X(postgres_password_file, "postgres.password_file", "", "file that holds the database password")                   \
    X(redis_host, "redis.host", "127.0.0.1", "Redis host; empty: no projection")                                       \
    X(redis_password_file, "redis.password_file", "", "file that holds the Redis password")                            \
    X(redis_prefix, "redis.prefix", "points", "first part of every Redis key")                                         \
    X(registry_url, "registry.url", "", "Confluent schema registry; empty: single-object encoding only")               \
    X(registry_user, "registry.user", "", "user for basic authentication")                                             \
    X(registry_password_file, "registry.password_file", "", "file that holds the registry password")

/* X(field, name, default, choices, help) */
#define SETTINGS_CHOICE(X)                                                                                             \
    X(registry_unknown_id, "registry.unknown_id", "retry", "retry | dead-letter",                                      \
      "what happens to a record whose schema id the registry does not know")                                           \
    X(rewards_format, "rewards.format", "single-object", "single-object | confluent", "wire format of rewards")        \
    X(log_level, "log.level", "info", "debug | info | warn | error", "least level that is logged")                     \
    X(log_format, "log.format", "auto", "json | text | auto", "form of the log; auto: text on a terminal, else json")

/* X(field, name, default, least, most, help) */
#define SETTINGS_NUMBER(X)                                                                                             \
    X(kafka_static_membership, "kafka.static_membership", 0, 0, 1, "1: the instance's name is its group.instance.id")  \
    X(kafka_session_timeout_ms, "kafka.session_timeout_ms", 6000, 1000, 300000,                                        \
      "how long a silent instance keeps its partitions")                                                               \
    X(kafka_max_poll_interval_ms, "kafka.max_poll_interval_ms", 60000, 5000, 3600000,                                  \
      "how long a batch may take before the group gives the partitions away")                                          \
    X(kafka_transaction_timeout_ms, "kafka.transaction_timeout_ms", 10000, 1000, 900000,                               \
      "how long a dead instance's open transaction can hold readers of the rewards")                                   \
    X(redis_port, "redis.port", 6379, 1, 65535, "Redis port")                                                          \
    X(redis_timeout_ms, "redis.timeout_ms", 2000, 10, 60000, "longest wait for Redis")                                 \
    X(registry_timeout_ms, "registry.timeout_ms", 2000, 10, 60000, "longest wait for the registry")                    \
    X(postgres_statement_timeout_ms, "postgres.statement_timeout_ms", 30000, 100, 600000, "longest statement of ours") \
    X(postgres_lock_timeout_ms, "postgres.lock_timeout_ms", 5000, 10, 600000, "longest wait for a lock")               \
    X(postgres_idle_timeout_ms, "postgres.idle_timeout_ms", 10000, 100, 600000,                                        \
      "when the server ends a transaction whose client vanished")                                                      \
    X(batch_max_events, "batch.max_events", 8000, 1, 100000, "most records in a batch")                                \
    X(batch_max_kib, "batch.max_kib", 8192, 64, 262144, "most bytes of records in a batch, KiB")                       \
    X(publish_max_behind_kib, "publish.max_behind_kib", 1024, 64, 1048576,                                             \
      "bytes of outputs that publishing may run behind the ledger, KiB")                                               \
    X(cache_max_mib, "cache.max_mib", 24, 1, 65536, "memory for members' states, MiB")                                 \
    X(limit_message_bytes, "limit.message_bytes", 1048576, 64, 104857600, "largest record value")                      \
    X(limit_lines, "limit.lines", 1000, 1, 100000, "most lines of an order")                                           \
    X(limit_string_bytes, "limit.string_bytes", 4096, 96, 1048576, "longest text in an event")                         \
    X(limit_member_id_bytes, "limit.member_id_bytes", 128, 8, 1024, "longest member id")                               \
    X(limit_future_s, "limit.future_s", 300, 0, 31536000,                                                              \
      "how far occurred_at may lie after the record's timestamp, seconds")                                             \
    X(limit_past_s, "limit.past_s", 315360000, 0, 31536000000,                                                         \
      "how far occurred_at may lie before the record's timestamp, seconds")

struct config {
#define X(field, name, standard, help) char *field;
    SETTINGS_TEXT(X)
#undef X
#define X(field, name, standard, choices, help) char *field;
    SETTINGS_CHOICE(X)
#undef X
#define X(field, name, standard, least, most, help) int64_t field;
    SETTINGS_NUMBER(X)
#undef X
};

/* path: NULL for defaults and environment alone. A file has lines `name = value`, `#` comments. Every error names file,
 * line, the value and what is allowed; unknown names are errors with the nearest name as a hint; so are unknown
 * POINTS_* variables. POINTS_CONFIG is not a setting: it names the file, which is for the caller to read. The first
 * error is given. */
enum err_code config_load(const char *path, struct config *out, struct err *err);
void config_release(struct config *config);

/* One error of a configuration. file: a path, or "environment" with line 0; both numbers from 1. */
typedef void config_report(void *context, const char *file, int line, int column, const char *message);

/* As config_load, but every error is reported, and ERR_CONFIG returned if there was one. */
enum err_code config_load_reporting(const char *path, struct config *out, config_report *report, void *context);

/* Reads a secret from the file that a *_file setting names, without its last line end. *out is malloc'ed; NULL when
 * path is empty. */
enum err_code config_secret(const char *path, char **out, struct err *err);

/* A setting as people read about it. */
struct config_setting {
    const char *name;
    const char *help;
    char environment[96]; /* POINTS_… */
    char standard[256];   /* the default; "" for an empty text */
    char allowed[96];     /* "1 to 64", "json | text | auto", "text" */
};
typedef void config_visit(void *context, const struct config_setting *setting);

/* Visits all settings in the order of the table. */
void config_each(config_visit *visit, void *context);

/* The reference of all settings, as text or Markdown, from the same table. */
void config_print_reference(FILE *out, bool markdown);

#endif
