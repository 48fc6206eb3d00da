#include <assert.h>

#include "base/checked.h"
#include "rules/consequences.h"
#include "rules/decide.h"
#include "rules/earning.h"
#include "rules/order_lines.h"
#include "rules/posting.h"
#include "rules/rule_index.h"
#include "rules/tier.h"
#include "rules/unite.h"

/* Orders: grants on what remains, computed again whenever that changes, always at the terms of the grant. */

enum { SUBJECT = 0 };

static struct cause cause_of(const struct work *work, const struct order_record *record, const struct program *terms)
{
    return (struct cause){.terms = terms,
                          .partner_id = record->partner_id,
                          .subject = work->event->order.order_id,
                          .subject_key = work->input->subject_keys[SUBJECT]};
}

static enum err_code overflow(struct work *work)
{
    const struct text id = work->event->order.order_id;
    return err_set(work->err, ERR_OVERFLOW, "the numbers of order %.*s do not fit", SHOWN(id));
}

/* ---- what its rules grant */

static struct grant *find_grant(const struct order_record *record, int64_t version, size_t rule)
{
    for (size_t i = record->grants.count; i-- > 0;) { /* most are asked for in their order, as they are added */
        struct grant *grant = &record->grants.items[i];
        if (grant->version == version && grant->rule == rule)
            return grant;
        if (grant->version < version || (grant->version == version && grant->rule < rule))
            break;
    }
    return NULL;
}

/* The rules that may grant something under a decision, and those that did; an explanation asks them all. */
static struct rule_list candidates(struct work *work, const struct order_view *view,
                                   const struct order_decision *decision, const struct program *terms)
{
    if (work->input->trace)
        return terms->by_kind[decision->kind];
    const struct grants *grants = &view->record->grants;
    const struct rule **granted = scratch_raw(work->scratch, (grants->count + 1) * sizeof *granted);
    size_t count = 0;
    for (size_t i = 0; i < grants->count; i++)
        if (grants->items[i].version == decision->version && terms->rules[grants->items[i].rule].kind == decision->kind)
            granted[count++] = &terms->rules[grants->items[i].rule];
    return rule_index_find(terms->by_order[decision->kind], view->record, (struct rule_list){granted, count},
                           work->scratch);
}

/* What the rules of one decision grant for what remains; of those that granted, also where it is nothing now. */
struct dues {
    const struct program *terms;
    struct due *items; /* in file order */
    size_t count;
};

static enum err_code dues_of(struct work *work, const struct member_work *member, struct order_view *view,
                             const struct order_decision *decision, struct dues *out)
{
    enum err_code code = work_terms(work, decision->version, &out->terms);
    if (code)
        return code;
    struct rule_list rules = candidates(work, view, decision, out->terms);
    size_t money = program_money_place(out->terms, view->record->currency);
    if (money == PLACE_NONE)
        return err_set(work->err, ERR_BAD_STATE,
                       "an order granted under version %lld is in %.*s, which it does not declare",
                       (long long)decision->version, SHOWN(view->record->currency));
    out->items = scratch_raw(work->scratch, (rules.count + 1) * sizeof *out->items);
    out->count = 0;
    for (size_t i = 0; i < rules.count && !code; i++) {
        struct due *due = &out->items[out->count];
        due->rule = rules.items[i];
        TRACE_RULE(work, FACT_ASKED, out->terms, due->rule, fact->party = 0);
        code = earning_of_order(work, member, out->terms, due->rule, view, decision, money, &due->points);
        if (due->points > 0 || find_grant(view->record, decision->version, due->rule->place))
            out->count++;
    }
    if (!code)
        earning_stack(work, out->items, out->count);
    return code;
}

/* A rule is the same where its id is: true when the order was asked about it under another kind of event before. */
static enum err_code asked_before(struct work *work, const struct order_record *record,
                                  const struct order_decision *decision, const struct rule *rule, bool *out)
{
    *out = false;
    for (const struct order_decision *other = record->decisions; other < decision && !*out; other++) {
        const struct program *terms = NULL;
        enum err_code code = work_terms(work, other->version, &terms);
        if (code)
            return code;
        const struct rule *same = other->version == decision->version ? NULL : program_rule(terms, rule->id);
        *out = same && same->kind == other->kind;
    }
    return ERR_NONE;
}

/* When that kind of event of the order occurred; INT64_MAX: it did not yet. */
static int64_t occurred_at(const struct order_record *record, enum event_kind kind)
{
    for (size_t i = 0; i < record->decision_count; i++)
        if (record->decisions[i].kind == kind)
            return record->decisions[i].at;
    return INT64_MAX;
}

/* Books the difference between what the rule grants now and what it granted. What limits cut off stays off: only what
 * is wanted beyond that is asked of them anew. */
