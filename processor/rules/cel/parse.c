#include "rules/cel/parse.h"

#include <assert.h>

#include "rules/cel/lex.h"
#include "rules/cel/macro.h"

struct parser {
    struct text source;
    struct arena *arena;
    struct cel_token token;
    uint32_t end; /* of the token before it */
    struct cel_fault *fault;
    bool macros;
    bool failed;
    uint32_t nesting; /* of this parser's own calls */
    size_t nodes;
};

static struct cel_node *parse_expression(struct parser *parser);

enum err_code cel_fault_at(struct text source, uint32_t at, struct text message, struct cel_fault *fault)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < at && i < source.len; i++) {
        column = source.at[i] == '\n' ? 1 : column + 1;
        line += source.at[i] == '\n';
    }
    *fault = (struct cel_fault){line, column, message};
    return ERR_PROGRAM;
}

/* The first fault stands. Gives NULL. */
static struct cel_node *fail(struct parser *parser, uint32_t at, struct text message)
{
    if (!parser->failed)
        cel_fault_at(parser->source, at, message, parser->fault);
    parser->failed = true;
    return NULL;
}

static void advance(struct parser *parser, bool negative)
{
    parser->end = parser->token.end;
    parser->token = cel_lex(parser->source, parser->token.end, negative, parser->arena);
    if (parser->token.kind == CEL_TOKEN_BAD)
        fail(parser, parser->token.at, text_of(parser->token.message));
}

static struct text token_text(const struct parser *parser)
{
    const struct cel_token *token = &parser->token;
    if (token->kind == CEL_TOKEN_END)
        return TEXT("the end");
    return arena_printf(parser->arena, "`%.*s`", (int)(token->end - token->at), parser->source.at + token->at);
}

static struct cel_node *fail_expected(struct parser *parser, const char *what)
{
    struct text found = token_text(parser);
    return fail(parser, parser->token.at,
                arena_printf(parser->arena, "expected %s, found %.*s", what, (int)found.len, found.at));
}

static bool accept(struct parser *parser, int kind)
{
    if (parser->failed || parser->token.kind != kind)
        return false;
    advance(parser, false);
    return true;
}

static bool expect(struct parser *parser, int kind, const char *what)
{
    if (accept(parser, kind))
        return true;
    if (!parser->failed)
        fail_expected(parser, what);
    return false;
}

/* A node over those children, whose array becomes its own; NULL when one of them failed or the tree is too deep. */
static struct cel_node *make(struct parser *parser, enum cel_node_kind kind, uint32_t at, struct cel_node **children,
                             size_t count)
{
    uint32_t depth = 0, from = at;
    if (parser->failed)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        assert(children[i]);
        if (children[i]->from < from)
            from = children[i]->from;
        if (children[i]->depth > depth)
            depth = children[i]->depth;
    }
    if (depth >= CEL_DEPTH_MAX)
        return fail(parser, at, TEXT("the expression nests too deeply"));
    if (++parser->nodes > CEL_NODES_MAX)
        return fail(parser, at, TEXT("the expression is too long"));
    struct cel_node *node = arena_alloc(parser->arena, sizeof *node);
    node->kind = kind;
    node->at = at;
    node->from = from;
    node->end = parser->end;
    node->depth = depth + 1;
    node->children = children;
    node->count = count;
    return node;
}

static struct cel_node *make_of(struct parser *parser, enum cel_node_kind kind, uint32_t at, const char *name,
                                struct cel_node *a, struct cel_node *b)
{
    struct cel_node **children = arena_array(parser->arena, 2, sizeof(struct cel_node *));
    children[0] = a;
    children[1] = b;
    if (parser->failed)
        return NULL;
    struct cel_node *node = make(parser, kind, at, children, b ? 2 : 1);
    if (node)
        node->name = text_of(name);
    return node;
}

struct nodes {
    struct cel_node **at;
    size_t count, capacity;
};

