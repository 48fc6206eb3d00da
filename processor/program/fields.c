#include "program/fields.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/nearest.h"
#include "base/rfc3339.h"

enum { MESSAGE_MAX = 512, ID_MAX = 64, WORDS_MAX = 256, NAMES_MAX = 64 };

void complain(struct loader *loader, const struct node *at, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    errors_add(loader->errors, loader->arena, at->line, at->column, arena_text(loader->arena, text_of(message)));
}

struct text hint(struct loader *loader, struct text given, const char *const *names, size_t count)
{
    const char *nearest = nearest_name(given, names, count);
    if (!nearest)
        return TEXT("");
    return arena_printf(loader->arena, "; did you mean `%s`?", nearest);
}

static const char *kind_name(enum node_kind kind)
{
    static const char *const names[] = {
        [NODE_SCALAR] = "a single value", [NODE_LIST] = "a list", [NODE_MAP] = "a map of `key: value`"};
    return names[kind];
}

bool expect_kind(struct loader *loader, const struct node *node, enum node_kind kind, const char *what)
{
    if (node->kind == kind)
        return true;
    complain(loader, node, "%s must be %s, this is %s", what, kind_name(kind), kind_name(node->kind));
    return false;
}

bool expect_count(struct loader *loader, const struct node *node, const char *what, size_t least, size_t most)
{
    if (node->count >= least && node->count <= most)
        return true;
    if (least == most)
        complain(loader, node, "%s has %zu entries; it takes %zu", what, node->count, least);
    else
        complain(loader, node, "%s has %zu entries; it takes %zu to %zu", what, node->count, least, most);
    return false;
}

/* ---- maps */

static void complain_unknown(struct loader *loader, const struct node *key, const char *what,
                             const struct field *fields, size_t count)
{
    const char *names[NAMES_MAX];
    assert(count <= NAMES_MAX);
    for (size_t i = 0; i < count; i++)
        names[i] = fields[i].name;
    struct text nearest = hint(loader, key->text, names, count);
    complain(loader, key, "unknown key `%.*s` in %s%.*s", SHOWN(key->text), what, SHOWN(nearest));
}

static bool is_field(const struct node *key, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(key->text, text_of(fields[i].name)))
            return true;
    return false;
}

/* The first key of that name; complains of the others. */
static const struct node *find_key(struct loader *loader, const struct node *map, const char *name)
{
    const struct node *found = NULL;
    for (const struct node *key = map->first; key; key = key->next) {
        if (!text_equal(key->text, text_of(name)))
            continue;
        if (found)
            complain(loader, key, "`%s` stands here a second time; the first is in line %d", name, found->line);
        else
            found = key;
    }
    return found;
}

void fields_read(struct loader *loader, const struct node *map, const char *what, const struct field *fields,
                 size_t count, void *into)
{
    if (!expect_kind(loader, map, NODE_MAP, what))
        return;
    for (const struct node *key = map->first; key; key = key->next)
        if (!is_field(key, fields, count))
            complain_unknown(loader, key, what, fields, count);
    for (size_t i = 0; i < count; i++) {
        const struct node *key = find_key(loader, map, fields[i].name);
        if (key)
            fields[i].read(loader, key->value, into);
        else if (fields[i].required)
            complain(loader, map, "`%s` is missing in %s", fields[i].name, what);
    }
}

/* ---- scalars */

struct text listed(struct loader *loader, const char *const *names, size_t count)
{
    struct text list = TEXT("");
    for (size_t i = 0; i < count; i++)
        list = arena_printf(loader->arena, "%.*s%s%s", (int)list.len, list.at, i > 0 ? ", " : "", names[i]);
    return list;
}

bool read_choice(struct loader *loader, const struct node *node, const char *what, const char *const *names,
                 size_t count, size_t *out)
{
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(node->text, text_of(names[i])))
            continue;
        *out = i;
        return true;
    }
    struct text nearest = hint(loader, node->text, names, count);
    struct text list = listed(loader, names, count);
    complain(loader, node, "%s is `%.*s`; it can be: %.*s%.*s", what, SHOWN(node->text), (int)list.len, list.at,
             SHOWN(nearest));
    return false;
}

bool read_integer(struct loader *loader, const struct node *node, const char *what, int64_t least, int64_t most,
                  int64_t *out)
{
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return false;
    struct decimal number;
    if (!decimal_parse(node->text, 0, &number) || number.digits < least || number.digits > most) {
        complain(loader, node, "%s is `%.*s`; expected a whole number from %lld to %lld", what, SHOWN(node->text),
                 (long long)least, (long long)most);
        return false;
    }
    *out = number.digits;
    return true;
}

const struct shape amount_shape = {.kind = SHAPE_AMOUNT};

