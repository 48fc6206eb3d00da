#ifndef POINTS_TESTS_HTTP_SERVER_H
#define POINTS_TESTS_HTTP_SERVER_H

#include <pthread.h>

/* A web server on a free port of 127.0.0.1, one request after the other: it answers what the test tells it to. */
struct http_server {
    int socket;
    int port;
    char url[64];
    pthread_t thread;
    pthread_mutex_t lock;
    /* What to answer, and how late; set with http_server_answer. */
    int status;
    const char *body;
    int delay_ms;
    /* What was asked last, and how often. */
    char request[16384];
    int requests;
};

struct http_server *http_server_start(void);
void http_server_stop(struct http_server *server);

/* body: borrowed until the next call or the end. */
void http_server_answer(struct http_server *server, int status, const char *body, int delay_ms);

int http_server_requests(struct http_server *server);

/* A copy of the last request, head and body, malloc'ed. */
char *http_server_request(struct http_server *server);

#endif
