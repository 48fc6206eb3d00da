#include "casebook.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rfc3339.h"
#include "program/load.h"
#include "rules/program_model.h"
#include "rules/state.h"
#include "rules/step.h"

enum { PROGRAMS_MAX = 8, MEMBERS_MAX = 16, SIDES_MAX = 256, WORDS_MAX = 64, SUMS_MAX = 4 };

struct purse {
    struct text currency;
    int64_t sum;
};

struct member {
    struct text id;
    struct bytes state;
    int64_t entries;
    struct purse purses[SUMS_MAX];
    size_t purse_count;
};

struct side {
    size_t member;
    struct hash16 key;
    struct bytes record;
};

struct book {
    const char *path;
    int line;
    struct arena *arena;
    struct program *programs[PROGRAMS_MAX];
    size_t program_count;
    struct member members[MEMBERS_MAX];
    size_t member_count;
    struct side sides[SIDES_MAX];
    size_t side_count;
    size_t spilled;
    bool outputs;
    char *rendered; /* the effects of the newest event */
    size_t rendered_len;
    FILE *out;
};

#define BOOK_ASSERT(book, condition, ...)                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            char words_[4096];                                                                                         \
            snprintf(words_, sizeof words_, __VA_ARGS__);                                                              \
            cr_assert_fail("%s:%d: %s", (book)->path, (book)->line, words_);                                           \
        }                                                                                                              \
    } while (0)

#define VIEW(text) (int)(text).len, (text).len > 0 ? (text).at : ""

/* ---- words */

static struct text next_word(struct text *rest)
{
    while (rest->len > 0 && rest->at[0] == ' ')
        rest->at++, rest->len--;
    struct text word = {rest->at, 0};
    while (rest->len > 0 && rest->at[0] != ' ')
        rest->at++, rest->len--, word.len++;
    return word;
}

static bool begins(struct text text, const char *prefix)
{
    return text.len >= strlen(prefix) && memcmp(text.at, prefix, strlen(prefix)) == 0;
}

static struct text after(struct text text, size_t skip)
{
    return (struct text){text.at + skip, text.len - skip};
}

/* "21.90" with two decimals is 2190. A sign is allowed, also for what must be refused; `least` is the least int64. */
static int64_t amount_of(struct book *book, struct text word, int decimals)
{
    bool negative = begins(word, "-");
    if (text_equal(word, TEXT("least")))
        return INT64_MIN;
    if (negative || begins(word, "+"))
        word = after(word, 1);
    struct decimal number;
    int64_t amount = 0;
    BOOK_ASSERT(book, decimal_parse(word, decimals, &number) && decimal_scale(number, decimals, &amount),
                "not an amount: %.*s", VIEW(word));
    return negative ? -amount : amount;
}

static size_t find(struct text text, char c)
{
    size_t at = 0;
    while (at < text.len && text.at[at] != c)
        at++;
    return at;
}

/* ---- events */

/* a=2x5.00-1.00: two of line a at 5.00 each, 1.00 off the line; a=2: two of them come back. */
static void parse_line(struct book *book, struct text word, struct order_line *line)
{
    size_t equals = find(word, '=');
    BOOK_ASSERT(book, equals < word.len, "not a line: %.*s", VIEW(word));
    line->sku = (struct text){word.at, equals};
    struct text rest = after(word, equals + 1);
    size_t times = find(rest, 'x');
    line->quantity = amount_of(book, (struct text){rest.at, times}, 0);
    if (times == rest.len)
        return;
    rest = after(rest, times + 1);
    size_t minus = find(rest.len > 0 ? after(rest, 1) : rest, '-') + 1;
    line->unit_price = amount_of(book, (struct text){rest.at, minus < rest.len ? minus : rest.len}, 2);
    if (minus < rest.len)
        line->discount = amount_of(book, after(rest, minus + 1), 2);
}

static void parse_order(struct book *book, struct text rest, struct order_event *order)
{
    struct order_line *lines = arena_array(book->arena, WORDS_MAX, sizeof *lines);
    order->order_id = next_word(&rest);
    order->currency = next_word(&rest);
    for (struct text word = next_word(&rest); word.len > 0; word = next_word(&rest)) {
        if (begins(word, "discount="))
            order->discount = amount_of(book, after(word, 9), 2);
        else if (begins(word, "amount="))
            order->refund_amount = amount_of(book, after(word, 7), 2);
        else if (begins(word, "revision="))
            order->revision = amount_of(book, after(word, 9), 0);
        else
            parse_line(book, word, &lines[order->line_count++]);
    }
    order->lines = lines;
}

