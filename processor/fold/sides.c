#include "fold/inner.h"

/* The side table as a batch sees it, and what merges move in it. */

enum { SIDES_FIRST = 256 };

static struct hash16 side_key(struct hash16 member, struct hash16 subject)
{
    struct hash16 both;
    for (size_t i = 0; i < sizeof both.bytes; i++)
        both.bytes[i] = (uint8_t)(member.bytes[i] ^ subject.bytes[(i + 5) % sizeof subject.bytes]);
    return both;
}

/* Twice the room, the records at the same indexes. */
static void grow_sides(struct fold *fold)
{
    struct changes *changes = &fold->changes;
    size_t capacity = fold->side_capacity ? fold->side_capacity * 2 : SIDES_FIRST;
    struct side_record *sides = arena_array(fold->arena, capacity, sizeof *sides);
    struct table table = table_make(fold->arena, capacity);
    for (size_t i = 0; i < changes->side_count; i++) {
        sides[i] = changes->sides[i];
        table_intern(&table, side_key(sides[i].member_key, sides[i].subject_key), (uint32_t)i);
    }
    changes->sides = sides;
    fold->side_table = table;
    fold->side_capacity = capacity;
}

/* The pointer is good until the next call. */
struct side_record *fold_side(struct fold *fold, struct hash16 member, struct hash16 subject)
{
    struct changes *changes = &fold->changes;
    if (changes->side_count == fold->side_capacity)
        grow_sides(fold);
    uint32_t at = table_intern(&fold->side_table, side_key(member, subject), (uint32_t)changes->side_count);
    if (at == changes->side_count)
        changes->sides[changes->side_count++] = (struct side_record){member, subject, {NULL, 0}, false};
    return &changes->sides[at];
}

/* Loads the records from `first` on. */
static enum err_code load_new_sides(struct fold *fold, const struct fold_reader *reader, size_t first, struct err *err)
{
    struct changes *changes = &fold->changes;
    if (changes->side_count == first)
        return ERR_NONE;
    return reader->sides(reader->context, changes->sides + first, changes->side_count - first, fold->arena, err);
}

enum err_code fold_load_sides(struct fold *fold, const struct fold_input *input, const struct fold_reader *reader,
                              struct err *err)
{
    struct changes *changes = &fold->changes;
    for (size_t i = 0; i < input->count; i++) {
        const struct work *work = &fold->work[i];
        for (size_t s = 0; s < work->subject_count && !work->skip && !work->refused; s++) {
            const struct member *member = &changes->members[work->parties[work->subject_party[s]]];
            if (step_needs(member->state, work->subject_keys[s]))
                fold_side(fold, member->key, work->subject_keys[s]);
        }
    }
    return load_new_sides(fold, reader, 0, err);
}

struct bytes fold_side_record(struct fold *fold, struct hash16 member, struct hash16 subject)
{
    if (fold->changes.side_count == 0) /* then there is no table */
        return (struct bytes){NULL, 0};
    uint32_t at = table_find(&fold->side_table, side_key(member, subject));
    return at == TABLE_NONE ? (struct bytes){0} : fold->changes.sides[at].record;
}

/* ---- merges */

/* What earlier records of the batch merged is followed now: with members and side records that nothing needed before.
 */
enum err_code fold_follow_merges(struct fold *fold, const struct record *record, struct work *work,
                                 const struct fold_reader *reader, struct err *err)
{
    bool followed = false;
    enum err_code code = ERR_NONE;
    while (!code && fold_follow(fold, record, work)) {
        followed = true;
        code = fold_load_members(fold, reader, err);
    }
    if (code || !followed)
        return code;
    size_t first = fold->changes.side_count;
    for (size_t s = 0; s < work->subject_count; s++) {
        const struct member *member = &fold->changes.members[work->parties[work->subject_party[s]]];
        if (step_needs(member->state, work->subject_keys[s]))
            fold_side(fold, member->key, work->subject_keys[s]);
    }
    return load_new_sides(fold, reader, first, err);
}

/* The member's whole side table, into the batch's. What the batch has of it is newer. */
static enum err_code load_all_sides(struct fold *fold, const struct member *member, const struct fold_reader *reader,
                                    struct err *err)
{
    struct side_record *rows = NULL;
    size_t count = 0;
    if (!step_has_spilled(member->state))
        return ERR_NONE;
    enum err_code code = reader->sides_of(reader->context, member->key, fold->arena, &rows, &count, err);
    for (size_t i = 0; i < count && !code; i++) {
        struct side_record *side = fold_side(fold, member->key, rows[i].subject_key);
        if (!side->record.at)
            side->record = rows[i].record;
    }
    return code;
}

static bool is_among(const struct hash16 *keys, size_t count, struct hash16 key)
{
    for (size_t i = 0; i < count; i++)
        if (hash16_equal(keys[i], key))
            return true;
    return false;
}

/* All records of the account that ends, in its state or in the side table. */
static size_t list_moved(struct fold *fold, const struct member *ends, struct moved **out)
{
    const struct changes *changes = &fold->changes;
    struct hash16 *held = NULL;
    size_t held_count = step_record_keys(ends->state, fold->arena, &held), count = 0;
    struct moved *moved = arena_array(fold->arena, held_count + changes->side_count, sizeof *moved);
    for (size_t i = 0; i < held_count; i++)
        moved[count++] = (struct moved){.subject_key = held[i]};
    for (size_t i = 0; i < changes->side_count; i++) {
        const struct side_record *side = &changes->sides[i];
        if (side->record.at && hash16_equal(side->member_key, ends->key) &&
            !is_among(held, held_count, side->subject_key))
            moved[count++] = (struct moved){.subject_key = side->subject_key, .from = side->record};
    }
    *out = moved;
    return count;
}

enum err_code fold_find_moved(struct fold *fold, const struct work *work, const struct fold_reader *reader,
                              struct step_input *input, struct err *err)
{
    const struct member *ends = &fold->changes.members[work->parties[0]];
    const struct member *goes_on = &fold->changes.members[work->parties[1]];
    struct moved *moved = NULL;
    enum err_code code = load_all_sides(fold, ends, reader, err);
    if (code)
        return code;
    size_t count = list_moved(fold, ends, &moved);
    size_t first = fold->changes.side_count;
    for (size_t i = 0; i < count; i++)
        if (step_needs(goes_on->state, moved[i].subject_key))
            fold_side(fold, goes_on->key, moved[i].subject_key);
    code = load_new_sides(fold, reader, first, err);
    for (size_t i = 0; i < count && !code; i++)
        moved[i].into = fold_side_record(fold, goes_on->key, moved[i].subject_key);
    input->moved = moved;
    input->moved_count = count;
    return code;
}
