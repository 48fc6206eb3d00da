#include <assert.h>

#include "program/parts.h"

/* Rates and reasons: the two small languages inside a program file's values. */

struct node word_node(const struct node *of, struct text word)
{
    return (struct node){.kind = NODE_SCALAR, .line = of->line, .column = of->column, .text = word};
}

/* ---- rates */

struct text next_word(struct text *rest)
{
    while (rest->len > 0 && rest->at[0] == ' ')
        rest->at++, rest->len--;
    struct text word = {rest->at, 0};
    while (rest->len > 0 && rest->at[0] != ' ') {
        word.len++;
        rest->at++, rest->len--;
    }
    return word;
}

/* The words of a rate: "A per [whole] B", "A per [whole] [B] unit", "A%". */
struct rate_words {
    struct text a;
    struct text b;
    struct text unit;
    bool whole;
};

static bool begins_with_digit(struct text text)
{
    return text.len > 0 && text.at[0] >= '0' && text.at[0] <= '9';
}

static bool is_unit(struct text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!((text.at[i] >= 'a' && text.at[i] <= 'z') || text.at[i] == '_'))
            return false;
    return true;
}

static bool split_rate(struct text text, struct rate_words *out)
{
    out->a = next_word(&text);
    struct text per = next_word(&text), next = next_word(&text);
    out->whole = text_equal(next, TEXT("whole"));
    if (out->whole)
        next = next_word(&text);
    out->b = begins_with_digit(next) ? next : TEXT("1");
    out->unit = begins_with_digit(next) ? next_word(&text) : next;
    return text_equal(per, TEXT("per")) && next.len > 0 && is_unit(out->unit) && next_word(&text).len == 0;
}

/* "5%" is 0.05 per 1. */
static bool split_percentage(struct text text, struct decimal *a, struct decimal *b)
{
    struct text number = next_word(&text);
    if (number.len < 2 || number.at[number.len - 1] != '%' || next_word(&text).len > 0)
        return false;
    number.len--;
    if (!decimal_parse(number, RATE_DECIMALS_MAX - 2, a))
        return false;
    a->decimals += 2;
    *b = (struct decimal){1, 0};
    return true;
}

#define NUMBER "[0-9]+(\\.[0-9]+)?"
const struct shape rate_shape = {.kind = SHAPE_TEXT,
                                 .pattern = "^ *(" NUMBER "%|" NUMBER " +per +(whole +)?(" NUMBER "|(" NUMBER
                                            " +)?[a-z_]+)) *$",
                                 .example = "1 per 1.00"};

static bool parse_rate(struct text text, bool units, struct decimal *a, struct decimal *b, bool *whole)
{
    struct rate_words words;
    *whole = false;
    if (split_percentage(text, a, b))
        return true;
    if (!split_rate(text, &words) || (words.unit.len > 0 && !units))
        return false;
    *whole = words.whole;
    return decimal_parse(words.a, RATE_DECIMALS_MAX, a) && decimal_parse(words.b, RATE_DECIMALS_MAX, b);
}

bool read_rate(struct loader *loader, const struct node *node, bool units, int point_decimals, int basis_decimals,
               struct rate *out)
{
    if (!expect_kind(loader, node, NODE_SCALAR, "a rate"))
        return false;
    struct decimal a, b;
    bool whole;
    if (!parse_rate(node->text, units, &a, &b, &whole))
        complain(loader, node, "rate `%.*s`; expected %s, at most %d decimals", SHOWN(node->text),
                 units ? "\"1.5 per mile\" or \"1 per whole 10\"" : "\"1 per 1.00\", \"1 per whole 1.00\" or \"5%\"",
                 RATE_DECIMALS_MAX);
    else if (a.digits == 0 || b.digits == 0)
        complain(loader, node, "rate `%.*s`: both numbers must be above zero", SHOWN(node->text));
    else if (!rate_make(a, b, whole, point_decimals, basis_decimals, out))
        complain(loader, node, "rate `%.*s` has too many digits", SHOWN(node->text));
    else
        return true;
    return false;
}

/* ---- reasons */

struct placeholder {
    const char *name;
    enum reason_part_kind kind;
};

static const struct placeholder placeholders[] = {
    {"amount", REASON_AMOUNT},
    {"currency", REASON_CURRENCY},
    {"subject", REASON_SUBJECT},
    {"rule", REASON_RULE},
};

static bool find_placeholder(struct text name, enum reason_part_kind *out)
{
    for (size_t i = 0; i < FIELD_COUNT(placeholders); i++) {
        if (!text_equal(name, text_of(placeholders[i].name)))
            continue;
        *out = placeholders[i].kind;
        return true;
    }
    return false;
}