static enum err_code book(struct work *work, struct member_work *member, struct order_record *record,
                          const struct order_decision *decision, struct cause *cause, const struct due *due)
{
    struct grant *grant = find_grant(record, decision->version, due->rule->place);
    bool before = false;
    int64_t granted = 0;
    enum err_code code = ERR_NONE;
    cause->granted_at = decision->at;
    cause->standing = grant ? grant->points : 0;
    cause->released_at = due->rule->pending ? occurred_at(record, due->rule->pending->awaits) : 0;
    if (!grant) {
        code = asked_before(work, record, decision, due->rule, &before);
        if (before)
            TRACE_RULE(work, FACT_SKIPPED, cause->terms, due->rule, fact->why = SKIP_ONCE);
        if (code || before || due->points == 0)
            return code;
        code = work_accrue(work, member, due->rule, due->points, cause, &granted);
        grant = grants_add(&record->grants, decision->version, due->rule->place, decision->at, work->scratch);
        grant->points = granted;
        grant->wanted = due->points;
        return code;
    }
    TRACE_RULE(work, FACT_STANDING, cause->terms, due->rule, fact->granted = grant->points, fact->points = due->points);
    if (due->points < grant->points)
        code = work_take_back(work, member, due->rule, grant->points - due->points, cause);
    else if (due->points > grant->wanted)
        code = work_accrue(work, member, due->rule, due->points - grant->wanted, cause, &granted);
    grant->points = due->points < grant->points ? due->points : grant->points + granted;
    grant->wanted = due->points;
    return code;
}

/* A state may be any bytes: no grant may name a rule that its version does not have. */
static enum err_code check_grants(struct work *work, const struct order_record *record)
{
    for (size_t i = 0; i < record->grants.count; i++) {
        const struct program *terms = NULL;
        const struct rule *rule = NULL;
        enum err_code code = work_granting_rule(work, &record->grants.items[i], &terms, &rule);
        if (code)
            return code;
    }
    return ERR_NONE;
}

/* Grants what is due under one decision, and takes back what is not. */
static enum err_code follow_decision(struct work *work, struct member_work *member, struct order_record *record,
                                     struct order_view *view, const struct order_decision *decision)
{
    struct dues dues;
    struct text tier = member->tier;
    enum err_code code = check_grants(work, record);
    if (record->image & IMAGE_TIER)
        member->tier = record->tier;
    if (!code)
        code = dues_of(work, member, view, decision, &dues);
    member->tier = tier;
    if (code)
        return code;
    struct cause cause = cause_of(work, record, dues.terms);
    for (size_t i = 0; i < dues.count && !code; i++)
        code = book(work, member, record, decision, &cause, &dues.items[i]);
    return code;
}

/* An order that was wholly undone makes room for the next one; an amendment may bring it back. */
static void count_again(struct member_work *member, bool gone_before, bool gone)
{
    if (gone && !gone_before && member->state.order_count > 0)
        member->state.order_count--;
    else if (!gone && gone_before && member->state.order_count < INT64_MAX)
        member->state.order_count++;
}

/* After the record changed: the grants, and the rewards for purchases, follow. */
static enum err_code follow_change(struct work *work, struct member_work *member, struct order_record *record,
                                   const struct order_view *before)
{
    struct order_view view;
    const struct program *terms = NULL;
    enum err_code code = ERR_NONE;
    if (!order_view_open(record, work->scratch, &view))
        return overflow(work);
    for (size_t i = 0; i < record->decision_count && !code; i++)
        code = follow_decision(work, member, record, &view, &record->decisions[i]);
    if (!code)
        code = work_terms(work, record->decisions[0].version, &terms);
    if (code)
        return code;
    count_again(member, before->gone, view.gone);
    tier_follow_offers(work, member, record, &view);
    struct purchase purchase = {.ordered_under = terms,
                                .money = record->currency,
                                .spent = view.remaining - before->remaining,
                                .orders = before->gone - view.gone,
                                .at = record->decisions[0].at};
    return consequences_settle(work, member, &purchase);
}

/* What is known of the order: in its record and, where it is to be known by this event, in refunds that wait for it. */
static enum err_code read_record(struct work *work, const struct member_work *member, bool with_refunds,
                                 struct bytes *bytes, struct order_record *out)
{
    *bytes = work_record(work, member, SUBJECT);
    struct bytes refunds = {NULL, 0};
    enum err_code code = order_record_decode(*bytes, work->scratch, out, work->err);
    if (!code && with_refunds && !order_is_known(out))
        code = waiting_record(&member->state, work->input->subject_keys[SUBJECT], work->scratch, &refunds, work->err);
    if (code || refunds.len == 0)
        return code;
    code = records_unite(*bytes, refunds, work->scratch, bytes, work->err);
    return code ? code : order_record_decode(*bytes, work->scratch, out, work->err);
}

