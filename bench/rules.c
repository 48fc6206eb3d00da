#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "decode/decode.h"
#include "decode/readers.h"
#include "decode/wire.h"
#include "order_bytes.h"
#include "program/bundle.h"
#include "program/load.h"
#include "program/zones.h"
#include "rules/step.h"

/* Nanoseconds per step under bench/twenty.yaml, and under the same program among a thousand rules: the state's bytes
 * in, the new state's bytes, entries and outputs out. Each member is decided for once per round, so that states come
 * from memory as they do in a batch. The figures that bench/run reports go to stdout, as one line of JSON. */

enum { MEMBERS = 20000, ROUNDS = 40, LINES = 3, BATCH = 1000, MANY_RULES = 1000, MOST_RULES = 10000 };

static const struct order_line lines[LINES] = {
    {.sku = {"sku-100234", 10}, .category = {"tea", 3}, .quantity = 1, .unit_price = 1999},
    {.sku = {"sku-100871", 10}, .category = {"coffee", 6}, .quantity = 2, .unit_price = 450},
    {.sku = {"sku-204410", 10}, .category = {"cups", 4}, .quantity = 1, .unit_price = 1295, .discount = 100},
};

struct bench {
    const struct program *program;
    struct program_set set;
    struct bytes states[MEMBERS];
    struct arena *kept;    /* states between rounds */
    struct arena *scratch; /* of one decision */
};

static void must(enum err_code code, const struct err *err)
{
    if (code == ERR_NONE)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static const struct program *load(struct text source, struct arena *arena)
{
    struct program_errors errors = {0};
    struct program *program = NULL;
    const struct zones *zones = NULL;
    struct err err;
    must(zones_load(ZONES_FOLDER, arena, &zones, &err), &err);
    must(program_load(source, zones, arena, &program, &errors, &err), &err);
    return program;
}

/* The program with so many rules more: campaigns, each for a category or a SKU that is not in the order, for a channel,
 * or with an end that has come. */
static struct text with_more_rules(struct text source, size_t more, struct arena *arena)
{
    struct buffer buffer = {0};
    const char *rules = memmem(source.at, source.len, "rules:\n", 7);
    size_t head = (size_t)(rules - source.at) + 7;
    buffer_put(&buffer, source.at, head);
    for (size_t i = 0; i < more; i++) {
        char line[256];
        static const char *const forms[] = {
            "earn: {fixed: 9}, items: {categories: [season-%zu]}",
            "earn: {per_item: 2}, items: {skus: [sku-9%05zu]}",
            "earn: {fixed: 3}, when: 'event.channel == \"partner-%zu\"'",
            "earn: {rate: 2 per 1.00}, items: {labels: [label-%zu]}, until: 2026-02-01",
        };
        char form[128];
        snprintf(form, sizeof form, forms[i % 4], i);
        int len = snprintf(line, sizeof line, "  - {id: campaign-%zu, on: order.paid, %s}\n", i, form);
        buffer_put(&buffer, line, (size_t)len);
    }
    buffer_put(&buffer, source.at + head, source.len - head);
    struct text text = arena_text(arena, (struct text){(const char *)buffer.at, buffer.len});
    buffer_release(&buffer);
    return text;
}

/* Decides the event for the member as the fold does: the decision is made in a small arena, the new state kept. */
static void decide(struct bench *bench, struct event *event, size_t member, struct hash16 key, struct arena *arena)
{
    arena_reset(bench->scratch);
    struct step_input input = {.program = bench->program, .programs = &bench->set, .event = event};
    struct decision decision;
    struct err err;
    input.parties[0].state = bench->states[member];
    input.subject_keys[0] = key;
    must(step(&input, bench->scratch, &decision, &err), &err);
    if (decision.states[0].at)
        bench->states[member] = arena_bytes(arena, decision.states[0]);
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

/* Frames of the same order, decoded and decided: what a thread does that reads a topic. The order's id is the
 * decoder's; the key under which its record stands differs from round to round. */
struct decoding {
    struct decoder *decoder;
    struct buffer value;
    struct arena *arena;
};

static void decoding_open(struct decoding *decoding)
{
    static const struct decode_limits limits = {1048576, 1000, 4096, 128, 0, 0};
    uint8_t head[10];
    struct schema *schema;
    struct err err;
    must(schema_parse(readers_file("avro/order.avsc"), &schema, &err), &err);
    must(decoder_new(&limits, NULL, &decoding->decoder, &err), &err);
    buffer_put(&decoding->value, head, wire_head_single_object(schema->fingerprint, head));
    order_bytes_put(&decoding->value);
    decoding->arena = arena_new(1 << 20);
}

static int64_t decode_round(struct bench *bench, struct decoding *decoding, size_t round, struct arena *arena)
{
    int64_t spent = 0;
    for (size_t from = 0; from < MEMBERS; from += BATCH) {
        int64_t before = cpu_ns();
        for (size_t member = from; member < from + BATCH; member++) {
            struct event event;
            struct hash16 content;
            struct err err;
            arena_reset(decoding->arena);
            must(decoder_decode(decoding->decoder, buffer_view(&decoding->value), INT64_C(1767225600000000),
                                decoding->arena, &event, &content, &err),
                 &err);
            event.program_id = TEXT("bench");
            decide(bench, &event, member, order_key(member, round), arena);
        }
        spent += cpu_ns() - before;
    }
    keep_states(bench, arena);
    return spent / MEMBERS;
}

static int64_t measure_decoding(const struct program *program)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct arena *arena = arena_new(256 * 1024 * 1024);
    struct program *const held[] = {(struct program *)program};
    struct decoding decoding = {0};
    int64_t spent[ROUNDS];
    bench->program = program;
    bench->scratch = arena_new(1 << 20);
    bench->set = (struct program_set){.programs = held, .count = 1};
    decoding_open(&decoding);
    for (size_t round = 0; round < ROUNDS; round++) {
        memset(bench->states, 0, sizeof bench->states);
        spent[round] = decode_round(bench, &decoding, round, arena);
    }
    qsort(spent, ROUNDS, sizeof *spent, compare);
    fprintf(stderr, "%-52s %5lld ns  (best %lld)\n", "the first, from Avro", (long long)spent[ROUNDS / 2],
            (long long)spent[0]);
    return spent[ROUNDS / 2];
}

static int64_t measure(const char *what, const struct program *program, struct event event, bool fresh)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct arena *arena = arena_new(256 * 1024 * 1024);
    struct program *const held[] = {(struct program *)program};
    int64_t spent[ROUNDS];
    size_t bytes = 0;
    bench->program = program;
    bench->scratch = arena_new(1 << 20);
    bench->set = (struct program_set){.programs = held, .count = 1};
    for (size_t round = 0; round < ROUNDS; round++) {
        if (fresh)
            memset(bench->states, 0, sizeof bench->states);
        spent[round] = run_round(bench, &event, round, event.kind != ORDER_PAID, arena);
    }
    for (size_t i = 0; i < MEMBERS; i++)
        bytes += bench->states[i].len;
    qsort(spent, ROUNDS, sizeof *spent, compare);
    fprintf(stderr, "%-52s %5lld ns  (best %lld)  state %zu bytes\n", what, (long long)spent[ROUNDS / 2],
            (long long)spent[0], bytes / MEMBERS);
    arena_free(bench->kept);
    arena_free(bench->scratch);
    arena_free(arena);
    free(bench);
    return spent[ROUNDS / 2];
}

