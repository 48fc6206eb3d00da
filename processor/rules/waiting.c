#include "rules/waiting.h"

#include "rules/codec.h"
#include "rules/unite.h"
#include "rules/work.h"

enum { REFUND_BYTES_MIN = 1 + sizeof(struct hash16) + 4 };

/* ---- the section */

void waiting_decode(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    struct waiting *waiting = &state->waiting;
    waiting->count = read_count(reader, REFUND_BYTES_MIN);
    waiting->items = scratch_raw(scratch, waiting->count * sizeof *waiting->items);
    for (size_t i = 0; i < waiting->count; i++) {
        struct waiting_refund *item = &waiting->items[i];
        item->due_at = read_signed(reader);
        item->order_key = read_hash16(reader);
        item->order_id = read_text(reader);
        item->source = read_text(reader);
        item->id = read_text(reader);
        item->refund = read_bytes(reader);
        if (item->refund.len == 0 || (i > 0 && item[-1].due_at > item->due_at))
            reader_fail(reader);
    }
}

static size_t size_of(const struct waiting_refund *item)
{
    return sizeof item->order_key + 5 * CODEC_VARINT_MAX + item->order_id.len + item->source.len + item->id.len +
           item->refund.len;
}

static size_t size_of_all(const struct waiting *waiting)
{
    size_t size = 0;
    for (size_t i = 0; i < waiting->count; i++)
        size += size_of(&waiting->items[i]);
    return size;
}

size_t waiting_size_max(const struct member_state *state)
{
    return state->waiting.count > 0 ? CODEC_VARINT_MAX + size_of_all(&state->waiting) : 0;
}

void waiting_encode(struct writer *writer, const struct member_state *state)
{
    write_varint(writer, state->waiting.count);
    for (size_t i = 0; i < state->waiting.count; i++) {
        const struct waiting_refund *item = &state->waiting.items[i];
        write_signed(writer, item->due_at);
        write_raw(writer, item->order_key.bytes, sizeof item->order_key.bytes);
        write_text(writer, item->order_id);
        write_text(writer, item->source);
        write_text(writer, item->id);
        write_varint(writer, item->refund.len);
        write_raw(writer, item->refund.at, item->refund.len);
    }
}

/* ---- operations */

/* Room for so many more, the same items. */
static void reserve(struct waiting *waiting, size_t more, struct scratch *scratch)
{
    struct waiting_refund *items = scratch_raw(scratch, (waiting->count + more) * sizeof *items);
    if (waiting->count > 0)
        memcpy(items, waiting->items, waiting->count * sizeof *items);
    waiting->items = items;
}

/* Behind those that fall due at the same time. */
static void insert(struct waiting *waiting, const struct waiting_refund *refund)
{
    size_t at = waiting->count++;
    for (; at > 0 && waiting->items[at - 1].due_at > refund->due_at; at--)
        waiting->items[at] = waiting->items[at - 1];
    waiting->items[at] = *refund;
}

enum err_code waiting_add(struct member_state *state, const struct waiting_refund *refund, struct scratch *scratch,
                          struct err *err)
{
    struct waiting *waiting = &state->waiting;
    if (waiting->count >= WAITING_MAX || size_of_all(waiting) + size_of(refund) > WAITING_BYTES_MAX)
        return err_set(err, ERR_REFUND_WITHOUT_ORDER,
                       "its order is not known, and %zu refunds of the member wait for theirs already", waiting->count);
    reserve(waiting, 1, scratch);
    insert(waiting, refund);
    return ERR_NONE;
}

enum err_code waiting_record(const struct member_state *state, struct hash16 order_key, struct scratch *scratch,
                             struct bytes *out, struct err *err)
{
    struct bytes record = {NULL, 0};
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < state->waiting.count && !code; i++)
        if (hash16_equal(state->waiting.items[i].order_key, order_key))
            code = records_unite(record, state->waiting.items[i].refund, scratch, &record, err);
    if (!code)
        *out = record;
    return code;
}

void waiting_met(struct member_state *state, struct hash16 order_key)
{
    struct waiting *waiting = &state->waiting;
    size_t kept = 0;
    for (size_t i = 0; i < waiting->count; i++)
        if (!hash16_equal(waiting->items[i].order_key, order_key))
            waiting->items[kept++] = waiting->items[i];
    waiting->count = kept;
}

void waiting_take_over(struct member_state *state, const struct member_state *other, struct scratch *scratch)
{
    if (other->waiting.count == 0)
        return;
    reserve(&state->waiting, other->waiting.count, scratch);
    for (size_t i = 0; i < other->waiting.count; i++)
        insert(&state->waiting, &other->waiting.items[i]);
}

/* ---- what falls due */

int64_t waiting_next(const struct member_state *state)
{
    return state->waiting.count > 0 ? state->waiting.items[0].due_at : INT64_MAX;
}

static void tell_dropped(struct work *work, struct member_work *member, const struct waiting_refund *refund)
{
    struct text currency = program_default_currency(work->program);
    struct reward *reward =
        work_add_reward(work, member, REWARD_REFUND_DROPPED, state_find_balance(&member->state, currency));
    reward->currency = currency;
    reward->rule_id = TEXT("refund");
    reward->subject = arena_text(work->arena, refund->order_id);
    reward->reason = arena_printf(work->arena, "refund %.*s of %.*s waited 90 days for its order, which never came",
                                  SHOWN(refund->id), SHOWN(refund->source));
    reward->program_version = work->program->version;
}

enum err_code waiting_settle(struct work *work, struct member_work *member, int64_t due)
{
    struct waiting *waiting = &member->state.waiting;
    size_t dropped = 0;
    for (; dropped < waiting->count && waiting->items[dropped].due_at <= due; dropped++)
        tell_dropped(work, member, &waiting->items[dropped]);
    waiting->items += dropped;
    waiting->count -= dropped;
    member->changed = true;
    return ERR_NONE;
}