/* book rating=5 length=80 photos=2 verified */
static void parse_review(struct book *book, struct text rest, struct review_event *review)
{
    review->sku = next_word(&rest);
    for (struct text word = next_word(&rest); word.len > 0; word = next_word(&rest)) {
        if (begins(word, "rating="))
            review->rating = amount_of(book, after(word, 7), 0);
        else if (begins(word, "length="))
            review->length = amount_of(book, after(word, 7), 0);
        else if (begins(word, "photos="))
            review->photos = amount_of(book, after(word, 7), 0);
        else
            BOOK_ASSERT(book, text_equal(word, TEXT("verified")), "not of a review: %.*s", VIEW(word));
        review->verified_purchase |= text_equal(word, TEXT("verified"));
    }
}

/* miles_walked 3.5 shoes=new: name, value, attributes. */
static void parse_activity(struct book *book, struct text rest, struct activity_event *activity)
{
    struct attribute *attributes = arena_array(book->arena, WORDS_MAX, sizeof *attributes);
    activity->name = next_word(&rest);
    for (struct text word = next_word(&rest); word.len > 0; word = next_word(&rest)) {
        size_t equals = find(word, '=');
        if (equals == word.len)
            activity->value = amount_of(book, word, 3);
        else
            attributes[activity->attribute_count++] = (struct attribute){{word.at, equals}, after(word, equals + 1)};
    }
    activity->attributes = attributes;
}

static enum share_network network_of(struct book *book, struct text word)
{
    for (int network = 0; network < NETWORK_COUNT; network++)
        if (text_equal(word, text_of(share_network_name((enum share_network)network))))
            return (enum share_network)network;
    BOOK_ASSERT(book, false, "no network: %.*s", VIEW(word));
    return NETWORK_OTHER;
}

static void parse_body(struct book *book, struct text rest, struct event *event)
{
    switch (event->type) {
    case EVENT_ORDER:
        parse_order(book, rest, &event->order);
        break;
    case EVENT_REVIEW:
        parse_review(book, rest, &event->review);
        break;
    case EVENT_SHARE:
        event->share.network = network_of(book, next_word(&rest));
        event->share.content = next_word(&rest);
        break;
    case EVENT_REFERRAL:
        event->referral.referrer = next_word(&rest);
        event->referral.referee = next_word(&rest);
        break;
    case EVENT_ACTIVITY:
        parse_activity(book, rest, &event->activity);
        break;
    case EVENT_ADJUSTMENT:
        event->adjustment.points = amount_of(book, next_word(&rest), 0);
        event->adjustment.currency = next_word(&rest);
        event->adjustment.reason = rest.len > 0 ? after(rest, 1) : rest;
        break;
    default:
        break;
    }
}

static void parse_kind(struct book *book, struct text word, struct event *event)
{
#define X(symbol, symbol_type, symbol_name)                                                                            \
    if (text_equal(word, arena_printf(book->arena, "%s.%s", event_type_name(symbol_type), symbol_name))) {             \
        event->type = symbol_type;                                                                                     \
        event->kind = symbol;                                                                                          \
        return;                                                                                                        \
    }
    EVENT_KINDS(X)
#undef X
    BOOK_ASSERT(book, text_equal(word, TEXT("order.unknown")), "no event: %.*s", VIEW(word));
    event->type = EVENT_ORDER;
}

/* Takes `name=value` out of the words that follow the kind. */
static struct text take_option(struct book *book, struct text *rest, const char *name)
{
    struct text value = {NULL, 0};
    struct text kept = {"", 0};
    struct text words = *rest;
    if (begins(words, " "))
        words = after(words, 1);
    while (words.len > 0) {
        size_t end = find(words, ' ');
        struct text word = {words.at, end};
        words = after(words, end < words.len ? end + 1 : end);
        if (begins(word, name))
            value = after(word, strlen(name));
        else
            kept = arena_printf(book->arena, "%.*s%s%.*s", VIEW(kept), kept.len > 0 ? " " : "", VIEW(word));
    }
    *rest = kept;
    return value;
}

