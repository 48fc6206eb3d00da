#include "rules/cel/regex.h"

#include <assert.h>

#include "rules/cel/lex.h"
#include "rules/cel/regex_program.h"

/* The machine: a set of states that advances over the text by one code point at a time. Each state is entered at most
 * once for each position, so the steps are at most (length + 1) × size. */

struct states {
    uint32_t *at;
    uint32_t count;
    uint32_t *entered; /* position + 1 at which the state was last entered */
};

struct search {
    const struct cel_regex *regex;
    struct text text;
    uint32_t *stack;
    uint64_t steps;
};

size_t cel_regex_size(const struct cel_regex *regex)
{
    return regex->weight;
}

static bool is_word(struct text text, size_t at)
{
    return at < text.len && cel_is_word((uint8_t)text.at[at]);
}

static bool holds(const struct search *search, enum cel_regex_code code, size_t at)
{
    struct text text = search->text;
    bool line_begins = at > 0 && text.at[at - 1] == '\n', line_ends = at < text.len && text.at[at] == '\n';
    bool boundary = is_word(text, at) != (at > 0 && is_word(text, at - 1));
    switch (code) {
    case REGEX_BEGIN:
        return at == 0;
    case REGEX_END:
        return at == text.len;
    case REGEX_LINE_BEGIN:
        return at == 0 || line_begins;
    case REGEX_LINE_END:
        return at == text.len || line_ends;
    case REGEX_BOUNDARY:
        return boundary;
    default:
        return !boundary;
    }
}

static uint32_t push(struct states *states, uint32_t *stack, uint32_t depth, uint32_t state, size_t at)
{
    if (states->entered[state] == at + 1)
        return depth;
    states->entered[state] = (uint32_t)at + 1;
    stack[depth] = state;
    return depth + 1;
}

/* Enters a state and all that follow without reading. True when one of them is the end. */
static bool enter(struct search *search, struct states *states, uint32_t first, size_t at)
{
    const struct cel_regex *regex = search->regex;
    uint32_t depth = push(states, search->stack, 0, first, at);
    while (depth > 0) {
        uint32_t state = search->stack[--depth];
        const struct cel_regex_op *op = &regex->ops[state];
        search->steps++;
        if (op->code == REGEX_MATCH)
            return true;
        if (op->code == REGEX_READ) {
            states->at[states->count++] = state;
        } else if (op->code == REGEX_SPLIT || op->code == REGEX_JUMP) {
            depth = push(states, search->stack, depth, op->next, at);
            if (op->code == REGEX_SPLIT)
                depth = push(states, search->stack, depth, op->other, at);
        } else if (holds(search, op->code, at)) {
            depth = push(states, search->stack, depth, op->next, at);
        }
    }
    return false;
}

static bool reads(const struct cel_regex *regex, const struct cel_regex_op *op, uint32_t code)
{
    const struct cel_regex_range *ranges = &regex->ranges[op->first];
    for (uint32_t i = 0; i < op->ranges; i++)
        if (code >= ranges[i].from && code <= ranges[i].to)
            return !op->negated;
    return op->negated;
}

static bool advance(struct search *search, const struct states *now, struct states *next, uint32_t code, size_t at)
{
    next->count = 0;
    for (uint32_t i = 0; i < now->count; i++) {
        const struct cel_regex_op *op = &search->regex->ops[now->at[i]];
        if (reads(search->regex, op, code) && enter(search, next, op->next, at))
            return true;
    }
    return false;
}

static bool run(struct search *search, struct states *now, struct states *next)
{
    struct text text = search->text;
    for (size_t at = 0;;) {
        uint32_t code;
        if (enter(search, now, 0, at))
            return true;
        if (at == text.len)
            return false;
        size_t len = cel_utf8_decode(text, at, &code);
        if (len == 0) { /* strings are UTF-8; a host's that is not reads as replacement characters */
            code = 0xfffd;
            len = 1;
        }
        at += len;
        if (advance(search, now, next, code, at))
            return true;
        struct states swapped = *now;
        *now = *next;
        *next = swapped;
    }
}

bool cel_regex_search(const struct cel_regex *regex, struct text text, struct arena *arena, uint64_t *steps)
{
    size_t count = regex->count;
    assert(text.len < UINT32_MAX);
    uint32_t *memory = arena_array(arena, 5 * count, sizeof *memory);
    struct states now = {memory, 0, memory + count}, next = {memory + 2 * count, 0, memory + 3 * count};
    struct search search = {regex, text, memory + 4 * count, 0};
    bool found = run(&search, &now, &next);
    if (steps)
        *steps = search.steps;
    return found;
}
