#include "cases/event.h"

#include "cases/event_values.h"

enum { NAMES_MAX = 32, ALIKE_FROM = 4 };

enum option_form {
    OPTION_TEXT,
    OPTION_COUNT,
    OPTION_MONEY,  /* of the order's currency */
    OPTION_POINTS, /* of the event's point currency */
    OPTION_INSTANT,
    OPTION_NETWORK,
    OPTION_FLAG, /* a word without a value */
    OPTION_END
};

struct option {
    const char *name;
    enum option_form form;
    size_t offset; /* in struct event */
};

/* What a type's line looks like, for errors, and its options. Those that others depend on come first. */
struct shape {
    const char *usage;
    bool has_lines; /* any other name=value is a line */
    struct option options[10];
};

#define AT(member) offsetof(struct event, member)

static const struct shape shapes[EVENT_TYPE_COUNT] = {
    [EVENT_ORDER] = {.usage = "ORDER CURRENCY [SKU=QUANTITYxPRICE]...",
                     .has_lines = true,
                     .options = {{"discount", OPTION_MONEY, AT(order.discount)},
                                 {"amount", OPTION_MONEY, AT(order.refund_amount)},
                                 {"revision", OPTION_COUNT, AT(order.revision)},
                                 {"shipping", OPTION_MONEY, AT(order.shipping)},
                                 {"points_used", OPTION_POINTS, AT(order.points_used)},
                                 {"channel", OPTION_TEXT, AT(order.channel)},
                                 {"coupon", OPTION_TEXT, AT(order.coupon)},
                                 {NULL, OPTION_END, 0}}},
    [EVENT_REVIEW] = {.usage = "SKU [verified]",
                      .options = {{"rating", OPTION_COUNT, AT(review.rating)},
                                  {"length", OPTION_COUNT, AT(review.length)},
                                  {"photos", OPTION_COUNT, AT(review.photos)},
                                  {"videos", OPTION_COUNT, AT(review.videos)},
                                  {"review", OPTION_TEXT, AT(review.review_id)},
                                  {"verified", OPTION_FLAG, AT(review.verified_purchase)},
                                  {NULL, OPTION_END, 0}}},
    [EVENT_SHARE] = {.usage = "NETWORK CONTENT", .options = {{NULL, OPTION_END, 0}}},
    [EVENT_REFERRAL] = {.usage = "REFERRER REFEREE",
                        .options = {{"code", OPTION_TEXT, AT(referral.code)},
                                    {"network", OPTION_NETWORK, AT(referral.network)},
                                    {"device", OPTION_TEXT, AT(referral.device_hash)},
                                    {"address", OPTION_TEXT, AT(referral.address_hash)},
                                    {NULL, OPTION_END, 0}}},
    [EVENT_ACTIVITY] = {.usage = "NAME [VALUE]", .options = {{NULL, OPTION_END, 0}}},
    [EVENT_REDEMPTION] = {.usage = "ID [REWARD]",
                          .options = {{"currency", OPTION_TEXT, AT(redemption.currency)},
                                      {"points", OPTION_POINTS, AT(redemption.points)},
                                      {"order", OPTION_TEXT, AT(redemption.order_id)},
                                      {NULL, OPTION_END, 0}}},
    [EVENT_ADJUSTMENT] = {.usage = "POINTS [CURRENCY]",
                          .options = {{"reason", OPTION_TEXT, AT(adjustment.reason)},
                                      {"actor", OPTION_TEXT, AT(adjustment.actor)},
                                      {NULL, OPTION_END, 0}}},
    [EVENT_MEMBER] = {.usage = "[consent]",
                      .options = {{"zone", OPTION_TEXT, AT(member.zone)},
                                  {"language", OPTION_TEXT, AT(member.language)},
                                  {"birthday", OPTION_TEXT, AT(member.birthday)},
                                  {"chosen_currency", OPTION_TEXT, AT(member.chosen_currency)},
                                  {"merged_into", OPTION_TEXT, AT(member.merged_into)},
                                  {"consent", OPTION_FLAG, AT(member.consent)},
                                  {NULL, OPTION_END, 0}}},
    [EVENT_TIMER] = {.usage = "OBLIGATION",
                     .options = {{"due", OPTION_INSTANT, AT(timer.due_at)}, {NULL, OPTION_END, 0}}},
};

