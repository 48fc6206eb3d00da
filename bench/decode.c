#include <avro.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buffer.h"
#include "decode/content.h"
#include "decode/decode.h"
#include "decode/guard.h"
#include "decode/readers.h"
#include "decode/wire.h"
#include "order_bytes.h"

/* bench-decode [ROUNDS]: nanoseconds of one thread for an order of three lines, 128 bytes with its frame: avro-c behind
 * the guard (into one value that is used again, not yet copied into an event), the decoder's whole way, and parts of
 * it. */

struct bench {
    struct schema *schema;
    struct buffer value; /* with its frame */
    struct bytes body;
    struct decoder *decoder;
    struct arena *arena;
    avro_value_t into;
    struct event event;
    struct hash16 content;
    long rounds;
};

static const struct decode_limits limits = {1048576, 1000, 4096, 128, 0, 0};

static void fail(const char *what)
{
    fprintf(stderr, "bench-decode: %s\n", what);
    exit(1);
}

static void open_avro_c(struct bench *bench, struct text json)
{
    avro_schema_t schema;
    if (avro_schema_from_json_length(json.at, json.len, &schema))
        fail(avro_strerror());
    if (avro_generic_value_new(avro_generic_class_from_schema(schema), &bench->into))
        fail(avro_strerror());
}

static void bench_open(struct bench *bench)
{
    uint8_t head[10];
    struct err err;
    struct text json = readers_file("avro/order.avsc");
    if (schema_parse(json, &bench->schema, &err) || decoder_new(&limits, NULL, &bench->decoder, &err))
        fail(err.text);
    size_t len = wire_head_single_object(bench->schema->fingerprint, head);
    buffer_put(&bench->value, head, len);
    order_bytes_put(&bench->value);
    bench->body = (struct bytes){bench->value.at + len, bench->value.len - len};
    bench->arena = arena_new(1024 * 1024);
    open_avro_c(bench, json);
}

static void decode(struct bench *bench)
{
    struct err err;
    if (decoder_decode(bench->decoder, buffer_view(&bench->value), 1767225600000000, bench->arena, &bench->event,
                       &bench->content, &err))
        fail(err.text);
}

static void decode_with_avro_c(struct bench *bench)
{
    if (guard_check(bench->schema, bench->body))
        fail("the guard refuses the order");
    avro_reader_t reader = avro_reader_memory((const char *)bench->body.at, (int64_t)bench->body.len);
    avro_value_reset(&bench->into);
    if (avro_value_read(reader, &bench->into))
        fail(avro_strerror());
    avro_reader_free(reader);
}

static void walk(struct bench *bench)
{
    if (guard_check(bench->schema, bench->body))
        fail("the guard refuses the order");
}

static void hash(struct bench *bench)
{
    bench->content = content_hash(&bench->event);
}

static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The best of five runs, as other work on the machine only ever adds. */
static void measure(struct bench *bench, const char *what, void (*work)(struct bench *))
{
    double best = 0;
    for (int run = 0; run < 5; run++) {
        double begin = cpu_ns();
        for (long i = 0; i < bench->rounds; i++) {
            work(bench);
            if (i % 10000 == 0)
                arena_reset(bench->arena);
        }
        double each = (cpu_ns() - begin) / (double)bench->rounds;
        best = run == 0 || each < best ? each : best;
    }
    printf("%-44s %7.0f ns\n", what, best);
}

int main(int argc, char **argv)
{
    struct bench bench = {.rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 500000};
    bench_open(&bench);
    printf("order of three lines, %zu bytes\n", bench.value.len);
    measure(&bench, "guard and avro-c, into a generic value", decode_with_avro_c);
    measure(&bench, "decoder: plan, validation, hash of content", decode);
    measure(&bench, "  of which the hash of the content", hash);
    measure(&bench, "guard alone", walk);
    return 0;
}