static void push(struct parser *parser, struct nodes *nodes, struct cel_node *node)
{
    if (nodes->count == nodes->capacity) {
        size_t capacity = nodes->capacity ? nodes->capacity * 2 : 4;
        struct cel_node **at = arena_array(parser->arena, capacity, sizeof(struct cel_node *));
        if (nodes->count)
            memcpy(at, nodes->at, nodes->count * sizeof *at);
        nodes->at = at;
        nodes->capacity = capacity;
    }
    nodes->at[nodes->count++] = node;
}

/* Expressions with commas between, up to the closing token. A comma at the end is allowed in literals. */
static void parse_list(struct parser *parser, int close, const char *what, bool last_comma, struct nodes *nodes)
{
    while (!parser->failed && parser->token.kind != close) {
        push(parser, nodes, parse_expression(parser));
        if (!accept(parser, ','))
            break;
        if (!last_comma && parser->token.kind == close)
            fail_expected(parser, "an argument");
    }
    expect(parser, close, what);
}

static struct cel_node *parse_map(struct parser *parser, uint32_t at)
{
    struct nodes nodes = {0};
    while (!parser->failed && parser->token.kind != '}') {
        push(parser, &nodes, parse_expression(parser));
        expect(parser, ':', "`:` after a map's key");
        if (!parser->failed)
            push(parser, &nodes, parse_expression(parser));
        if (!accept(parser, ','))
            break;
    }
    expect(parser, '}', "`}`");
    return make(parser, CEL_NODE_MAP, at, nodes.at, nodes.count);
}

static struct cel_node *parse_struct(struct parser *parser, uint32_t at, struct text name, bool rooted)
{
    struct nodes nodes = {0};
    struct text names[64];
    while (!parser->failed && parser->token.kind != '}') {
        if (parser->token.kind != CEL_TOKEN_IDENT && parser->token.kind != CEL_TOKEN_QUOTED)
            return fail_expected(parser, "a field's name");
        if (nodes.count == sizeof names / sizeof *names)
            return fail(parser, parser->token.at, TEXT("too many fields"));
        names[nodes.count] = parser->token.text;
        advance(parser, false);
        expect(parser, ':', "`:` after a field's name");
        if (!parser->failed)
            push(parser, &nodes, parse_expression(parser));
        if (!accept(parser, ','))
            break;
    }
    expect(parser, '}', "`}`");
    struct cel_node *node = make(parser, CEL_NODE_STRUCT, at, nodes.at, nodes.count);
    if (node) {
        struct text *kept = arena_array(parser->arena, nodes.count, sizeof *kept);
        if (nodes.count)
            memcpy(kept, names, nodes.count * sizeof *kept);
        node->names = kept;
        node->name = name;
        node->rooted = rooted;
    }
    return node;
}

/* The dotted name that a chain of selections is; empty when it is something else. */
static struct text dotted_name(struct parser *parser, const struct cel_node *node, bool *rooted)
{
    if (node->kind == CEL_NODE_IDENT) {
        *rooted = node->rooted;
        return node->name;
    }
    if (node->kind != CEL_NODE_SELECT)
        return (struct text){NULL, 0};
    struct text left = dotted_name(parser, node->children[0], rooted);
    if (left.len == 0)
        return left;
    return arena_printf(parser->arena, "%.*s.%.*s", (int)left.len, left.at, (int)node->name.len, node->name.at);
}

static struct cel_node *finish_call(struct parser *parser, uint32_t at, struct text name, struct cel_node *receiver,
                                    bool rooted)
{
    struct nodes nodes = {0};
    if (receiver)
        push(parser, &nodes, receiver);
    parse_list(parser, ')', "`,` or `)`", false, &nodes);
    struct cel_node *node = make(parser, CEL_NODE_CALL, at, nodes.at, nodes.count);
    if (!node)
        return NULL;
    node->name = name;
    node->member = receiver != NULL;
    node->rooted = rooted;
    const char *wrong = parser->macros ? cel_expand_macro(node) : NULL;
    return wrong ? fail(parser, at, text_of(wrong)) : node;
}

static bool is_reserved(struct text name)
{
    static const char *const words[] = {"as",        "break",  "const",  "continue", "else", "for",
                                        "function",  "if",     "import", "let",      "loop", "package",
                                        "namespace", "return", "var",    "void",     "while"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_equal(text_of(words[i]), name))
            return true;
    return false;
}