static void complain_placeholder(struct loader *loader, const struct node *node, struct text name)
{
    const char *names[FIELD_COUNT(placeholders)];
    for (size_t i = 0; i < FIELD_COUNT(placeholders); i++)
        names[i] = placeholders[i].name;
    struct text nearest = hint(loader, name, names, FIELD_COUNT(placeholders));
    complain(loader, node, "unknown placeholder {%.*s}; there are {amount}, {currency}, {subject} and {rule}%.*s",
             SHOWN(name), SHOWN(nearest));
}

static size_t find_char(struct text text, size_t from, char c)
{
    while (from < text.len && text.at[from] != c)
        from++;
    return from;
}

const struct shape reason_shape = {
    .kind = SHAPE_TEXT,
    .pattern = "^([^{\n]|\\{(amount|currency|subject|rule)\\})+$",
    .example = "{amount} {currency} for order {subject}",
};

bool read_reason(struct loader *loader, const struct node *node, struct reason *out)
{
    struct text words;
    if (!read_words(loader, node, "reason", &words))
        return false;
    struct reason_part *parts = arena_array(loader->arena, REASON_PARTS_MAX, sizeof *parts);
    size_t count = 0;
    for (size_t at = 0; at < words.len;) {
        if (count == REASON_PARTS_MAX) {
            complain(loader, node, "reason has more than %d parts", REASON_PARTS_MAX);
            return false;
        }
        struct reason_part *part = &parts[count++];
        size_t end = find_char(words, at, '{');
        if (end > at) {
            *part = (struct reason_part){REASON_LITERAL, {words.at + at, end - at}};
            at = end;
            continue;
        }
        end = find_char(words, at, '}');
        struct text name = {words.at + at + 1, end - at - 1};
        if (end == words.len || !find_placeholder(name, &part->kind)) {
            complain_placeholder(loader, node, name);
            return false;
        }
        at = end + 1;
    }
    *out = (struct reason){.parts = parts, .count = count};
    return true;
}

struct reason default_reason(enum event_type type)
{
    static const struct reason_part order[] = {{.kind = REASON_AMOUNT},
                                               LITERAL(" "),
                                               {.kind = REASON_CURRENCY},
                                               LITERAL(" for order "),
                                               {.kind = REASON_SUBJECT}};
    static const struct reason_part review[] = {{.kind = REASON_AMOUNT},
                                                LITERAL(" "),
                                                {.kind = REASON_CURRENCY},
                                                LITERAL(" for your review of "),
                                                {.kind = REASON_SUBJECT}};
    static const struct reason_part share[] = {{.kind = REASON_AMOUNT},
                                               LITERAL(" "),
                                               {.kind = REASON_CURRENCY},
                                               LITERAL(" for sharing "),
                                               {.kind = REASON_SUBJECT}};
    static const struct reason_part referral[] = {
        {.kind = REASON_AMOUNT}, LITERAL(" "), {.kind = REASON_CURRENCY}, LITERAL(" for a referral")};
    static const struct reason_part activity[] = {
        {.kind = REASON_AMOUNT}, LITERAL(" "), {.kind = REASON_CURRENCY}, LITERAL(" for "), {.kind = REASON_SUBJECT}};
    switch (type) {
    case EVENT_REVIEW:
        return (struct reason){.parts = review, .count = FIELD_COUNT(review)};
    case EVENT_SHARE:
        return (struct reason){.parts = share, .count = FIELD_COUNT(share)};
    case EVENT_REFERRAL:
        return (struct reason){.parts = referral, .count = FIELD_COUNT(referral)};
    case EVENT_ACTIVITY:
        return (struct reason){.parts = activity, .count = FIELD_COUNT(activity)};
    default:
        return (struct reason){.parts = order, .count = FIELD_COUNT(order)};
    }
}

static struct text joined(struct arena *arena, struct text a, struct text b)
{
    char *at = arena_raw(arena, a.len + b.len);
    bytes_copy(at, a.at, a.len);
    bytes_copy(at + a.len, b.at, b.len);
    return (struct text){at, a.len + b.len};
}

void settle_reason(struct loader *loader, struct rule *rule)
{
    struct reason_part *parts = arena_array(loader->arena, rule->reason.count, sizeof *parts);
    struct reason reason = {.parts = parts};
    for (size_t i = 0; i < rule->reason.count; i++) {
        struct reason_part part = rule->reason.parts[i];
        if (part.kind == REASON_CURRENCY)
            part = (struct reason_part){REASON_LITERAL, loader->program->points[rule->currency].name};
        else if (part.kind == REASON_RULE)
            part = (struct reason_part){REASON_LITERAL, rule->id};
        reason.literal_len += part.kind == REASON_LITERAL ? part.literal.len : 0;
        reason.amounts += part.kind == REASON_AMOUNT;
        reason.subjects += part.kind == REASON_SUBJECT;
        struct reason_part *last = reason.count > 0 ? &parts[reason.count - 1] : NULL;
        if (last && last->kind == REASON_LITERAL && part.kind == REASON_LITERAL)
            last->literal = joined(loader->arena, last->literal, part.literal);
        else
            parts[reason.count++] = part;
    }
    rule->reason = reason;
}