static struct event parse_event(struct book *book, struct text rest)
{
    struct event event = {.program_id = book->programs[0]->id, .id = TEXT("e"), .source = TEXT("test")};
    parse_kind(book, next_word(&rest), &event);
    event.member_id = take_option(book, &rest, "member=");
    event.partner_id = take_option(book, &rest, "partner=");
    struct text at = take_option(book, &rest, "at=");
    if (event.member_id.len == 0)
        event.member_id = TEXT("ann");
    if (at.len == 0)
        at = TEXT("2026-03-01T12:00:00Z");
    BOOK_ASSERT(book, rfc3339_parse(at, &event.occurred_at), "not an instant: %.*s", VIEW(at));
    parse_body(book, rest, &event);
    return event;
}

/* ---- members */

static size_t member_of(struct book *book, struct text id)
{
    for (size_t i = 0; i < book->member_count; i++)
        if (text_equal(book->members[i].id, id))
            return i;
    cr_assert_lt(book->member_count, MEMBERS_MAX);
    book->members[book->member_count] = (struct member){.id = id};
    return book->member_count++;
}

static struct side *side_of(struct book *book, size_t member, struct hash16 key)
{
    for (size_t i = 0; i < book->side_count; i++)
        if (book->sides[i].member == member && hash16_equal(book->sides[i].key, key))
            return &book->sides[i];
    return NULL;
}

static struct purse *purse_of(struct member *member, struct text currency)
{
    for (size_t i = 0; i < member->purse_count; i++)
        if (text_equal(member->purses[i].currency, currency))
            return &member->purses[i];
    cr_assert_lt(member->purse_count, SUMS_MAX);
    member->purses[member->purse_count] = (struct purse){.currency = currency};
    return &member->purses[member->purse_count++];
}

/* ---- what always holds */

static void check_entries(struct book *book, const struct decision *decision, const size_t *parties)
{
    for (size_t i = 0; i < decision->entry_count; i++) {
        const struct entry *entry = &decision->entries[i];
        struct member *member = &book->members[parties[entry->party]];
        BOOK_ASSERT(book, entry->sequence == ++member->entries, "entry %zu is numbered %lld, not %lld", i,
                    (long long)entry->sequence, (long long)member->entries);
        BOOK_ASSERT(book, entry->amount > 0 && entry->wanted >= entry->amount, "entry %zu has amount %lld, wanted %lld",
                    i, (long long)entry->amount, (long long)entry->wanted);
        BOOK_ASSERT(book, entry->from != entry->to, "entry %zu goes nowhere", i);
    }
}

static void check_state(struct book *book, struct bytes bytes, struct member *member)
{
    struct member_state state;
    struct state_summary summary;
    struct scratch scratch;
    struct err err;
    scratch_open(&scratch, book->arena);
    BOOK_ASSERT(book, !state_decode(bytes, &scratch, &state, &err), "%s", err.text);
    struct bytes again = state_encode(&state, &scratch);
    BOOK_ASSERT(book, state.record_count <= STATE_RECORDS_MAX && bytes.len < 3 * STATE_RECORD_BYTES_MAX,
                "a state of %zu records in %zu bytes", state.record_count, bytes.len);
    BOOK_ASSERT(book, again.len == bytes.len && memcmp(again.at, bytes.at, bytes.len) == 0,
                "a state does not read back to its bytes");
    BOOK_ASSERT(book, !state_summarise(bytes, book->arena, &summary, &err), "%s", err.text);
    BOOK_ASSERT(book, summary.entry_count == member->entries, "the state counts %lld entries, the ledger %lld",
                (long long)summary.entry_count, (long long)member->entries);
    for (size_t i = 0; i < summary.balance_count; i++)
        BOOK_ASSERT(book, summary.balances[i].available == purse_of(member, summary.balances[i].currency)->sum,
                    "the balance is %lld, the sum of entries %lld", (long long)summary.balances[i].available,
                    (long long)purse_of(member, summary.balances[i].currency)->sum);
}

static bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static void check_same(struct book *book, const struct decision *a, const struct decision *b)
{
    bool same = a->outcome == b->outcome && a->entry_count == b->entry_count && a->reward_count == b->reward_count &&
                a->spill_count == b->spill_count && bytes_equal(a->states[0], b->states[0]) &&
                bytes_equal(a->states[1], b->states[1]);
    for (size_t i = 0; same && i < a->spill_count; i++)
        same = bytes_equal(a->spills[i].record, b->spills[i].record);
    BOOK_ASSERT(book, same, "the same input gave another decision");
}

/* ---- effects as text */

