#include "decode/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>

struct http {
    CURL *curl;
    struct curl_slist *headers;
};

static size_t take(char *at, size_t size, size_t count, void *to)
{
    struct buffer *answer = to;
    size_t len = size * count;
    if (len > HTTP_ANSWER_MAX - answer->len)
        return 0;
    buffer_put(answer, at, len);
    return len;
}

static void set_options(struct http *http, const struct http_options *options)
{
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(http->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(http->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(http->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(http->curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, take);
    if (options->user && *options->user) {
        curl_easy_setopt(http->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(http->curl, CURLOPT_USERNAME, options->user);
        curl_easy_setopt(http->curl, CURLOPT_PASSWORD, options->password ? options->password : "");
    }
}

enum err_code http_new(const struct http_options *options, struct http **out, struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return err_set(err, ERR_CONFIG, "libcurl cannot be initialised");
    struct http *http = calloc(1, sizeof *http);
    if (!http || !(http->curl = curl_easy_init()))
        abort();
    http->headers = curl_slist_append(http->headers, "Accept: application/vnd.schemaregistry.v1+json");
    http->headers = curl_slist_append(http->headers, "Content-Type: application/vnd.schemaregistry.v1+json");
    set_options(http, options);
    *out = http;
    return ERR_NONE;
}

struct http *http_free(struct http *http)
{
    if (!http)
        return NULL;
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->headers);
    free(http);
    curl_global_cleanup();
    return NULL;
}

enum err_code http_request(struct http *http, const char *url, const char *post, int64_t timeout_ms, long *status,
                           struct buffer *answer, struct err *err)
{
    assert(timeout_ms > 0);
    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, answer);
    if (post)
        curl_easy_setopt(http->curl, CURLOPT_COPYPOSTFIELDS, post);
    else
        curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L);
    CURLcode code = curl_easy_perform(http->curl);
    if (code != CURLE_OK)
        return err_set(err, ERR_REGISTRY, "%s", curl_easy_strerror(code));
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, status);
    return ERR_NONE;
}

char *http_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = escaped ? strdup(escaped) : NULL;
    if (!copy)
        abort();
    curl_free(escaped);
    return copy;
}
