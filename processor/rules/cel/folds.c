#include "rules/cel/program.h"

/* The macros: each goes over a list, or a map's keys, with its variable in a slot of its own. */

/* The range; false when it is none, which *out then says. */
static inline bool open_range(const struct cel_op *op, struct cel_run *run, struct cel_value *range,
                              struct cel_value *out)
{
    cel_run_op(op->children[0], run, range);
    if (range->kind == CEL_LIST || range->kind == CEL_MAP)
        return true;
    *out = range->kind == CEL_ERROR ? *range : cel_error(CEL_NO_SUCH_OVERLOAD);
    if (range->kind != CEL_ERROR)
        out->at = op->at;
    return false;
}

static inline void bind(const struct cel_op *op, struct cel_run *run, const struct cel_value *range, size_t i)
{
    struct cel_value value;
    if (range->kind == CEL_LIST)
        range->list.get(range->list.object, i, &run->locals[op->slot]);
    else
        range->map.get(range->map.object, i, &run->locals[op->slot], &value);
}

/* What the condition says of element i; anything but a bool is an error. */
static inline void ask(const struct cel_op *op, struct cel_run *run, const struct cel_value *range, size_t i,
                       struct cel_value *out)
{
    if (!cel_spend(run, 1, out))
        return;
    bind(op, run, range, i);
    cel_run_op(op->children[1], run, out);
    if (out->kind != CEL_BOOL && out->kind != CEL_ERROR) {
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
        out->at = op->at;
    }
}

/* all is && and exists is || of the elements: one that decides wins over errors. */
static inline void quantify(const struct cel_op *op, struct cel_run *run, bool decides, struct cel_value *out)
{
    struct cel_value range, answer, result = cel_bool(!decides);
    if (!open_range(op, run, &range, out))
        return;
    for (size_t i = 0; i < range.count; i++) {
        ask(op, run, &range, i, &answer);
        if (answer.kind == CEL_BOOL && answer.boolean == decides) {
            *out = answer;
            return;
        }
        if (answer.kind == CEL_ERROR && result.kind != CEL_ERROR)
            result = answer;
    }
    *out = result;
}

void cel_op_all(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    quantify(op, run, false, out);
}

void cel_op_exists(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    quantify(op, run, true, out);
}

void cel_op_exists_one(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct cel_value range, answer;
    size_t found = 0;
    if (!open_range(op, run, &range, out))
        return;
    for (size_t i = 0; i < range.count; i++) {
        ask(op, run, &range, i, &answer);
        if (answer.kind == CEL_ERROR) {
            *out = answer;
            return;
        }
        found += answer.boolean;
    }
    *out = cel_bool(found == 1);
}

static struct cel_value *results(struct cel_run *run, const struct cel_value *range, struct cel_value *out)
{
    if (!cel_spend(run, range->count * sizeof(struct cel_value), out))
        return NULL;
    return arena_raw(run->arena, range->count * sizeof(struct cel_value));
}

void cel_op_filter(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct cel_value range, answer, *items;
    size_t count = 0;
    if (!open_range(op, run, &range, out) || !(items = results(run, &range, out)))
        return;
    for (size_t i = 0; i < range.count; i++) {
        ask(op, run, &range, i, &answer);
        if (answer.kind == CEL_ERROR) {
            *out = answer;
            return;
        }
        if (answer.boolean)
            items[count++] = run->locals[op->slot];
    }
    *out = cel_list_of(items, count);
}

/* Of two expressions the first says which elements, the second what becomes of them. */
void cel_op_transform(const struct cel_op *op, struct cel_run *run, struct cel_value *out)
{
    struct cel_value range, answer = cel_bool(true), *items;
    size_t count = 0;
    if (!open_range(op, run, &range, out) || !(items = results(run, &range, out)))
        return;
    for (size_t i = 0; i < range.count; i++) {
        if (op->count == 3) {
            ask(op, run, &range, i, &answer);
        } else if (cel_spend(run, 1, &answer)) {
            bind(op, run, &range, i);
        }
        if (answer.kind == CEL_BOOL && answer.boolean) {
            cel_run_op(op->children[op->count - 1], run, &items[count]);
            if (items[count].kind == CEL_ERROR)
                answer = items[count];
            count++;
        }
        if (answer.kind == CEL_ERROR) {
            *out = answer;
            return;
        }
    }
    *out = cel_list_of(items, count);
}