static void render_entry(struct book *book, const struct entry *entry, struct member *member)
{
    static const char *const verbs[] = {[ENTRY_ACCRUAL] = "+",
                                        [ENTRY_TAKE_BACK] = "-",
                                        [ENTRY_CONVERSION] = "converts ",
                                        [ENTRY_CONVERSION_VOIDED] = "gets back "};
    struct purse *purse = purse_of(member, entry->currency);
    bool in = entry->to == ACCOUNT_MEMBER_AVAILABLE;
    purse->sum += in ? entry->amount : -entry->amount;
    const char *verb = entry->kind == ENTRY_ADJUSTMENT ? (in ? "adjusted +" : "adjusted -") : verbs[entry->kind];
    fprintf(book->out, "%.*s %s%lld %.*s %.*s", VIEW(member->id), verb, (long long)entry->amount, VIEW(entry->currency),
            VIEW(entry->rule_id));
    if (entry->subject.len > 0)
        fprintf(book->out, " %.*s", VIEW(entry->subject));
    if (entry->wanted != entry->amount)
        fprintf(book->out, " wanted %lld", (long long)entry->wanted);
    if (entry->program_version != 1)
        fprintf(book->out, " v%lld", (long long)entry->program_version);
    if (entry->partner_id.len > 0)
        fprintf(book->out, " at %.*s", VIEW(entry->partner_id));
    fprintf(book->out, " = %lld\n", (long long)purse->sum);
}

static void render_reward(struct book *book, const struct reward *reward, const struct member *member)
{
    static const char *const names[REWARD_TYPE_COUNT] = {[REWARD_POINTS_GRANTED] = "granted",
                                                         [REWARD_POINTS_TAKEN_BACK] = "taken back",
                                                         [REWARD_GRANTED] = "reward",
                                                         [REWARD_VOIDED] = "voided",
                                                         [REWARD_REFERRAL_ACCEPTED] = "accepted",
                                                         [REWARD_REFERRAL_REFUSED] = "refused"};
    bool points = reward->type == REWARD_POINTS_GRANTED || reward->type == REWARD_POINTS_TAKEN_BACK;
    if (points && !book->outputs)
        return;
    fprintf(book->out, "%.*s %s", VIEW(member->id), names[reward->type]);
    if (reward->rule_id.len > 0)
        fprintf(book->out, " %.*s", VIEW(reward->rule_id));
    if (book->outputs)
        fprintf(book->out, " %lld %.*s balance %lld lifetime %lld [%.*s] %.*s", (long long)reward->amount,
                VIEW(reward->currency), (long long)reward->balance_after, (long long)reward->lifetime_after,
                VIEW(reward->benefit), VIEW(reward->reason));
    fputc('\n', book->out);
}

static void render(struct book *book, const struct decision *decision, const size_t *parties)
{
    for (size_t i = 0; i < decision->entry_count; i++)
        render_entry(book, &decision->entries[i], &book->members[parties[decision->entries[i].party]]);
    for (size_t i = 0; i < decision->reward_count; i++)
        render_reward(book, &decision->rewards[i], &book->members[parties[decision->rewards[i].party]]);
    if (decision->outcome == OUTCOME_WAITING)
        fputs("waiting\n", book->out);
    if (decision->outcome == OUTCOME_NO_EFFECT)
        fputs("nothing\n", book->out);
    BOOK_ASSERT(book, (decision->outcome == OUTCOME_APPLIED) == (decision->entry_count + decision->reward_count > 0),
                "the outcome does not fit the effects");
}

/* ---- running */

static void take_decision(struct book *book, const struct decision *decision, const size_t *parties, size_t count)
{
    check_entries(book, decision, parties);
    render(book, decision, parties);
    for (size_t i = 0; i < decision->spill_count; i++) {
        const struct spill *spill = &decision->spills[i];
        struct side *side = side_of(book, parties[spill->party], spill->key);
        book->spilled++;
        cr_assert(side || book->side_count < SIDES_MAX);
        if (!side)
            side = &book->sides[book->side_count++];
        *side = (struct side){parties[spill->party], spill->key, spill->record};
    }
    for (size_t p = 0; p < count; p++) {
        if (!decision->states[p].at)
            continue;
        book->members[parties[p]].state = decision->states[p];
        check_state(book, decision->states[p], &book->members[parties[p]]);
    }
}

