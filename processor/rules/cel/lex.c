#include "rules/cel/lex.h"

#include "rules/cel/number.h"

struct lexer {
    struct text source;
    size_t at;
    struct arena *arena;
};

static char peek(const struct lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->source.len ? lexer->source.at[lexer->at + ahead] : '\0';
}

static bool is_letter(char c)
{
    char lower = (char)(c | 0x20);
    return (lower >= 'a' && lower <= 'z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    char lower = (char)(c | 0x20);
    return is_digit(c) || (lower >= 'a' && lower <= 'f');
}

static void skip_space(struct lexer *lexer)
{
    while (lexer->at < lexer->source.len) {
        char c = peek(lexer, 0);
        if (c == '/' && peek(lexer, 1) == '/') {
            while (lexer->at < lexer->source.len && peek(lexer, 0) != '\n')
                lexer->at++;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            lexer->at++;
        } else {
            return;
        }
    }
}

static struct cel_token bad(const char *message)
{
    return (struct cel_token){.kind = CEL_TOKEN_BAD, .message = message};
}

static struct cel_token literal(struct cel_value value)
{
    return (struct cel_token){.kind = CEL_TOKEN_LITERAL, .value = value};
}

static struct text since(const struct lexer *lexer, size_t from)
{
    return (struct text){lexer->source.at + from, lexer->at - from};
}

static void skip_digits(struct lexer *lexer)
{
    while (is_digit(peek(lexer, 0)))
        lexer->at++;
}

/* True when a fraction or an exponent was there. */
static bool skip_fraction(struct lexer *lexer)
{
    bool found = false;
    if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1))) {
        lexer->at++;
        skip_digits(lexer);
        found = true;
    }
    size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-';
    if ((peek(lexer, 0) | 0x20) == 'e' && is_digit(peek(lexer, 1 + sign))) {
        lexer->at += 1 + sign;
        skip_digits(lexer);
        found = true;
    }
    return found;
}

static struct cel_token make_number(struct lexer *lexer, size_t from, bool real, bool negative)
{
    struct text text = since(lexer, from);
    uint64_t natural;
    double value;
    if (real)
        return cel_parse_double(text, &value) ? literal(cel_double(value)) : bad("malformed number");
    bool fits = cel_parse_uint(text, true, &natural);
    if ((peek(lexer, 0) | 0x20) == 'u') {
        lexer->at++;
        return fits ? literal(cel_uint(natural)) : bad("unsigned number above 18446744073709551615");
    }
    if (!fits || natural > (uint64_t)INT64_MAX + negative)
        return bad("number outside of the 64-bit range");
    return literal(cel_int((int64_t)(negative ? 0 - natural : natural)));
}

/* A number keeps the sign before it only when it is an integer: see cel_lex. */
static struct cel_token lex_number(struct lexer *lexer, bool negative)
{
    size_t from = lexer->at;
    bool real = false;
    if (peek(lexer, 0) == '0' && (peek(lexer, 1) | 0x20) == 'x' && is_hex(peek(lexer, 2))) {
        lexer->at += 2;
        while (is_hex(peek(lexer, 0)))
            lexer->at++;
    } else {
        skip_digits(lexer);
        real = skip_fraction(lexer);
    }
    struct cel_token token = make_number(lexer, from, real, negative);
    if (token.kind == CEL_TOKEN_LITERAL && (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0))))
        return bad("a number runs into a name");
    return token;
}

static bool read_code(struct lexer *lexer, int count, int base, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < count; i++) {
        char c = peek(lexer, 0);
        if (base == 8 ? c < '0' || c > '7' : !is_hex(c))
            return false;
        value = value * (uint32_t)base + (uint32_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        lexer->at++;
    }
    *out = value;
    return true;
}

static const char *put_code(uint32_t code, bool bytes, bool octet, char *out, size_t *len)
{
    if (bytes) {
        if (!octet)
            return "\\u is not for bytes";
        if (code > 0xff)
            return "an octal escape above \\377";
        out[(*len)++] = (char)code;
        return NULL;
    }
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return "not a code point of Unicode";
    *len += cel_utf8_encode(code, out + *len);
    return NULL;
}

/* After the backslash. NULL, or what is wrong. */
static const char *read_escape(struct lexer *lexer, bool bytes, char *out, size_t *len)
{
    static const char plain[] = "abfnrtv\\\"'`?", stands[] = "\a\b\f\n\r\t\v\\\"'`?";
    char c = peek(lexer, 0);
    const char *found = c ? memchr(plain, c, sizeof plain - 1) : NULL;
    uint32_t code;
    if (found) {
        out[(*len)++] = stands[found - plain];
        lexer->at++;
        return NULL;
    }
    bool octal = c >= '0' && c <= '3', hex = c == 'x' || c == 'X';
    int count = octal ? 3 : hex ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    lexer->at += !octal;
    if (count == 0 || !read_code(lexer, count, octal ? 8 : 16, &code))
        return "unknown escape; a backslash is written \\\\";
    return put_code(code, bytes, octal || hex, out, len);
}

