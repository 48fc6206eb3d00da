#include <criterion/criterion.h>

#include "base/hash.h"
#include "fold/fold.h"
#include "program/load.h"
#include "zones.h"

/* A world of one partition and one program, read through a reader that knows what the test tells it. */

static const char program_text[] = "program: shop\n"
                                   "version: 1\n"
                                   "effective: 2026-01-01T00:00:00Z\n"
                                   "zone: Europe/Berlin\n"
                                   "points:\n  points: {decimals: 0}\n"
                                   "money:\n  EUR: 2\n"
                                   "rules:\n"
                                   "  - {id: visit, on: activity.visit, earn: {fixed: 10}}\n"
                                   "  - {id: friend, on: referral.converted, earn: {fixed: 500}}\n"
                                   "  - {id: swim, on: activity.swim, earn: {fixed: 10}, budget: 25 points}\n";

enum { RECORDS_MOST = 8 };

static const int64_t in_2026 = 1780000000000000;

struct world {
    struct arena *arena;
    struct program_set programs;
    struct program *program;
    struct cache *cache;
    struct reward_frame frame;
    struct fold *fold;
    struct partition partition;
    struct record records[RECORDS_MOST];
    size_t count;
    struct hash16 existing; /* a key that the database has */
    struct hash16 existing_content;
    int64_t refused_before;
    int reads_of_keys;
    int64_t budget_used; /* as the database says */
    int reads_of_budgets;
    const struct changes *pending;
};

static enum err_code read_members(void *context, struct member **members, size_t count, struct arena *arena,
                                  struct err *err)
{
    (void)context, (void)members, (void)arena, (void)err;
    for (size_t i = 1; i < count; i++)
        cr_assert_lt(hash16_compare(members[i - 1]->key, members[i]->key), 0, "the reader is asked in order of key");
    return ERR_NONE;
}

static enum err_code read_sides(void *context, struct side_record *sides, size_t count, struct arena *arena,
                                struct err *err)
{
    (void)context, (void)sides, (void)count, (void)arena, (void)err;
    return ERR_NONE;
}

/* The side table of whoever has one: a record of the activity "walk". */
static enum err_code read_sides_of(void *context, struct hash16 member_key, struct arena *arena,
                                   struct side_record **sides, size_t *count, struct err *err)
{
    (void)context, (void)err;
    *count = 1;
    *sides = arena_array(arena, 1, sizeof **sides);
    **sides =
        (struct side_record){.member_key = member_key, .subject_key = hash_subject(TEXT("activity"), TEXT("walk"))};
    static const uint8_t undone[] = {2, 2, 1, 0, 0};
    (*sides)->record = (struct bytes){undone, sizeof undone};
    return ERR_NONE;
}

static enum err_code read_budget(void *context, struct hash16 key, int64_t *used, struct err *err)
{
    struct world *world = context;
    (void)key, (void)err;
    world->reads_of_budgets++;
    *used = world->budget_used;
    return ERR_NONE;
}

static enum err_code read_keys(void *context, const struct hash16 *keys, size_t count, struct hash16 *content,
                               bool *found, struct err *err)
{
    struct world *world = context;
    (void)err;
    world->reads_of_keys++;
    for (size_t i = 0; i < count; i++) {
        found[i] = hash16_equal(keys[i], world->existing);
        content[i] = world->existing_content;
    }
    return ERR_NONE;
}

static enum err_code read_refused(void *context, const struct partition *partition, int64_t from, int64_t to,
                                  struct arena *arena, int64_t **offsets, size_t *count, struct err *err)
{
    struct world *world = context;
    (void)partition, (void)err;
    *offsets = arena_array(arena, 1, sizeof **offsets);
    **offsets = world->refused_before;
    *count = world->refused_before >= from && world->refused_before < to;
    return ERR_NONE;
}

static void open_world(struct world *world)
{
    struct program_errors errors = {0};
    *world = (struct world){.arena = arena_new(0), .refused_before = -1};
    cr_assert_eq(
        program_load(TEXT(program_text), machine_zones(world->arena), world->arena, &world->program, &errors, NULL),
        ERR_NONE);
    world->programs = (struct program_set){5, &world->program, 1};
    world->cache = cache_new(1 << 20);
    reward_frame_single_object(&world->frame);
    world->fold = fold_new(&world->frame, world->cache);
    world->partition =
        (struct partition){.topic = (char *)(uintptr_t) "visits", .topic_no = 3, .folded = 100, .highest = 100};
}

static void close_world(struct world *world)
{
    fold_free(world->fold);
    cache_free(world->cache);
    arena_free(world->arena);
}

