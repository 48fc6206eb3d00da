#include "cases/store.h"

#include "base/hash.h"
#include "cases/holds.h"
#include "cases/words.h"
#include "decode/content.h"
#include "rules/trace.h"

struct store *store_new(const struct program_set *set, struct arena *arena)
{
    struct store *store = arena_alloc(arena, sizeof *store);
    store->set = set;
    store->arena = arena;
    store->budgets.arena = arena;
    return store;
}

size_t store_spilled(const struct store *store)
{
    return store->spilled;
}

struct bytes store_state(struct store *store, const struct event *event)
{
    return store->members[store_member(store, hash_member(event->program_id, event->member_id))].state;
}

/* ---- duplicates: the first of a name counts; one that is refused does not use it up */

/* True where an event of that name was applied: *out says what becomes of this one. */
static bool is_repeated(struct store *store, const struct case_event *event, struct happened *out)
{
    const struct kept_key *before = NULL;
    if (event->named)
        before = store_key(store, hash_event(event->event.source, event->event.id));
    if (!before)
        return false;
    out->fate = FATE_DUPLICATE;
    if (hash16_equal(before->content, content_hash(&event->event)))
        return true;
    out->fate = FATE_REFUSED;
    err_set(&out->refusal, ERR_DUPLICATE_CONFLICT, "an event with this source and id was applied with other content");
    return true;
}

static void remember_key(struct store *store, const struct case_event *event)
{
    if (event->named)
        store_put_key(store, hash_event(event->event.source, event->event.id), content_hash(&event->event));
}

/* ---- what the event brings: its parties, and the records of its subjects */

static size_t name_parties(struct store *store, struct step_input *input, size_t parties[STEP_PARTIES_MAX],
                           struct happened *out)
{
    struct party_name names[STEP_PARTIES_MAX];
    size_t count = step_parties(input->program, input->event, names);
    for (size_t p = 0; p < count; p++) {
        struct hash16 key = hash_member(input->event->program_id, names[p].member_id);
        parties[p] = store_member(store, key);
        out->member_ids[p] = names[p].member_id;
        input->parties[p] = (struct party){.state = store->members[parties[p]].state};
    }
    return count;
}

/* Members that were merged into others are followed. */
static size_t find_parties(struct store *store, struct step_input *input, size_t parties[STEP_PARTIES_MAX],
                           struct happened *out)
{
    struct event *event = arena_alloc(store->arena, sizeof *event);
    size_t count;
    bool followed = true;
    *event = *input->event;
    input->event = event;
    while (followed) {
        followed = false;
        count = name_parties(store, input, parties, out);
        for (size_t p = 0; p < count && !followed; p++)
            followed = step_follow(input->program, event, p, input->parties[p].state);
    }
    return count;
}

static struct bytes needed_record(struct store *store, struct bytes state, size_t member, struct hash16 key)
{
    const struct kept_record *kept = step_needs(state, key) ? store_record(store, member, key) : NULL;
    return kept ? kept->record : (struct bytes){NULL, 0};
}

static void find_records(struct store *store, struct step_input *input, const size_t *parties)
{
    struct subject subjects[STEP_SUBJECTS_MAX];
    size_t count = step_subjects(input->program, input->event, subjects);
    for (size_t s = 0; s < count; s++) {
        struct party *party = &input->parties[subjects[s].party];
        input->subject_keys[s] = hash_subject(subjects[s].kind, subjects[s].name);
        party->records[s] = needed_record(store, party->state, parties[subjects[s].party], input->subject_keys[s]);
    }
}

static bool is_among(const struct hash16 *keys, size_t count, struct hash16 key)
{
    for (size_t i = 0; i < count; i++)
        if (hash16_equal(keys[i], key))
            return true;
    return false;
}

/* All that the account which a merge ends has records of. */
static void find_moved(struct store *store, struct step_input *input, const size_t *parties)
{
    struct hash16 *held = NULL;
    size_t held_count = step_record_keys(input->parties[0].state, store->arena, &held), count = 0;
    struct moved *moved = arena_array(store->arena, held_count + store->record_count, sizeof *moved);
    for (size_t i = 0; i < held_count; i++)
        moved[count++] = (struct moved){.subject_key = held[i]};
    for (size_t i = 0; i < store->record_count; i++) {
        const struct kept_record *kept = &store->records[i];
        if (kept->member == parties[0] && !is_among(held, held_count, kept->key))
            moved[count++] = (struct moved){.subject_key = kept->key, .from = kept->record};
    }
    for (size_t i = 0; i < count; i++)
        moved[i].into = needed_record(store, input->parties[1].state, parties[1], moved[i].subject_key);
    input->moved = moved;
    input->moved_count = count;
}

