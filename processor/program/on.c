#include <assert.h>

#include "program/draft.h"

/* `on`: which event a rule is for. */

enum { ACTIVITY_NAME_MAX = 64 };

static const char activity_prefix[] = "activity.";

/* What can earn, beside activities. Kinds that undo, like refunds, and kinds without a known second party cannot. */
#define EARNING(X)                                                                                                     \
    X("order.placed", ORDER_PLACED)                                                                                    \
    X("order.paid", ORDER_PAID)                                                                                        \
    X("order.shipped", ORDER_SHIPPED)                                                                                  \
    X("order.completed", ORDER_COMPLETED)                                                                              \
    X("review.submitted", REVIEW_SUBMITTED)                                                                            \
    X("review.approved", REVIEW_APPROVED)                                                                              \
    X("share.shared", SHARE_SHARED)                                                                                    \
    X("referral.signed_up", REFERRAL_SIGNED_UP)                                                                        \
    X("referral.converted", REFERRAL_CONVERTED)

#define X(name, kind) name,
static const char *const earning_names[] = {EARNING(X)};
#undef X
#define X(name, kind) kind,
static const enum event_kind earning_kinds[] = {EARNING(X)};
#undef X

static const struct shape activity_shape = {
    .kind = SHAPE_TEXT, .pattern = "^activity\\..+$", .example = "activity.sign_up"};
const struct shape on_shape = {
    .kind = SHAPE_CHOICE, .names = earning_names, .count = FIELD_COUNT(earning_names), .otherwise = &activity_shape};

static enum event_type type_of(enum event_kind kind)
{
    static const enum event_type types[EVENT_KIND_COUNT] = {
#define X(kind, type, name) [kind] = type,
        EVENT_KINDS(X)
#undef X
    };
    assert(kind != KIND_UNKNOWN && (unsigned)kind < EVENT_KIND_COUNT);
    return types[kind];
}

/* What rules of the type count once; activities count every time unless the file says `once_per: member`. */
static enum once_per usual_once(enum event_type type)
{
    switch (type) {
    case EVENT_ORDER:
        return ONCE_PER_ORDER;
    case EVENT_REVIEW:
        return ONCE_PER_PRODUCT;
    case EVENT_SHARE:
        return ONCE_PER_CONTENT;
    case EVENT_REFERRAL:
        return ONCE_PER_REFEREE;
    default:
        return ONCE_PER_EVENT;
    }
}

static void set_kind(struct draft *draft, enum event_kind kind)
{
    draft->rule.kind = kind;
    draft->rule.type = type_of(kind);
    draft->rule.once_per = usual_once(draft->rule.type);
    draft->rule.reason = default_reason(draft->rule.type);
    draft->typed = true;
}

static bool begins_with(struct text text, struct text prefix)
{
    return text.len >= prefix.len && memcmp(text.at, prefix.at, prefix.len) == 0;
}

static void read_activity(struct loader *loader, const struct node *node, struct draft *draft)
{
    struct text prefix = text_of(activity_prefix);
    struct text name = {node->text.at + prefix.len, node->text.len - prefix.len};
    if (name.len == 0 || name.len > ACTIVITY_NAME_MAX) {
        complain(loader, node, "on: activity.<name> takes a name of 1 to %d bytes", ACTIVITY_NAME_MAX);
        return;
    }
    draft->rule.activity = name;
    set_kind(draft, ACTIVITY_DONE);
}

/* "order.refunded" exists, though no rule can be for it. */
static bool names_any_kind(struct text given)
{
    for (int kind = KIND_UNKNOWN + 1; kind < EVENT_KIND_COUNT; kind++) {
        struct text type = text_of(event_type_name(type_of((enum event_kind)kind)));
        struct text name = text_of(event_kind_name((enum event_kind)kind));
        if (given.len == type.len + 1 + name.len && begins_with(given, type) && given.at[type.len] == '.' &&
            memcmp(given.at + type.len + 1, name.at, name.len) == 0)
            return true;
    }
    return false;
}

void read_on(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    if (!expect_kind(loader, node, NODE_SCALAR, "on"))
        return;
    if (begins_with(node->text, text_of(activity_prefix))) {
        read_activity(loader, node, draft);
        return;
    }
    const char *names[FIELD_COUNT(earning_names) + 1] = {"activity.<name>"};
    for (size_t i = 0; i < FIELD_COUNT(earning_names); i++) {
        if (text_equal(node->text, text_of(earning_names[i]))) {
            set_kind(draft, earning_kinds[i]);
            return;
        }
        names[i + 1] = earning_names[i];
    }
    struct text list = listed(loader, names, FIELD_COUNT(names));
    struct text nearest = hint(loader, node->text, names, FIELD_COUNT(names));
    if (names_any_kind(node->text))
        nearest = TEXT("");
    complain(loader, node, "on: `%.*s` %s; it can be: %.*s%.*s", SHOWN(node->text),
             names_any_kind(node->text) ? "earns nothing" : "is no event", (int)list.len, list.at, SHOWN(nearest));
}