/* A visit of a member; events with one id and one member have the same content. */
static void visit(struct world *world, int64_t offset, const char *id, const char *member)
{
    struct record *record = &world->records[world->count++];
    *record = (struct record){.partition = &world->partition, .offset = offset};
    record->event = (struct event){.type = EVENT_ACTIVITY,
                                   .kind = ACTIVITY_DONE,
                                   .id = text_of(id),
                                   .source = TEXT("test"),
                                   .program_id = TEXT("shop"),
                                   .member_id = text_of(member),
                                   .occurred_at = in_2026 + offset};
    record->event.activity.name = TEXT("visit");
    record->event_key = hash_event(record->event.source, record->event.id);
    record->member_key = hash_member(record->event.program_id, record->event.member_id);
    record->content = hash_subject(record->event.id, record->event.member_id);
}

static struct changes *run(struct world *world, bool look_up)
{
    struct fold_input input = {world->records, world->count, &world->programs, look_up, world->pending};
    struct fold_reader reader = {world, read_members, read_sides, read_sides_of, read_budget, read_keys, read_refused};
    struct changes *changes = NULL;
    struct err err = {0};
    cr_assert_eq(fold_run(world->fold, &input, &reader, &changes, &err), ERR_NONE, "%s", err.text);
    return changes;
}

Test(fold, counts_an_event_once_within_a_batch_and_covers_gaps_between_offsets)
{
    struct world world;
    open_world(&world);
    visit(&world, 100, "a", "ann");
    visit(&world, 103, "a", "ann");
    visit(&world, 107, "b", "bob");
    struct changes *changes = run(&world, false);
    cr_assert_eq(changes->entry_count, 2);
    cr_assert_eq(changes->reward_count, 2);
    cr_assert_eq(changes->duplicate_count, 1);
    cr_assert_eq(changes->key_count, 2);
    cr_assert_eq(changes->range_count, 1);
    cr_assert_eq(changes->ranges[0].from, 100);
    cr_assert_eq(changes->ranges[0].to, 108);
    cr_assert_eq(changes->ranges[0].newest_event_at, in_2026 + 107);
    cr_assert_eq(changes->revision, 5);
    cr_assert_eq(changes->members[0].due_at, INT64_MAX, "points of this program never fall due");
    cr_assert_eq(world.reads_of_keys, 0, "keys are not looked up without a reason");
    close_world(&world);
}

Test(fold, leaves_out_what_the_database_has_already)
{
    struct world world;
    open_world(&world);
    visit(&world, 100, "a", "ann");
    visit(&world, 101, "b", "bob");
    world.existing = world.records[0].event_key;
    world.existing_content = world.records[0].content;
    struct changes *changes = run(&world, true);
    cr_assert_eq(changes->entry_count, 1);
    cr_assert_eq(changes->duplicate_count, 1);
    cr_assert_eq(changes->ranges[0].to, 102, "the position passes the duplicate");
    close_world(&world);
}

Test(fold, does_not_refuse_again_what_was_refused_before_a_replay)
{
    struct world world;
    open_world(&world);
    world.partition.folded = 0;
    world.refused_before = 1;
    visit(&world, 0, "a", "ann");
    visit(&world, 1, "b", "bob");
    struct changes *changes = run(&world, true);
    cr_assert_eq(changes->entry_count, 1);
    cr_assert_eq(changes->dead_count, 0);
    close_world(&world);
}

Test(fold, asks_for_keys_when_a_refused_record_may_be_a_copy)
{
    struct world world;
    open_world(&world);
    visit(&world, 100, "a", "ann");
    visit(&world, 101, "a", "bob");
    struct fold_input input = {world.records, world.count, &world.programs, false, NULL};
    struct fold_reader reader = {&world, read_members, read_sides, read_sides_of, read_budget, read_keys, read_refused};
    struct changes *changes = NULL;
    struct err err = {0};
    cr_assert_eq(fold_run(world.fold, &input, &reader, &changes, &err), ERR_KEYS_EXIST);
    close_world(&world);
}

Test(fold, what_an_output_tells_of_a_balance_rests_on_the_member_s_version)
{
    struct world world;
    open_world(&world);
    visit(&world, 100, "a", "ann");
    struct event *event = &world.records[0].event;
    event->type = EVENT_REFERRAL;
    event->kind = REFERRAL_CONVERTED;
    event->referral = (struct referral_event){.referrer = event->member_id, .referee = event->member_id};
    struct changes *changes = run(&world, false);
    cr_assert_eq(changes->reward_count, 1, "she is told that nobody refers himself");
    cr_assert_eq(changes->entry_count, 0);
    cr_assert(changes->members[0].changed, "another instance may have changed the balance that she is told");
    close_world(&world);
}