/* ---- what it leads to */

/* The accounts that were merged into one that is erased. */
static void erase_merged(struct store *store, struct text program_id, const struct decision *decision,
                         struct happened *out)
{
    for (size_t i = 0; i < decision->merged_count; i++) {
        size_t member = store_member(store, hash_member(program_id, decision->merged[i]));
        struct err err;
        if (step_erased(store->members[member].state, store->arena, &store->members[member].state, &err))
            out->broken = arena_printf(store->arena, "%s", err.text);
    }
}

static void keep(struct store *store, const struct decision *decision, const size_t *parties, size_t party_count,
                 struct happened *out)
{
    int64_t *balances = arena_array(store->arena, decision->entry_count, sizeof *balances);
    struct text broken = holds_entries(store, decision, parties, balances);
    for (size_t i = 0; i < decision->spill_count; i++) {
        const struct spill *spill = &decision->spills[i];
        store_put_record(store, parties[spill->party], spill->key, spill->record);
    }
    for (size_t p = 0; p < party_count; p++) {
        if (!decision->states[p].at)
            continue;
        store->members[parties[p]].state = decision->states[p];
        if (broken.len == 0)
            broken = holds_state(store, parties[p]);
    }
    out->balances = balances;
    if (out->broken.len == 0)
        out->broken = broken;
}

static void refuse(struct store *store, enum err_code code, const struct err *why, struct happened *out)
{
    if (err_class(code) != ERR_CLASS_POISON)
        out->broken = arena_printf(store->arena, "%s: %s", err_name(code), why->text);
    out->fate = FATE_REFUSED;
    out->refusal = *why;
}

void store_ask_budgets(struct store *store, store_budget *ask, void *context)
{
    store->ask_budget = ask;
    store->budget_context = context;
}

/* Decides anew until no budget is lacking. */
static enum err_code step_with_budgets(struct store *store, struct step_input *input, struct decision *out,
                                       struct err *err)
{
    struct text program_id = input->event->program_id;
    for (;;) {
        struct budget_list list = budgets_of(&store->budgets, program_id);
        input->budgets = list.items;
        input->budget_count = list.count;
        if (input->trace)
            input->trace->count = 0;
        enum err_code code = step(input, store->arena, out, err);
        if (out->lack_count == 0)
            return code;
        for (size_t i = 0; i < out->lack_count; i++) {
            struct budget budget = out->lacks[i];
            if (store->ask_budget)
                budget.used = store->ask_budget(store->budget_context, budget_key(program_id, &budget));
            budgets_add(&store->budgets, program_id, &budget);
        }
    }
}

static void decide(struct store *store, const struct case_event *event, struct step_input *input, struct happened *out)
{
    size_t parties[STEP_PARTIES_MAX] = {0};
    size_t party_count = find_parties(store, input, parties, out);
    struct decision again;
    struct err err;
    find_records(store, input, parties);
    if (party_count == STEP_PARTIES_MAX && event->event.kind == MEMBER_MERGED)
        find_moved(store, input, parties);
    enum err_code code = step_with_budgets(store, input, &out->decision, &err);
    if (code) {
        refuse(store, code, &err, out);
        return;
    }
    input->trace = NULL;
    if (step(input, store->arena, &again, &err))
        out->broken = arena_printf(store->arena, "decided again: %s", err.text);
    else
        out->broken = holds_same(store, &out->decision, &again);
    if (out->broken.len == 0)
        out->broken = holds_draws(store, input, &out->decision);
    keep(store, &out->decision, parties, party_count, out);
    budgets_draw(&store->budgets, input->event->program_id, out->decision.draws, out->decision.draw_count);
    erase_merged(store, event->event.program_id, &out->decision, out);
    remember_key(store, event);
}

void store_apply(struct store *store, const struct case_event *event, struct trace *trace, struct happened *out)
{
    struct step_input input = {.programs = store->set, .event = &event->event, .trace = trace};
    *out = (struct happened){.fate = FATE_DECIDED};
    if (is_repeated(store, event, out))
        return;
    input.program = program_set_at(store->set, event->event.program_id, event->event.occurred_at);
    if (input.program) {
        decide(store, event, &input, out);
        return;
    }
    out->fate = FATE_REFUSED;
    err_set(&out->refusal, ERR_UNKNOWN_PROGRAM, "no version of program \"%.*s\" is in force at the event's time",
            VIEW(event->event.program_id));
}
