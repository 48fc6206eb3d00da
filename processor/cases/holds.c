#include "cases/holds.h"

#include "base/checked.h"
#include "cases/words.h"
#include "rules/state.h"

static bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static bool entries_equal(const struct entry *a, const struct entry *b)
{
    return a->party == b->party && a->kind == b->kind && a->from == b->from && a->to == b->to &&
           a->sequence == b->sequence && a->amount == b->amount && a->wanted == b->wanted &&
           a->program_version == b->program_version && text_equal(a->currency, b->currency) &&
           text_equal(a->rule_id, b->rule_id) && text_equal(a->subject, b->subject);
}

static bool draws_equal(const struct draw *a, const struct draw *b)
{
    return budget_compare(&a->key, a->period, &b->key, b->period) == 0 && a->amount == b->amount &&
           a->least == b->least && a->most == b->most;
}

struct text holds_same(struct store *store, const struct decision *a, const struct decision *b)
{
    bool same = a->outcome == b->outcome && a->entry_count == b->entry_count && a->reward_count == b->reward_count &&
                a->spill_count == b->spill_count && a->draw_count == b->draw_count;
    for (size_t i = 0; same && i < a->draw_count; i++)
        same = draws_equal(&a->draws[i], &b->draws[i]);
    for (size_t i = 0; same && i < a->entry_count; i++)
        same = entries_equal(&a->entries[i], &b->entries[i]);
    for (size_t i = 0; same && i < a->spill_count; i++)
        same = bytes_equal(a->spills[i].record, b->spills[i].record);
    for (size_t p = 0; same && p < STEP_PARTIES_MAX; p++)
        same = bytes_equal(a->states[p], b->states[p]);
    return same ? TEXT("") : arena_printf(store->arena, "the same input gave another decision");
}

struct text holds_draws(struct store *store, const struct step_input *input, const struct decision *decision)
{
    for (size_t i = 0; i < decision->draw_count; i++) {
        const struct draw *draw = &decision->draws[i];
        const struct budget *budget = NULL;
        for (size_t k = 0; k < input->budget_count && !budget; k++)
            if (budget_compare(&input->budgets[k].key, input->budgets[k].period, &draw->key, draw->period) == 0)
                budget = &input->budgets[k];
        if (!budget || budget->used < draw->least || budget->used > draw->most)
            return arena_printf(store->arena, "a draw on budget %.*s does not rest on what was used",
                                VIEW(draw->key.id));
    }
    return TEXT("");
}

/* Moves what the member can spend by the entry; false where the sum does not fit. */
static bool move(const struct entry *entry, struct purse *purse)
{
    if (entry->to == ACCOUNT_MEMBER_AVAILABLE)
        return checked_add(purse->sum, entry->amount, &purse->sum);
    return entry->from != ACCOUNT_MEMBER_AVAILABLE || checked_sub(purse->sum, entry->amount, &purse->sum);
}

static struct text holds_entry(struct store *store, const struct entry *entry, size_t member)
{
    int64_t expected = ++store->members[member].entries;
    if (entry->sequence != expected)
        return arena_printf(store->arena, "an entry is numbered %lld, not %lld", (long long)entry->sequence,
                            (long long)expected);
    if (entry->amount <= 0 || entry->wanted < entry->amount)
        return arena_printf(store->arena, "an entry has amount %lld, wanted %lld", (long long)entry->amount,
                            (long long)entry->wanted);
    return entry->from != entry->to ? TEXT("") : arena_printf(store->arena, "an entry goes nowhere");
}

struct text holds_entries(struct store *store, const struct decision *decision, const size_t *parties,
                          int64_t *balances)
{
    struct text broken = TEXT("");
    for (size_t i = 0; i < decision->entry_count; i++) {
        const struct entry *entry = &decision->entries[i];
        size_t member = parties[entry->party];
        struct purse *purse = store_purse(store, member, entry->currency);
        struct text wrong = holds_entry(store, entry, member);
        if (wrong.len == 0 && !move(entry, purse))
            wrong = arena_printf(store->arena, "the sum of a member's entries does not fit");
        if (broken.len == 0)
            broken = wrong;
        balances[i] = purse->sum;
    }
    bool effects = decision->entry_count + decision->reward_count > 0 || decision->erases;
    if (broken.len == 0 && (decision->outcome == OUTCOME_APPLIED) != effects)
        return arena_printf(store->arena, "the outcome does not fit the effects");
    return broken;
}

/* Reads the state and writes it again. */
static struct text reads_back(struct store *store, struct bytes bytes)
{
    struct member_state state;
    struct scratch scratch;
    struct err err;
    scratch_open(&scratch, store->arena);
    if (state_decode(bytes, &scratch, &state, &err))
        return arena_printf(store->arena, "%s", err.text);
    if (state.record_count > STATE_RECORDS_MAX || bytes.len >= 3 * STATE_RECORD_BYTES_MAX)
        return arena_printf(store->arena, "a state of %zu records in %zu bytes", state.record_count, bytes.len);
    if (!bytes_equal(state_encode(&state, &scratch), bytes))
        return arena_printf(store->arena, "a state does not read back to its bytes");
    return TEXT("");
}

struct text holds_state(struct store *store, size_t member)
{
    struct bytes bytes = store->members[member].state;
    int64_t entries = store->members[member].entries;
    struct state_summary summary;
    struct err err;
    struct text broken = reads_back(store, bytes);
    if (broken.len > 0)
        return broken;
    if (state_summarise(bytes, store->arena, &summary, &err))
        return arena_printf(store->arena, "%s", err.text);
    if (summary.entry_count != entries)
        return arena_printf(store->arena, "the state counts %lld entries, the ledger %lld",
                            (long long)summary.entry_count, (long long)entries);
    for (size_t i = 0; i < summary.balance_count; i++) {
        int64_t sum = store_purse(store, member, summary.balances[i].currency)->sum;
        if (summary.balances[i].available != sum)
            return arena_printf(store->arena, "the balance is %lld, the sum of entries %lld",
                                (long long)summary.balances[i].available, (long long)sum);
    }
    return TEXT("");
}
