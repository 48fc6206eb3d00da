#include <criterion/criterion.h>
#include <stdlib.h>

#include "ops/avro_json.h"

static struct avro_json *schema(const char *text)
{
    struct avro_json *avro = NULL;
    struct err err = {.code = ERR_NONE};
    cr_assert_eq(avro_json_new(text_of(text), &avro, &err), ERR_NONE, "%s", err.text);
    return avro;
}

static void expect_bytes(const char *schema_text, const char *json_text, const char *bytes, size_t len)
{
    struct avro_json *avro = schema(schema_text);
    json_t *json = json_loads(json_text, JSON_DECODE_ANY, NULL);
    struct buffer out = {0};
    struct avro_json_problem problem = {0};
    cr_assert_not_null(json, "%s", json_text);
    cr_assert(avro_json_encode(avro, json, &out, &problem), "%s: %s: %s", json_text, problem.path, problem.text);
    cr_assert_eq(out.len, len, "%s gave %zu bytes", json_text, out.len);
    cr_assert(len == 0 || memcmp(out.at, bytes, len) == 0, "%s", json_text);
    json_decref(json);
    buffer_release(&out);
    avro_json_free(avro);
}

#define EXPECT(schema_text, json_text, literal) expect_bytes(schema_text, json_text, literal, sizeof(literal) - 1)

