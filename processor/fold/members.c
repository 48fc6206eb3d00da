#include <assert.h>

#include "base/hash.h"
#include "fold/inner.h"

/* The members of a batch: found by name, loaded once, followed where they were merged into others. */

/* Twice the room, the members at the same indexes. */
static void grow_members(struct fold *fold)
{
    struct changes *changes = &fold->changes;
    size_t capacity = fold->member_capacity * 2;
    struct member *members = arena_array(fold->arena, capacity, sizeof *members);
    struct table table = table_make(fold->arena, capacity);
    for (size_t i = 0; i < changes->member_count; i++) {
        members[i] = changes->members[i];
        table_intern(&table, members[i].key, (uint32_t)i);
    }
    changes->members = members;
    fold->member_table = table;
    fold->member_capacity = capacity;
}

uint32_t fold_member(struct fold *fold, struct hash16 key, struct text program_id, struct text member_id)
{
    struct changes *changes = &fold->changes;
    if (changes->member_count == fold->member_capacity)
        grow_members(fold);
    uint32_t at = table_intern(&fold->member_table, key, (uint32_t)changes->member_count);
    if (at < changes->member_count)
        return at;
    struct member *member = &changes->members[changes->member_count++];
    *member = (struct member){.key = key, .program_id = program_id, .member_id = member_id, .due_at = DUE_AS_BEFORE};
    member->loaded = cache_get(fold->cache, key, &member->version, &member->state);
    return at;
}

void fold_find_parties(struct fold *fold, const struct record *record, struct work *work)
{
    const struct event *event = work->event;
    struct party_name names[STEP_PARTIES_MAX];
    work->party_count = (uint8_t)step_parties(work->program, event, names);
    assert(work->party_count >= 1 && work->party_count <= STEP_PARTIES_MAX);
    for (size_t p = 0; p < work->party_count; p++) {
        bool own = text_equal(names[p].member_id, record->event.member_id);
        struct hash16 key = own ? record->member_key : hash_member(event->program_id, names[p].member_id);
        work->parties[p] = fold_member(fold, key, event->program_id, names[p].member_id);
    }
    struct subject subjects[STEP_SUBJECTS_MAX];
    work->subject_count = (uint8_t)step_subjects(work->program, event, subjects);
    for (size_t s = 0; s < work->subject_count; s++) {
        work->subject_keys[s] = hash_subject(subjects[s].kind, subjects[s].name);
        work->subject_party[s] = subjects[s].party;
    }
}

/* Follows a party that was merged into another member, as far as states are loaded; true where it did. */
bool fold_follow(struct fold *fold, const struct record *record, struct work *work)
{
    for (size_t p = 0; p < work->party_count; p++) {
        struct bytes state = fold->changes.members[work->parties[p]].state;
        struct event followed = *work->event;
        if (state.len == 0 || !step_follow(work->program, &followed, p, state))
            continue;
        followed.member_id = arena_text(fold->arena, followed.member_id);
        if (followed.type == EVENT_REFERRAL) {
            followed.referral.referrer = arena_text(fold->arena, followed.referral.referrer);
            followed.referral.referee = arena_text(fold->arena, followed.referral.referee);
        } else if (followed.type == EVENT_MEMBER) {
            followed.member.merged_into = arena_text(fold->arena, followed.member.merged_into);
        }
        struct event *copy = arena_alloc(fold->arena, sizeof *copy);
        *copy = followed;
        work->event = copy;
        fold_find_parties(fold, record, work);
        return true;
    }
    return false;
}

static int compare_missing(const void *a, const void *b)
{
    return hash16_compare((*(struct member *const *)a)->key, (*(struct member *const *)b)->key);
}

/* Sorted, so that the index is read in one direction. */
enum err_code fold_load_members(struct fold *fold, const struct fold_reader *reader, struct err *err)
{
    struct changes *changes = &fold->changes;
    struct member **missing = arena_array(fold->arena, changes->member_count, sizeof *missing);
    size_t count = 0;
    for (size_t i = 0; i < changes->member_count; i++)
        if (!changes->members[i].loaded)
            missing[count++] = &changes->members[i];
    if (count == 0)
        return ERR_NONE;
    sort_rows(missing, count, sizeof *missing, compare_missing);
    enum err_code code = reader->members(reader->context, missing, count, fold->arena, err);
    for (size_t i = 0; !code && i < count; i++)
        missing[i]->loaded = true;
    return code;
}

/* The members that events name, and those that they were merged into. */
enum err_code fold_load_parties(struct fold *fold, const struct fold_input *input, const struct fold_reader *reader,
                                struct err *err)
{
    enum err_code code = fold_load_members(fold, reader, err);
    size_t known = 0;
    while (!code && known < fold->changes.member_count) {
        known = fold->changes.member_count;
        for (size_t i = 0; i < input->count; i++) {
            struct work *work = &fold->work[i];
            bool decides = !work->skip && !work->refused;
            while (decides && fold_follow(fold, &input->records[i], work))
                continue;
        }
        if (known < fold->changes.member_count)
            code = fold_load_members(fold, reader, err);
    }
    return code;
}
