#ifndef POINTS_BASE_ERR_H
#define POINTS_BASE_ERR_H

/* Errors are values. A function that can fail returns an enum err_code and fills the struct err that its caller lends
 * it; the caller adds context with err_wrap on the way up and decides by err_class. On failure other outputs are
 * untouched. */

enum err_class {
    ERR_CLASS_NONE,
    ERR_CLASS_RETRY,  /* the world may heal: try again after a pause */
    ERR_CLASS_POISON, /* this input can never succeed: dead letter */
    ERR_CLASS_FATAL,  /* stop and tell the operator */
};

/* X(code, class, name): the name is stable; it stands in logs, dead letters and --json. */
#define ERR_CODES(X)                                                                                                   \
    X(ERR_NONE, ERR_CLASS_NONE, "none")                                                                                \
    X(ERR_MEMORY, ERR_CLASS_FATAL, "out_of_memory")                                                                    \
    X(ERR_CONFIG, ERR_CLASS_FATAL, "bad_configuration")                                                                \
    X(ERR_USAGE, ERR_CLASS_FATAL, "bad_usage")                                                                         \
    X(ERR_FILE, ERR_CLASS_FATAL, "file_error")                                                                         \
    X(ERR_PROGRAM, ERR_CLASS_FATAL, "bad_program")                                                                     \
    X(ERR_MIGRATION, ERR_CLASS_FATAL, "bad_migration")                                                                 \
    X(ERR_DATABASE, ERR_CLASS_FATAL, "database_error")                                                                 \
    X(ERR_DATABASE_AWAY, ERR_CLASS_RETRY, "database_away")                                                             \
    X(ERR_COMMIT_UNKNOWN, ERR_CLASS_RETRY, "commit_outcome_unknown")                                                   \
    X(ERR_CONFLICT, ERR_CLASS_RETRY, "member_version_conflict")                                                        \
    X(ERR_KEYS_EXIST, ERR_CLASS_RETRY, "event_keys_exist")                                                             \
    X(ERR_REVISION, ERR_CLASS_RETRY, "program_revision_changed")                                                       \
    X(ERR_OWNER_CHANGED, ERR_CLASS_RETRY, "partition_owner_changed")                                                   \
    X(ERR_KAFKA, ERR_CLASS_RETRY, "kafka_error")                                                                       \
    X(ERR_KAFKA_FATAL, ERR_CLASS_FATAL, "kafka_fatal")                                                                 \
    X(ERR_FENCED, ERR_CLASS_FATAL, "fenced")                                                                           \
    X(ERR_OFFSET_AHEAD, ERR_CLASS_FATAL, "offset_ahead_of_database")                                                   \
    X(ERR_OFFSET_MISSING, ERR_CLASS_FATAL, "offset_missing")                                                           \
    X(ERR_OFFSET_UNSIGNED, ERR_CLASS_FATAL, "offset_unsigned")                                                         \
    X(ERR_TOPIC_RECREATED, ERR_CLASS_FATAL, "topic_recreated")                                                         \
    X(ERR_OUTBOX_GAP, ERR_CLASS_FATAL, "outbox_gap")                                                                   \
    X(ERR_POSITION_REFUSED, ERR_CLASS_FATAL, "position_change_refused")                                                \
    X(ERR_REDIS, ERR_CLASS_RETRY, "redis_error")                                                                       \
    X(ERR_REGISTRY, ERR_CLASS_RETRY, "registry_error")                                                                 \
    X(ERR_SCHEMA_UNKNOWN, ERR_CLASS_RETRY, "schema_unknown")                                                           \
    X(ERR_STOPPED, ERR_CLASS_RETRY, "stopped")                                                                         \
    X(ERR_TOO_LARGE, ERR_CLASS_POISON, "too_large")                                                                    \
    X(ERR_BAD_BYTES, ERR_CLASS_POISON, "undecodable")                                                                  \
    X(ERR_BAD_SCHEMA, ERR_CLASS_POISON, "incompatible_schema")                                                         \
    X(ERR_BAD_EVENT, ERR_CLASS_POISON, "impossible_event")                                                             \
    X(ERR_BAD_TIME, ERR_CLASS_POISON, "time_out_of_bounds")                                                            \
    X(ERR_OVERFLOW, ERR_CLASS_POISON, "overflow")                                                                      \
    X(ERR_UNKNOWN_PROGRAM, ERR_CLASS_POISON, "unknown_program")                                                        \
    X(ERR_UNKNOWN_CURRENCY, ERR_CLASS_POISON, "undeclared_currency")                                                   \
    X(ERR_INSUFFICIENT, ERR_CLASS_POISON, "insufficient_points")                                                       \
    X(ERR_UNKNOWN_PARTNER, ERR_CLASS_POISON, "undeclared_partner")                                                     \
    X(ERR_DUPLICATE_CONFLICT, ERR_CLASS_POISON, "conflicting_duplicate")                                               \
    X(ERR_REFUND_WITHOUT_ORDER, ERR_CLASS_POISON, "refund_without_order")                                              \
    X(ERR_MERGE_SELF, ERR_CLASS_POISON, "merged_with_itself")                                                          \
    X(ERR_MERGED_BEFORE, ERR_CLASS_POISON, "merged_before")                                                            \
    X(ERR_MERGE_CYCLE, ERR_CLASS_POISON, "merge_cycle")                                                                \
    X(ERR_MEMBER_ERASED, ERR_CLASS_POISON, "member_erased")                                                            \
    X(ERR_DATABASE_REFUSED, ERR_CLASS_POISON, "refused_by_database")                                                   \
    X(ERR_BAD_STATE, ERR_CLASS_FATAL, "unreadable_state")

