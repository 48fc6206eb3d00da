#include "cases/words.h"

bool begins_with(struct text text, const char *prefix)
{
    return text.len >= strlen(prefix) && memcmp(text.at, prefix, strlen(prefix)) == 0;
}

struct text without_first(struct text text, size_t count)
{
    return (struct text){text.at + count, text.len - count};
}

size_t find_unquoted(struct text text, char c)
{
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"')
            quoted = !quoted;
        else if (text.at[i] == c && !quoted)
            return i;
    }
    return text.len;
}

struct text take_until(struct text *rest, char c)
{
    size_t end = find_unquoted(*rest, c);
    struct text taken = {rest->at, end};
    *rest = without_first(*rest, end < rest->len ? end + 1 : end);
    return taken;
}

struct text unquoted(struct arena *arena, struct text text)
{
    if (text.len == 0 || !memchr(text.at, '"', text.len))
        return text;
    char *plain = arena_raw(arena, text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool doubled = text.at[i] == '"' && i > 0 && i + 2 < text.len && text.at[i + 1] == '"';
        if (text.at[i] != '"' || doubled)
            plain[len++] = text.at[i];
        i += doubled;
    }
    return (struct text){plain, len};
}

static bool quotes_close(struct text line)
{
    size_t quotes = 0;
    for (size_t i = 0; i < line.len; i++)
        quotes += line.at[i] == '"';
    return quotes % 2 == 0;
}

static struct word word_of(struct text whole)
{
    size_t equals = find_unquoted(whole, '=');
    if (equals == whole.len)
        return (struct word){.whole = whole, .value = whole};
    return (struct word){
        .whole = whole, .name = {whole.at, equals}, .value = without_first(whole, equals + 1), .has_name = true};
}

bool words_split(struct text line, int number, struct case_faults *faults, struct words *out)
{
    if (!quotes_close(line)) {
        fault_add(faults, number, "a quote is not closed; inside quotes \"\" is a quote");
        return false;
    }
    *out = (struct words){.faults = faults, .line = number};
    out->items = arena_array(faults->arena, line.len / 2 + 1, sizeof *out->items);
    while (line.len > 0) {
        struct text whole = take_until(&line, ' ');
        if (whole.len > 0)
            out->items[out->count++] = word_of(whole);
    }
    return true;
}

struct text words_take_plain(struct words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        struct word *word = &words->items[i];
        if (word->taken || word->has_name)
            continue;
        word->taken = true;
        return unquoted(words->faults->arena, word->value);
    }
    return (struct text){"", 0};
}

const struct word *words_take(struct words *words, const char *name)
{
    struct word *found = NULL;
    for (size_t i = 0; i < words->count; i++) {
        struct word *word = &words->items[i];
        if (!word->has_name || word->taken || !text_equal(word->name, text_of(name)))
            continue;
        word->taken = true;
        if (found)
            fault_add(words->faults, words->line, "%s= stands here twice", name);
        else
            found = word;
    }
    return found;
}

bool words_take_flag(struct words *words, const char *flag)
{
    for (size_t i = 0; i < words->count; i++) {
        struct word *word = &words->items[i];
        if (word->has_name || word->taken || !text_equal(word->value, text_of(flag)))
            continue;
        word->taken = true;
        return true;
    }
    return false;
}