static struct cel_node *parse_name(struct parser *parser, bool rooted)
{
    struct text name = parser->token.text;
    uint32_t at = parser->token.at;
    if (parser->token.kind != CEL_TOKEN_IDENT)
        return fail_expected(parser, "a name");
    if (is_reserved(name))
        return fail(parser, at,
                    arena_printf(parser->arena, "`%.*s` is reserved and names nothing", (int)name.len, name.at));
    advance(parser, false);
    if (accept(parser, '('))
        return finish_call(parser, at, name, NULL, rooted);
    struct cel_node *node = make(parser, CEL_NODE_IDENT, at, NULL, 0);
    if (node) {
        node->name = name;
        node->rooted = rooted;
    }
    return node;
}

static struct cel_node *parse_literal(struct parser *parser)
{
    struct cel_value value = parser->token.value;
    struct cel_node *node = make(parser, CEL_NODE_CONSTANT, parser->token.at, NULL, 0);
    advance(parser, false);
    if (parser->failed)
        return NULL;
    node->value = value;
    node->end = parser->end;
    return node;
}

static struct cel_node *parse_primary(struct parser *parser)
{
    uint32_t at = parser->token.at;
    struct nodes nodes = {0};
    struct cel_node *inner;
    switch (parser->token.kind) {
    case CEL_TOKEN_LITERAL:
        return parse_literal(parser);
    case '(':
        advance(parser, false);
        inner = parse_expression(parser);
        if (!expect(parser, ')', "`)`"))
            return NULL;
        inner->from = at;
        inner->end = parser->end;
        return inner;
    case '[':
        advance(parser, false);
        parse_list(parser, ']', "`,` or `]`", true, &nodes);
        return make(parser, CEL_NODE_LIST, at, nodes.at, nodes.count);
    case '{':
        advance(parser, false);
        return parse_map(parser, at);
    case '.':
        advance(parser, false);
        return parser->failed ? NULL : parse_name(parser, true);
    default:
        return parser->failed ? NULL : parse_name(parser, false);
    }
}

static struct cel_node *parse_selection(struct parser *parser, struct cel_node *left)
{
    struct text name = parser->token.text;
    uint32_t at = parser->token.at;
    bool quoted = parser->token.kind == CEL_TOKEN_QUOTED;
    if (!quoted && parser->token.kind != CEL_TOKEN_IDENT)
        return fail_expected(parser, "a field's or a function's name after `.`");
    advance(parser, false);
    if (!quoted && accept(parser, '('))
        return finish_call(parser, at, name, left, false);
    struct cel_node *node = make_of(parser, CEL_NODE_SELECT, at, "", left, NULL);
    if (node)
        node->name = name;
    return node;
}

static struct cel_node *parse_member(struct parser *parser)
{
    struct cel_node *node = parse_primary(parser);
    while (!parser->failed) {
        uint32_t at = parser->token.at;
        bool rooted = false;
        if (accept(parser, '.')) {
            node = parse_selection(parser, node);
        } else if (accept(parser, '[')) {
            struct cel_node *index = parse_expression(parser);
            node = expect(parser, ']', "`]`") ? make_of(parser, CEL_NODE_CALL, at, "_[_]", node, index) : NULL;
        } else if (parser->token.kind == '{') {
            struct text name = dotted_name(parser, node, &rooted);
            if (name.len == 0)
                return node;
            advance(parser, false);
            node = parse_struct(parser, node->at, name, rooted);
        } else {
            return node;
        }
    }
    return NULL;
}

static struct cel_node *parse_unary(struct parser *parser)
{
    uint32_t at = parser->token.at;
    int kind = parser->token.kind;
    if (kind != '!' && kind != '-')
        return parse_member(parser);
    advance(parser, kind == '-');
    bool number = parser->token.kind == CEL_TOKEN_LITERAL;
    if (kind == '-' && number && parser->token.value.kind == CEL_INT) {
        /* The lexer has read it with its sign. */
        struct cel_node *node = parse_member(parser);
        if (node)
            node->from = at;
        return node;
    }
    if (++parser->nesting > CEL_DEPTH_MAX)
        return fail(parser, at, TEXT("the expression nests too deeply"));
    struct cel_node *operand = parser->failed ? NULL : parse_unary(parser);
    parser->nesting--;
    return make_of(parser, CEL_NODE_CALL, at, kind == '!' ? "!_" : "-_", operand, NULL);
}

