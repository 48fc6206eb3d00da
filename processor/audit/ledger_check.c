#include "audit/ledger_check.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/hash.h"
#include "rules/shown.h"

static struct currency_sum *sum_of(struct member_sums *sums, struct text currency, struct arena *arena)
{
    for (size_t i = 0; i < sums->count; i++)
        if (text_equal(sums->sums[i].currency, currency))
            return &sums->sums[i];
    if (sums->count == CHECK_CURRENCIES_MAX)
        return NULL;
    sums->sums[sums->count] = (struct currency_sum){.currency = arena_text(arena, currency)};
    return &sums->sums[sums->count++];
}

void member_sums_add(struct member_sums *sums, const struct ledger_row *row, struct arena *arena)
{
    struct currency_sum *sum = sum_of(sums, row->currency, arena);
    sums->entries++;
    if (row->sequence != sums->entries && sums->bad_sequence == 0)
        sums->bad_sequence = sums->entries;
    if (!sum) {
        sums->too_much = true;
        return;
    }
    bool fits = true;
    if (row->to == ACCOUNT_MEMBER_AVAILABLE)
        fits = checked_add(sum->available, row->amount, &sum->available);
    if (row->from == ACCOUNT_MEMBER_AVAILABLE)
        fits = checked_sub(sum->available, row->amount, &sum->available) && fits;
    if (row->to == ACCOUNT_MEMBER_PENDING)
        fits = checked_add(sum->pending, row->amount, &sum->pending) && fits;
    if (row->from == ACCOUNT_MEMBER_PENDING)
        fits = checked_sub(sum->pending, row->amount, &sum->pending) && fits;
    fits =
        checked_add(sum->lifetime, entry_lifetime_effect(row->kind, row->from, row->to, row->amount), &sum->lifetime) &&
        fits;
    sums->too_much = sums->too_much || !fits;
}

struct currency_sum member_sums_of(const struct member_sums *sums, struct text currency)
{
    for (size_t i = 0; i < sums->count; i++)
        if (text_equal(sums->sums[i].currency, currency))
            return sums->sums[i];
    return (struct currency_sum){.currency = currency};
}

static bool check_sequence(const struct member_sums *sums, const struct state_summary *summary, struct finding *out)
{
    if (sums->bad_sequence == 0 && sums->entries == summary->entry_count)
        return true;
    out->kind = FINDING_SEQUENCE;
    if (sums->bad_sequence != 0)
        snprintf(out->remark, sizeof out->remark, "entry %" PRId64 " is not there", sums->bad_sequence);
    else
        snprintf(out->remark, sizeof out->remark, "the state counts %" PRId64 " entries, the ledger has %" PRId64,
                 summary->entry_count, sums->entries);
    return false;
}

/* What is pending of an erased member was forgotten. */
static bool check_balance(const struct member_sums *sums, const struct state_balance *balance, bool erased,
                          struct finding *out)
{
    struct currency_sum sum = member_sums_of(sums, balance->currency);
    bool pends = erased || sum.pending == balance->pending;
    if (pends && sum.available == balance->available && sum.lifetime == balance->lifetime)
        return true;
    out->kind = FINDING_BALANCE;
    if (!pends)
        snprintf(out->remark, sizeof out->remark,
                 "%.*s: the state has %" PRId64 " pending, the entries sum to %" PRId64, SHOWN(balance->currency),
                 balance->pending, sum.pending);
    else
        snprintf(out->remark, sizeof out->remark,
                 "%.*s: the state has %" PRId64 " available and %" PRId64 " ever earned, the entries sum to %" PRId64
                 " and %" PRId64,
                 SHOWN(balance->currency), balance->available, balance->lifetime, sum.available, sum.lifetime);
    return false;
}

static bool has_balance(const struct state_summary *summary, struct text currency)
{
    for (size_t i = 0; i < summary->balance_count; i++)
        if (text_equal(summary->balances[i].currency, currency))
            return true;
    return false;
}

static bool check_currencies(const struct member_sums *sums, const struct state_summary *summary, struct finding *out)
{
    out->kind = FINDING_BALANCE;
    if (sums->too_much) {
        snprintf(out->remark, sizeof out->remark, "the sum of its entries does not fit");
        return false;
    }
    for (size_t i = 0; i < sums->count; i++) {
        if (has_balance(summary, sums->sums[i].currency))
            continue;
        snprintf(out->remark, sizeof out->remark, "there are entries of %.*s, which the state has no balance of",
                 SHOWN(sums->sums[i].currency));
        return false;
    }
    return true;
}