static void run_event(struct book *book, const struct event *event)
{
    struct program_set set = {.revision = 1, .programs = book->programs, .count = book->program_count};
    const struct program *program = program_set_at(&set, event->program_id, event->occurred_at);
    BOOK_ASSERT(book, program, "no program is in force");
    struct step_input input = {.program = program, .programs = &set, .event = event};
    struct party_name names[STEP_PARTIES_MAX];
    struct subject subjects[STEP_SUBJECTS_MAX];
    size_t parties[STEP_PARTIES_MAX] = {0};
    size_t party_count = step_parties(program, event, names);
    size_t subject_count = step_subjects(program, event, subjects);
    for (size_t p = 0; p < party_count; p++) {
        parties[p] = member_of(book, names[p].member_id);
        input.parties[p].state = book->members[parties[p]].state;
    }
    for (size_t s = 0; s < subject_count; s++) {
        struct party *party = &input.parties[subjects[s].party];
        size_t member = parties[subjects[s].party];
        input.subject_keys[s] = hash_subject(subjects[s].kind, subjects[s].name);
        struct side *side = side_of(book, member, input.subject_keys[s]);
        if (side && step_needs(party->state, input.subject_keys[s]))
            party->records[s] = side->record;
    }
    struct decision decision, again;
    struct err err;
    enum err_code code = step(&input, book->arena, &decision, &err);
    if (code) {
        fprintf(book->out, "refused %s: %s\n", err_name(code), err.text);
        return;
    }
    BOOK_ASSERT(book, !step(&input, book->arena, &again, &err), "%s", err.text);
    check_same(book, &decision, &again);
    take_decision(book, &decision, parties, party_count);
}

static void begin_case(struct book *book, struct text rest)
{
    static const struct text option = {" outputs", 8};
    book->outputs = rest.len > option.len && text_equal(after(rest, rest.len - option.len), option);
    book->member_count = 0;
    book->side_count = 0;
}

/* The indented lines that follow, as one file. */
static struct text take_indented(struct book *book, struct text *source)
{
    struct text yaml = {"", 0};
    while (begins(*source, "  ")) {
        size_t end = find(*source, '\n');
        yaml = arena_printf(book->arena, "%.*s%.*s\n", VIEW(yaml), (int)end, source->at);
        *source = after(*source, end < source->len ? end + 1 : end);
        book->line++;
    }
    return yaml;
}

static void add_program(struct book *book, struct text yaml)
{
    struct program_errors errors = {0};
    struct err err;
    cr_assert_lt(book->program_count, PROGRAMS_MAX);
    enum err_code code = program_load(yaml, book->arena, &book->programs[book->program_count], &errors, &err);
    BOOK_ASSERT(book, !code, "the program ends here: %s", err.text);
    book->program_count++;
}

/* Compares the newest event's effects with the lines that follow it. */
static void expect_effects(struct book *book, struct text *source)
{
    fflush(book->out);
    struct text expected = {source->at, 0};
    int first = book->line + 1;
    while (source->len > 0 && source->at[0] != '\n' && source->at[0] != '>' && source->at[0] != '#') {
        size_t end = find(*source, '\n');
        size_t whole = end < source->len ? end + 1 : end;
        expected.len += whole;
        *source = after(*source, whole);
        book->line++;
    }
    struct text actual = {book->rendered, book->rendered_len};
    if (!text_equal(expected, actual))
        cr_assert_fail("%s:%d: expected:\n%.*sbut was:\n%.*s", book->path, first, VIEW(expected), VIEW(actual));
}

static void run_line(struct book *book, struct text line, struct text *source)
{
    if (text_equal(line, TEXT("program"))) {
        add_program(book, take_indented(book, source));
    } else if (begins(line, "case ")) {
        begin_case(book, line);
    } else if (begins(line, "> ")) {
        struct event event = parse_event(book, after(line, 2));
        rewind(book->out);
        run_event(book, &event);
        expect_effects(book, source);
    } else {
        BOOK_ASSERT(book, line.len == 0 || line.at[0] == '#', "not understood: %.*s", VIEW(line));
    }
}

size_t casebook_run(const char *path)
{
    struct book *book = calloc(1, sizeof *book);
    struct text source;
    struct err err;
    book->path = path;
    book->arena = arena_new(0);
    book->out = open_memstream(&book->rendered, &book->rendered_len);
    cr_assert_eq(program_read_file(path, book->arena, &source, &err), ERR_NONE, "%s", err.text);
    size_t events = 0;
    while (source.len > 0) {
        size_t end = find(source, '\n');
        struct text line = {source.at, end};
        source = after(source, end < source.len ? end + 1 : end);
        book->line++;
        events += begins(line, "> ");
        run_line(book, line, &source);
    }
    cr_assert_gt(events, 0, "%s holds no event", path);
    size_t spilled = book->spilled;
    fclose(book->out);
    free(book->rendered);
    arena_free(book->arena);
    free(book);
    return spilled;
}