static const struct option common_options[] = {{"member", OPTION_TEXT, AT(member_id)},
                                               {"partner", OPTION_TEXT, AT(partner_id)},
                                               {"program", OPTION_TEXT, AT(program_id)},
                                               {"id", OPTION_TEXT, AT(id)},
                                               {"source", OPTION_TEXT, AT(source)},
                                               {"at", OPTION_INSTANT, AT(occurred_at)},
                                               {NULL, OPTION_END, 0}};

/* ---- options */

static struct text points_of(const struct event *event)
{
    if (event->type == EVENT_REDEMPTION)
        return event->redemption.currency;
    return event->type == EVENT_ADJUSTMENT ? event->adjustment.currency : TEXT("");
}

static bool read_option(struct reading *reading, const struct option *option, struct text value)
{
    char *field = (char *)reading->event + option->offset;
    switch (option->form) {
    case OPTION_TEXT:
        *(struct text *)(void *)field = unquoted(reading->arena, value);
        return true;
    case OPTION_COUNT:
        return read_number(reading, option->name, value, 0, (int64_t *)(void *)field);
    case OPTION_MONEY:
        return read_money_amount(reading, option->name, value, reading->event->order.currency,
                                 (int64_t *)(void *)field);
    case OPTION_POINTS:
        return read_points_amount(reading, option->name, value, points_of(reading->event), (int64_t *)(void *)field);
    case OPTION_INSTANT:
        return read_instant(reading, option->name, value, (int64_t *)(void *)field);
    case OPTION_NETWORK:
        return read_network(reading, value, (enum share_network *)(void *)field);
    case OPTION_FLAG:
    case OPTION_END:
        break;
    }
    return false;
}

static bool read_options(struct reading *reading, const struct option *options)
{
    bool good = true;
    for (const struct option *option = options; option->name; option++) {
        if (option->form == OPTION_FLAG) {
            *(bool *)((char *)reading->event + option->offset) = words_take_flag(&reading->words, option->name);
            continue;
        }
        const struct word *word = words_take(&reading->words, option->name);
        good = (!word || read_option(reading, option, word->value)) && good;
    }
    return good;
}

/* All names that the type's lines know. */
static size_t names_of(enum event_type type, const char *names[NAMES_MAX])
{
    size_t count = 0;
    for (const struct option *option = common_options; option->name; option++)
        names[count++] = option->name;
    for (const struct option *option = shapes[type].options; option->name; option++)
        names[count++] = option->name;
    if (type == EVENT_MEMBER)
        names[count++] = "segment";
    return count;
}

/* One letter changed, too many, missing, or two neighbours swapped. */
static bool is_one_slip(struct text a, struct text b)
{
    size_t head = 0, tail = 0;
    size_t shorter = a.len < b.len ? a.len : b.len;
    while (head < shorter && a.at[head] == b.at[head])
        head++;
    while (tail < shorter - head && a.at[a.len - 1 - tail] == b.at[b.len - 1 - tail])
        tail++;
    size_t left = a.len - head - tail, right = b.len - head - tail;
    bool swapped = left == 2 && right == 2 && a.at[head] == b.at[head + 1] && a.at[head + 1] == b.at[head];
    return (left <= 1 && right <= 1) || swapped;
}

/* A sku or an attribute that is nearly an option is rather a slip of the pen. */
static bool is_slip(struct reading *reading, struct text name)
{
    const char *names[NAMES_MAX];
    size_t count = names_of(reading->event->type, names);
    for (size_t i = 0; i < count && name.len >= ALIKE_FROM; i++) {
        if (!is_one_slip(name, text_of(names[i])))
            continue;
        fault_add(reading->words.faults, reading->words.line,
                  "`%.*s=` is nearly `%s=`; did you mean that? If not, write \"%.*s\"= in quotes", VIEW(name), names[i],
                  VIEW(name));
        return true;
    }
    return false;
}