Test(fold, expects_members_only_when_told_to)
{
    struct world world;
    open_world(&world);
    visit(&world, 100, "a", "ann");
    struct changes *changes = run(&world, false);
    cr_assert_eq(changes->members[0].version, 0);
    changes = run(&world, false);
    cr_assert_eq(changes->members[0].version, 0, "nothing was expected");
    fold_expect(world.fold);
    world.count = 0;
    visit(&world, 101, "b", "ann");
    changes = run(&world, false);
    cr_assert_eq(changes->members[0].version, 1);
    cache_clear(world.cache);
    changes = run(&world, false);
    cr_assert_eq(changes->members[0].version, 0, "the reader is asked again");
    close_world(&world);
}

Test(fold, knows_the_keys_of_a_batch_whose_transaction_has_not_ended)
{
    struct world world;
    open_world(&world);
    struct fold *before = fold_new(&world.frame, world.cache);
    visit(&world, 100, "a", "ann");
    visit(&world, 101, "b", "bob");
    struct fold_input input = {world.records, world.count, &world.programs, true, NULL};
    struct fold_reader reader = {&world, read_members, read_sides, read_sides_of, read_budget, read_keys, read_refused};
    struct changes *pending = NULL;
    cr_assert_eq(fold_run(before, &input, &reader, &pending, NULL), ERR_NONE);
    world.pending = pending;
    world.partition.folded = 102;
    world.count = 0;
    visit(&world, 102, "b", "bob");
    visit(&world, 103, "c", "bob");
    struct changes *changes = run(&world, true);
    cr_assert_eq(changes->duplicate_count, 1);
    cr_assert_eq(changes->entry_count, 1);
    fold_free(before);
    close_world(&world);
}

Test(fold, gives_the_same_bytes_for_the_same_records)
{
    struct world world;
    struct buffer entries = {0}, frames = {0};
    open_world(&world);
    visit(&world, 100, "a", "ann");
    visit(&world, 101, "b", "bob");
    visit(&world, 102, "c", "ann");
    struct changes *changes = run(&world, false);
    buffer_put(&entries, changes->entries->at, changes->entries->len);
    buffer_put(&frames, changes->ranges[0].frames.at, changes->ranges[0].frames.len);
    changes = run(&world, true);
    cr_assert_eq(entries.len, changes->entries->len);
    cr_assert_eq(memcmp(entries.at, changes->entries->at, entries.len), 0);
    cr_assert_eq(frames.len, changes->ranges[0].frames.len);
    cr_assert_eq(memcmp(frames.at, changes->ranges[0].frames.at, frames.len), 0);
    buffer_release(&entries);
    buffer_release(&frames);
    close_world(&world);
}

static void rename_event(struct world *world, enum event_kind kind, const char *merged_into)
{
    struct record *record = &world->records[world->count - 1];
    record->event.type = EVENT_MEMBER;
    record->event.kind = kind;
    record->event.member = (struct member_event){.merged_into = text_of(merged_into)};
}

static const struct member *find_member(const struct changes *changes, const char *name)
{
    struct hash16 key = hash_member(TEXT("shop"), text_of(name));
    for (size_t i = 0; i < changes->member_count; i++)
        if (hash16_equal(changes->members[i].key, key))
            return &changes->members[i];
    return NULL;
}

static int64_t points_of(struct world *world, const struct member *member)
{
    struct state_summary summary;
    struct err err;
    cr_assert_not_null(member);
    cr_assert_eq(state_summarise(member->state, world->arena, &summary, &err), ERR_NONE, "%s", err.text);
    return summary.balance_count > 0 ? summary.balances[0].available : 0;
}

Test(fold, follows_members_that_were_merged_in_the_batch_and_before_it)
{
    struct world world;
    open_world(&world);
    visit(&world, 100, "a", "ann");
    visit(&world, 101, "m", "ann");
    rename_event(&world, MEMBER_MERGED, "bob");
    visit(&world, 102, "b", "ann");
    struct changes *changes = run(&world, false);
    cr_assert_eq(changes->member_count, 2);
    cr_assert_eq(points_of(&world, find_member(changes, "ann")), 0);
    cr_assert_eq(points_of(&world, find_member(changes, "bob")), 20);
    fold_expect(world.fold);
    world.count = 0;
    visit(&world, 103, "n", "bob");
    rename_event(&world, MEMBER_MERGED, "carl");
    visit(&world, 104, "c", "ann");
    changes = run(&world, false);
    cr_assert_eq(points_of(&world, find_member(changes, "carl")), 30, "by way of bob");
    cr_assert_not(find_member(changes, "ann")->changed);
    close_world(&world);
}

