#include "decode/registry.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "decode/http.h"

enum {
    CACHE_MAX = 10000,
    UNKNOWN_MAX = 64, /* ids remembered as unknown */
    UNKNOWN_FOR_US = 1000000,
    BACK_OFF_LEAST_MS = 100,
    BACK_OFF_MOST_MS = 10000,
};

struct cached {
    int32_t id;
    struct text json; /* the arena's */
};

struct unknown {
    int32_t id;
    int64_t until; /* µs, monotonic; 0: the place is free */
};

struct registry {
    pthread_mutex_t lock; /* of all that follows; held during a request, so it is taken with a deadline */
    struct http *http;
    char *url;
    int64_t timeout_ms;
    struct arena *arena;
    struct cached *cached;
    size_t count;
    struct unknown unknown[UNKNOWN_MAX];
    size_t next_unknown;
    int64_t back_off_ms; /* 0: the last request was answered */
    int64_t quiet_until; /* µs, monotonic: no request before */
    struct err problem;  /* why */
};

enum err_code registry_new(const struct registry_options *options, struct registry **out, struct err *err)
{
    struct http *http;
    struct http_options http_options = {options->user, options->password};
    size_t len = strlen(options->url);
    if (strncmp(options->url, "http://", 7) && strncmp(options->url, "https://", 8))
        return err_set(err, ERR_CONFIG, "registry.url begins neither with http:// nor with https://: %s", options->url);
    enum err_code code = http_new(&http_options, &http, err);
    if (code)
        return code;
    struct registry *registry = calloc(1, sizeof *registry);
    if (!registry || !(registry->cached = calloc(CACHE_MAX, sizeof *registry->cached)))
        abort();
    while (len > 0 && options->url[len - 1] == '/')
        len--;
    if (!(registry->url = strndup(options->url, len)))
        abort();
    registry->http = http;
    registry->timeout_ms = options->timeout_ms;
    registry->arena = arena_new(0);
    pthread_mutex_init(&registry->lock, NULL);
    *out = registry;
    return ERR_NONE;
}

struct registry *registry_free(struct registry *registry)
{
    if (!registry)
        return NULL;
    http_free(registry->http);
    arena_free(registry->arena);
    pthread_mutex_destroy(&registry->lock);
    free(registry->cached);
    free(registry->url);
    free(registry);
    return NULL;
}

static struct timespec timespec_of(int64_t us)
{
    return (struct timespec){us / 1000000, us % 1000000 * 1000};
}

/* A caller's whole wait, for the lock and for the answer, is one time-out. */
static enum err_code lock_until(struct registry *registry, int64_t deadline, struct err *err)
{
    struct timespec until = timespec_of(deadline);
    if (pthread_mutex_clocklock(&registry->lock, CLOCK_MONOTONIC, &until))
        return err_set(err, ERR_REGISTRY, "the registry is busy with another request");
    return ERR_NONE;
}

static void back_off(struct registry *registry)
{
    int64_t next = registry->back_off_ms * 2;
    next = next < BACK_OFF_LEAST_MS ? BACK_OFF_LEAST_MS : next;
    registry->back_off_ms = next > BACK_OFF_MOST_MS ? BACK_OFF_MOST_MS : next;
    registry->quiet_until = clock_monotonic_us() + registry->back_off_ms * 1000;
}

/* What the registry says of a refusal: {"error_code": 40403, "message": "Schema 7 not found"}. */
static enum err_code refusal(long status, const json_t *answer, struct err *err)
{
    json_int_t code = json_integer_value(json_object_get(answer, "error_code"));
    const char *message = json_string_value(json_object_get(answer, "message"));
    return err_set(err, ERR_REGISTRY, "status %ld, error %" PRId64 ": %.200s", status, (int64_t)code,
                   message ? message : "no message");
}

/* Asks, and backs off where no answer or a server's failure comes. *answer is the parsed body, NULL where it is no
 * JSON. */
static enum err_code ask(struct registry *registry, const char *url, const char *post, int64_t deadline, long *status,
                         json_t **answer, struct err *err)
{
    int64_t now = clock_monotonic_us();
    struct buffer body = {0};
    if (now < registry->quiet_until)
        return err_set(err, ERR_REGISTRY, "no request for another %" PRId64 " ms after: %s",
                       (registry->quiet_until - now) / 1000 + 1, registry->problem.text);
    if (deadline - now < 1000)
        return err_set(err, ERR_REGISTRY, "the registry is busy with another request");
    if (http_request(registry->http, url, post, (deadline - now) / 1000, status, &body, &registry->problem)) {
        back_off(registry);
        buffer_release(&body);
        return err_set(err, ERR_REGISTRY, "%s: %s", registry->url, registry->problem.text);
    }
    *answer = body.len ? json_loadb((const char *)body.at, body.len, 0, NULL) : NULL;
    buffer_release(&body);
    if (*status >= 500 || *status == 429) {
        err_set(&registry->problem, ERR_REGISTRY, "the registry answered with status %ld", *status);
        back_off(registry);
    } else {
        registry->back_off_ms = 0;
    }
    return ERR_NONE;
}

static bool find_cached(const struct registry *registry, int32_t id, struct text *json)
{
    for (size_t i = 0; i < registry->count; i++)
        if (registry->cached[i].id == id) {
            *json = registry->cached[i].json;
            return true;
        }
    return false;
}

