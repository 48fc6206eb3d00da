#include "fold/fold.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "fold/entry_row.h"
#include "fold/inner.h"
#include "rules/program_model.h"
#include "sink/frames.h"
#include "sink/output_id.h"

enum {
    FOLD_ARENA_KEEP = 8 << 20,
    SCRATCH_KEEP = 1 << 20,
    DEAD_FIRST = 16,
};

struct fold *fold_new(const struct reward_frame *frame, struct cache *cache)
{
    struct fold *fold = calloc(1, sizeof *fold);
    if (!fold)
        abort();
    fold->frame = frame;
    fold->cache = cache;
    fold->arena = arena_new(FOLD_ARENA_KEEP);
    fold->scratch = arena_new(SCRATCH_KEEP);
    return fold;
}

struct fold *fold_free(struct fold *fold)
{
    if (!fold)
        return NULL;
    for (size_t i = 0; i < fold->range_capacity; i++)
        buffer_release(&fold->ranges[i].frames);
    free(fold->ranges);
    free(fold->refs);
    buffer_release(&fold->unsorted);
    buffer_release(&fold->entries);
    arena_free(fold->arena);
    arena_free(fold->scratch);
    free(fold);
    return NULL;
}

static void refuse(struct work *work, struct arena *arena, enum err_code code, struct text why)
{
    work->refused = code;
    work->refusal = arena_text(arena, why);
}

/* ---- ranges */

static uint32_t range_of(struct fold *fold, struct partition *partition)
{
    struct changes *changes = &fold->changes;
    for (size_t i = changes->range_count; i-- > 0;)
        if (fold->ranges[i].partition == partition)
            return (uint32_t)i;
    if (changes->range_count == fold->range_capacity) {
        size_t capacity = fold->range_capacity ? fold->range_capacity * 2 : 16;
        fold->ranges = realloc(fold->ranges, capacity * sizeof *fold->ranges);
        if (!fold->ranges)
            abort();
        memset(fold->ranges + fold->range_capacity, 0, (capacity - fold->range_capacity) * sizeof *fold->ranges);
        fold->range_capacity = capacity;
    }
    struct range *range = &fold->ranges[changes->range_count];
    struct buffer frames = range->frames;
    buffer_clear(&frames);
    *range = (struct range){partition, partition->folded, partition->folded, 0, frames};
    return (uint32_t)changes->range_count++;
}

static void stretch_ranges(struct fold *fold, const struct fold_input *input)
{
    struct partition *last = NULL;
    uint32_t at = 0;
    for (size_t i = 0; i < input->count; i++) {
        const struct record *record = &input->records[i];
        if (record->partition != last) {
            last = record->partition;
            at = range_of(fold, record->partition);
        }
        struct range *range = &fold->ranges[at];
        fold->work[i].range = at;
        assert(record->offset >= range->to);
        range->to = record->offset + 1; /* offsets are not contiguous where control records stand between */
        if (record->refused == ERR_NONE && record->event.occurred_at > range->newest_event_at)
            range->newest_event_at = record->event.occurred_at;
    }
}

/* ---- duplicates */

/* While a topic is read again, by this group or for another one, what was refused the first time stays refused, without
 * a second dead letter. */
static enum err_code skip_refused_before(struct fold *fold, const struct fold_input *input,
                                         const struct fold_reader *reader, struct err *err)
{
    for (size_t r = 0; r < fold->changes.range_count; r++) {
        const struct range *range = &fold->ranges[r];
        if (range->from >= range->partition->highest && !input->look_up_keys)
            continue;
        int64_t *offsets = NULL;
        size_t count = 0;
        enum err_code code = reader->refused(reader->context, range->partition, range->from, range->to, fold->arena,
                                             &offsets, &count, err);
        if (code)
            return code;
        size_t at = 0;
        for (size_t i = 0; i < input->count && at < count; i++) {
            if (fold->work[i].range != r)
                continue;
            while (at < count && offsets[at] < input->records[i].offset)
                at++;
            fold->work[i].skip = at < count && offsets[at] == input->records[i].offset;
        }
    }
    return ERR_NONE;
}

static void compare_content(struct fold *fold, struct work *work, struct hash16 before, struct hash16 now)
{
    if (hash16_equal(before, now)) {
        work->skip = true;
        fold->changes.duplicate_count++;
        return;
    }
    refuse(work, fold->arena, ERR_DUPLICATE_CONFLICT,
           TEXT("an event with this source and id was applied with other content"));
}

static int compare_keys(const void *a, const void *b)
{
    return hash16_compare(((const struct key_row *)a)->key, ((const struct key_row *)b)->key);
}

