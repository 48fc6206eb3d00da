#include <criterion/criterion.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "decode/decode.h"
#include "decode/readers.h"
#include "decode/registry.h"
#include "decode/wire.h"
#include "http_server.h"
#include "values.h"

enum { TIMEOUT_MS = 300 };

static const char unknown_id[] = "{\"error_code\": 40403, \"message\": \"Schema 7 not found\"}";

static struct registry *open_at(const char *url, const char *user, const char *password)
{
    struct registry *registry;
    struct err err;
    struct registry_options options = {url, user, password, TIMEOUT_MS};
    cr_assert_eq(registry_new(&options, &registry, &err), ERR_NONE, "%s", err.text);
    return registry;
}

static enum err_code ask(struct registry *registry, int32_t id, struct err *err)
{
    struct text json;
    return registry_schema(registry, id, &json, err);
}

static int64_t ms_since(int64_t begin)
{
    return (clock_monotonic_us() - begin) / 1000;
}

Test(registry, a_schema_is_asked_for_once)
{
    struct http_server *server = http_server_start();
    struct registry *registry = open_at(server->url, "", "");
    struct text json;
    struct err err;
    http_server_answer(server, 200, "{\"schema\": \"\\\"string\\\"\"}", 0);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(registry_schema(registry, 7, &json, &err), ERR_NONE, "%s", err.text);
        cr_assert(text_equal(json, TEXT("\"string\"")));
    }
    cr_assert_eq(http_server_requests(server), 1);
    char *request = http_server_request(server);
    cr_assert_eq(strncmp(request, "GET /schemas/ids/7 HTTP/1.1\r\n", 29), 0, "%s", request);
    cr_assert_null(strcasestr(request, "authorization:"));
    free(request);
    registry_free(registry);
    http_server_stop(server);
}

Test(registry, an_unknown_id_is_remembered_for_a_second_since_it_may_come)
{
    struct http_server *server = http_server_start();
    struct registry *registry = open_at(server->url, "", "");
    struct err err;
    http_server_answer(server, 404, unknown_id, 0);
    cr_assert_eq(ask(registry, 7, &err), ERR_SCHEMA_UNKNOWN);
    cr_assert_eq(ask(registry, 7, &err), ERR_SCHEMA_UNKNOWN);
    cr_assert_eq(http_server_requests(server), 1);
    cr_assert_eq(ask(registry, 8, &err), ERR_SCHEMA_UNKNOWN);
    cr_assert_eq(http_server_requests(server), 2);
    http_server_answer(server, 200, "{\"schema\": \"\\\"string\\\"\"}", 0);
    poll(NULL, 0, 1100);
    cr_assert_eq(ask(registry, 7, &err), ERR_NONE, "%s", err.text);
    registry_free(registry);
    http_server_stop(server);
}

/* A wrong path in registry.url also answers 404: that says nothing about the id. */
Test(registry, another_404_is_no_answer_about_the_id)
{
    struct http_server *server = http_server_start();
    struct registry *registry = open_at(server->url, "", "");
    struct err err;
    http_server_answer(server, 404, "<html>not found</html>", 0);
    cr_assert_eq(ask(registry, 7, &err), ERR_REGISTRY);
    cr_assert(strstr(err.text, "404"), "%s", err.text);
    registry_free(registry);
    http_server_stop(server);
}

Test(registry, a_silent_registry_costs_one_time_out_and_then_nothing_until_it_heals)
{
    struct http_server *server = http_server_start();
    struct registry *registry = open_at(server->url, "", "");
    struct err err;
    http_server_answer(server, 200, "{\"schema\": \"\\\"string\\\"\"}", 3 * TIMEOUT_MS);
    int64_t begin = clock_monotonic_us();
    cr_assert_eq(ask(registry, 7, &err), ERR_REGISTRY);
    cr_assert_geq(ms_since(begin), TIMEOUT_MS - 20);
    cr_assert_lt(ms_since(begin), 3 * TIMEOUT_MS - 100);
    begin = clock_monotonic_us();
    for (int i = 0; i < 100; i++)
        cr_assert_eq(ask(registry, 7, &err), ERR_REGISTRY);
    cr_assert_lt(ms_since(begin), 90);
    cr_assert(strstr(err.text, "no request for another"), "%s", err.text);
    cr_assert_eq(http_server_requests(server), 1);
    http_server_answer(server, 200, "{\"schema\": \"\\\"string\\\"\"}", 0);
    enum err_code code = ERR_REGISTRY;
    for (int i = 0; code && i < 100; i++) {
        poll(NULL, 0, 50);
        code = ask(registry, 7, &err);
    }
    cr_assert_eq(code, ERR_NONE, "%s", err.text);
    registry_free(registry);
    http_server_stop(server);
}

