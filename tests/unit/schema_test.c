#include <criterion/criterion.h>

#include <stdio.h>

#include "decode/schema.h"

static enum err_code parse(const char *json, struct err *err)
{
    struct schema *schema = NULL;
    enum err_code code = schema_parse(text_of(json), &schema, err);
    schema_free(schema);
    return code;
}

/* Refused, and with words that hold `why`. */
static void refused(const char *json, const char *why)
{
    struct err err = {0};
    cr_assert_eq(parse(json, &err), ERR_BAD_SCHEMA, "accepted: %s", json);
    cr_assert(strstr(err.text, why), "%s: \"%s\" does not say \"%s\"", json, err.text, why);
}

static void canonical(const char *json, const char *expected)
{
    struct schema *schema;
    struct err err;
    struct arena *arena = arena_new(0);
    cr_assert_eq(schema_parse(text_of(json), &schema, &err), ERR_NONE, "%s: %s", json, err.text);
    struct text text = schema_canonical(schema, arena);
    cr_assert(text_equal(text, text_of(expected)), "%.*s is not %s", (int)text.len, text.at, expected);
    cr_assert_eq(schema->fingerprint, schema_rabin(text));
    schema_free(schema);
    arena_free(arena);
}

Test(schema, canonical_form_keeps_what_a_reader_needs_with_full_names)
{
    canonical("\"int\"", "\"int\"");
    canonical("{\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}", "\"long\"");
    canonical("[\"null\", {\"type\": \"map\", \"values\": \"bytes\"}]",
              "[\"null\",{\"type\":\"map\",\"values\":\"bytes\"}]");
    canonical("{\"name\": \"F\", \"type\": \"fixed\", \"namespace\": \"a.b\", \"size\": 16, \"doc\": \"x\"}",
              "{\"name\":\"a.b.F\",\"type\":\"fixed\",\"size\":16}");
    canonical("{\"type\": \"enum\", \"symbols\": [\"A\", \"B\"], \"default\": \"A\", \"name\": \"n.E\", \"aliases\": "
              "[\"x\"]}",
              "{\"name\":\"n.E\",\"type\":\"enum\",\"symbols\":[\"A\",\"B\"]}");
    canonical("{\"type\": \"record\", \"name\": \"n.R\", \"fields\": [{\"doc\": \"d\", \"type\": [\"null\", \"R\"], "
              "\"name\": \"f\", "
              "\"default\": null, \"order\": \"ignore\"}, {\"name\": \"g\", \"type\": {\"type\": \"array\", \"items\": "
              "\"n.R\"}}]}",
              "{\"name\":\"n.R\",\"type\":\"record\",\"fields\":[{\"name\":\"f\",\"type\":[\"null\",\"n.R\"]},"
              "{\"name\":\"g\",\"type\":{\"type\":\"array\",\"items\":\"n.R\"}}]}");
    canonical(
        "{\"type\": \"record\", \"name\": \"n.R\", \"fields\": [{\"name\": \"f\", \"type\": {\"type\": \"fixed\", "
        "\"name\": \"F\", \"namespace\": \"\", \"size\": 1}}]}",
        "{\"name\":\"n.R\",\"type\":\"record\",\"fields\":[{\"name\":\"f\",\"type\":{\"name\":\"F\","
        "\"type\":\"fixed\",\"size\":1}}]}");
}

/* Values of the Avro project's own test data (share/test/data/schema-tests.txt). */
Test(schema, fingerprints_are_those_of_the_avro_project)
{
    cr_assert_eq(schema_rabin(TEXT("\"null\"")), 7195948357588979594u);
    cr_assert_eq(schema_rabin(TEXT("\"boolean\"")), (uint64_t)-6970731678124411036);
    cr_assert_eq(schema_rabin(TEXT("{\"name\":\"foo\",\"type\":\"record\",\"fields\":[]}")),
                 (uint64_t)-4824392279771201922);
}

Test(schema, texts_that_are_no_schema_are_refused_in_words)
{
    refused("", "line");
    refused("{", "line");
    refused("17", "missing");
    refused("\"strin\"", "no type strin");
    refused("{\"type\": \"record\", \"name\": \"R\"}", "no fields");
    refused("{\"type\": \"record\", \"fields\": []}", "no name");
    refused("{\"type\": \"record\", \"name\": \"1R\", \"fields\": []}", "malformed");
    refused("{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\"}]}", "missing");
    refused(
        "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", \"type\": \"int\"}, {\"name\": \"a\", "
        "\"type\": \"int\"}]}",
        "twice");
    refused("{\"type\": \"enum\", \"name\": \"E\", \"symbols\": []}", "no symbols");
    refused("{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\"], \"default\": \"B\"}", "none of its symbols");
    refused("{\"type\": \"fixed\", \"name\": \"F\", \"size\": -1}", "size");
    refused("{\"type\": \"fixed\", \"name\": \"F\", \"size\": 9999999999}", "size");
    refused("[\"int\", [\"null\"]]", "directly in a union");
    refused("[\"int\", \"int\"]", "twice");
    refused("[]", "no branches");
    refused("{\"type\": \"array\"}", "missing");
}

Test(schema, a_type_without_a_finite_value_is_refused_and_one_that_can_end_is_not)
{
    refused("{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"again\", \"type\": \"R\"}]}", "finite");
    refused("{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"again\", \"type\": [\"R\"]}]}",
            "finite");
    cr_assert_eq(
        parse("{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", \"type\": [\"R\", \"null\"]}]}",
              NULL),
        ERR_NONE);
}

Test(schema, size_nesting_and_number_of_types_are_bounded)
{
    size_t len = SCHEMA_BYTES_MAX + 1;
    char *json = malloc(len + 1);
    memset(json, ' ', len);
    json[len] = 0;
    refused(json, "the most is");
    memset(json, '[', 100000);
    json[100000] = 0;
    refused(json, "nested deeper");
    size_t at = (size_t)snprintf(json, len, "{\"type\": \"record\", \"name\": \"R\", \"fields\": [");
    for (int i = 0; i < SCHEMA_PARTS_MAX / 2; i++)
        at += (size_t)snprintf(json + at, len - at, "{\"name\": \"f%d\", \"type\": [\"int\"]},", i);
    snprintf(json + at, len - at, "{\"name\": \"g\", \"type\": \"int\"}]}");
    refused(json, "more than");
    free(json);
}

Test(schema, least_sizes_are_what_a_value_takes_at_least)
{
    struct schema *schema;
    const char *json = "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", \"type\": \"string\"}, "
                       "{\"name\": \"b\", "
                       "\"type\": \"double\"}, {\"name\": \"c\", \"type\": [\"int\", \"null\"]}, {\"name\": \"d\", "
                       "\"type\": {\"type\": "
                       "\"array\", \"items\": \"R\"}}, {\"name\": \"e\", \"type\": \"null\"}]}";
    cr_assert_eq(schema_parse(text_of(json), &schema, NULL), ERR_NONE);
    cr_assert_eq(schema_root(schema)->least, 1 + 8 + 1 + 1 + 0);
    schema_free(schema);
}
