#include <criterion/criterion.h>
#include <stdio.h>

#include "decode/guard.h"
#include "values.h"

/* Each test is a way in which bytes from outside have hurt a reader of Avro: they must be refused before any reader
 * sees them, in words. */

static struct schema *parse(const char *json)
{
    struct schema *schema;
    struct err err;
    cr_assert_eq(schema_parse(text_of(json), &schema, &err), ERR_NONE, "%s", err.text);
    return schema;
}

static void refused(const char *json, struct bytes bytes, const char *why)
{
    struct schema *schema = parse(json);
    const char *wrong = guard_check(schema, bytes);
    cr_assert(wrong && strstr(wrong, why), "\"%s\" does not say \"%s\"", wrong ? wrong : "passed", why);
    schema_free(schema);
}

static void passes(const char *json, struct bytes bytes)
{
    struct schema *schema = parse(json);
    const char *wrong = guard_check(schema, bytes);
    cr_assert_null(wrong, "%s", wrong);
    schema_free(schema);
}

#define BYTES(...) ((struct bytes){(const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__}})
#define STRINGS    "{\"type\": \"array\", \"items\": \"string\"}"
#define NULLS      "{\"type\": \"array\", \"items\": \"null\"}"
#define COLOURS    "{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\", \"B\", \"C\"]}"
#define LIST                                                                                                           \
    "{\"type\": \"record\", \"name\": \"L\", \"fields\": [{\"name\": \"next\", \"type\": "                             \
    "[\"null\", \"L\"]}]}"

Test(guard, one_gibibyte_of_array_from_six_bytes_is_refused)
{
    struct buffer bytes = {0};
    values_put_long(&bytes, 1 << 30);
    values_put_long(&bytes, 0);
    cr_assert_eq(bytes.len, 6);
    refused(STRINGS, buffer_view(&bytes), "more than the bytes can hold");
    refused(NULLS, buffer_view(&bytes), "more items than a message may hold");
    buffer_release(&bytes);
}

Test(guard, negative_block_counts_need_a_size_that_is_true)
{
    passes(STRINGS, BYTES(0x01, 0x04, 0x02, 'a', 0x00));
    refused(STRINGS, BYTES(0x01, 0x06, 0x02, 'a', 0x00), "does not end where it says");
    refused(STRINGS, BYTES(0x01, 0x02, 0x02, 'a', 0x00), "does not end where it says");
    refused(STRINGS, BYTES(0x01, 0x01, 0x02, 'a', 0x00), "more than the bytes can hold");
    refused(STRINGS, BYTES(0x01, 0x7e, 0x02, 'a', 0x00), "more than the bytes can hold");
}

Test(guard, the_least_block_count_has_no_opposite_and_is_refused)
{
    struct buffer bytes = {0};
    values_put_long(&bytes, INT64_MIN);
    values_put_long(&bytes, 0);
    refused(STRINGS, buffer_view(&bytes), "more than the bytes can hold");
    refused(NULLS, buffer_view(&bytes), "more than the bytes can hold");
    buffer_release(&bytes);
}

Test(guard, enum_indexes_beyond_the_symbols_are_refused)
{
    passes(COLOURS, BYTES(0x04));
    refused(COLOURS, BYTES(0x06), "out of range");
    refused(COLOURS, BYTES(0x01), "out of range");
    refused(COLOURS, BYTES(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), "out of range");
}

Test(guard, union_branches_that_do_not_exist_are_refused)
{
    passes("[\"null\", \"int\"]", BYTES(0x02, 0x02));
    refused("[\"null\", \"int\"]", BYTES(0x04), "out of range");
    refused("[\"null\", \"int\"]", BYTES(0x01), "out of range");
}

Test(guard, lengths_of_texts_beyond_the_end_or_negative_are_refused)
{
    passes("\"string\"", BYTES(0x02, 'a'));
    refused("\"string\"", BYTES(0x04, 'a'), "beyond the end");
    refused("\"bytes\"", BYTES(0x01), "beyond the end");
    refused("\"bytes\"", BYTES(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), "beyond the end");
    refused("{\"type\": \"fixed\", \"name\": \"F\", \"size\": 2}", BYTES(0x00), "cut short");
}

Test(guard, numbers_longer_than_ten_bytes_or_out_of_range_are_refused)
{
    passes("\"long\"", BYTES(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01));
    refused("\"long\"", BYTES(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02), "out of range");
    refused("\"long\"", BYTES(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x00), "out of range");
    refused("\"long\"", BYTES(0x80), "cut short");
    refused("\"int\"", BYTES(0x80, 0x80, 0x80, 0x80, 0x10), "out of range");
    refused("\"boolean\"", BYTES(0x02), "neither 0 nor 1");
}

Test(guard, bytes_after_the_value_are_refused)
{
    refused("\"int\"", BYTES(0x02, 0x00), "left over");
    refused("\"null\"", BYTES(0x00), "left over");
    passes("\"null\"", (struct bytes){NULL, 0});
}

Test(guard, nesting_is_bounded_where_a_type_holds_itself)
{
    uint8_t deep[10000];
    memset(deep, 0x02, sizeof deep);
    deep[sizeof deep - 1] = 0x00;
    refused(LIST, (struct bytes){deep, sizeof deep}, "too deep");
    passes(LIST, (struct bytes){deep + sizeof deep - 10, 10});
}

/* Thirty records, each of two of the one before: a billion nulls that take no byte at all. */
Test(guard, values_that_take_no_bytes_are_counted)
{
    char json[8192];
    int at = snprintf(json, sizeof json, "{\"type\": \"record\", \"name\": \"Bomb\", \"fields\": [");
    for (int i = 0; i < 30; i++) {
        char half[8] = "null";
        if (i > 0)
            snprintf(half, sizeof half, "R%d", i - 1);
        at += snprintf(
            json + at, sizeof json - (size_t)at,
            "%s{\"name\": \"f%d\", \"type\": {\"type\": \"record\", \"name\": \"R%d\", \"fields\": [{\"name\": "
            "\"a\", \"type\": \"%s\"}, {\"name\": \"b\", \"type\": \"%s\"}]}}",
            i ? "," : "", i, i, half, half);
    }
    snprintf(json + at, sizeof json - (size_t)at, "]}");
    refused(json, (struct bytes){NULL, 0}, "more values than a message may hold");
}

Test(guard, every_prefix_of_a_value_is_refused_and_the_whole_passes)
{
    const char *json =
        "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", \"type\": \"string\"}, {\"name\": "
        "\"b\", "
        "\"type\": {\"type\": \"map\", \"values\": [\"null\", \"double\"]}}, {\"name\": \"c\", \"type\": {\"type\": "
        "\"array\", \"items\": \"long\"}}, {\"name\": \"d\", \"type\": \"boolean\"}]}";
    struct schema *schema = parse(json);
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct values values = {.seed = seed};
        struct buffer bytes = {0};
        values_write(&values, schema, schema->root, &bytes);
        for (size_t len = 0; len < bytes.len; len++) {
            uint8_t *exact = malloc(len ? len : 1);
            memcpy(exact, bytes.at, len);
            cr_assert(guard_check(schema, (struct bytes){exact, len}));
            free(exact);
        }
        cr_assert_null(guard_check(schema, buffer_view(&bytes)));
        buffer_release(&bytes);
    }
    schema_free(schema);
}
