#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rules/cel/cel.h"
#include "rules/event_fields.h"

/* Nanoseconds to evaluate one condition on an order of three lines, from the event as it was decoded. The line that is
 * looked for is the last: all three are read. */

enum { RUNS = 1000000, ROUNDS = 15 };

static const char condition[] = "event.total >= 5000 && event.lines.exists(l, l.category == \"coffee\")";

static const struct order_line lines[] = {
    {.sku = {"sku-100234", 10}, .category = {"tea", 3}, .quantity = 1, .unit_price = 3999},
    {.sku = {"sku-100871", 10}, .category = {"biscuits", 8}, .quantity = 2, .unit_price = 450},
    {.sku = {"sku-204410", 10}, .category = {"coffee", 6}, .quantity = 1, .unit_price = 1295, .discount = 100},
};

static int64_t cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double measure(const struct cel_program *program, const struct event *event, struct arena *arena)
{
    int64_t before = cpu_ns();
    for (size_t i = 0; i < RUNS; i++) {
        struct cel_value variables[] = {event_fields_value(event)}, result;
        cel_eval(program, variables, arena, &result);
        if (result.kind != CEL_BOOL || !result.boolean)
            abort();
    }
    return (double)(cpu_ns() - before) / RUNS;
}

int main(void)
{
    struct arena *arena = arena_new(0);
    struct cel_variable variables[] = {{.name = "event", .type = event_fields_type(EVENT_ORDER)}};
    struct cel_env env = {.variables = variables, .variable_count = 1, .strict = true};
    struct event event = {
        .type = EVENT_ORDER, .kind = ORDER_PAID, .order = {.lines = lines, .line_count = sizeof lines / sizeof *lines}};
    struct cel_program *program;
    struct cel_fault fault;
    double rounds[ROUNDS];
    if (cel_compile(&env, text_of(condition), arena, &program, &fault)) {
        fprintf(stderr, "%d:%d: %.*s\n", fault.line, fault.column, (int)fault.message.len, fault.message.at);
        return 1;
    }
    for (size_t i = 0; i < ROUNDS; i++)
        rounds[i] = measure(program, &event, arena);
    qsort(rounds, ROUNDS, sizeof *rounds, compare);
    fprintf(stderr, "%s\ncost at most %llu steps by the bounds of events\n%.1f ns  (best %.1f)\n", condition,
            (unsigned long long)cel_program_cost(program), rounds[ROUNDS / 2], rounds[0]);
    printf("{\"condition_ns\": %.1f}\n", rounds[ROUNDS / 2]);
    arena_free(arena);
    return 0;
}