static bool find_pending(const struct changes *pending, struct hash16 key, struct hash16 *content)
{
    struct key_row probe = {.key = key};
    const struct key_row *hit = bsearch(&probe, pending->keys, pending->key_count, sizeof probe, compare_keys);
    if (hit)
        *content = hit->content;
    return hit != NULL;
}

static enum err_code look_up_keys(struct fold *fold, const struct fold_input *input, const struct fold_reader *reader,
                                  struct err *err)
{
    struct hash16 *keys = arena_array(fold->arena, input->count, sizeof *keys);
    struct hash16 *content = arena_array(fold->arena, input->count, sizeof *content);
    bool *found = arena_array(fold->arena, input->count, sizeof *found);
    uint32_t *at = arena_array(fold->arena, input->count, sizeof *at);
    size_t count = 0;
    for (size_t i = 0; i < input->count; i++) {
        if (input->records[i].refused || fold->work[i].skip)
            continue;
        at[count] = (uint32_t)i;
        keys[count++] = input->records[i].event_key;
    }
    enum err_code code = reader->keys(reader->context, keys, count, content, found, err);
    if (code)
        return code;
    for (size_t k = 0; k < count; k++) {
        if (!found[k] && input->pending)
            found[k] = find_pending(input->pending, keys[k], &content[k]);
        if (found[k])
            compare_content(fold, &fold->work[at[k]], content[k], input->records[at[k]].content);
    }
    return ERR_NONE;
}

/* ---- records */

static void prepare_records(struct fold *fold, const struct fold_input *input)
{
    for (size_t i = 0; i < input->count; i++) {
        const struct record *record = &input->records[i];
        struct work *work = &fold->work[i];
        if (work->skip || work->refused)
            continue;
        if (record->refused) {
            work->refused = record->refused;
            work->refusal = record->refusal;
            continue;
        }
        work->event = &record->event;
        work->program = program_set_at(input->programs, record->event.program_id, record->event.occurred_at);
        if (work->program)
            fold_find_parties(fold, record, work);
        else
            refuse(work, fold->arena, ERR_UNKNOWN_PROGRAM,
                   arena_printf(fold->arena, "no version of program \"%.*s\" is in force at the event's time",
                                (int)record->event.program_id.len, record->event.program_id.at));
    }
}

/* ---- deciding */

/* How many outputs of the same settlement stand before that one. */
static uint32_t index_in_settlement(const struct decision *decision, size_t at)
{
    uint32_t before = 0;
    for (size_t i = 0; i < at; i++)
        before += decision->rewards[i].settlement == decision->rewards[at].settlement;
    return before;
}

static void append_reward(struct fold *fold, const struct record *record, const struct work *work,
                          const struct decision *decision, size_t at)
{
    const struct reward *reward = &decision->rewards[at];
    const struct settlement *settlement = reward->settlement;
    const struct member *member = &fold->changes.members[work->parties[reward->party]];
    const struct partition *partition = record->partition;
    char room[OUTPUT_ID_SIZE], hex[HASH16_HEX_SIZE];
    struct reward_context context = {.program_id = record->event.program_id, .member_id = member->member_id};
    if (settlement) {
        struct hash16 key = settlement_key(settlement, member);
        hash16_hex(key, hex);
        context.id = output_id_of_settlement(key, index_in_settlement(decision, at), room);
        context.occurred_at = settlement->due;
        context.event_source = TEXT(SETTLEMENT_SOURCE);
        context.event_id = text_of(hex);
    } else {
        context.id = output_id(partition->topic_no, partition->number, record->offset, (uint32_t)at, room);
        context.occurred_at = work->event->occurred_at;
        context.event_source = work->event->source;
        context.event_id = work->event->id;
    }
    struct frame frame = {
        .kind = FRAME_REWARD,
        .offset = record->offset,
        .index = (uint32_t)at,
        .key = {(const uint8_t *)member->member_id.at, member->member_id.len},
        .value = reward_encode(fold->frame, reward, &context, fold->scratch),
        .time = context.occurred_at,
        .type = text_of(reward_type_name(reward->type)),
        .program_id = record->event.program_id,
        .id = settlement ? context.id : TEXT(""),
    };
    frame_append(&fold->ranges[work->range].frames, &frame);
    fold->changes.reward_count++;
}

static void append_entry(struct fold *fold, const struct record *record, const struct member *member,
                         const struct entry *entry)
{
    size_t at = fold->unsorted.len;
    entry_row_append(&fold->unsorted, record, member, entry);
    if (fold->changes.entry_count == fold->ref_capacity) {
        fold->ref_capacity = fold->ref_capacity ? fold->ref_capacity * 2 : 1024;
        fold->refs = realloc(fold->refs, fold->ref_capacity * sizeof *fold->refs);
        if (!fold->refs)
            abort();
    }
    fold->refs[fold->changes.entry_count++] =
        (struct row_ref){member->key, entry->sequence, at, fold->unsorted.len - at};
}