static bool refuse_rest(struct reading *reading)
{
    const char *names[NAMES_MAX];
    enum event_type type = reading->event->type;
    size_t count = names_of(type, names);
    bool good = true;
    for (size_t i = 0; i < reading->words.count; i++) {
        const struct word *word = &reading->words.items[i];
        if (word->taken)
            continue;
        good = false;
        struct text given = word->has_name ? word->name : word->whole;
        struct text hint = nearest_hint(reading->arena, given, names, count);
        fault_add(reading->words.faults, reading->words.line, "`%.*s` is not understood in `%s.%s %s`%.*s", VIEW(given),
                  event_type_name(type), event_kind_name(reading->event->kind), shapes[type].usage, VIEW(hint));
    }
    return good;
}

/* ---- lists */

static bool read_line_option(struct reading *reading, struct text option, struct order_line *line, struct text *labels)
{
    static const char *const names[] = {"category", "label", "tax", "line"};
    struct text value = option;
    struct text name = take_until(&value, '=');
    if (text_equal(name, TEXT("tax")))
        return read_money_amount(reading, "tax", value, reading->event->order.currency, &line->tax);
    value = unquoted(reading->arena, value);
    if (text_equal(name, TEXT("label")))
        labels[line->label_count++] = value;
    else if (text_equal(name, TEXT("category")))
        line->category = value;
    else if (text_equal(name, TEXT("line")))
        line->line_id = value;
    else {
        struct text hint = nearest_hint(reading->arena, name, names, sizeof names / sizeof *names);
        fault_add(reading->words.faults, reading->words.line,
                  "`%.*s` is not of a line; it can have category=, label=, tax= and line=%.*s", VIEW(name), VIEW(hint));
        return false;
    }
    return true;
}

/* 2x5.00-1.00: two at 5.00 each, 1.00 off the line; 2: two of them come back. */
static bool read_line_numbers(struct reading *reading, struct text rest, struct order_line *line)
{
    struct text currency = reading->event->order.currency;
    bool priced = find_unquoted(rest, 'x') < rest.len;
    if (!read_number(reading, "quantity", take_until(&rest, 'x'), 0, &line->quantity))
        return false;
    if (!priced)
        return true;
    /* A minus at the beginning is the price's own. */
    size_t sign = begins_with(rest, "-");
    struct text discount = without_first(rest, sign);
    struct text price = take_until(&discount, '-');
    bool discounted = sign + price.len < rest.len;
    price = (struct text){rest.at, sign + price.len};
    return read_money_amount(reading, "price", price, currency, &line->unit_price) &&
           (!discounted || read_money_amount(reading, "discount", discount, currency, &line->discount));
}

static bool read_line(struct reading *reading, struct word *word, struct order_line *line)
{
    struct text rest = word->value;
    word->taken = true;
    line->sku = unquoted(reading->arena, word->name);
    struct text *labels = arena_array(reading->arena, rest.len / 2 + 1, sizeof *labels);
    line->labels = labels;
    bool good = read_line_numbers(reading, take_until(&rest, ','), line);
    while (rest.len > 0)
        good = read_line_option(reading, take_until(&rest, ','), line, labels) && good;
    return good;
}

static bool read_lines(struct reading *reading)
{
    struct order_event *order = &reading->event->order;
    struct order_line *lines = arena_array(reading->arena, reading->words.count, sizeof *lines);
    bool good = true;
    for (size_t i = 0; i < reading->words.count; i++) {
        struct word *word = &reading->words.items[i];
        if (word->taken || !word->has_name)
            continue;
        if (is_slip(reading, word->name))
            word->taken = !(good = false);
        else
            good = read_line(reading, word, &lines[order->line_count++]) && good;
    }
    order->lines = lines;
    return good;
}