static bool is_unknown(const struct registry *registry, int32_t id)
{
    int64_t now = clock_monotonic_us();
    for (size_t i = 0; i < UNKNOWN_MAX; i++)
        if (registry->unknown[i].id == id && now < registry->unknown[i].until)
            return true;
    return false;
}

static enum err_code remember_unknown(struct registry *registry, int32_t id, struct err *err)
{
    registry->unknown[registry->next_unknown] = (struct unknown){id, clock_monotonic_us() + UNKNOWN_FOR_US};
    registry->next_unknown = (registry->next_unknown + 1) % UNKNOWN_MAX;
    return err_set(err, ERR_SCHEMA_UNKNOWN, "the registry has no schema %" PRId32, id);
}

/* {"schema": "...", "schemaType": "AVRO"}; the type is left out where it is AVRO. Another type is kept as a text that
 * no decoder will accept: the id is known, and what it names cannot change. */
static enum err_code keep(struct registry *registry, int32_t id, const json_t *answer, struct text *json,
                          struct err *err)
{
    const json_t *schema = json_object_get(answer, "schema");
    const char *type = json_string_value(json_object_get(answer, "schemaType"));
    if (!json_is_string(schema))
        return err_set(err, ERR_REGISTRY, "the registry's answer holds no schema");
    if (registry->count == CACHE_MAX)
        return err_set(err, ERR_REGISTRY, "more than %d schemas are in use", CACHE_MAX);
    struct text text = {json_string_value(schema), json_string_length(schema)};
    if (type && strcmp(type, "AVRO") != 0)
        text = arena_printf(registry->arena, "not Avro but %.40s", type);
    registry->cached[registry->count] = (struct cached){id, arena_text(registry->arena, text)};
    *json = registry->cached[registry->count++].json;
    return ERR_NONE;
}

static enum err_code fetch(struct registry *registry, int32_t id, int64_t deadline, struct text *json, struct err *err)
{
    char url[1024];
    long status = 0;
    json_t *answer = NULL;
    int len = snprintf(url, sizeof url, "%s/schemas/ids/%" PRId32, registry->url, id);
    if (len < 0 || (size_t)len >= sizeof url)
        return err_set(err, ERR_REGISTRY, "registry.url is too long");
    enum err_code code = ask(registry, url, NULL, deadline, &status, &answer, err);
    if (code)
        return code;
    if (status == 200)
        code = keep(registry, id, answer, json, err);
    else if (status == 404 && json_integer_value(json_object_get(answer, "error_code")) == 40403)
        code = remember_unknown(registry, id, err);
    else
        code = refusal(status, answer, err);
    json_decref(answer);
    return code;
}

enum err_code registry_schema(struct registry *registry, int32_t id, struct text *json, struct err *err)
{
    int64_t deadline = clock_monotonic_us() + registry->timeout_ms * 1000;
    enum err_code code = lock_until(registry, deadline, err);
    if (code)
        return code;
    if (find_cached(registry, id, json))
        code = ERR_NONE;
    else if (is_unknown(registry, id))
        code = err_set(err, ERR_SCHEMA_UNKNOWN, "the registry has no schema %" PRId32, id);
    else
        code = fetch(registry, id, deadline, json, err);
    pthread_mutex_unlock(&registry->lock);
    if (code)
        err_wrap(err, "schema %" PRId32, id);
    return code;
}

static enum err_code post_schema(struct registry *registry, const char *url, const char *body, int64_t deadline,
                                 int32_t *id, struct err *err)
{
    long status = 0;
    json_t *answer = NULL;
    enum err_code code = ask(registry, url, body, deadline, &status, &answer, err);
    if (code)
        return code;
    const json_t *given = json_object_get(answer, "id");
    json_int_t value = json_integer_value(given);
    if (status != 200 && status != 201)
        code = refusal(status, answer, err);
    else if (!json_is_integer(given) || value < 0 || value > INT32_MAX)
        code = err_set(err, ERR_REGISTRY, "the registry's answer holds no id");
    else
        *id = (int32_t)value;
    json_decref(answer);
    return code;
}

enum err_code registry_register(struct registry *registry, const char *subject, struct text json, int32_t *id,
                                struct err *err)
{
    char url[1024];
    int64_t deadline = clock_monotonic_us() + registry->timeout_ms * 1000;
    char *escaped = http_escape(subject);
    int len = snprintf(url, sizeof url, "%s/subjects/%s/versions", registry->url, escaped);
    free(escaped);
    if (len < 0 || (size_t)len >= sizeof url)
        return err_set(err, ERR_REGISTRY, "the subject or registry.url is too long");
    json_t *request = json_pack("{s:s%}", "schema", json.at, json.len);
    char *body = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!body)
        return err_set(err, ERR_BAD_SCHEMA, "the schema of %s is no UTF-8 text", subject);
    enum err_code code = lock_until(registry, deadline, err);
    if (!code) {
        code = post_schema(registry, url, body, deadline, id, err);
        pthread_mutex_unlock(&registry->lock);
    }
    free(body);
    if (code)
        err_wrap(err, "registering %s", subject);
    return code;
}