static const struct {
    int kind;
    int level;
    enum cel_node_kind node;
    const char *name;
} operators[] = {
    {CEL_TOKEN_OR, 1, CEL_NODE_OR, "||"},     {CEL_TOKEN_AND, 2, CEL_NODE_AND, "&&"},
    {'<', 3, CEL_NODE_CALL, "_<_"},           {CEL_TOKEN_LE, 3, CEL_NODE_CALL, "_<=_"},
    {'>', 3, CEL_NODE_CALL, "_>_"},           {CEL_TOKEN_GE, 3, CEL_NODE_CALL, "_>=_"},
    {CEL_TOKEN_EQ, 3, CEL_NODE_CALL, "_==_"}, {CEL_TOKEN_NE, 3, CEL_NODE_CALL, "_!=_"},
    {CEL_TOKEN_IN, 3, CEL_NODE_CALL, "@in"},  {'+', 4, CEL_NODE_CALL, "_+_"},
    {'-', 4, CEL_NODE_CALL, "_-_"},           {'*', 5, CEL_NODE_CALL, "_*_"},
    {'/', 5, CEL_NODE_CALL, "_/_"},           {'%', 5, CEL_NODE_CALL, "_%_"},
};

static size_t operator_of(int kind)
{
    size_t i = 0;
    while (i < sizeof operators / sizeof *operators && operators[i].kind != kind)
        i++;
    return i;
}

/* Operators of at least that level, which bind to the left, by climbing precedences. */
static struct cel_node *parse_binary(struct parser *parser, int level)
{
    struct cel_node *left = parse_unary(parser);
    while (!parser->failed) {
        size_t i = operator_of(parser->token.kind);
        if (i == sizeof operators / sizeof *operators || operators[i].level < level)
            return left;
        uint32_t at = parser->token.at;
        advance(parser, false);
        struct cel_node *right = parser->failed ? NULL : parse_binary(parser, operators[i].level + 1);
        left = make_of(parser, operators[i].node, at, operators[i].name, left, right);
    }
    return NULL;
}

static struct cel_node *parse_conditional(struct parser *parser)
{
    struct cel_node *condition = parse_binary(parser, 1);
    uint32_t at = parser->token.at;
    if (!accept(parser, '?'))
        return parser->failed ? NULL : condition;
    struct cel_node **children = arena_array(parser->arena, 3, sizeof(struct cel_node *));
    children[0] = condition;
    children[1] = parse_binary(parser, 1);
    if (!expect(parser, ':', "`:` of `condition ? this : that`"))
        return NULL;
    children[2] = parse_expression(parser);
    return make(parser, CEL_NODE_CONDITIONAL, at, children, 3);
}

static struct cel_node *parse_expression(struct parser *parser)
{
    if (parser->failed)
        return NULL;
    if (++parser->nesting > CEL_DEPTH_MAX)
        return fail(parser, parser->token.at, TEXT("the expression nests too deeply"));
    struct cel_node *node = parse_conditional(parser);
    parser->nesting--;
    return parser->failed ? NULL : node;
}

enum err_code cel_parse(struct text source, bool macros, struct arena *arena, struct cel_node **out,
                        struct cel_fault *fault)
{
    struct parser parser = {.source = source, .arena = arena, .fault = fault, .macros = macros};
    if (source.len > CEL_SOURCE_MAX)
        return cel_fault_at(source, 0, TEXT("the expression is too long"), fault);
    advance(&parser, false);
    struct cel_node *node = parse_expression(&parser);
    if (node && parser.token.kind != CEL_TOKEN_END)
        fail_expected(&parser, "an operator or the end");
    if (parser.failed)
        return ERR_PROGRAM;
    assert(node);
    *out = node;
    return ERR_NONE;
}