static bool read_attributes(struct reading *reading, const struct attribute **out, size_t *count)
{
    struct attribute *attributes = arena_array(reading->arena, reading->words.count, sizeof *attributes);
    bool good = true;
    for (size_t i = 0; i < reading->words.count; i++) {
        struct word *word = &reading->words.items[i];
        if (word->taken || !word->has_name)
            continue;
        word->taken = true;
        good = !is_slip(reading, word->name) && good;
        attributes[(*count)++] =
            (struct attribute){unquoted(reading->arena, word->name), unquoted(reading->arena, word->value)};
    }
    *out = attributes;
    return good;
}

static void read_segments(struct reading *reading, struct member_event *member)
{
    struct text *segments = arena_array(reading->arena, reading->words.count, sizeof *segments);
    for (size_t i = 0; i < reading->words.count; i++) {
        struct word *word = &reading->words.items[i];
        if (word->taken || !text_equal(word->name, TEXT("segment")))
            continue;
        word->taken = true;
        segments[member->segment_count++] = unquoted(reading->arena, word->value);
    }
    member->segments = segments;
}

/* ---- types: the words without names, then the options */

static bool read_order_words(struct reading *reading)
{
    struct order_event *order = &reading->event->order;
    order->order_id = words_take_plain(&reading->words);
    order->currency = words_take_plain(&reading->words);
    if (order->currency.len > 0)
        return true;
    fault_add(reading->words.faults, reading->words.line, "an order needs its id and its currency: `order.%s %s`",
              event_kind_name(reading->event->kind), shapes[EVENT_ORDER].usage);
    return false;
}

static bool read_activity_words(struct reading *reading)
{
    struct activity_event *activity = &reading->event->activity;
    activity->name = words_take_plain(&reading->words);
    struct text value = words_take_plain(&reading->words);
    return value.len == 0 || read_number(reading, "value", value, ACTIVITY_DECIMALS, &activity->value);
}

static bool read_adjustment_words(struct reading *reading)
{
    struct adjustment_event *adjustment = &reading->event->adjustment;
    struct text points = words_take_plain(&reading->words);
    adjustment->currency = words_take_plain(&reading->words);
    return read_points_amount(reading, "points", points, adjustment->currency, &adjustment->points);
}

static bool read_plain_words(struct reading *reading)
{
    struct event *event = reading->event;
    struct words *words = &reading->words;
    switch (event->type) {
    case EVENT_ORDER:
        return read_order_words(reading);
    case EVENT_REVIEW:
        event->review.sku = words_take_plain(words);
        return true;
    case EVENT_SHARE: {
        bool good = read_network(reading, words_take_plain(words), &event->share.network);
        event->share.content = words_take_plain(words);
        return good;
    }
    case EVENT_REFERRAL:
        event->referral.referrer = words_take_plain(words);
        event->referral.referee = words_take_plain(words);
        return true;
    case EVENT_ACTIVITY:
        return read_activity_words(reading);
    case EVENT_REDEMPTION:
        event->redemption.redemption_id = words_take_plain(words);
        event->redemption.reward = words_take_plain(words);
        return true;
    case EVENT_ADJUSTMENT:
        return read_adjustment_words(reading);
    case EVENT_TIMER:
        if (event->timer.obligation.len == 0)
            event->timer.obligation = words_take_plain(words);
        return true;
    case EVENT_MEMBER:
        read_segments(reading, &event->member);
        return true;
    case EVENT_TYPE_COUNT:
        break;
    }
    return false;
}

static bool read_body(struct reading *reading)
{
    const struct shape *shape = &shapes[reading->event->type];
    struct event *event = reading->event;
    if (!read_plain_words(reading) || !read_options(reading, shape->options))
        return false;
    bool good = true;
    if (shape->has_lines)
        good = read_lines(reading);
    if (event->type == EVENT_ACTIVITY)
        good = read_attributes(reading, &event->activity.attributes, &event->activity.attribute_count);
    if (event->type == EVENT_MEMBER)
        good = read_attributes(reading, &event->member.attributes, &event->member.attribute_count);
    return refuse_rest(reading) && good;
}

