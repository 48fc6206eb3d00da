#include "ops/explain_source.h"

#include <errno.h>
#include <stdlib.h>

#include "cases/event.h"
#include "cases/grow.h"
#include "cases/words.h"
#include "decode/decode.h"
#include "decode/stage.h"
#include "decode/wire.h"
#include "ops/event_json.h"

enum err_code explain_lines(const char *const *lines, size_t count, const struct program_set *set,
                            struct text program_id, int64_t at, struct arena *arena, struct event_list *out,
                            struct err *err)
{
    struct case_faults faults = {.arena = arena, .file = TEXT("event")};
    struct event_place place = {.faults = &faults, .set = set, .program_id = program_id, .previous_at = at};
    out->items = arena_array(arena, count, sizeof *out->items);
    for (out->count = 0; out->count < count; out->count++) {
        struct text line = arena_printf(arena, "%s", lines[out->count]);
        struct case_event *event = &out->items[out->count];
        if (begins_with(line, "> "))
            line = without_first(line, 2);
        if (!event_read(line, (int)out->count + 1, &place, event))
            return err_set(err, ERR_USAGE, "%s: %.*s", lines[out->count],
                           VIEW(faults.count > 0 ? faults.items[0].message : TEXT("is no event")));
        place.previous_at = event->event.occurred_at;
    }
    return ERR_NONE;
}

/* ---- JSON lines */

struct reading {
    struct event_routes routes;
    struct event_record record;
    struct buffer value;
    struct decoder *decoder;
    struct arena *arena;
    struct event_list *out;
    size_t capacity;
    int line;
};

/* As it would arrive: written as Avro, and read again. */
static enum err_code read_line(struct reading *reading, struct text line, struct err *err)
{
    struct line_problem problem;
    struct hash16 content;
    struct event_list *out = reading->out;
    uint8_t head[10];
    if (!event_record_read(&reading->routes, line, "member_id", &reading->record, &problem))
        return err_set(err, ERR_BAD_EVENT, "%s%s%s", problem.problem.path, problem.problem.path[0] ? ": " : "",
                       problem.problem.text);
    uint64_t fingerprint = avro_json_fingerprint(reading->routes.schemas[reading->record.type]);
    buffer_clear(&reading->value);
    buffer_put(&reading->value, head, wire_head_single_object(fingerprint, head));
    buffer_put(&reading->value, reading->record.body.at, reading->record.body.len);
    out->items = grown(reading->arena, out->items, out->count, &reading->capacity, sizeof *out->items);
    struct case_event *event = &out->items[out->count];
    *event = (struct case_event){.line = reading->line, .text = arena_text(reading->arena, line), .named = true};
    enum err_code code = decoder_decode(reading->decoder, arena_bytes(reading->arena, buffer_view(&reading->value)),
                                        reading->record.occurred_at, reading->arena, &event->event, &content, err);
    out->count += code == ERR_NONE;
    return code;
}

static enum err_code read_lines(struct reading *reading, const char *path, FILE *file, struct err *err)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    enum err_code code = ERR_NONE;
    while (!code && (len = getline(&line, &room, file)) >= 0) {
        reading->line++;
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        if (len > 0 && read_line(reading, (struct text){line, (size_t)len}, err))
            code = err_wrap(err, "%s:%d", path, reading->line);
    }
    free(line);
    return code;
}

enum err_code explain_json_file(const struct config *config, const char *path, struct arena *arena,
                                struct event_list *out, struct err *err)
{
    struct reading reading = {.arena = arena, .out = out};
    struct decode_limits limits = decode_limits_of(config);
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "r");
    *out = (struct event_list){NULL, 0};
    if (!file)
        return err_set(err, ERR_FILE, "%s: %s", path, strerror(errno));
    enum err_code code = event_routes_new("", "events", &reading.routes, err);
    if (!code)
        code = decoder_new(&limits, NULL, &reading.decoder, err);
    if (!code)
        code = read_lines(&reading, path, file, err);
    if (!standard)
        fclose(file);
    decoder_free(reading.decoder);
    event_routes_release(&reading.routes);
    buffer_release(&reading.record.key);
    buffer_release(&reading.record.body);
    buffer_release(&reading.value);
    return code;
}