/* Requests that reach the server within two seconds, of one every 10 ms. */
Test(registry, a_failing_registry_is_asked_less_and_less_often)
{
    struct http_server *server = http_server_start();
    struct registry *registry = open_at(server->url, "", "");
    struct err err;
    http_server_answer(server, 503, "{\"error_code\": 50301}", 0);
    int64_t begin = clock_monotonic_us();
    while (ms_since(begin) < 2000) {
        cr_assert_eq(ask(registry, 7, &err), ERR_REGISTRY);
        poll(NULL, 0, 10);
    }
    int requests = http_server_requests(server);
    cr_assert(requests >= 3 && requests <= 5, "%d requests; after 0, 100, 300, 700, 1500 ms they were to be 5",
              requests);
    registry_free(registry);
    http_server_stop(server);
}

Test(registry, nobody_listening_is_no_answer)
{
    struct http_server *server = http_server_start();
    char url[64];
    struct err err;
    snprintf(url, sizeof url, "%s", server->url);
    http_server_stop(server);
    struct registry *registry = open_at(url, "", "");
    cr_assert_eq(ask(registry, 7, &err), ERR_REGISTRY);
    registry_free(registry);
}

Test(registry, user_and_password_go_out_as_basic_authentication_and_never_into_messages)
{
    struct http_server *server = http_server_start();
    struct registry *registry = open_at(server->url, "ada", "s3cret");
    struct err err;
    http_server_answer(server, 401, "{\"error_code\": 40101, \"message\": \"Unauthorized\"}", 0);
    cr_assert_eq(ask(registry, 7, &err), ERR_REGISTRY);
    cr_assert(strstr(err.text, "401") && strstr(err.text, "Unauthorized") && !strstr(err.text, "s3cret"), "%s",
              err.text);
    char *request = http_server_request(server);
    cr_assert(strstr(request, "Authorization: Basic YWRhOnMzY3JldA==\r\n"), "%s", request);
    free(request);
    registry_free(registry);
    http_server_stop(server);
}

Test(registry, answers_that_make_no_sense_are_no_answer)
{
    static const char *const bodies[] = {"", "not json", "[]", "{\"schema\": 17}", "{\"schema\": null}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct http_server *server = http_server_start();
        struct registry *registry = open_at(server->url, "", "");
        struct err err;
        http_server_answer(server, 200, bodies[i], 0);
        cr_assert_eq(ask(registry, 7, &err), ERR_REGISTRY, "%s", bodies[i]);
        registry_free(registry);
        http_server_stop(server);
    }
}

Test(registry, an_endless_answer_is_cut_off)
{
    struct http_server *server = http_server_start();
    struct registry *registry = open_at(server->url, "", "");
    struct err err;
    size_t len = 2 * 1024 * 1024;
    char *body = malloc(len + 1);
    memset(body, ' ', len);
    body[len] = 0;
    http_server_answer(server, 200, body, 0);
    cr_assert_eq(ask(registry, 7, &err), ERR_REGISTRY);
    registry_free(registry);
    http_server_stop(server);
    free(body);
}

Test(registry, registering_sends_the_schema_and_gives_its_id)
{
    struct http_server *server = http_server_start();
    char url[80];
    snprintf(url, sizeof url, "%s/", server->url);
    struct registry *registry = open_at(url, "", "");
    struct err err;
    int32_t id = 0;
    http_server_answer(server, 200, "{\"id\": 42}", 0);
    cr_assert_eq(registry_register(registry, "loyalty.rewards/ä-value", TEXT("{\"type\": \"int\"}"), &id, &err),
                 ERR_NONE, "%s", err.text);
    cr_assert_eq(id, 42);
    char *request = http_server_request(server);
    cr_assert_eq(strncmp(request, "POST /subjects/loyalty.rewards%2F%C3%A4-value/versions ", 54), 0, "%s", request);
    cr_assert(strstr(request, "Content-Type: application/vnd.schemaregistry.v1+json\r\n"));
    json_t *body = json_loads(strstr(request, "\r\n\r\n"), 0, NULL);
    cr_assert_str_eq(json_string_value(json_object_get(body, "schema")), "{\"type\": \"int\"}");
    json_decref(body);
    free(request);
    registry_free(registry);
    http_server_stop(server);
}

