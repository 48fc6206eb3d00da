#include <assert.h>

#include "rules/cel/lex.h"
#include "rules/cel/regex_program.h"

/* A pattern as a tree, the tree as instructions. Siblings are a chain, so that only groups and repetitions nest. */

enum { NESTING_MAX = 100, RANGES_MAX = 4096, CODE_MAX = 0x10ffff, UNBOUNDED = -1 };

enum node_kind { NODE_EMPTY, NODE_CLASS, NODE_SEQUENCE, NODE_CHOICE, NODE_REPEAT, NODE_ASSERT };

struct node {
    enum node_kind kind;
    struct node *child; /* the first */
    struct node *next;  /* sibling */
    uint32_t first, ranges;
    bool negated;
    int least, most; /* of a repetition */
    enum cel_regex_code assertion;
};

struct flags {
    bool any_case, dot_all, lines;
};

struct parser {
    struct text pattern;
    size_t at;
    struct arena *arena;
    struct cel_regex *regex;
    struct flags flags;
    int nesting;
    const char *wrong;
};

static struct node *parse_choice(struct parser *parser);

static struct node *fail(struct parser *parser, const char *wrong)
{
    if (!parser->wrong)
        parser->wrong = wrong;
    return NULL;
}

static bool done(const struct parser *parser)
{
    return parser->wrong || parser->at >= parser->pattern.len;
}

static char look(const struct parser *parser, size_t ahead)
{
    return parser->at + ahead < parser->pattern.len ? parser->pattern.at[parser->at + ahead] : '\0';
}

static bool take(struct parser *parser, const char *text)
{
    size_t len = strlen(text);
    if (parser->pattern.len - parser->at < len || memcmp(parser->pattern.at + parser->at, text, len) != 0)
        return false;
    parser->at += len;
    return true;
}

static uint32_t take_code(struct parser *parser)
{
    uint32_t code = 0;
    if (done(parser)) {
        fail(parser, "the pattern ends too early");
        return 0;
    }
    size_t len = cel_utf8_decode(parser->pattern, parser->at, &code);
    if (len == 0)
        fail(parser, "the pattern is not UTF-8");
    parser->at += len;
    return code;
}

static struct node *make(struct parser *parser, enum node_kind kind)
{
    struct node *node = arena_alloc(parser->arena, sizeof *node);
    node->kind = kind;
    node->first = (uint32_t)parser->regex->range_count;
    return node;
}

static void add_range(struct parser *parser, struct node *node, uint32_t from, uint32_t to)
{
    struct cel_regex *regex = parser->regex;
    if (regex->range_count == RANGES_MAX) {
        fail(parser, "the pattern is too large");
        return;
    }
    regex->ranges[regex->range_count++] = (struct cel_regex_range){from, to};
    node->ranges++;
}

/* The letters of ASCII between from and to in the other case too. */
static void add_cased(struct parser *parser, struct node *node, uint32_t from, uint32_t to)
{
    add_range(parser, node, from, to);
    for (uint32_t base = 'A'; parser->flags.any_case && base <= 'a'; base += 'a' - 'A') {
        uint32_t low = from > base ? from : base, high = to < base + 25 ? to : base + 25;
        uint32_t other = base == 'A' ? 'a' - 'A' : (uint32_t)('A' - 'a');
        if (low <= high)
            add_range(parser, node, low + other, high + other);
    }
}

struct named {
    const char *name;
    uint32_t count;
    struct cel_regex_range ranges[4]; /* ascending */
};