bool member_sums_agree(const struct member_sums *sums, const struct ledger_member *member, struct arena *arena,
                       struct finding *out)
{
    struct state_summary summary;
    struct finding finding = {.fate = FATE_REPORTED};
    struct err err;
    snprintf(finding.where, sizeof finding.where, "%.*s/%.*s", SHOWN(member->program_id), SHOWN(member->member_id));
    bool agree = state_summarise(member->state, arena, &summary, &err) == ERR_NONE;
    bool forgotten = agree && summary.erased && member->member_id.len == 0;
    if (!agree) {
        finding.kind = FINDING_STATE;
        snprintf(finding.remark, sizeof finding.remark, "%.300s", err.text);
    } else if (!forgotten && !hash16_equal(member->key, hash_member(member->program_id, member->member_id))) {
        agree = false;
        finding.kind = FINDING_STATE;
        snprintf(finding.remark, sizeof finding.remark, "its key is not that of its name");
    } else {
        agree = check_sequence(sums, &summary, &finding) && check_currencies(sums, &summary, &finding);
        for (size_t i = 0; i < summary.balance_count && agree; i++)
            agree = check_balance(sums, &summary.balances[i], summary.erased, &finding);
    }
    if (!agree)
        *out = finding;
    return agree;
}

bool member_due_agrees(const struct ledger_member *member, struct arena *arena, struct finding *out)
{
    struct state_summary summary;
    if (state_summarise(member->state, arena, &summary, NULL) != ERR_NONE || summary.due_at == member->due_at)
        return true;
    *out = (struct finding){.kind = FINDING_DUE, .fate = FATE_REPORTED};
    snprintf(out->where, sizeof out->where, "%.*s/%.*s", SHOWN(member->program_id), SHOWN(member->member_id));
    snprintf(out->remark, sizeof out->remark,
             "due_at is %" PRId64 ", the state says %" PRId64 " (the largest number: never); the member's next event "
             "mends it",
             member->due_at, summary.due_at);
    return false;
}

static bool is_of(const struct account_totals *totals, const struct ledger_row *row)
{
    return text_equal(totals->program_id, row->program_id) && text_equal(totals->partner_id, row->partner_id) &&
           text_equal(totals->currency, row->currency);
}

static struct account_totals *totals_of(struct accounts *accounts, const struct ledger_row *row, struct arena *arena)
{
    if (accounts->last < accounts->count && is_of(&accounts->items[accounts->last], row))
        return &accounts->items[accounts->last];
    for (size_t i = 0; i < accounts->count; i++) {
        if (is_of(&accounts->items[i], row)) {
            accounts->last = i;
            return &accounts->items[i];
        }
    }
    if (accounts->count == accounts->capacity) {
        accounts->capacity = accounts->capacity ? accounts->capacity * 2 : 16;
        accounts->items = realloc(accounts->items, accounts->capacity * sizeof *accounts->items);
        if (!accounts->items)
            abort();
    }
    accounts->last = accounts->count++;
    accounts->items[accounts->last] = (struct account_totals){.program_id = arena_text(arena, row->program_id),
                                                              .partner_id = arena_text(arena, row->partner_id),
                                                              .currency = arena_text(arena, row->currency)};
    return &accounts->items[accounts->last];
}

static bool is_account(int account)
{
    return account >= ACCOUNT_PROGRAMME && account <= ACCOUNT_LAST;
}

void accounts_add(struct accounts *accounts, const struct ledger_row *row, struct arena *arena)
{
    struct account_totals *totals = totals_of(accounts, row, arena);
    if (is_account(row->from))
        totals->sums[row->from] -= (uint64_t)row->amount;
    if (is_account(row->to))
        totals->sums[row->to] += (uint64_t)row->amount;
}

uint64_t accounts_sum(const struct account_totals *totals)
{
    uint64_t sum = 0;
    for (int account = ACCOUNT_PROGRAMME; account <= ACCOUNT_LAST; account++)
        sum += totals->sums[account];
    return sum;
}

void accounts_release(struct accounts *accounts)
{
    free(accounts->items);
    *accounts = (struct accounts){0};
}