/* The order's record, with nothing in it when the order was never heard of; its currency must be the event's. */
static enum err_code load_record(struct work *work, struct member_work *member, bool with_refunds,
                                 struct order_record *out)
{
    const struct order_event *order = &work->event->order;
    struct bytes bytes;
    enum err_code code = read_record(work, member, with_refunds, &bytes, out);
    if (code)
        return code;
    if (bytes.len == 0) {
        out->currency = order->currency;
        out->partner_id = work->event->partner_id;
    } else if (!text_equal(out->currency, order->currency)) {
        return err_set(work->err, ERR_BAD_EVENT, "order.currency is %.*s; this order came in %.*s",
                       SHOWN(order->currency), SHOWN(out->currency));
    }
    return ERR_NONE;
}

static void store_record(struct work *work, struct member_work *member, const struct order_record *record)
{
    work_put_record(work, member, SUBJECT, order_record_encode(record, work->scratch));
}

/* ---- refunded, cancelled */

static enum err_code note_refund(struct work *work, struct order_record *record)
{
    const struct order_event *refund = &work->event->order;
    if (work->event->kind == ORDER_CANCELLED) {
        record->whole_refund = true;
        return ERR_NONE;
    }
    if (refund->refund_amount < 0)
        return err_set(work->err, ERR_BAD_EVENT, "order.refund_amount is %lld; it must not be negative",
                       (long long)refund->refund_amount);
    if (refund->refund_amount > 0 && refund->line_count > 0)
        return err_set(work->err, ERR_BAD_EVENT,
                       "order.refund_amount is %lld beside %zu lines; a refund has one of them",
                       (long long)refund->refund_amount, refund->line_count);
    if (refund->line_count > 0)
        return order_lines_refund(record, refund, work->scratch, work->err);
    if (refund->refund_amount == 0)
        record->whole_refund = true;
    else if (!checked_add(record->refunded_amount, refund->refund_amount, &record->refunded_amount))
        return overflow(work);
    return ERR_NONE;
}

/* The order may come yet. */
static enum err_code let_wait(struct work *work, struct member_work *member)
{
    const struct event *event = work->event;
    struct order_record refund = {.currency = event->order.currency, .partner_id = event->partner_id};
    struct waiting_refund waiting = {.order_key = work->input->subject_keys[SUBJECT],
                                     .order_id = event->order.order_id,
                                     .source = event->source,
                                     .id = event->id};
    if (!checked_add(event->occurred_at, WAITING_US, &waiting.due_at))
        return overflow(work);
    enum err_code code = note_refund(work, &refund);
    if (code)
        return code;
    waiting.refund = order_record_encode(&refund, work->scratch);
    work->waiting = member->changed = true;
    return waiting_add(&member->state, &waiting, work->scratch, work->err);
}

static enum err_code undo_order(struct work *work)
{
    struct member_work *member = &work->members[0];
    struct order_record record;
    struct order_view before;
    enum err_code code = load_record(work, member, true, &record);
    if (!code && !order_view_open(&record, work->scratch, &before))
        code = overflow(work);
    if (!code)
        code = note_refund(work, &record);
    if (code)
        return code;
    if (!order_is_known(&record))
        return let_wait(work, member);
    code = follow_change(work, member, &record, &before);
    if (!code)
        store_record(work, member, &record);
    return code;
}

enum err_code order_meet_refund(struct work *work, struct member_work *member, const struct waiting_refund *refund,
                                struct bytes known, struct bytes *out)
{
    const struct step_input *input = work->input;
    const struct event *cause = work->event;
    struct step_input input_of_order = *input;
    struct event event = {.type = EVENT_ORDER,
                          .kind = ORDER_REFUNDED,
                          .source = refund->source,
                          .id = refund->id,
                          .program_id = cause->program_id,
                          .partner_id = cause->partner_id,
                          .member_id = cause->member_id,
                          .occurred_at = cause->occurred_at,
                          .order = {.order_id = refund->order_id}};
    struct order_record record;
    struct order_view before;
    struct bytes united = known;
    input_of_order.subject_keys[SUBJECT] = refund->order_key;
    work->event = &event;
    work->input = &input_of_order;
    enum err_code code = order_record_decode(known, work->scratch, &record, work->err);
    if (!code && !order_view_open(&record, work->scratch, &before))
        code = overflow(work);
    if (!code)
        code = records_unite(known, refund->refund, work->scratch, &united, work->err);
    if (!code)
        code = order_record_decode(united, work->scratch, &record, work->err);
    if (!code)
        code = follow_change(work, member, &record, &before);
    if (!code)
        *out = order_record_encode(&record, work->scratch);
    work->event = cause;
    work->input = input;
    return code;
}

/* ---- amended */