static const struct named named[] = {
    {"d", 1, {{'0', '9'}}},
    {"w", 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    {"s", 3, {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}},
    {"alpha", 2, {{'A', 'Z'}, {'a', 'z'}}},
    {"digit", 1, {{'0', '9'}}},
    {"alnum", 3, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
    {"upper", 1, {{'A', 'Z'}}},
    {"lower", 1, {{'a', 'z'}}},
    {"space", 2, {{'\t', '\r'}, {' ', ' '}}},
    {"word", 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    {"punct", 4, {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
    {"xdigit", 3, {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};

static void add_named(struct parser *parser, struct node *node, const struct named *class, bool complement)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i < class->count; i++) {
        if (!complement)
            add_range(parser, node, class->ranges[i].from, class->ranges[i].to);
        else if (from < class->ranges[i].from)
            add_range(parser, node, from, class->ranges[i].from - 1);
        from = class->ranges[i].to + 1;
    }
    if (complement)
        add_range(parser, node, from, CODE_MAX);
}

/* \d, \D and their like, after the backslash. */
static bool add_escaped_class(struct parser *parser, struct node *node)
{
    char letter = look(parser, 0);
    for (size_t i = 0; i < 3; i++) {
        if ((letter | 0x20) != named[i].name[0] || letter == '\0')
            continue;
        parser->at++;
        add_named(parser, node, &named[i], letter != named[i].name[0]);
        return true;
    }
    return false;
}

static uint32_t take_hex(struct parser *parser)
{
    uint32_t code = 0;
    bool braces = take(parser, "{");
    for (int i = 0; braces ? look(parser, 0) != '}' : i < 2; i++) {
        char c = look(parser, 0), lower = (char)(c | 0x20);
        bool digit = c >= '0' && c <= '9';
        if ((!digit && (lower < 'a' || lower > 'f')) || i == 6) {
            fail(parser, "a bad hexadecimal escape in the pattern");
            return 0;
        }
        code = code * 16 + (uint32_t)(digit ? c - '0' : lower - 'a' + 10);
        parser->at++;
    }
    if (braces)
        take(parser, "}");
    if (code > CODE_MAX)
        fail(parser, "a bad hexadecimal escape in the pattern");
    return code;
}

/* One code point after a backslash. */
static uint32_t take_escape(struct parser *parser)
{
    static const char letters[] = "afnrtv", stands[] = "\a\f\n\r\t\v";
    uint32_t code = take_code(parser);
    const char *found = code > 0 && code < 0x80 ? strchr(letters, (int)code) : NULL;
    if (found)
        return (uint8_t)stands[found - letters];
    if (code == 'x')
        return take_hex(parser);
    if (code < 0x80 && cel_is_word((uint8_t)code) && code != '_')
        fail(parser, "an escape that patterns do not know here");
    return code;
}

static bool add_posix(struct parser *parser, struct node *node)
{
    if (!take(parser, "[:"))
        return false;
    bool complement = take(parser, "^");
    for (size_t i = 3; i < sizeof named / sizeof *named; i++) {
        size_t before = parser->at;
        if (take(parser, named[i].name) && take(parser, ":]")) {
            add_named(parser, node, &named[i], complement);
            return true;
        }
        parser->at = before;
    }
    fail(parser, "an unknown class in the pattern");
    return true;
}

static uint32_t take_member(struct parser *parser)
{
    return take(parser, "\\") ? take_escape(parser) : take_code(parser);
}

static void parse_member(struct parser *parser, struct node *node)
{
    if (add_posix(parser, node))
        return;
    if (look(parser, 0) == '\\') {
        parser->at++;
        if (add_escaped_class(parser, node))
            return;
        parser->at--;
    }
    uint32_t from = take_member(parser), to = from;
    if (look(parser, 0) == '-' && look(parser, 1) != ']' && look(parser, 1) != '\0') {
        parser->at++;
        to = take_member(parser);
    }
    if (to < from)
        fail(parser, "a range that runs backwards in the pattern");
    else
        add_cased(parser, node, from, to);
}

static struct node *parse_class(struct parser *parser)
{
    struct node *node = make(parser, NODE_CLASS);
    node->negated = take(parser, "^");
    bool first = true;
    while (!done(parser) && (first || look(parser, 0) != ']')) {
        parse_member(parser, node);
        first = false;
    }
    return take(parser, "]") ? node : fail(parser, "a [ without its ] in the pattern");
}

static struct node *one_code(struct parser *parser, uint32_t code)
{
    struct node *node = make(parser, NODE_CLASS);
    add_cased(parser, node, code, code);
    return node;
}

static struct node *assertion(struct parser *parser, enum cel_regex_code code)
{
    struct node *node = make(parser, NODE_ASSERT);
    node->assertion = code;
    return node;
}

static struct node *parse_backslash(struct parser *parser)
{
    struct node *node = make(parser, NODE_CLASS);
    if (add_escaped_class(parser, node))
        return node;
    if (take(parser, "b"))
        return assertion(parser, REGEX_BOUNDARY);
    if (take(parser, "B"))
        return assertion(parser, REGEX_NO_BOUNDARY);
    if (take(parser, "A"))
        return assertion(parser, REGEX_BEGIN);
    if (take(parser, "z"))
        return assertion(parser, REGEX_END);
    return one_code(parser, take_escape(parser));
}

/* "i", "-s", "im-s" up to : or ). */
static bool parse_flags(struct parser *parser)
{
    bool value = true;
    while (!done(parser) && look(parser, 0) != ':' && look(parser, 0) != ')') {
        char c = parser->pattern.at[parser->at++];
        if (c == '-' && value)
            value = false;
        else if (c == 'i')
            parser->flags.any_case = value;
        else if (c == 's')
            parser->flags.dot_all = value;
        else if (c == 'm')
            parser->flags.lines = value;
        else if (c != 'U') /* which of several matches is taken does not matter here */
            return false;
    }
    return !done(parser);
}

static bool skip_group_name(struct parser *parser)
{
    if (!take(parser, "?P<") && !take(parser, "?<"))
        return false;
    size_t from = parser->at;
    while (!done(parser) && cel_is_word((uint8_t)look(parser, 0)))
        parser->at++;
    if (parser->at == from || !take(parser, ">"))
        fail(parser, "a bad group name in the pattern");
    return true;
}

/* After the parenthesis. Flags hold to the end of the group around. */
static struct node *parse_group(struct parser *parser)
{
    struct flags outer = parser->flags;
    if (!skip_group_name(parser) && take(parser, "?")) {
        if (!parse_flags(parser))
            return fail(parser, "a group of a kind that patterns do not know");
        if (take(parser, ")"))
            return make(parser, NODE_EMPTY);
        take(parser, ":");
    }
    if (++parser->nesting > NESTING_MAX)
        return fail(parser, "the pattern nests too deeply");
    struct node *node = parse_choice(parser);
    parser->nesting--;
    parser->flags = outer;
    return take(parser, ")") ? node : fail(parser, "a ( without its ) in the pattern");
}

static struct node *parse_dot(struct parser *parser)
{
    struct node *node = make(parser, NODE_CLASS);
    node->negated = true;
    if (!parser->flags.dot_all)
        add_range(parser, node, '\n', '\n');
    return node;
}

static struct node *parse_atom(struct parser *parser)
{
    if (take(parser, "("))
        return parse_group(parser);
    if (take(parser, "["))
        return parse_class(parser);
    if (take(parser, "."))
        return parse_dot(parser);
    if (take(parser, "^"))
        return assertion(parser, parser->flags.lines ? REGEX_LINE_BEGIN : REGEX_BEGIN);
    if (take(parser, "$"))
        return assertion(parser, parser->flags.lines ? REGEX_LINE_END : REGEX_END);
    if (take(parser, "\\"))
        return parse_backslash(parser);
    if (look(parser, 0) == '*' || look(parser, 0) == '+' || look(parser, 0) == '?')
        return fail(parser, "a repetition of nothing in the pattern");
    return one_code(parser, take_code(parser));
}

static bool take_count(struct parser *parser, size_t *at, int *out)
{
    size_t from = *at;
    int value = 0;
    while (*at < parser->pattern.len && parser->pattern.at[*at] >= '0' && parser->pattern.at[*at] <= '9') {
        value = value < 100000 ? value * 10 + parser->pattern.at[*at] - '0' : value;
        (*at)++;
    }
    *out = value;
    return *at > from;
}

/* {n}, {n,}, {n,m}; anything else is a brace that stands for itself. */
static bool take_braces(struct parser *parser, int *least, int *most)
{
    size_t at = parser->at + 1;
    if (look(parser, 0) != '{' || !take_count(parser, &at, least))
        return false;
    *most = *least;
    if (at < parser->pattern.len && parser->pattern.at[at] == ',') {
        at++;
        if (!take_count(parser, &at, most))
            *most = UNBOUNDED;
    }
    if (at >= parser->pattern.len || parser->pattern.at[at] != '}')
        return false;
    parser->at = at + 1;
    if (*least > CEL_REGEX_REPEAT_MAX || *most > CEL_REGEX_REPEAT_MAX || (*most != UNBOUNDED && *most < *least))
        fail(parser, "a repetition count that is too large, or runs backwards");
    return true;
}

static bool take_repetition(struct parser *parser, int *least, int *most)
{
    *least = look(parser, 0) == '+';
    *most = look(parser, 0) == '?' ? 1 : UNBOUNDED;
    if (take(parser, "*") || take(parser, "+") || take(parser, "?"))
        return true;
    return take_braces(parser, least, most);
}

static struct node *parse_repeated(struct parser *parser)
{
    struct node *node = parse_atom(parser);
    int least, most, levels = 0;
    while (!done(parser) && take_repetition(parser, &least, &most)) {
        if (++levels > 1)
            return fail(parser, "a repetition of a repetition in the pattern; put parentheses");
        struct node *repeat = make(parser, NODE_REPEAT);
        repeat->child = node;
        repeat->least = least;
        repeat->most = most;
        node = repeat;
        take(parser, "?");
    }
    return parser->wrong ? NULL : node;
}

static struct node *parse_sequence(struct parser *parser)
{
    struct node *sequence = make(parser, NODE_SEQUENCE), **link = &sequence->child;
    while (!done(parser) && look(parser, 0) != '|' && look(parser, 0) != ')') {
        *link = parse_repeated(parser);
        if (*link)
            link = &(*link)->next;
    }
    return sequence;
}

static struct node *parse_choice(struct parser *parser)
{
    struct node *choice = make(parser, NODE_CHOICE), **link = &choice->child;
    do {
        *link = parse_sequence(parser);
        link = &(*link)->next;
    } while (take(parser, "|"));
    return choice;
}

static struct cel_regex_op *emit_op(struct parser *parser, enum cel_regex_code code)
{
    struct cel_regex *regex = parser->regex;
    if (regex->count == CEL_REGEX_SIZE_MAX || regex->weight >= CEL_REGEX_WEIGHT_MAX) {
        fail(parser, "the pattern is too large");
        return &regex->ops[0];
    }
    regex->weight++;
    struct cel_regex_op *op = &regex->ops[regex->count++];
    *op = (struct cel_regex_op){.code = code, .next = (uint32_t)regex->count};
    return op;
}

static void emit(struct parser *parser, const struct node *node);

static uint32_t here(const struct parser *parser)
{
    return (uint32_t)parser->regex->count;
}

/* One after the other is tried: each split's other way is the next choice, each end jumps behind them all. */
static void emit_choice(struct parser *parser, const struct node *node)
{
    struct cel_regex_op *split = NULL;
    uint32_t ends = UINT32_MAX; /* a chain of jumps through `other` */
    for (const struct node *child = node->child; child && !parser->wrong; child = child->next) {
        if (split)
            split->other = here(parser);
        split = child->next ? emit_op(parser, REGEX_SPLIT) : NULL;
        emit(parser, child);
        if (child->next) {
            struct cel_regex_op *jump = emit_op(parser, REGEX_JUMP);
            jump->other = ends;
            ends = here(parser) - 1;
        }
    }
    while (ends != UINT32_MAX && !parser->wrong) {
        struct cel_regex_op *jump = &parser->regex->ops[ends];
        ends = jump->other;
        jump->next = here(parser);
    }
}

static void emit_star(struct parser *parser, const struct node *child)
{
    uint32_t begin = here(parser);
    struct cel_regex_op *split = emit_op(parser, REGEX_SPLIT);
    emit(parser, child);
    emit_op(parser, REGEX_JUMP)->next = begin;
    split->other = here(parser);
}

static void emit_repeat(struct parser *parser, const struct node *node)
{
    for (int i = 0; i < node->least && !parser->wrong; i++)
        emit(parser, node->child);
    if (node->most == UNBOUNDED)
        emit_star(parser, node->child);
    for (int i = node->least; i < node->most && !parser->wrong; i++) {
        struct cel_regex_op *split = emit_op(parser, REGEX_SPLIT);
        emit(parser, node->child);
        split->other = here(parser);
    }
}

static void emit_class(struct parser *parser, const struct node *node)
{
    struct cel_regex_op *op = emit_op(parser, REGEX_READ);
    op->first = node->first;
    op->ranges = node->ranges;
    op->negated = node->negated;
    parser->regex->weight += node->ranges;
}

static void emit(struct parser *parser, const struct node *node)
{
    if (parser->wrong)
        return;
    switch (node->kind) {
    case NODE_EMPTY:
        return;
    case NODE_CLASS:
        emit_class(parser, node);
        return;
    case NODE_SEQUENCE:
        for (const struct node *child = node->child; child; child = child->next)
            emit(parser, child);
        return;
    case NODE_CHOICE:
        emit_choice(parser, node);
        return;
    case NODE_REPEAT:
        emit_repeat(parser, node);
        return;
    case NODE_ASSERT:
        emit_op(parser, node->assertion);
        return;
    }
}

bool cel_regex_compile(struct text pattern, struct arena *arena, struct cel_regex **out, const char **wrong)
{
    struct cel_regex *regex = arena_alloc(arena, sizeof *regex);
    struct parser parser = {.pattern = pattern, .arena = arena, .regex = regex};
    if (pattern.len > CEL_REGEX_WEIGHT_MAX)
        fail(&parser, "the pattern is too large");
    size_t ranges = 4 * pattern.len + 16; /* \W has five, of two letters */
    regex->ranges = arena_array(arena, (ranges < RANGES_MAX ? ranges : RANGES_MAX) + 8, sizeof *regex->ranges);
    regex->ops = arena_array(arena, CEL_REGEX_SIZE_MAX, sizeof *regex->ops);
    struct node *root = parser.wrong ? NULL : parse_choice(&parser);
    if (!done(&parser))
        fail(&parser, "a ) without its ( in the pattern");
    if (!parser.wrong)
        emit(&parser, root);
    if (!parser.wrong)
        emit_op(&parser, REGEX_MATCH);
    *wrong = parser.wrong;
    if (parser.wrong)
        return false;
    *out = regex;
    return true;
}