/* A refusal that rests on what a member has holds only while that is so: the member's version is compared, as if the
 * event had changed it. So it is with what does nothing only because of what the member has, as this instance knows it:
 * a timer that finds nothing due, an amendment of an order that is not known. */
static void rest_on_members(struct fold *fold, const struct work *work)
{
    for (size_t p = 0; p < work->party_count; p++) {
        struct member *member = &fold->changes.members[work->parties[p]];
        if (member->state.len > 0)
            member->changed = true;
    }
}

/* What does nothing may do so only because of what the member has, as this instance knows it: a timer that finds
 * nothing due, an amendment of an order that is not known, a rule whose limit is used up. What no rule is for does
 * nothing to anybody. */
static bool depends_on_members(const struct work *work)
{
    const struct event *event = work->event;
    if (event->kind == TIMER_DUE || event->kind == ORDER_AMENDED)
        return true;
    return event->kind != KIND_UNKNOWN && program_rules(work->program, event).count > 0;
}

static void take_decision(struct fold *fold, const struct record *record, const struct work *work,
                          const struct decision *decision)
{
    struct changes *changes = &fold->changes;
    for (size_t i = 0; i < decision->entry_count; i++)
        append_entry(fold, record, &changes->members[work->parties[decision->entries[i].party]], &decision->entries[i]);
    for (size_t i = 0; i < decision->reward_count; i++)
        append_reward(fold, record, work, decision, i);
    budgets_draw(&changes->budgets, work->event->program_id, decision->draws, decision->draw_count);
    for (size_t i = 0; i < decision->spill_count; i++) {
        const struct spill *spill = &decision->spills[i];
        struct side_record *side = fold_side(fold, changes->members[work->parties[spill->party]].key, spill->key);
        side->record = arena_bytes(fold->arena, spill->record);
        side->changed = true;
    }
    if (depends_on_members(work))
        rest_on_members(fold, work);
    for (size_t p = 0; p < work->party_count; p++) {
        if (!decision->states[p].at)
            continue;
        struct member *member = &changes->members[work->parties[p]];
        member->state = arena_bytes(fold->arena, decision->states[p]);
        member->due_at = decision->due_at[p];
        member->changed = true;
    }
}

/* The member is a tombstone by now; the accounts merged into it become some. */
static enum err_code erase(struct fold *fold, const struct work *work, const struct decision *decision,
                           const struct fold_reader *reader, struct err *err)
{
    struct text program_id = work->event->program_id;
    uint32_t *erased = arena_array(fold->arena, decision->merged_count, sizeof *erased);
    for (size_t i = 0; i < decision->merged_count; i++)
        erased[i] = fold_member(fold, hash_member(program_id, decision->merged[i]), program_id,
                                arena_text(fold->arena, decision->merged[i]));
    enum err_code code = fold_load_members(fold, reader, err);
    for (size_t i = 0; i < decision->merged_count && !code; i++) {
        struct member *member = &fold->changes.members[erased[i]];
        member->changed = member->erased = true;
        member->due_at = INT64_MAX;
        code = step_erased(member->state, fold->arena, &member->state, err);
    }
    fold->changes.members[work->parties[0]].erased = true;
    return code;
}

/* Adds to the batch what a decision lacked. */
static enum err_code load_budgets(struct fold *fold, struct text program_id, const struct decision *decision,
                                  const struct fold_reader *reader, struct err *err)
{
    for (size_t i = 0; i < decision->lack_count; i++) {
        struct budget budget = decision->lacks[i];
        struct hash16 key = budget_key(program_id, &budget);
        struct bytes nothing;
        enum err_code code = ERR_NONE;
        if (!cache_get(fold->cache, key, &budget.used, &nothing))
            code = reader->budget(reader->context, key, &budget.used, err);
        if (code)
            return code;
        budgets_add(&fold->changes.budgets, program_id, &budget);
    }
    return ERR_NONE;
}

/* Decides anew until no budget is lacking. A poison code's words are in *why, any other error in *err too. */
static enum err_code step_with_budgets(struct fold *fold, struct step_input *input, const struct fold_reader *reader,
                                       struct decision *decision, struct err *why, struct err *err)
{
    for (;;) {
        struct budget_list list = budgets_of(&fold->changes.budgets, input->event->program_id);
        input->budgets = list.items;
        input->budget_count = list.count;
        arena_reset(fold->scratch);
        enum err_code code = step(input, fold->scratch, decision, why);
        if (decision->lack_count == 0)
            return code;
        code = load_budgets(fold, input->event->program_id, decision, reader, err);
        if (code) {
            *why = *err;
            return code;
        }
    }
}

