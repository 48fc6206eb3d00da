#include "http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whether head and body are there. */
static int is_whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strcasestr(request, "content-length:");
    if (!end)
        return 0;
    return !length || length > end || strlen(end + 4) >= strtoul(length + strlen("content-length:"), NULL, 10);
}

static void read_request(int client, char *request, size_t size)
{
    size_t len = 0;
    request[0] = 0;
    while (!is_whole(request) && len < size - 1) {
        ssize_t got = read(client, request + len, size - 1 - len);
        if (got <= 0)
            return;
        len += (size_t)got;
        request[len] = 0;
    }
}

static void write_all(int client, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(client, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        at += sent;
        len -= (size_t)sent;
    }
}

static void serve(struct http_server *server, int client)
{
    char request[sizeof server->request];
    char head[256];
    read_request(client, request, sizeof request);
    pthread_mutex_lock(&server->lock);
    int status = server->status;
    const char *body = server->body;
    int delay_ms = server->delay_ms;
    memcpy(server->request, request, sizeof request);
    server->requests++;
    pthread_mutex_unlock(&server->lock);
    poll(NULL, 0, delay_ms);
    int len = snprintf(head, sizeof head, "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                       status, strlen(body));
    write_all(client, head, (size_t)len);
    write_all(client, body, strlen(body));
}

static void *run(void *of)
{
    struct http_server *server = of;
    for (;;) {
        int client = accept(server->socket, NULL, NULL);
        if (client < 0)
            return NULL;
        serve(server, client);
        close(client);
    }
}

struct http_server *http_server_start(void)
{
    struct http_server *server = calloc(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    assert(server && !pthread_mutex_init(&server->lock, NULL));
    server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(server->socket >= 0 && !bind(server->socket, (struct sockaddr *)&address, sizeof address));
    assert(!listen(server->socket, 16) && !getsockname(server->socket, (struct sockaddr *)&address, &len));
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", server->port);
    http_server_answer(server, 200, "{}", 0);
    assert(!pthread_create(&server->thread, NULL, run, server));
    return server;
}

void http_server_stop(struct http_server *server)
{
    shutdown(server->socket, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->socket);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

void http_server_answer(struct http_server *server, int status, const char *body, int delay_ms)
{
    pthread_mutex_lock(&server->lock);
    server->status = status;
    server->body = body;
    server->delay_ms = delay_ms;
    pthread_mutex_unlock(&server->lock);
}

int http_server_requests(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    int requests = server->requests;
    pthread_mutex_unlock(&server->lock);
    return requests;
}

char *http_server_request(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    char *copy = strdup(server->request);
    pthread_mutex_unlock(&server->lock);
    return copy;
}