bool read_amount(struct loader *loader, const struct node *node, const char *what, const struct currency *currency,
                 int64_t *out)
{
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return false;
    struct decimal number;
    int64_t amount;
    if (!decimal_parse(node->text, RATE_DECIMALS_MAX, &number))
        complain(loader, node, "%s is `%.*s`; expected an amount such as 10.00, above zero", what, SHOWN(node->text));
    else if (number.decimals > currency->decimals)
        complain(loader, node, "%s is `%.*s`: %.*s has %d decimals", what, SHOWN(node->text), SHOWN(currency->name),
                 currency->decimals);
    else if (!decimal_scale(number, currency->decimals, &amount))
        complain(loader, node, "%s is `%.*s`, which is too large", what, SHOWN(node->text));
    else if (amount == 0)
        complain(loader, node, "%s is zero; expected an amount above zero", what);
    else {
        *out = amount;
        return true;
    }
    return false;
}

const struct shape date_time_shape = {.kind = SHAPE_TEXT,
                                      .pattern =
                                          "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2}))?$",
                                      .example = "2026-01-01T00:00:00Z"};

/* Midnight of a date in the program's zone; where a change of the clocks leaps over it, the instant of the change. */
static bool read_date(const struct loader *loader, struct text date, int64_t *out)
{
    enum { SECOND = 1000000 };
    const struct zone *zone = loader->program->local;
    int64_t midnight;
    if (date.len != strlen("2026-01-01") ||
        !rfc3339_parse(arena_printf(loader->arena, "%.*sT00:00:00Z", SHOWN(date)), &midnight))
        return false;
    *out = zone ? zone_instant(zone, midnight / SECOND) * SECOND : midnight;
    return true;
}

bool read_date_time(struct loader *loader, const struct node *node, const char *what, int64_t *out)
{
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return false;
    bool good = read_date(loader, node->text, out) || rfc3339_parse(node->text, out);
    if (!good)
        complain(loader, node,
                 "%s is `%.*s`; expected an instant such as 2026-01-01T00:00:00Z, or a date, whose midnight in the "
                 "program's zone is meant",
                 what, SHOWN(node->text));
    return good;
}

const struct shape id_shape = {.kind = SHAPE_TEXT, .pattern = "^[a-z0-9-]{1,64}$"};

bool is_id(struct text text)
{
    bool good = text.len >= 1 && text.len <= ID_MAX;
    for (size_t i = 0; good && i < text.len; i++) {
        char c = text.at[i];
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }
    return good;
}

bool read_id(struct loader *loader, const struct node *node, const char *what, struct text *out)
{
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return false;
    bool good = is_id(node->text);
    if (good)
        *out = node->text;
    else
        complain(loader, node, "%s is `%.*s`; expected 1 to %d of the characters a-z 0-9 -", what, SHOWN(node->text),
                 ID_MAX);
    return good;
}

const struct shape words_shape = {.kind = SHAPE_TEXT, .pattern = "^.+$"};

bool read_words(struct loader *loader, const struct node *node, const char *what, struct text *out)
{
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return false;
    bool good = node->text.len >= 1 && node->text.len <= WORDS_MAX;
    for (size_t i = 0; good && i < node->text.len; i++)
        good = (unsigned char)node->text.at[i] >= ' ' && node->text.at[i] != 0x7f;
    if (good)
        *out = node->text;
    else
        complain(loader, node, "%s must be a text of 1 to %d bytes on one line", what, WORDS_MAX);
    return good;
}

static bool read_currency(struct loader *loader, const struct node *node, const char *what,
                          const struct currency *currencies, size_t count, size_t *out)
{
    if (!expect_kind(loader, node, NODE_SCALAR, what))
        return false;
    const char *names[PROGRAM_MONEY_MAX];
    for (size_t i = 0; i < count; i++) {
        if (text_equal(currencies[i].name, node->text)) {
            *out = i;
            return true;
        }
        names[i] = arena_printf(loader->arena, "%.*s", SHOWN(currencies[i].name)).at;
    }
    struct text nearest = hint(loader, node->text, names, count);
    complain(loader, node, "%s `%.*s` is not declared in this file%.*s", what, SHOWN(node->text), SHOWN(nearest));
    return false;
}

bool read_money(struct loader *loader, const struct node *node, size_t *out)
{
    return read_currency(loader, node, "currency", loader->program->money, loader->program->money_count, out);
}

const struct shape points_name_shape = {.kind = SHAPE_TEXT, .pattern = POINTS_PATTERN};

bool read_points(struct loader *loader, const struct node *node, size_t *out)
{
    return read_currency(loader, node, "point currency", loader->program->points, loader->program->point_count, out);
}
