#ifndef POINTS_DECODE_HTTP_H
#define POINTS_DECODE_HTTP_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"

/* Small requests with small JSON answers, one at a time, over a connection that is kept. */
struct http;

struct http_options {
    const char *user; /* NULL or empty: no basic authentication */
    const char *password;
};

enum { HTTP_ANSWER_MAX = 1024 * 1024 };

enum err_code http_new(const struct http_options *options, struct http **out, struct err *err);
struct http *http_free(struct http *http);

/* GET, or POST where post is not NULL. *status is the answer's, whatever it is; its body is appended to `answer`.
 * ERR_REGISTRY: no whole answer within timeout_ms. Redirects are not followed. */
enum err_code http_request(struct http *http, const char *url, const char *post, int64_t timeout_ms, long *status,
                           struct buffer *answer, struct err *err);

/* The text as one part of a URL's path, malloc'ed. */
char *http_escape(const char *text);

#endif