static enum err_code decide(struct fold *fold, const struct fold_input *input, const struct record *record,
                            struct work *work, const struct fold_reader *reader, struct err *err)
{
    enum err_code code = fold_follow_merges(fold, record, work, reader, err);
    if (code)
        return code;
    struct step_input step_in = {.program = work->program, .programs = input->programs, .event = work->event};
    if (work->event->kind == MEMBER_MERGED && work->party_count == STEP_PARTIES_MAX)
        code = fold_find_moved(fold, work, reader, &step_in, err);
    if (code)
        return code;
    for (size_t p = 0; p < work->party_count; p++) {
        step_in.parties[p].state = fold->changes.members[work->parties[p]].state;
    }
    for (size_t s = 0; s < work->subject_count; s++) {
        const struct member *member = &fold->changes.members[work->parties[work->subject_party[s]]];
        step_in.subject_keys[s] = work->subject_keys[s];
        step_in.parties[work->subject_party[s]].records[s] = fold_side_record(fold, member->key, work->subject_keys[s]);
    }
    struct decision decision = {0};
    struct err why;
    code = step_with_budgets(fold, &step_in, reader, &decision, &why, err);
    if (code == ERR_NONE) {
        take_decision(fold, record, work, &decision);
        return decision.erases ? erase(fold, work, &decision, reader, err) : ERR_NONE;
    }
    if (err_class(code) == ERR_CLASS_POISON) {
        refuse(work, fold->arena, code, text_of(why.text));
        if (code != ERR_MEMBER_ERASED) /* which never changes again */
            rest_on_members(fold, work);
        return ERR_NONE;
    }
    *err = why;
    return err_wrap(err, "%s[%d]@%lld", record->partition->topic, record->partition->number, (long long)record->offset);
}

/* ---- dead letters */

static const char *stage_of(const struct record *record, const struct work *work)
{
    if (record->refused)
        return record->stage;
    return work->refused == ERR_DUPLICATE_CONFLICT ? "ledger" : "rules";
}

