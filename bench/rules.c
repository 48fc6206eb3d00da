#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "program/load.h"
#include "program/zones.h"
#include "rules/step.h"

/* Nanoseconds per step under a program of 20 rules, 5 of them for paid orders: the state's bytes in, the new state's
 * bytes, entries and outputs out. Each member is decided for once per round, so that states come from memory as they do
 * in a batch. */

enum { MEMBERS = 20000, ROUNDS = 40, LINES = 3, BATCH = 1000 };

static const char head[] = "program: bench\n"
                           "version: 1\n"
                           "effective: 2026-01-01T00:00:00Z\n"
                           "points: {points: {}, miles: {}}\n"
                           "money: {EUR: 2, USD: 2}\n"
                           "rules:\n"
                           "  - {id: base, on: order.paid, earn: {rate: '1 per 1.00'}}\n"
                           "  - {id: whole, on: order.paid, earn: {rate: '1 per whole 10.00'}}\n"
                           "  - {id: large, on: order.paid, earn: {fixed: 20}, minimum: {EUR: 20}}\n"
                           "  - {id: half, on: order.paid, earn: {rate: '1 per 2.00'}, rounding: half_up}\n"
                           "  - {id: miles, on: order.paid, earn: {rate: '3 per 7.00', currency: miles}}\n"
                           "  - {id: done, on: order.completed, earn: {fixed: 5}}\n"
                           "  - {id: review, on: review.approved, earn: {fixed: 50}}\n"
                           "  - {id: share, on: share.shared, earn: {fixed: 5}}\n"
                           "  - {id: friend, on: referral.converted, earn: {fixed: 500}}\n"
                           "  - {id: welcome, on: activity.sign_up, earn: {fixed: 100}, once_per: member}\n";

static const char tail[] = "rewards:\n"
                           "  - {id: note, each: 20000 points, give: A note}\n"
                           "  - {id: treat, each: 3000.00 EUR spent, give: A treat}\n";

static const struct order_line lines[LINES] = {
    {.sku = {"sku-100234", 10}, .quantity = 1, .unit_price = 1999},
    {.sku = {"sku-100871", 10}, .quantity = 2, .unit_price = 450},
    {.sku = {"sku-204410", 10}, .quantity = 1, .unit_price = 1295, .discount = 100},
};

struct bench {
    const struct program *program;
    struct program_set set;
    struct bytes states[MEMBERS];
    struct arena *kept; /* states between rounds */
};

static struct program *make_program(struct arena *arena)
{
    struct text source = arena_printf(arena, "%s", head);
    for (int i = 0; i < 10; i++)
        source = arena_printf(arena, "%.*s  - {id: activity-%d, on: activity.thing_%d, earn: {fixed: 1}}\n",
                              (int)source.len, source.at, i, i);
    source = arena_printf(arena, "%.*s%s", (int)source.len, source.at, tail);
    struct program_errors errors = {0};
    struct program *program = NULL;
    const struct zones *zones = NULL;
    struct err err;
    if (zones_load(ZONES_FOLDER, arena, &zones, &err) || program_load(source, zones, arena, &program, &errors, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return program;
}

/* Decides the event for the member; the new state stays where the arena has it. */
static void decide(struct bench *bench, struct event *event, size_t member, struct hash16 key, struct arena *arena)
{
    struct step_input input = {.program = bench->program, .programs = &bench->set, .event = event};
    struct decision decision;
    struct err err;
    input.parties[0].state = bench->states[member];
    input.subject_keys[0] = key;
    if (step(&input, arena, &decision, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    if (decision.states[0].at)
        bench->states[member] = decision.states[0];
}

static struct hash16 order_key(size_t member, size_t round)
{
    uint64_t parts[2] = {member * UINT64_C(0x9e3779b97f4a7c15), round + 1};
    struct hash16 key;
    memcpy(key.bytes, parts, sizeof key.bytes);
    return key;
}

/* Copies the states to memory of their own, as a cache does between batches. */
static void keep_states(struct bench *bench, struct arena *arena)
{
    struct arena *fresh = arena_new(64 * 1024 * 1024);
    for (size_t i = 0; i < MEMBERS; i++)
        bench->states[i] = arena_bytes(fresh, bench->states[i]);
    arena_free(bench->kept);
    bench->kept = fresh;
    arena_reset(arena);
}

/* CPU time, so that other programs on the machine count less. */
static int64_t cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* One round: every member decides once. Gives the nanoseconds of a step. */
static int64_t run_round(struct bench *bench, struct event *event, size_t round, bool same_order, struct arena *arena)
{
    int64_t spent = 0;
    for (size_t from = 0; from < MEMBERS; from += BATCH) {
        int64_t before = cpu_ns();
        for (size_t member = from; member < from + BATCH; member++)
            decide(bench, event, member, order_key(member, same_order ? 0 : round), arena);
        spent += cpu_ns() - before;
    }
    keep_states(bench, arena);
    return spent / MEMBERS;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void measure(const char *what, const struct program *program, struct event event, bool fresh)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct arena *arena = arena_new(256 * 1024 * 1024);
    struct program *const held[] = {(struct program *)program};
    int64_t spent[ROUNDS];
    size_t bytes = 0;
    bench->program = program;
    bench->set = (struct program_set){.programs = held, .count = 1};
    for (size_t round = 0; round < ROUNDS; round++) {
        if (fresh)
            memset(bench->states, 0, sizeof bench->states);
        spent[round] = run_round(bench, &event, round, event.kind != ORDER_PAID, arena);
    }
    for (size_t i = 0; i < MEMBERS; i++)
        bytes += bench->states[i].len;
    qsort(spent, ROUNDS, sizeof *spent, compare);
    printf("%-52s %5lld ns  (best %lld)  state %zu bytes\n", what, (long long)spent[ROUNDS / 2], (long long)spent[0],
           bytes / MEMBERS);
    arena_free(bench->kept);
    arena_free(arena);
    free(bench);
}

int main(void)
{
    struct arena *arena = arena_new(0);
    const struct program *program = make_program(arena);
    struct event paid = {
        .type = EVENT_ORDER,
        .kind = ORDER_PAID,
        .id = TEXT("e-1"),
        .source = TEXT("bench"),
        .program_id = TEXT("bench"),
        .member_id = TEXT("member-1"),
        .occurred_at = INT64_C(1800000000000000),
        .order = {.order_id = TEXT("order-1234567"), .currency = TEXT("EUR"), .lines = lines, .line_count = LINES}};
    struct event placed = paid;
    placed.kind = ORDER_PLACED;
    struct event refunded = paid;
    refunded.kind = ORDER_REFUNDED;
    refunded.order.line_count = 1;
    struct event visit = {.type = EVENT_ACTIVITY,
                          .kind = ACTIVITY_DONE,
                          .member_id = TEXT("member-1"),
                          .occurred_at = paid.occurred_at,
                          .activity = {.name = TEXT("thing_7"), .value = 1000}};
    measure("paid order of 3 lines, 5 rules, a new member", program, paid, true);
    measure("paid order of 3 lines, 5 rules, 12 orders known", program, paid, false);
    measure("refund of one line that waits", program, refunded, true);
    measure("activity, one rule of eleven", program, visit, false);
    measure("placed order, no rule", program, placed, true);
    arena_free(arena);
    return 0;
}
