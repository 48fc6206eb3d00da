#include "timers/watermark.h"

bool watermark_is_read(const struct watermark_input *input)
{
    int64_t from = input->applied > input->low ? input->applied : input->low;
    return from >= input->high || input->rest_is_empty;
}

int64_t watermark_part(const struct watermark_input *input, int64_t now)
{
    if (watermark_is_read(input) && (!input->is_history || input->newest_event_at == 0))
        return now;
    if (input->newest_event_at == 0)
        return INT64_MIN;
    return input->newest_event_at < now ? input->newest_event_at : now;
}

int64_t watermark_of(const struct watermark_input *inputs, size_t count, int64_t now,
                     const struct watermark_input **holder)
{
    int64_t least = now;
    const struct watermark_input *found = NULL;
    for (size_t i = 0; i < count; i++) {
        int64_t part = inputs[i].is_timers ? now : watermark_part(&inputs[i], now);
        if (part < least) {
            least = part;
            found = &inputs[i];
        }
    }
    if (holder)
        *holder = found;
    return least;
}

bool watermark_is_in_doubt(const struct watermark_input *input, int64_t due, int64_t now)
{
    struct watermark_input read = *input;
    read.rest_is_empty = true;
    if (input->is_timers)
        return !watermark_is_read(input);
    return watermark_part(input, now) < due && watermark_part(&read, now) >= due;
}
