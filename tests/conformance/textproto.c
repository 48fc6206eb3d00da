#include "textproto.h"

#include "rules/cel/lex.h"

struct reader {
    struct text source;
    size_t at;
    int line;
    struct arena *arena;
    bool failed;
};

static char peek(const struct reader *reader)
{
    return reader->at < reader->source.len ? reader->source.at[reader->at] : '\0';
}

static char next(struct reader *reader)
{
    char c = peek(reader);
    reader->line += c == '\n';
    reader->at += reader->at < reader->source.len;
    return c;
}

static void skip(struct reader *reader)
{
    for (;;) {
        char c = peek(reader);
        if (c == '#')
            while (peek(reader) && peek(reader) != '\n')
                next(reader);
        else if (c == ' ' || c == '\n' || c == '\t' || c == '\r')
            next(reader);
        else
            return;
    }
}

static bool take(struct reader *reader, char c)
{
    skip(reader);
    if (peek(reader) != c)
        return false;
    next(reader);
    return true;
}

static bool is_part(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '.' || c == '-' ||
           c == '+';
}

static struct text take_word(struct reader *reader)
{
    skip(reader);
    size_t from = reader->at;
    while (is_part(peek(reader)))
        next(reader);
    return (struct text){reader->source.at + from, reader->at - from};
}

static uint32_t take_digits(struct reader *reader, int most, uint32_t base)
{
    uint32_t value = 0;
    for (int i = 0; i < most; i++) {
        char c = peek(reader);
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a' + 10);
        if (!is_part(c) || digit >= base)
            break;
        value = value * base + digit;
        next(reader);
    }
    return value;
}

static void take_escape(struct reader *reader, char *out, size_t *len)
{
    static const char letters[] = "abfnrtv", stands[] = "\a\b\f\n\r\t\v";
    char c = peek(reader);
    const char *letter = c ? strchr(letters, c) : NULL;
    if (c >= '0' && c <= '7') {
        out[(*len)++] = (char)take_digits(reader, 3, 8);
        return;
    }
    next(reader);
    if (c == 'x' || c == 'X')
        out[(*len)++] = (char)take_digits(reader, 2, 16);
    else if (c == 'u' || c == 'U')
        *len += cel_utf8_encode(take_digits(reader, c == 'u' ? 4 : 8, 16), out + *len);
    else
        out[(*len)++] = letter ? stands[letter - letters] : c;
}

/* Adjacent strings are one. */
static struct text take_strings(struct reader *reader)
{
    char *out = arena_raw(reader->arena, reader->source.len - reader->at + 8);
    size_t len = 0;
    for (skip(reader); peek(reader) == '"' || peek(reader) == '\''; skip(reader)) {
        char quote = next(reader);
        while (peek(reader) != quote && reader->at < reader->source.len) {
            char c = next(reader);
            if (c == '\\')
                take_escape(reader, out, &len);
            else
                out[len++] = c;
        }
        reader->failed |= next(reader) != quote;
    }
    return arena_text(reader->arena, (struct text){out, len});
}

static const struct message *take_message(struct reader *reader, char close);

static struct text take_name(struct reader *reader)
{
    if (!take(reader, '['))
        return take_word(reader);
    size_t from = reader->at;
    while (peek(reader) && peek(reader) != ']')
        next(reader);
    struct text name = {reader->source.at + from, reader->at - from};
    next(reader);
    return name;
}

static struct field *take_field(struct reader *reader)
{
    struct field *field = arena_alloc(reader->arena, sizeof *field);
    field->name = take_name(reader);
    bool colon = take(reader, ':');
    skip(reader);
    if (take(reader, '{'))
        field->message = take_message(reader, '}');
    else if (peek(reader) == '"' || peek(reader) == '\'')
        field->scalar = take_strings(reader);
    else
        field->scalar = take_word(reader);
    reader->failed |= field->name.len == 0 || (!colon && !field->message);
    if (!take(reader, ','))
        take(reader, ';');
    return field;
}

static const struct message *take_message(struct reader *reader, char close)
{
    struct message *message = arena_alloc(reader->arena, sizeof *message);
    struct field **link = &message->first;
    for (skip(reader); peek(reader) != close && !reader->failed; skip(reader)) {
        *link = take_field(reader);
        link = &(*link)->next;
    }
    next(reader);
    return message;
}

const struct message *textproto_parse(struct text source, struct arena *arena, int *line)
{
    struct reader reader = {source, 0, 1, arena, false};
    const struct message *message = take_message(&reader, '\0');
    *line = reader.line;
    return reader.failed || reader.at < source.len ? NULL : message;
}

const struct field *field_named(const struct message *message, const char *name)
{
    const struct field *field = message ? message->first : NULL;
    while (field && !text_equal(field->name, text_of(name)))
        field = field->next;
    return field;
}

const struct field *field_next(const struct field *field)
{
    struct text name = field->name;
    do
        field = field->next;
    while (field && !text_equal(field->name, name));
    return field;
}

struct text field_text(const struct message *message, const char *name)
{
    const struct field *field = field_named(message, name);
    return field ? field->scalar : (struct text){NULL, 0};
}

const struct message *field_message(const struct message *message, const char *name)
{
    const struct field *field = field_named(message, name);
    return field ? field->message : NULL;
}
