#include "cases/run.h"

#include "cases/effects.h"
#include "rules/program_model.h"

struct reach *reach_new(const struct case_file *file, struct arena *arena)
{
    struct reach *reach = arena_array(arena, file->program_count, sizeof *reach);
    for (size_t i = 0; i < file->program_count; i++) {
        const struct program *program = file->programs[i].program;
        reach[i].rules = arena_array(arena, program->rule_count, sizeof *reach[i].rules);
        reach[i].rewards = arena_array(arena, program->reward_count, sizeof *reach[i].rewards);
    }
    return reach;
}

static void reach_rule(const struct program *program, struct reach *reach, struct text rule_id)
{
    for (size_t i = 0; i < program->rule_count; i++)
        if (text_equal(program->rules[i].id, rule_id))
            reach->rules[i] = true;
}

static void reach_reward(const struct program *program, struct reach *reach, struct text reward_id)
{
    size_t place = program_reward_place(program, reward_id);
    if (place != PLACE_NONE)
        reach->rewards[place] = true;
}

static void note_reached(const struct program *program, struct reach *reach, const struct event *event,
                         const struct decision *decision)
{
    if (!text_equal(program->id, event->program_id))
        return;
    for (size_t i = 0; i < decision->entry_count; i++) {
        const struct entry *entry = &decision->entries[i];
        if (entry->kind == ENTRY_ACCRUAL && entry->program_version == program->version)
            reach_rule(program, reach, entry->rule_id);
    }
    for (size_t i = 0; i < decision->reward_count; i++) {
        const struct reward *reward = &decision->rewards[i];
        if (reward->type == REWARD_GRANTED && reward->program_version == program->version)
            reach_reward(program, reach, reward->rule_id);
    }
}

void case_run(const struct case_file *file, const struct test_case *test, struct reach *reach, struct arena *arena,
              struct case_result *out)
{
    struct store *store = store_new(&file->set, arena);
    struct difference *differences = arena_array(arena, test->event_count, sizeof *differences);
    struct buffer buffer = {0};
    *out = (struct case_result){.test = test, .differences = differences};
    for (size_t i = 0; i < test->event_count; i++) {
        const struct case_event *event = &test->events[i];
        struct happened happened = {0};
        if (!event->shows)
            store_apply(store, event, NULL, &happened);
        for (size_t p = 0; p < file->program_count; p++)
            note_reached(file->programs[p].program, &reach[p], &event->event, &happened.decision);
        buffer_clear(&buffer);
        if (event->shows)
            effects_show(&buffer, &file->set, &event->event, store_state(store, &event->event), arena);
        else
            effects_write(&buffer, &file->set, &event->event, &happened, test->outputs);
        struct text got = {(const char *)buffer.at, buffer.len};
        if (happened.broken.len > 0 || !text_equal(got, event->expected))
            differences[out->difference_count++] = (struct difference){event, arena_text(arena, got), happened.broken};
    }
    out->spilled = store_spilled(store);
    buffer_release(&buffer);
}