enum err_code {
#define X(code, class, name) code,
    ERR_CODES(X)
#undef X
        ERR_CODE_COUNT
};

/* X(name, status, meaning): what the process's exit status says. Stable: scripts rest on it. */
#define EXIT_STATUSES(X)                                                                                               \
    X(EXIT_OK, 0, "done, and nothing was found wrong")                                                                 \
    X(EXIT_DIFFERENCE, 1, "what was asked for does not exist, or a check found a difference")                          \
    X(EXIT_USAGE, 2, "the command line is wrong; nothing was done")                                                    \
    X(EXIT_CONFIG, 3, "a setting, a secret's file or a program file is wrong; nothing was done")                       \
    X(EXIT_DATABASE, 4, "PostgreSQL cannot be reached, refused us, or its schema is not ours")                         \
    X(EXIT_KAFKA, 5, "Kafka cannot be reached or refused us")                                                          \
    X(EXIT_SERVICE, 6, "Redis or the schema registry cannot be reached or refused us")                                 \
    X(EXIT_FENCED, 7, "another process runs with this instance's name; give each its own `instance`")                  \
    X(EXIT_POSITION, 8,                                                                                                \
      "a position in Kafka does not fit the database (restored backup, topic made anew, offsets "                      \
      "set by another tool): an operator must decide")                                                                 \
    X(EXIT_INPUT, 9, "a file cannot be read or written, or an event in it is wrong")                                   \
    X(EXIT_INTERNAL, 70, "out of memory, or data that no version of this program wrote: please report it")             \
    X(EXIT_INTERRUPTED, 130, "ended at once by a second SIGINT or SIGTERM")

enum exit_status {
#define X(name, status, meaning) name = status,
    EXIT_STATUSES(X)
#undef X
};

struct err {
    enum err_code code;
    char text[512]; /* "outer context: inner context: cause" */
};

/* Fill err (may be NULL) and return code, so that `return err_set(err, ERR_X, "...")` reads well. */
enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "context: " before err's text; returns err->code. */
enum err_code err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum err_class err_class(enum err_code code);
const char *err_name(enum err_code code);

/* The process's exit status for an error of that code: one of EXIT_STATUSES, listed by `points help exit-codes`. */
int err_exit_status(enum err_code code);

#endif