static bool at_end_of(const struct lexer *lexer, char quote, size_t quotes)
{
    for (size_t i = 0; i < quotes; i++)
        if (peek(lexer, i) != quote)
            return false;
    return lexer->at + quotes <= lexer->source.len;
}

static struct cel_token lex_string(struct lexer *lexer, bool raw, bool bytes)
{
    char quote = peek(lexer, 0);
    size_t quotes = peek(lexer, 1) == quote && peek(lexer, 2) == quote ? 3 : 1, len = 0;
    lexer->at += quotes;
    char *out = arena_raw(lexer->arena, lexer->source.len - lexer->at + 8);
    for (; !at_end_of(lexer, quote, quotes);) {
        char c = peek(lexer, 0);
        const char *wrong = NULL;
        if (lexer->at >= lexer->source.len || (quotes == 1 && (c == '\n' || c == '\r')))
            return bad("a string without its closing quote");
        lexer->at++;
        if (c == '\\' && raw && lexer->at < lexer->source.len) {
            out[len++] = c;
            out[len++] = peek(lexer, 0);
            lexer->at++;
        } else if (c == '\\' && !raw) {
            wrong = read_escape(lexer, bytes, out, &len);
        } else {
            out[len++] = c;
        }
        if (wrong)
            return bad(wrong);
    }
    lexer->at += quotes;
    struct text text = {out, len};
    if (!bytes && !cel_utf8_valid(text))
        return bad("a string that is not UTF-8");
    return literal(bytes ? cel_bytes(text) : cel_string(text));
}

/* Length of r, b, rb, br before a quote; SIZE_MAX when there is no string here. */
static size_t prefix_length(const struct lexer *lexer, bool *raw, bool *bytes)
{
    for (size_t i = 0; i < 3; i++) {
        char c = peek(lexer, i);
        if (c == '"' || c == '\'')
            return i;
        bool *flag = (c | 0x20) == 'r' ? raw : (c | 0x20) == 'b' ? bytes : NULL;
        if (!flag || *flag)
            return SIZE_MAX;
        *flag = true;
    }
    return SIZE_MAX;
}

static struct cel_token lex_word(struct lexer *lexer)
{
    size_t from = lexer->at;
    while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0)))
        lexer->at++;
    struct text text = since(lexer, from);
    if (text_equal(text, TEXT("true")) || text_equal(text, TEXT("false")))
        return literal(cel_bool(text.len == 4));
    if (text_equal(text, TEXT("null")))
        return literal(cel_null());
    return (struct cel_token){.kind = text_equal(text, TEXT("in")) ? CEL_TOKEN_IN : CEL_TOKEN_IDENT, .text = text};
}

static struct cel_token lex_quoted(struct lexer *lexer)
{
    size_t from = ++lexer->at;
    for (char c; (c = peek(lexer, 0)) != '`'; lexer->at++)
        if (!is_letter(c) && !is_digit(c) && !(c && memchr("-./ ", c, 4)))
            return bad("a quoted field name holds letters, digits and _ - . / only");
    struct text text = since(lexer, from);
    lexer->at++;
    return text.len == 0 ? bad("an empty field name") : (struct cel_token){.kind = CEL_TOKEN_QUOTED, .text = text};
}

static struct cel_token lex_operator(struct lexer *lexer)
{
    static const struct {
        char text[3];
        int kind;
    } pairs[] = {{"==", CEL_TOKEN_EQ}, {"!=", CEL_TOKEN_NE},  {"<=", CEL_TOKEN_LE},
                 {">=", CEL_TOKEN_GE}, {"&&", CEL_TOKEN_AND}, {"||", CEL_TOKEN_OR}};
    char c = peek(lexer, 0);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (c == pairs[i].text[0] && peek(lexer, 1) == pairs[i].text[1]) {
            lexer->at += 2;
            return (struct cel_token){.kind = pairs[i].kind};
        }
    }
    lexer->at++;
    if (c == '\0' || !memchr("<>+-*/%!?:.,()[]{}", c, 18))
        return bad(c == '='               ? "= does not compare; == does"
                   : c == '&' || c == '|' ? "a single & or |; && and || are meant"
                                          : "a character that means nothing here");
    return (struct cel_token){.kind = c};
}

static struct cel_token lex_one(struct lexer *lexer, bool negative)
{
    bool raw = false, bytes = false;
    char c = peek(lexer, 0);
    if (lexer->at >= lexer->source.len)
        return (struct cel_token){.kind = CEL_TOKEN_END};
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1))))
        return lex_number(lexer, negative);
    size_t prefix = prefix_length(lexer, &raw, &bytes);
    if (prefix != SIZE_MAX) {
        lexer->at += prefix;
        return lex_string(lexer, raw, bytes);
    }
    if (is_letter(c))
        return lex_word(lexer);
    return c == '`' ? lex_quoted(lexer) : lex_operator(lexer);
}

struct cel_token cel_lex(struct text source, size_t at, bool negative, struct arena *arena)
{
    struct lexer lexer = {source, at, arena};
    skip_space(&lexer);
    size_t from = lexer.at;
    struct cel_token token = lex_one(&lexer, negative);
    token.at = (uint32_t)from;
    token.end = (uint32_t)lexer.at;
    return token;
}