/* Bytes as the examples of the Avro specification have them, or put together by hand from its rules. */
Test(avro_json, values_are_encoded_as_the_specification_says)
{
    EXPECT("\"long\"", "-1", "\x01");
    EXPECT("\"long\"", "64", "\x80\x01");
    EXPECT("\"long\"", "-9223372036854775808", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    EXPECT("\"int\"", "-2147483648", "\xff\xff\xff\xff\x0f");
    EXPECT("\"string\"", "\"foo\"", "\x06\x66\x6f\x6f");
    EXPECT("\"string\"", "\"\"", "\0");
    EXPECT("\"boolean\"", "true", "\1");
    EXPECT("\"null\"", "null", "");
    EXPECT("\"double\"", "1", "\0\0\0\0\0\0\xf0\x3f");
    EXPECT("\"float\"", "-2.5", "\0\0\x20\xc0");
    EXPECT("\"bytes\"", "\"AQID\"", "\x06\1\2\3");
    EXPECT("{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}", "\"AQID\"", "\1\2\3");
    EXPECT("{\"type\":\"array\",\"items\":\"long\"}", "[3, 27]", "\x04\x06\x36\0");
    EXPECT("{\"type\":\"array\",\"items\":\"long\"}", "[]", "\0");
    EXPECT("{\"type\":\"map\",\"values\":\"long\"}", "{\"a\": 1}", "\x02\x02\x61\x02\0");
    EXPECT("[\"null\",\"string\"]", "null", "\0");
    EXPECT("[\"null\",\"string\"]", "\"a\"", "\x02\x02\x61");
    EXPECT("[\"null\",\"long\",\"string\"]", "\"a\"", "\x04\x02\x61");
    EXPECT("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\"B\"", "\x02");
    EXPECT("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", "\"1970-01-01T00:00:00.000001Z\"", "\x02");
    EXPECT("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", "-1", "\x01");
}

#define RECORD                                                                                                         \
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["                                                                 \
    "{\"name\":\"a\",\"type\":\"string\",\"doc\":\"The letter.\"},"                                                    \
    "{\"name\":\"n\",\"type\":\"long\",\"default\":5},"                                                                \
    "{\"name\":\"o\",\"type\":[\"null\",\"string\"],\"default\":null},"                                                \
    "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"x\",\"y\"]},\"default\":\"y\"},"        \
    "{\"name\":\"again\",\"type\":\"E\",\"default\":\"x\"},"                                                           \
    "{\"name\":\"rest\",\"type\":{\"type\":\"array\",\"items\":\"R\"},\"default\":[]}]}"

Test(avro_json, fields_left_out_take_their_defaults)
{
    EXPECT(RECORD, "{\"a\": \"q\"}", "\x02q\x0a\0\x02\0\0");
    EXPECT(RECORD, "{\"a\": \"\", \"n\": 0, \"o\": \"z\", \"e\": \"x\", \"again\": \"y\"}", "\0\0\x02\x02z\0\x02\0");
}

Test(avro_json, a_record_may_hold_itself)
{
    EXPECT(RECORD, "{\"a\": \"p\", \"rest\": [{\"a\": \"q\"}]}", "\x02p\x0a\0\x02\0\x02\x02q\x0a\0\x02\0\0\0");
}

static void expect_problem(const char *schema_text, const char *json_text, const char *path, const char *part)
{
    struct avro_json *avro = schema(schema_text);
    json_t *json = json_loads(json_text, JSON_DECODE_ANY, NULL);
    struct buffer out = {0};
    struct avro_json_problem problem = {0};
    buffer_put(&out, "kept", 4);
    cr_assert_not(avro_json_encode(avro, json, &out, &problem), "accepted: %s", json_text);
    cr_assert_str_eq(problem.path, path, "%s", json_text);
    cr_assert_not_null(strstr(problem.text, part), "%s: %s", json_text, problem.text);
    cr_assert_eq(out.len, 4, "the buffer was changed");
    json_decref(json);
    buffer_release(&out);
    avro_json_free(avro);
}

Test(avro_json, what_does_not_fit_is_named_by_its_path)
{
    expect_problem(RECORD, "{}", "a", "is missing: The letter.");
    expect_problem(RECORD, "{\"a\": 1}", "a", "in double quotes");
    expect_problem(RECORD, "{\"a\": \"\", \"n\": 1.5}", "n", "19.99 is 1999");
    expect_problem(RECORD, "{\"a\": \"\", \"n\": \"1\"}", "n", "without quotes");
    expect_problem(RECORD, "{\"a\": \"\", \"o\": 7}", "o", "must be a text");
    expect_problem(RECORD, "{\"a\": \"\", \"e\": \"z\"}", "e", "no \"z\"");
    expect_problem(RECORD, "{\"a\": \"\", \"agein\": \"x\"}", "", "did you mean again?");
    expect_problem(RECORD, "{\"a\": \"\", \"rest\": [{\"a\": \"\"}, {\"a\": null}]}", "rest[1].a", "is null");
    expect_problem(RECORD, "{\"a\": \"\", \"rest\": [{\"a\": \"\", \"rest\": [1]}]}", "rest[0].rest[0]", "an object");
    expect_problem(RECORD, "[]", "", "must be an object");
    expect_problem("\"int\"", "2147483648", "", "fit 32 bits");
    expect_problem("\"bytes\"", "\"*\"", "", "base64");
    expect_problem("{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}", "\"AQI=\"", "", "length");
    expect_problem("{\"type\":\"map\",\"values\":\"long\"}", "{\"k\": \"v\"}", "k", "whole number");
    expect_problem("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", "\"yesterday\"", "", "no instant");
    expect_problem("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", "1.5", "", "must be an instant");
}

static void expect_round_trip(const char *schema_text, const char *json_text)
{
    struct avro_json *avro = schema(schema_text);
    json_t *json = json_loads(json_text, JSON_DECODE_ANY, NULL);
    json_t *back = NULL;
    struct buffer out = {0};
    struct avro_json_problem problem = {0};
    struct err err = {.code = ERR_NONE};
    cr_assert(avro_json_encode(avro, json, &out, &problem), "%s", problem.text);
    cr_assert_eq(avro_json_decode(avro, buffer_view(&out), &back, &err), ERR_NONE, "%s: %s", json_text, err.text);
    cr_assert(json_equal(json, back), "%s", json_text);
    /* No shorter bytes are a value, and no longer ones. */
    for (size_t len = 0; len < out.len; len++) {
        json_t *none = NULL;
        cr_assert_eq(avro_json_decode(avro, (struct bytes){out.at, len}, &none, &err), ERR_BAD_BYTES);
        cr_assert_null(none);
    }
    buffer_put_u8(&out, 0);
    cr_assert_eq(avro_json_decode(avro, buffer_view(&out), &back, &err), ERR_BAD_BYTES);
    json_decref(json);
    json_decref(back);
    buffer_release(&out);
    avro_json_free(avro);
}

Test(avro_json, what_was_encoded_is_decoded_and_nothing_shorter_or_longer_is)
{
    expect_round_trip(RECORD, "{\"a\": \"p\", \"n\": -7, \"o\": \"z\", \"e\": \"x\", \"again\": \"y\", \"rest\": ["
                              "{\"a\": \"q\", \"n\": 5, \"o\": null, \"e\": \"x\", \"again\": \"x\", \"rest\": []}]}");
    expect_round_trip("{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":\"double\"}}",
                      "{\"a\": [1.5, -2.25], \"b\": []}");
    expect_round_trip("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", "\"2026-03-01T10:00:00.000001Z\"");
    expect_round_trip("{\"type\":\"array\",\"items\":[\"null\",\"float\",\"boolean\",\"bytes\"]}",
                      "[null, 1.5, true, \"AQID\"]");
    expect_round_trip("{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}", "\"AQID\"");
}

Test(avro_json, text_that_is_not_utf8_cannot_be_decoded)
{
    struct avro_json *avro = schema("\"string\"");
    struct err err = {.code = ERR_NONE};
    json_t *json = NULL;
    cr_assert_eq(avro_json_decode(avro, (struct bytes){(const uint8_t *)"\x02\xff", 2}, &json, &err), ERR_BAD_BYTES);
    cr_assert_null(json);
    avro_json_free(avro);
}

Test(avro_json, hostile_bytes_never_crash_or_take_much_memory)
{
    struct avro_json *avro = schema(RECORD);
    uint64_t seed = 88172645463325252u;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[48];
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            bytes[i] = (uint8_t)(seed & (round % 2 ? 0xff : 0x0f));
        }
        json_t *json = NULL;
        enum err_code code = avro_json_decode(avro, (struct bytes){bytes, seed % sizeof bytes}, &json, NULL);
        cr_assert(code == ERR_BAD_BYTES || (code == ERR_NONE && json));
        json_decref(json);
    }
    avro_json_free(avro);
}

Test(avro_json, a_schema_that_is_none_is_refused)
{
    struct avro_json *avro = NULL;
    struct err err = {.code = ERR_NONE};
    cr_assert_eq(avro_json_new(TEXT("{\"type\":\"recrod\"}"), &avro, &err), ERR_BAD_SCHEMA);
    cr_assert_null(avro);
    cr_assert_null(avro_json_free(NULL));
}
