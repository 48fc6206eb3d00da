#include "rules/limits.h"

#include "base/checked.h"
#include "rules/codec.h"
#include "rules/event.h"
#include "rules/program_model.h"
#include "rules/state.h"

enum { FORM_SHIFT = 1, CLOSED = 1 << 4, NETWORK_SHIFT = 5, USE_BYTES_MIN = 3, WINDOW_BYTES_MIN = 3, SPARE = 4 };

static int order_of(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int limit_key_compare(const struct limit_key *a, const struct limit_key *b)
{
    int order = text_compare(a->id, b->id);
    if (order == 0)
        order = order_of(a->unit, b->unit);
    if (order == 0)
        order = order_of(a->form, b->form);
    if (order == 0)
        order = order_of(a->length, b->length);
    return order != 0 ? order : order_of(a->network, b->network);
}

int span_compare(struct span a, struct span b)
{
    int order = order_of(a.begins, b.begins);
    return order != 0 ? order : order_of(a.ends, b.ends);
}

static struct limit_use *find(const struct limits *limits, const struct limit_key *key)
{
    for (size_t i = 0; i < limits->count; i++)
        if (limit_key_compare(&limits->uses[i].key, key) == 0)
            return &limits->uses[i];
    return NULL;
}

int64_t limits_used(const struct limits *limits, const struct limit_key *key, struct span period)
{
    const struct limit_use *use = find(limits, key);
    int64_t used = 0;
    if (use && period.begins < use->closed_until)
        return INT64_MAX;
    for (size_t i = 0; use && i < use->window_count; i++)
        if (spans_overlap(use->windows[i].span, period) && !checked_add(used, use->windows[i].used, &used))
            return INT64_MAX;
    return used;
}

static void remove_window(struct limit_use *use, size_t at)
{
    use->window_count--;
    memmove(&use->windows[at], &use->windows[at + 1], (use->window_count - at) * sizeof *use->windows);
}

/* Until a window ends, it is open to what comes late: so the newest ones are kept by when they begin. */
static void forget_oldest(struct limit_use *use)
{
    while (use->window_count > LIMIT_WINDOWS_KEPT) {
        if (use->windows[0].span.ends > use->closed_until)
            use->closed_until = use->windows[0].span.ends;
        remove_window(use, 0);
    }
}

/* False where the sum does not fit. */
static bool add_window(struct limit_use *use, struct span span, int64_t amount)
{
    size_t at = 0;
    while (at < use->window_count && span_compare(use->windows[at].span, span) < 0)
        at++;
    if (at < use->window_count && span_compare(use->windows[at].span, span) == 0)
        return checked_add(use->windows[at].used, amount, &use->windows[at].used);
    assert(use->window_count <= LIMIT_WINDOWS_KEPT);
    memmove(&use->windows[at + 1], &use->windows[at], (use->window_count - at) * sizeof *use->windows);
    use->windows[at] = (struct limit_window){span, amount};
    use->window_count++;
    forget_oldest(use);
    return true;
}

/* Made where there is none; others move. */
static struct limit_use *use_of(struct limits *limits, const struct limit_key *key, struct scratch *scratch)
{
    size_t at = 0;
    while (at < limits->count && limit_key_compare(&limits->uses[at].key, key) < 0)
        at++;
    if (at < limits->count && limit_key_compare(&limits->uses[at].key, key) == 0)
        return &limits->uses[at];
    if (limits->count == limits->capacity) {
        limits->capacity = 2 * limits->capacity + SPARE;
        struct limit_use *larger = scratch_raw(scratch, limits->capacity * sizeof *larger);
        if (limits->count > 0)
            memcpy(larger, limits->uses, limits->count * sizeof *larger);
        limits->uses = larger;
    }
    memmove(&limits->uses[at + 1], &limits->uses[at], (limits->count - at) * sizeof *limits->uses);
    limits->count++;
    limits->uses[at].key = *key;
    limits->uses[at].closed_until = INT64_MIN;
    limits->uses[at].window_count = 0;
    return &limits->uses[at];
}

void limits_use(struct limits *limits, const struct limit_key *key, struct span period, int64_t amount,
                struct scratch *scratch)
{
    assert(amount > 0);
    struct limit_use *use = use_of(limits, key, scratch);
    assert(period.begins >= use->closed_until);
    bool fits = add_window(use, period, amount);
    assert(fits);
    (void)fits;
}

void limits_give_back(struct limits *limits, const struct limit_key *key, int64_t seconds, int64_t amount)
{
    assert(amount > 0);
    struct limit_use *use = find(limits, key);
    for (size_t i = 0; use && i < use->window_count && amount > 0;) {
        struct limit_window *window = &use->windows[i];
        if (seconds < window->span.begins || seconds >= window->span.ends) {
            i++;
            continue;
        }
        int64_t part = amount < window->used ? amount : window->used;
        amount -= part;
        window->used -= part;
        if (window->used == 0)
            remove_window(use, i);
        else
            i++;
    }
    if (!use || use->window_count > 0 || use->closed_until != INT64_MIN)
        return;
    size_t at = (size_t)(use - limits->uses);
    limits->count--;
    memmove(use, use + 1, (limits->count - at) * sizeof *use);
}

bool limits_unite(struct limits *limits, const struct limits *other, struct scratch *scratch)
{
    for (size_t i = 0; i < other->count; i++) {
        const struct limit_use *from = &other->uses[i];
        struct limit_use *use = use_of(limits, &from->key, scratch);
        if (from->closed_until > use->closed_until)
            use->closed_until = from->closed_until;
        for (size_t w = 0; w < from->window_count; w++)
            if (!add_window(use, from->windows[w].span, from->windows[w].used))
                return false;
    }
    return true;
}

/* ---- the section */

static void read_key(struct reader *reader, struct limit_use *use)
{
    use->key.id = read_text(reader);
    uint64_t head = read_varint(reader);
    use->key.unit = head & 1 ? LIMIT_TIMES : LIMIT_POINTS;
    use->key.form = (enum window_form)(head >> FORM_SHIFT & (WINDOW_FORM_COUNT - 1));
    if (head >> NETWORK_SHIFT > NETWORK_COUNT)
        head = reader_fail(reader);
    use->key.network = (uint32_t)(head >> NETWORK_SHIFT);
    use->key.length = use->key.form == WINDOW_FIXED ? read_natural(reader) : 0;
    if (use->key.form == WINDOW_FIXED && use->key.length == 0)
        reader_fail(reader);
    use->closed_until = head & CLOSED ? read_signed(reader) : INT64_MIN;
    if (head & CLOSED && (use->closed_until == INT64_MIN || use->key.form == WINDOW_EVER))
        reader_fail(reader);
}

static void read_windows(struct reader *reader, struct limit_use *use)
{
    size_t count = use->key.form == WINDOW_EVER ? 1 : read_count(reader, WINDOW_BYTES_MIN);
    if (count > LIMIT_WINDOWS_KEPT || (count == 0 && use->closed_until == INT64_MIN))
        count = (size_t)reader_fail(reader);
    int64_t begins = 0;
    use->window_count = count;
    for (size_t i = 0; i < count; i++) {
        struct limit_window *window = &use->windows[i];
        window->span = SPAN_EVER;
        if (use->key.form != WINDOW_EVER) {
            bool fits = checked_add(begins, read_signed(reader), &begins);
            window->span.begins = begins;
            if (!fits || !checked_add(begins, read_natural(reader), &window->span.ends) || window->span.ends <= begins)
                reader_fail(reader);
        }
        window->used = read_natural(reader);
        if (window->used == 0 || (i > 0 && span_compare(window[-1].span, window->span) >= 0))
            reader_fail(reader);
    }
}

void limits_read(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    size_t count = read_count(reader, USE_BYTES_MIN);
    struct limits *limits = &state->limits;
    limits->capacity = count + 1;
    limits->uses = scratch_raw(scratch, limits->capacity * sizeof *limits->uses);
    for (size_t i = 0; i < count; i++) {
        read_key(reader, &limits->uses[i]);
        read_windows(reader, &limits->uses[i]);
        if (i > 0 && limit_key_compare(&limits->uses[i - 1].key, &limits->uses[i].key) >= 0)
            reader_fail(reader);
    }
    limits->count = count;
}

size_t limits_size_max(const struct member_state *state)
{
    size_t size = CODEC_VARINT_MAX;
    for (size_t i = 0; i < state->limits.count; i++)
        size += state->limits.uses[i].key.id.len + (5 + 3 * state->limits.uses[i].window_count) * CODEC_VARINT_MAX;
    return state->limits.count > 0 ? size : 0;
}

static void write_windows(struct writer *writer, const struct limit_use *use)
{
    bool ever = use->key.form == WINDOW_EVER;
    assert(!ever || use->window_count == 1);
    int64_t begins = 0;
    if (!ever)
        write_varint(writer, use->window_count);
    for (size_t i = 0; i < use->window_count; i++) {
        const struct limit_window *window = &use->windows[i];
        if (!ever) {
            write_signed(writer, window->span.begins - begins);
            write_natural(writer, window->span.ends - window->span.begins);
        }
        write_natural(writer, window->used);
        begins = window->span.begins;
    }
}

void limits_write(struct writer *writer, const struct member_state *state)
{
    write_varint(writer, state->limits.count);
    for (size_t i = 0; i < state->limits.count; i++) {
        const struct limit_use *use = &state->limits.uses[i];
        bool closed = use->closed_until != INT64_MIN;
        write_text(writer, use->key.id);
        write_varint(writer, (uint64_t)use->key.unit | (uint64_t)use->key.form << FORM_SHIFT | (closed ? CLOSED : 0) |
                                 (uint64_t)use->key.network << NETWORK_SHIFT);
        if (use->key.form == WINDOW_FIXED)
            write_natural(writer, use->key.length);
        if (closed)
            write_signed(writer, use->closed_until);
        write_windows(writer, use);
    }
}