static double seconds_to_load(struct text source)
{
    struct arena *arena = arena_new(0);
    int64_t before = cpu_ns();
    load(source, arena);
    double seconds = (double)(cpu_ns() - before) / 1e9;
    arena_free(arena);
    return seconds;
}

int main(void)
{
    struct arena *arena = arena_new(0);
    struct text source;
    struct err err;
    must(program_read_file("bench/twenty.yaml", arena, &source, &err), &err);
    const struct program *twenty = load(source, arena);
    const struct program *thousand = load(with_more_rules(source, MANY_RULES - 20, arena), arena);
    struct event paid = {
        .type = EVENT_ORDER,
        .kind = ORDER_PAID,
        .id = TEXT("e-1"),
        .source = TEXT("bench"),
        .program_id = TEXT("bench"),
        .member_id = TEXT("member-1"),
        .occurred_at = INT64_C(1767225600000000),
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
                          .activity = {.name = TEXT("app_visit"), .value = 1000}};
    int64_t few = measure("paid order of 3 lines, 8 of 20 rules, a new member", twenty, paid, true);
    int64_t decoded = measure_decoding(twenty);
    int64_t many = measure("the same, 988 of 1000 rules", thousand, paid, true);
    measure("paid order of 3 lines, 12 orders known", twenty, paid, false);
    measure("refund of one line that waits", twenty, refunded, true);
    measure("activity, one rule of seven", twenty, visit, false);
    measure("placed order, no rule", twenty, placed, true);
    double seconds = seconds_to_load(with_more_rules(source, MOST_RULES - 20, arena));
    fprintf(stderr, "%-52s %5.0f ms\n", "a program of 10000 rules is read", seconds * 1000);
    printf("{\"events_per_s\": %lld, \"decode_events_per_s\": %lld, \"thousand_rules_ratio\": %.3f, "
           "\"load_10000_rules_s\": %.3f}\n",
           1000000000LL / (long long)few, 1000000000LL / (long long)decoded, (double)many / (double)few, seconds);
    arena_free(arena);
    return 0;
}
