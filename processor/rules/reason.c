#include "rules/reason.h"

#include <assert.h>

/* Words put together: their views are collected, then copied once into a text of the right size. */
enum { PIECES_MAX = 8, SECOND = 1000000 };

static struct text join(struct arena *arena, const struct text *pieces, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += pieces[i].len;
    char *at = arena_raw(arena, len);
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        bytes_copy(at + written, pieces[i].at, pieces[i].len);
        written += pieces[i].len;
    }
    assert(written == len);
    return (struct text){at, len};
}

static struct text words_of(const struct reason_part *part, struct text amount, struct text subject)
{
    assert(part->kind <= REASON_SUBJECT);
    if (part->kind == REASON_LITERAL)
        return part->literal;
    return part->kind == REASON_AMOUNT ? amount : subject;
}

struct text reason_for_accrual(struct arena *arena, const struct rule *rule, const struct currency *currency,
                               int64_t amount, struct text subject)
{
    char room[AMOUNT_TEXT_MAX];
    struct text number = amount_write(amount, currency->decimals, room);
    const struct reason_part *parts = rule->reason.parts, *end = parts + rule->reason.count;
    size_t len = rule->reason.literal_len + rule->reason.amounts * number.len + rule->reason.subjects * subject.len;
    char *begin = arena_raw(arena, len), *at = begin;
    for (const struct reason_part *part = parts; part < end; part++) {
        struct text words = words_of(part, number, subject);
        bytes_copy(at, words.at, words.len);
        at += words.len;
    }
    assert(at == begin + len);
    return (struct text){begin, len};
}

/* What happened to the subject: "order " subject " was refunded". */
struct happening {
    struct text before;
    struct text after;
};

static struct happening happening_of(enum event_kind kind)
{
    switch (kind) {
    case ORDER_REFUNDED:
        return (struct happening){TEXT("order "), TEXT(" was refunded")};
    case ORDER_CANCELLED:
        return (struct happening){TEXT("order "), TEXT(" was cancelled")};
    case ORDER_AMENDED:
        return (struct happening){TEXT("order "), TEXT(" was changed")};
    case REVIEW_REJECTED:
        return (struct happening){TEXT("the review of "), TEXT(" was rejected")};
    case REVIEW_REMOVED:
        return (struct happening){TEXT("the review of "), TEXT(" was removed")};
    case SHARE_WITHDRAWN:
        return (struct happening){TEXT("the share of "), TEXT(" was withdrawn")};
    default:
        return (struct happening){TEXT("the referral of "), TEXT(" was voided")};
    }
}

struct text reason_for_take_back(struct arena *arena, const struct event *event, const struct currency *currency,
                                 int64_t amount, struct text subject)
{
    char room[AMOUNT_TEXT_MAX];
    struct happening happening = happening_of(event->kind);
    const struct text pieces[PIECES_MAX] = {
        amount_write(amount, currency->decimals, room),
        TEXT(" "),
        currency->name,
        TEXT(" taken back: "),
        happening.before,
        subject,
        happening.after,
    };
    return join(arena, pieces, PIECES_MAX);
}

struct text reason_for_automatic(struct arena *arena, const struct program *program, const struct automatic *automatic,
                                 enum reward_type type)
{
    char room[AMOUNT_TEXT_MAX];
    bool spent = automatic->form == AUTOMATIC_SPENT;
    const struct currency *currency =
        spent ? &program->money[automatic->currency] : &program->points[automatic->currency];
    struct text granted = spent ? TEXT(" spent") : TEXT("");
    struct text withdrawn = spent ? TEXT(" are no longer spent") : TEXT(" were given back");
    const struct text pieces[] = {
        automatic->give,
        type == REWARD_GRANTED ? TEXT(" for ") : TEXT(" withdrawn: "),
        amount_write(automatic->each, currency->decimals, room),
        TEXT(" "),
        currency->name,
        type == REWARD_GRANTED ? granted : withdrawn,
    };
    return join(arena, pieces, sizeof pieces / sizeof *pieces);
}

struct text reason_for_pending(struct arena *arena, const struct program *terms, const struct rule *rule,
                               int64_t amount, struct text subject, int64_t due)
{
    struct civil day = {0};
    struct text until = text_of(event_kind_name(rule->pending->awaits));
    if (due != INT64_MAX) {
        day = zone_local(terms->local, due / SECOND);
        until = arena_printf(arena, "%04lld-%02d-%02d", (long long)day.year, day.month, day.day);
    }
    const struct text pieces[] = {
        reason_for_accrual(arena, rule, &terms->points[rule->currency], amount, subject),
        TEXT(", pending until "),
        until,
    };
    return join(arena, pieces, sizeof pieces / sizeof *pieces);
}

static struct text date_before(struct arena *arena, const struct program *program, int64_t end)
{
    struct civil day = zone_local(program->local, end / SECOND - 1);
    return arena_printf(arena, "%04lld-%02d-%02d", (long long)day.year, day.month, day.day);
}

struct text reason_for_expiry(struct arena *arena, const struct program *program, const struct currency *currency,
                              int64_t amount, int64_t end, enum reward_type type)
{
    char room[AMOUNT_TEXT_MAX];
    bool ended = type == REWARD_POINTS_EXPIRED;
    const struct text pieces[] = {
        amount_write(amount, currency->decimals, room),
        TEXT(" "),
        currency->name,
        ended ? TEXT(" expired") : TEXT(" expire at the end of "),
        ended ? TEXT("") : date_before(arena, program, end),
    };
    return join(arena, pieces, sizeof pieces / sizeof *pieces);
}

struct text reason_for_redemption(struct arena *arena, const struct currency *currency, int64_t amount,
                                  struct text redemption_id, bool cancelled)
{
    char room[AMOUNT_TEXT_MAX];
    const struct text pieces[] = {
        amount_write(amount, currency->decimals, room),
        TEXT(" "),
        currency->name,
        cancelled ? TEXT(" back: redemption ") : TEXT(" for redemption "),
        redemption_id,
        cancelled ? TEXT(" was cancelled") : TEXT(""),
    };
    return join(arena, pieces, sizeof pieces / sizeof *pieces);
}

struct text reason_for_adjustment(struct arena *arena, const struct adjustment_event *adjustment,
                                  const struct currency *currency)
{
    if (adjustment->reason.len > 0)
        return adjustment->reason;
    char room[AMOUNT_TEXT_MAX];
    int64_t magnitude = adjustment->points < 0 ? -adjustment->points : adjustment->points;
    const struct text pieces[] = {
        amount_write(magnitude, currency->decimals, room),
        TEXT(" "),
        currency->name,
        adjustment->points < 0 ? TEXT(" removed") : TEXT(" added"),
    };
    return join(arena, pieces, sizeof pieces / sizeof *pieces);
}
