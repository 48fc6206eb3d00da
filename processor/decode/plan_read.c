#include <assert.h>

#include "decode/guard.h"
#include "decode/plan_steps.h"
#include "decode/utf8.h"

struct reading {
    struct cursor cursor;
    const uint8_t *begin;
    const struct decode_limits *limits;
    struct arena *arena;
    struct guard guard; /* for what is skipped */
    struct err *err;
};

static enum err_code run(struct reading *reading, const struct steps *steps, void *base);
static enum err_code run_step(struct reading *reading, const struct step *step, void *base);

__attribute__((cold, noinline)) static enum err_code refuse(struct reading *reading, enum err_code code,
                                                            const struct step *step, const char *why)
{
    return err_set(reading->err, code, "%.*s, byte %zu: %s", (int)step->name.len, step->name.at,
                   (size_t)(reading->cursor.at - reading->begin), why);
}

static inline enum err_code read_text(struct reading *reading, const struct step *step, struct text *out)
{
    if (!cursor_text(&reading->cursor, out))
        return refuse(reading, ERR_BAD_BYTES, step, "the text's length is negative or beyond the end");
    if (out->len > reading->limits->string_bytes)
        return refuse(reading, ERR_TOO_LARGE, step, "the text is longer than limit.string_bytes");
    if (!utf8_is_clean(*out))
        return refuse(reading, ERR_BAD_EVENT, step, "the text is not UTF-8, or holds U+0000");
    return ERR_NONE;
}

static inline enum err_code read_symbol(struct reading *reading, const struct step *step, void *base)
{
    uint32_t index;
    if (!cursor_index(&reading->cursor, step->count, &index))
        return refuse(reading, ERR_BAD_BYTES, step, "the enum's index is out of range");
    if (step->code == STEP_KIND)
        FIELD_AT(enum event_kind, base, step->at) = (enum event_kind)step->values[index];
    else
        FIELD_AT(enum share_network, base, step->at) = (enum share_network)step->values[index];
    return ERR_NONE;
}

struct items {
    char *at;
    size_t count;
    size_t capacity;
};

/* Room for `more` items, zeroed. The first block of a list is sized exactly; growing doubles, so that many small blocks
 * cost no more than twice the memory. */
static enum err_code make_room(struct reading *reading, const struct step *step, struct items *items, uint64_t more)
{
    const struct step_list *list = step->list;
    size_t most = list->lines ? reading->limits->lines : PLAN_ITEMS_MAX;
    if (more > most - items->count)
        return refuse(reading, ERR_TOO_LARGE, step, "more items than the limit");
    size_t needed = items->count + (size_t)more;
    if (needed <= items->capacity)
        return ERR_NONE;
    size_t capacity = needed < items->capacity * 2 ? items->capacity * 2 : needed;
    char *at = arena_array(reading->arena, capacity, list->item_size);
    if (items->count)
        memcpy(at, items->at, items->count * list->item_size);
    *items = (struct items){at, items->count, capacity};
    return ERR_NONE;
}

static enum err_code read_block(struct reading *reading, const struct step *step, const struct cursor_block *block,
                                struct items *items)
{
    enum err_code code = make_room(reading, step, items, block->count);
    for (uint64_t i = 0; !code && i < block->count; i++)
        code = run(reading, &step->list->item, items->at + items->count++ * step->list->item_size);
    if (!code && !cursor_block_ends(&reading->cursor, block))
        code = refuse(reading, ERR_BAD_BYTES, step, "a block does not end where it says");
    return code;
}

static enum err_code read_list(struct reading *reading, const struct step *step, void *base)
{
    struct items items = {0};
    struct cursor_block block;
    do {
        if (!cursor_block(&reading->cursor, step->list->least, &block))
            return refuse(reading, ERR_BAD_BYTES, step, "the list's count or size is more than the bytes can hold");
        enum err_code code = read_block(reading, step, &block, &items);
        if (code)
            return code;
    } while (block.count > 0);
    FIELD_AT(const void *, base, step->at) = items.at;
    FIELD_AT(size_t, base, step->list->count_at) = items.count;
    return ERR_NONE;
}

static enum err_code read_union(struct reading *reading, const struct step *step, void *base)
{
    uint32_t branch;
    if (!cursor_index(&reading->cursor, step->count, &branch))
        return refuse(reading, ERR_BAD_BYTES, step, "the union's branch is out of range");
    return run_step(reading, &step->branches[branch], base);
}

static enum err_code skip(struct reading *reading, const struct step *step)
{
    const char *wrong = guard_skip(&reading->guard, step->node, &reading->cursor);
    return wrong ? refuse(reading, ERR_BAD_BYTES, step, wrong) : ERR_NONE;
}

static enum err_code run_step(struct reading *reading, const struct step *step, void *base)
{
    switch (step->code) {
    case STEP_TEXT:
        return read_text(reading, step, &FIELD_AT(struct text, base, step->at));
    case STEP_LONG:
        if (cursor_long(&reading->cursor, &FIELD_AT(int64_t, base, step->at)))
            return ERR_NONE;
        return refuse(reading, ERR_BAD_BYTES, step, "the number is malformed, out of range or cut short");
    case STEP_INT:
        if (cursor_int(&reading->cursor, &FIELD_AT(int64_t, base, step->at)))
            return ERR_NONE;
        return refuse(reading, ERR_BAD_BYTES, step, "the number is malformed, out of range or cut short");
    case STEP_BOOL:
        if (cursor_bool(&reading->cursor, &FIELD_AT(bool, base, step->at)))
            return ERR_NONE;
        return refuse(reading, ERR_BAD_BYTES, step, "the boolean is neither 0 nor 1, or missing");
    case STEP_KIND:
    case STEP_NETWORK:
        return read_symbol(reading, step, base);
    case STEP_LIST:
        return read_list(reading, step, base);
    case STEP_RECORD:
        return run(reading, step->record, base);
    case STEP_UNION:
        return read_union(reading, step, base);
    case STEP_SKIP:
        return skip(reading, step);
    case STEP_REFUSE:
        break;
    }
    return refuse(reading, ERR_BAD_BYTES, step, "a value of that type cannot be read as ours");
}

static enum err_code run(struct reading *reading, const struct steps *steps, void *base)
{
    for (size_t i = 0; i < steps->count; i++) {
        enum err_code code = run_step(reading, &steps->at[i], base);
        if (code)
            return code;
    }
    return ERR_NONE;
}

enum err_code plan_read(const struct plan *plan, const struct decode_limits *limits, struct bytes body,
                        struct arena *arena, struct event *out, struct err *err)
{
    struct reading reading = {
        .cursor = {body.at, body.at + body.len},
        .begin = body.at,
        .limits = limits,
        .arena = arena,
        .guard = guard_for(plan->writer, body.len),
        .err = err,
    };
    *out = (struct event){.type = plan->type};
    enum err_code code = run(&reading, &plan->steps, out);
    if (!code && reading.cursor.at != reading.cursor.end)
        return err_set(err, ERR_BAD_BYTES, "%zu bytes are left over after the event", cursor_left(&reading.cursor));
    return code;
}