static size_t copy_headers(const rd_kafka_message_t *message, struct frame_header *out)
{
    rd_kafka_headers_t *headers;
    size_t count = 0;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    const char *name;
    const void *value;
    size_t len;
    while (count < FRAME_HEADERS_MAX &&
           rd_kafka_header_get_all(headers, count, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        out[count++] = (struct frame_header){text_of(name), {value, value ? len : 0}};
    }
    return count;
}

/* NULL stays NULL, and empty stays empty: both mean something to whoever mends the record. */
static struct bytes original(const void *at, size_t len)
{
    return (struct bytes){at, at ? len : 0};
}

static struct dead_row *add_dead(struct fold *fold)
{
    struct changes *changes = &fold->changes;
    if (changes->dead_count == fold->dead_capacity) {
        size_t capacity = fold->dead_capacity ? fold->dead_capacity * 2 : DEAD_FIRST;
        struct dead_row *dead = arena_array(fold->arena, capacity, sizeof *dead);
        if (changes->dead_count > 0)
            memcpy(dead, changes->dead, changes->dead_count * sizeof *dead);
        changes->dead = dead;
        fold->dead_capacity = capacity;
    }
    return &changes->dead[changes->dead_count++];
}

static void append_dead_letter(struct fold *fold, const struct record *record, const struct work *work)
{
    struct frame_header headers[FRAME_HEADERS_MAX];
    const rd_kafka_message_t *message = record->message;
    struct frame frame = {
        .kind = FRAME_DEAD_LETTER,
        .offset = record->offset,
        .key = original(message->key, message->key_len),
        .value = original(message->payload, message->len),
        .time = rd_kafka_message_timestamp(message, NULL) * 1000,
        .reason = text_of(err_name(work->refused)),
        .stage = text_of(stage_of(record, work)),
        .detail = work->refusal,
        .headers = headers,
        .header_count = copy_headers(message, headers),
    };
    frame_append(&fold->ranges[work->range].frames, &frame);
    *add_dead(fold) = (struct dead_row){
        .partition = record->partition,
        .offset = record->offset,
        .reason = work->refused,
        .stage = stage_of(record, work),
        .detail = work->refusal,
        .event_key = record->refused ? (struct hash16){{0}} : record->event_key,
    };
}

static int compare_refs(const void *a, const void *b)
{
    const struct row_ref *left = a, *right = b;
    int order = hash16_compare(left->member_key, right->member_key);
    return order ? order : (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

/* Rows in the order of their index cost the database half of what unsorted ones do. */
static void sort_entries(struct fold *fold)
{
    sort_rows(fold->refs, fold->changes.entry_count, sizeof *fold->refs, compare_refs);
    buffer_reserve(&fold->entries, fold->unsorted.len);
    for (size_t i = 0; i < fold->changes.entry_count; i++)
        buffer_put(&fold->entries, fold->unsorted.at + fold->refs[i].at, fold->refs[i].len);
}

static int compare_members(const void *a, const void *b)
{
    return hash16_compare(((const struct member *)a)->key, ((const struct member *)b)->key);
}

/* The first of several records with one key counts; those behind it are duplicates or conflicts. A record that is
 * refused does not use up its key. */
static enum err_code decide_all(struct fold *fold, const struct fold_input *input, const struct fold_reader *reader,
                                struct err *err)
{
    struct changes *changes = &fold->changes;
    struct table seen = table_make(fold->arena, input->count);
    changes->keys = arena_array(fold->arena, input->count, sizeof *changes->keys);
    for (size_t i = 0; i < input->count; i++) {
        const struct record *record = &input->records[i];
        struct work *work = &fold->work[i];
        if (work->skip)
            continue;
        uint32_t before = record->refused ? TABLE_NONE : table_find(&seen, record->event_key);
        if (before != TABLE_NONE) { /* whatever else is wrong with it, as if the first had come in an earlier batch */
            work->refused = ERR_NONE;
            compare_content(fold, work, changes->keys[before].content, record->content);
        }
        if (!work->skip && !work->refused) {
            enum err_code code = decide(fold, input, record, work, reader, err);
            if (code)
                return code;
        }
        if (work->refused) {
            /* What looks impossible may be the copy of an event that was possible when it was applied. */
            if (!input->look_up_keys && !record->refused)
                return err_set(err, ERR_KEYS_EXIST, "a refused record may be a duplicate");
            append_dead_letter(fold, record, work);
        } else if (!work->skip) {
            table_intern(&seen, record->event_key, (uint32_t)changes->key_count);
            changes->keys[changes->key_count++] = (struct key_row){record->event_key, record->content};
        }
    }
    return ERR_NONE;
}

static void start(struct fold *fold, const struct fold_input *input)
{
    arena_reset(fold->arena);
    buffer_clear(&fold->unsorted);
    buffer_clear(&fold->entries);
    fold->changes = (struct changes){
        .entries = &fold->entries, .budgets = {.arena = fold->arena}, .revision = input->programs->revision};
    fold->work = arena_array(fold->arena, input->count, sizeof *fold->work);
    fold->member_capacity = input->count * STEP_PARTIES_MAX;
    fold->changes.members = arena_array(fold->arena, fold->member_capacity, sizeof(struct member));
    fold->member_table = table_make(fold->arena, fold->member_capacity);
    fold->side_capacity = fold->dead_capacity = 0;
}

enum err_code fold_run(struct fold *fold, const struct fold_input *input, const struct fold_reader *reader,
                       struct changes **out, struct err *err)
{
    assert(input->count > 0);
    start(fold, input);
    stretch_ranges(fold, input);
    enum err_code code = skip_refused_before(fold, input, reader, err);
    if (!code && input->look_up_keys)
        code = look_up_keys(fold, input, reader, err);
    if (code)
        return code;
    prepare_records(fold, input);
    code = fold_load_parties(fold, input, reader, err);
    if (!code)
        code = fold_load_sides(fold, input, reader, err);
    if (!code)
        code = decide_all(fold, input, reader, err);
    if (code)
        return code;
    fold->changes.ranges = fold->ranges;
    sort_entries(fold);
    sort_rows(fold->changes.keys, fold->changes.key_count, sizeof *fold->changes.keys, compare_keys);
    sort_rows(fold->changes.members, fold->changes.member_count, sizeof *fold->changes.members, compare_members);
    *out = &fold->changes;
    return ERR_NONE;
}

void fold_expect(struct fold *fold)
{
    for (size_t i = 0; i < fold->changes.member_count; i++) {
        const struct member *member = &fold->changes.members[i];
        cache_put(fold->cache, member->key, member->version + (member->changed ? 1 : 0), member->state);
    }
    for (size_t i = 0; i < fold->changes.budgets.count; i++)
        cache_put(fold->cache, fold->changes.budgets.rows[i].key, fold->changes.budgets.items[i].used,
                  (struct bytes){NULL, 0});
}