static enum err_code amend_order(struct work *work)
{
    struct member_work *member = &work->members[0];
    const struct order_event *order = &work->event->order;
    struct order_record record;
    struct order_view before;
    enum err_code code = order_check(order, work->err);
    if (!code)
        code = load_record(work, member, true, &record);
    if (code || !order_is_known(&record) || order->revision <= record.revision)
        return code;
    if (!order_view_open(&record, work->scratch, &before))
        return overflow(work);
    record.revision = order->revision;
    code = order_lines_replace(&record, order, work->scratch, work->err);
    if (!code)
        code = follow_change(work, member, &record, &before);
    if (!code)
        store_record(work, member, &record);
    return code;
}

/* ---- placed, paid, shipped, completed */

/* What the order is when it is first decided. Later kinds of event bring the same order: they are read again only
 * where their version's rules read more of it than the record keeps. */
static enum err_code read_order(struct work *work, struct member_work *member, struct order_record *record)
{
    const struct order_event *order = &work->event->order;
    bool first = !order_is_known(record);
    uint32_t image = record->image | work->program->image;
    if (first) {
        record->revision = order->revision;
        record->partner_id = work->event->partner_id;
        record->tier = member->tier;
        if (!checked_add(member->state.order_count, 1, &record->nth))
            return overflow(work);
    } else if (image == record->image || order->revision != record->revision) {
        return ERR_NONE;
    }
    record->image = image;
    return order_lines_replace(record, order, work->scratch, work->err);
}

/* True when something hangs on the event: rules of its kind, a tier, or points that wait for it. */
static bool is_asked(const struct work *work, const struct member_work *member, bool counts)
{
    enum event_kind kind = work->event->kind;
    return counts || work->program->awaited[kind] ||
           pending_awaiting(&member->state.pending, work->input->subject_keys[SUBJECT], kind);
}

/* Notes the event in the record and grants by its rules. A shipment may come without the order's lines, even before the
 * order: it is noted, and makes nothing known. */
static enum err_code note_decision(struct work *work, struct member_work *member, struct order_record *record,
                                   bool counts, struct purchase *out)
{
    bool known = order_is_known(record), reads = counts || (!known && work->event->order.line_count > 0);
    struct order_view view;
    enum err_code code = reads ? read_order(work, member, record) : ERR_NONE;
    if (!code && !order_view_open(record, work->scratch, &view))
        code = overflow(work);
    if (code)
        return code;
    if (!known && reads && !view.gone)
        member->state.order_count = record->nth;
    struct order_decision *decision = &record->decisions[record->decision_count++];
    *decision = (struct order_decision){work->event->kind, work->program->version, work->event->occurred_at};
    bool came = !known && reads;
    *out = (struct purchase){.ordered_under = work->program,
                             .money = record->currency,
                             .spent = came ? view.remaining : 0,
                             .orders = came && !view.gone,
                             .at = record->decisions[0].at};
    if (!order_is_known(record))
        return ERR_NONE;
    tier_follow_offers(work, member, record, &view);
    return follow_decision(work, member, record, &view, decision);
}

static enum err_code grant_order(struct work *work)
{
    struct member_work *member = &work->members[0];
    const struct order_event *order = &work->event->order;
    bool counts = program_counts_order(work->program, work->event->kind);
    struct order_record record;
    struct purchase purchase;
    enum err_code code = counts || order->line_count > 0 ? order_check(order, work->err) : ERR_NONE;
    if (code || !is_asked(work, member, counts))
        return code;
    code = load_record(work, member, counts || order->line_count > 0, &record);
    if (code || order_was_decided(&record, work->event->kind))
        return code;
    bool known = order_is_known(&record);
    code = note_decision(work, member, &record, counts, &purchase);
    if (!code)
        code = posting_release(work, member, work->input->subject_keys[SUBJECT]);
    if (code)
        return code;
    store_record(work, member, &record);
    if (!known && order_is_known(&record))
        waiting_met(&member->state, work->input->subject_keys[SUBJECT]);
    return consequences_settle(work, member, &purchase);
}

enum err_code decide_order(struct work *work)
{
    const struct order_event *order = &work->event->order;
    if (program_money_place(work->program, order->currency) == PLACE_NONE)
        return err_set(work->err, ERR_UNKNOWN_CURRENCY,
                       "order.currency is %.*s; program %.*s version %lld does not declare it", SHOWN(order->currency),
                       SHOWN(work->program->id), (long long)work->program->version);
    if (order->order_id.len == 0)
        return err_set(work->err, ERR_BAD_EVENT, "order.order_id is empty");
    switch (work->event->kind) {
    case ORDER_REFUNDED:
    case ORDER_CANCELLED:
        return undo_order(work);
    case ORDER_AMENDED:
        return amend_order(work);
    case ORDER_PLACED:
    case ORDER_PAID:
    case ORDER_SHIPPED:
    case ORDER_COMPLETED:
        return grant_order(work);
    default:
        return ERR_NONE;
    }
}
