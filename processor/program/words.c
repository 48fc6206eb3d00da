#include <assert.h>

#include "program/parts.h"

/* Rates and reasons: the two small languages inside a program file's values. */

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

static bool split_rate(struct text text, struct text *a, struct text *b, bool *whole)
{
    *a = next_word(&text);
    struct text per = next_word(&text);
    *b = next_word(&text);
    *whole = text_equal(*b, TEXT("whole"));
    if (*whole)
        *b = next_word(&text);
    return text_equal(per, TEXT("per")) && b->len > 0 && next_word(&text).len == 0;
}

#define NUMBER "[0-9]+(\\.[0-9]+)?"
const struct shape rate_shape = {
    .kind = SHAPE_TEXT, .pattern = "^ *" NUMBER " +per +(whole +)?" NUMBER " *$", .example = "1 per 1.00"};

bool read_rate(struct loader *loader, const struct node *node, int point_decimals, int basis_decimals, struct rate *out)
{
    if (!expect_kind(loader, node, NODE_SCALAR, "a rate"))
        return false;
    struct text a_text, b_text;
    struct decimal a, b;
    bool whole;
    if (!split_rate(node->text, &a_text, &b_text, &whole) || !decimal_parse(a_text, RATE_DECIMALS_MAX, &a) ||
        !decimal_parse(b_text, RATE_DECIMALS_MAX, &b))
        complain(loader, node, "rate `%.*s`; expected \"1 per 1.00\" or \"1 per whole 1.00\", at most %d decimals",
                 SHOWN(node->text), RATE_DECIMALS_MAX);
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
    *out = (struct reason){parts, count};
    return true;
}

struct reason default_reason(enum event_type type)
{
#define LITERAL(words)                                                                                                 \
    {                                                                                                                  \
        REASON_LITERAL,                                                                                                \
        {                                                                                                              \
            words, sizeof(words) - 1                                                                                   \
        }                                                                                                              \
    }
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
#undef LITERAL
    switch (type) {
    case EVENT_REVIEW:
        return (struct reason){review, FIELD_COUNT(review)};
    case EVENT_SHARE:
        return (struct reason){share, FIELD_COUNT(share)};
    case EVENT_REFERRAL:
        return (struct reason){referral, FIELD_COUNT(referral)};
    case EVENT_ACTIVITY:
        return (struct reason){activity, FIELD_COUNT(activity)};
    default:
        return (struct reason){order, FIELD_COUNT(order)};
    }
}