/* The activity "walk" is undone for ann by a record in her side table. */
static struct bytes spilled_state(void)
{
    static const uint8_t bytes[] = {2, 1, 0, 0};
    return (struct bytes){bytes, sizeof bytes};
}

Test(fold, moves_the_side_table_of_an_account_that_ends)
{
    struct world world;
    open_world(&world);
    cache_put(world.cache, hash_member(TEXT("shop"), TEXT("ann")), 4, spilled_state());
    visit(&world, 100, "m", "ann");
    rename_event(&world, MEMBER_MERGED, "bob");
    struct changes *changes = run(&world, false);
    struct hash16 bob = hash_member(TEXT("shop"), TEXT("bob"));
    size_t moved = 0;
    for (size_t i = 0; i < changes->side_count; i++)
        moved += changes->sides[i].changed && hash16_equal(changes->sides[i].member_key, bob) &&
                 changes->sides[i].record.len == 5;
    cr_assert_eq(moved, 1);
    cr_assert(step_has_spilled(find_member(changes, "bob")->state));
    cr_assert_not(step_has_spilled(find_member(changes, "ann")->state));
    close_world(&world);
}

Test(fold, erases_a_member_with_the_accounts_that_were_merged_into_it)
{
    struct world world;
    open_world(&world);
    visit(&world, 100, "a", "ann");
    visit(&world, 101, "m", "ann");
    rename_event(&world, MEMBER_MERGED, "bob");
    visit(&world, 102, "e", "bob");
    rename_event(&world, MEMBER_ERASED, "");
    struct changes *changes = run(&world, false);
    cr_assert(find_member(changes, "ann")->erased && find_member(changes, "bob")->erased);
    cr_assert_eq(points_of(&world, find_member(changes, "bob")), 10, "the ledger's sums stay");
    cr_assert_eq(find_member(changes, "ann")->due_at, INT64_MAX);
    close_world(&world);
}

static void swim(struct world *world, int64_t offset, const char *id, const char *member)
{
    visit(world, offset, id, member);
    world->records[world->count - 1].event.activity.name = TEXT("swim");
}

Test(fold, draws_on_a_budget_rest_on_a_range_while_there_is_enough)
{
    struct world world;
    open_world(&world);
    world.budget_used = 3;
    swim(&world, 100, "a", "ann");
    swim(&world, 101, "b", "bob");
    struct changes *changes = run(&world, false);
    cr_assert_eq(changes->budgets.count, 1);
    const struct budget_row *row = &changes->budgets.rows[0];
    cr_assert(row->loaded == 3 && row->amount == 20);
    cr_assert(row->least == INT64_MIN && row->most == 5, "whatever was used, up to what leaves 20");
    cr_assert_eq(world.reads_of_budgets, 1);
    close_world(&world);
}

Test(fold, draws_on_a_budget_rest_on_a_number_where_it_cut_a_grant)
{
    struct world world;
    open_world(&world);
    world.budget_used = 3;
    swim(&world, 100, "a", "ann");
    swim(&world, 101, "b", "bob");
    swim(&world, 102, "c", "cid");
    swim(&world, 103, "d", "dan");
    struct changes *changes = run(&world, false);
    const struct budget_row *row = &changes->budgets.rows[0];
    cr_assert(row->amount == 22 && changes->entry_count == 3);
    cr_assert(row->least == 3 && row->most == 3);
    close_world(&world);
}

Test(fold, draws_on_a_budget_that_is_used_up_rest_on_its_staying_so)
{
    struct world world;
    open_world(&world);
    world.budget_used = 25;
    swim(&world, 100, "a", "ann");
    swim(&world, 101, "b", "bob");
    struct changes *changes = run(&world, false);
    const struct budget_row *row = &changes->budgets.rows[0];
    cr_assert(row->amount == 0 && row->least == 25 && row->most == INT64_MAX && changes->entry_count == 0);
    close_world(&world);
}

Test(fold, expects_what_a_batch_leaves_of_a_budget)
{
    struct world world;
    open_world(&world);
    swim(&world, 100, "a", "ann");
    run(&world, false);
    fold_expect(world.fold);
    world.count = 0;
    swim(&world, 101, "b", "bob");
    struct changes *changes = run(&world, false);
    cr_assert(changes->budgets.rows[0].loaded == 10 && world.reads_of_budgets == 1);
    cache_clear(world.cache);
    changes = run(&world, false);
    cr_assert(changes->budgets.rows[0].loaded == 0 && world.reads_of_budgets == 2, "the reader is asked again");
    close_world(&world);
}