Test(registry, a_refused_registration_says_why)
{
    struct http_server *server = http_server_start();
    struct registry *registry = open_at(server->url, "", "");
    struct err err;
    int32_t id = -1;
    http_server_answer(server, 409, "{\"error_code\": 409, \"message\": \"incompatible with an earlier schema\"}", 0);
    cr_assert_eq(registry_register(registry, "s", TEXT("{}"), &id, &err), ERR_REGISTRY);
    cr_assert(strstr(err.text, "incompatible with an earlier schema"), "%s", err.text);
    cr_assert_eq(id, -1);
    registry_free(registry);
    http_server_stop(server);
}

Test(registry, an_address_that_is_none_is_a_bad_configuration)
{
    struct registry *registry;
    struct registry_options options = {"file:///etc/passwd", "", "", TIMEOUT_MS};
    cr_assert_eq(registry_new(&options, &registry, NULL), ERR_CONFIG);
}

static void *ask_often(void *of)
{
    struct err err;
    int wrong = 0;
    for (int32_t id = 0; id < 50; id++)
        wrong += ask(of, id % 5, &err) != ERR_NONE;
    return (void *)(intptr_t)wrong;
}

Test(registry, several_threads_share_one_cache)
{
    struct http_server *server = http_server_start();
    struct registry *registry = open_at(server->url, "", "");
    pthread_t threads[4];
    http_server_answer(server, 200, "{\"schema\": \"\\\"string\\\"\"}", 0);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, ask_often, registry);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        cr_assert_null(wrong);
    }
    cr_assert_eq(http_server_requests(server), 5);
    registry_free(registry);
    http_server_stop(server);
}

/* ---- A decoder that asks it. ---- */

static enum err_code decode_share(struct registry *registry, const char *answer, struct http_server *server,
                                  struct err *err)
{
    static const struct decode_limits limits = {1000, 10, 100, 100, 0, 0};
    static const uint8_t body[] = {0, 0, 0, 0, 7, 2, 'i', 2, 's', 2, 'm', 2, 'c', 0, 0};
    struct decoder *decoder;
    struct event event;
    struct hash16 content;
    struct arena *arena = arena_new(0);
    enum err_code code = ERR_NONE;
    http_server_answer(server, 200, answer, 0);
    cr_assert_eq(decoder_new(&limits, registry, &decoder, err), ERR_NONE);
    for (int i = 0; i < 3; i++)
        code = decoder_decode(decoder, (struct bytes){body, sizeof body}, 0, arena, &event, &content, err);
    if (!code)
        cr_assert(event.kind == SHARE_SHARED && text_equal(event.share.content, TEXT("c")));
    decoder_free(decoder);
    arena_free(arena);
    return code;
}

#define STRING(name) "{\\\"name\\\": \\\"" name "\\\", \\\"type\\\": \\\"string\\\"}, "
#define SHARE                                                                                                          \
    "{\\\"type\\\": \\\"record\\\", \\\"name\\\": \\\"com.shop.Share\\\", \\\"fields\\\": [" STRING("id")              \
        STRING("source") STRING("member_id")                                                                           \
            STRING("content") "{\\\"name\\\": \\\"occurred_at\\\", \\\"type\\\": \\\"int\\\"}, "                       \
                              "{\\\"name\\\": \\\"kind\\\", \\\"type\\\": {\\\"type\\\": \\\"enum\\\", \\\"name\\\": " \
                              "\\\"ShareKind\\\", "                                                                    \
                              "\\\"symbols\\\": [\\\"shared\\\"]}}]}"

Test(registry, a_decoder_reads_what_the_registrys_schema_wrote)
{
    struct http_server *server = http_server_start();
    struct registry *registry = open_at(server->url, "", "");
    struct err err = {0};
    cr_assert_eq(decode_share(registry, "{\"schema\": \"" SHARE "\"}", server, &err), ERR_NONE, "%s", err.text);
    cr_assert_eq(http_server_requests(server), 1);
    registry_free(registry);
    http_server_stop(server);
}

Test(registry, schemas_that_are_no_events_of_ours_are_dead_letters)
{
    static const char *const answers[] = {
        "{\"schema\": \"\\\"string\\\"\"}", "{\"schema\": \"message P {}\", \"schemaType\": \"PROTOBUF\"}",
        "{\"schema\": \"{\"}",
        "{\"schema\": \"{\\\"type\\\": \\\"record\\\", \\\"name\\\": \\\"Share\\\", \\\"fields\\\": []}\"}"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct http_server *server = http_server_start();
        struct registry *registry = open_at(server->url, "", "");
        struct err err = {0};
        cr_assert_eq(decode_share(registry, answers[i], server, &err), ERR_BAD_SCHEMA, "%s", err.text);
        cr_assert(strstr(err.text, "schema 7 of the registry"), "%s", err.text);
        registry_free(registry);
        http_server_stop(server);
    }
}