/* ---- kinds */

static bool is_kind(struct text word, enum event_type type, const char *kind)
{
    struct text name = text_of(event_type_name(type));
    return word.len > name.len && memcmp(word.at, name.at, name.len) == 0 && word.at[name.len] == '.' &&
           text_equal(without_first(word, name.len + 1), text_of(kind));
}

static bool find_kind(struct text word, struct event *event)
{
    static const struct {
        enum event_kind kind;
        enum event_type type;
        const char *name;
    } kinds[] = {
#define X(kind, type, name) {kind, type, name},
        EVENT_KINDS(X)
#undef X
    };
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        event->type = (enum event_type)type;
        event->kind = KIND_UNKNOWN;
        if (is_kind(word, event->type, event_kind_name(KIND_UNKNOWN)))
            return true;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        event->type = kinds[i].type;
        event->kind = kinds[i].kind;
        if (is_kind(word, kinds[i].type, kinds[i].name))
            return true;
    }
    return false;
}

static void refuse_kind(struct reading *reading, struct text word)
{
#define X(kind, type, name) arena_printf(reading->arena, "%s.%s", event_type_name(type), name).at,
    const char *names[] = {EVENT_KINDS(X)};
#undef X
    struct text hint = nearest_hint(reading->arena, word, names, sizeof names / sizeof *names);
    if (begins_with(word, "activity."))
        hint = arena_printf(reading->arena, "; write `activity.done %.*s`", VIEW(without_first(word, 9)));
    fault_add(reading->words.faults, reading->words.line, "`%.*s` is no event%.*s", VIEW(word), VIEW(hint));
}

/* `until TIME`: a timer of that time, which settles what is due by then. */
static bool read_until(struct reading *reading)
{
    struct text at = words_take_plain(&reading->words);
    reading->event->type = EVENT_TIMER;
    reading->event->kind = TIMER_DUE;
    reading->event->timer.obligation = TEXT("until");
    return read_instant(reading, "until", at, &reading->event->occurred_at);
}

static bool read_kind(struct reading *reading, bool *shows)
{
    struct text word = words_take_plain(&reading->words);
    *shows = text_equal(word, TEXT("show"));
    if (text_equal(word, TEXT("until")))
        return read_until(reading);
    if (*shows) {
        reading->event->type = EVENT_TIMER;
        reading->event->timer.obligation = word;
        return true;
    }
    if (find_kind(word, reading->event))
        return true;
    refuse_kind(reading, word);
    return false;
}

/* The version that decides it; where none is in force, any of the program: only decimals are asked of it. */
static const struct program *terms_of(const struct program_set *set, const struct event *event)
{
    const struct program *terms = program_set_at(set, event->program_id, event->occurred_at);
    for (size_t i = 0; i < set->count && !terms; i++)
        if (text_equal(program_id(set->programs[i]), event->program_id))
            terms = set->programs[i];
    return terms;
}

bool event_read(struct text line, int number, const struct event_place *place, struct case_event *out)
{
    struct reading reading = {.arena = place->faults->arena, .set = place->set, .previous_at = place->previous_at};
    size_t faults = place->faults->count;
    reading.event = &out->event;
    out->line = number;
    out->text = line;
    out->event = (struct event){.member_id = TEXT("ann"),
                                .program_id = place->program_id,
                                .source = TEXT("cases"),
                                .id = arena_printf(reading.arena, "line %d", number),
                                .occurred_at = place->previous_at};
    struct text own_id = out->event.id;
    if (!words_split(line, number, place->faults, &reading.words) || !read_kind(&reading, &out->shows) ||
        !read_options(&reading, common_options))
        return false;
    out->named = !text_equal(out->event.id, own_id) || !text_equal(out->event.source, TEXT("cases"));
    reading.terms = terms_of(place->set, &out->event);
    return read_body(&reading) && place->faults->count == faults;
}
