#ifndef POINTS_OPS_EXPLAIN_SOURCE_H
#define POINTS_OPS_EXPLAIN_SOURCE_H

#include "cases/cases.h"
#include "ops/command.h"

/* Where the events come from that `points explain` decides: lines of a case, or JSON lines. */

struct event_list {
    struct case_event *items;
    size_t count;
};

/* Lines as golden cases have them, without `> `. program_id: of events that name none. at: µs UTC, the time of the
 * first that names none. ERR_USAGE says what is not understood. */
enum err_code explain_lines(const char *const *lines, size_t count, const struct program_set *set,
                            struct text program_id, int64_t at, struct arena *arena, struct event_list *out,
                            struct err *err);

/* A file of JSON objects, one on each line, as `points publish` reads them. ERR_FILE, ERR_BAD_EVENT with the line. */
enum err_code explain_json_file(const struct config *config, const char *path, struct arena *arena,
                                struct event_list *out, struct err *err);

#endif
