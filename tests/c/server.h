/* A JWKS server on a free port of loopback, on a thread of the test's: answers, fails or holds on command. */

#ifndef AUTHKIT_TEST_SERVER_H
#define AUTHKIT_TEST_SERVER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vectors.h"

/* A test that hangs is ended, in seconds. */
enum { SERVER_PATIENCE = 300 };

struct server {
    int listener;
    pthread_t thread;
    char url[64];
    /* Guards what follows. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const char *document; /* NULL: HTTP 500 */
    bool held;
    bool stopping;
    int requests;
};

/* A socket that listens on a port of the system's choice, and its URL. */
static inline int server_listen(char *url, size_t size) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 64) != 0 || getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        perror("no server");
        exit(EXIT_FAILURE);
    }
    snprintf(url, size, "http://127.0.0.1:%d/oauth2/jwks", ntohs(address.sin_port));
    return listener;
}

/* A URL where nobody listens. */
static inline void server_closed_url(char *url, size_t size) { close(server_listen(url, size)); }

static inline void server_read_head(int connection) {
    char head[4096];
    size_t length = 0;
    while (length < sizeof head) {
        ssize_t more = recv(connection, head + length, sizeof head - length, 0);
        if (more <= 0) {
            return;
        }
        length += (size_t)more;
        if (length >= 4 && memcmp(head + length - 4, "\r\n\r\n", 4) == 0) {
            return;
        }
    }
}

static inline void server_write(int connection, const char *text) {
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t written = send(connection, text, left, MSG_NOSIGNAL);
        if (written <= 0) {
            return; /* the client has given up */
        }
        text += written;
        left -= (size_t)written;
    }
}

/* The document to answer with, once it may be; NULL: HTTP 500. */
static inline const char *server_take_request(struct server *server) {
    pthread_mutex_lock(&server->lock);
    server->requests++;
    pthread_cond_broadcast(&server->changed);
    while (server->held && !server->stopping) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    const char *document = server->document;
    pthread_mutex_unlock(&server->lock);
    return document;
}

static inline void *server_run(void *argument) {
    struct server *server = (struct server *)argument;
    for (;;) {
        int connection = accept(server->listener, NULL, NULL);
        if (connection < 0) {
            return NULL; /* shut down */
        }
        server_read_head(connection);
        const char *document = server_take_request(server);
        if (document == NULL) {
            server_write(connection, "HTTP/1.1 500 Sorry\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        } else {
            server_write(connection, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n");
            server_write(connection, document);
        }
        close(connection);
    }
}

/* Documents are borrowed for the server's life. */
static inline void server_start(struct server *server, const char *document) {
    alarm(SERVER_PATIENCE);
    memset(server, 0, sizeof *server);
    server->listener = server_listen(server->url, sizeof server->url);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    server->document = document;
    pthread_create(&server->thread, NULL, server_run, server);
}

static inline void server_answer(struct server *server, const char *document) {
    pthread_mutex_lock(&server->lock);
    server->document = document;
    pthread_mutex_unlock(&server->lock);
}

/* From now on requests are answered only when this is false. */
static inline void server_hold(struct server *server, bool held) {
    pthread_mutex_lock(&server->lock);
    server->held = held;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static inline int server_requests(struct server *server) {
    pthread_mutex_lock(&server->lock);
    int requests = server->requests;
    pthread_mutex_unlock(&server->lock);
    return requests;
}

/* Waits until so many requests have come in all. */
static inline void server_await_requests(struct server *server, int count) {
    pthread_mutex_lock(&server->lock);
    while (server->requests < count) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

static inline void server_stop(struct server *server) {
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    shutdown(server->listener, SHUT_RDWR); /* wakes accept() */
    pthread_join(server->thread, NULL);
    close(server->listener);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
}

/* Settings for the vectors' issuer, whose keys are fetched at `url`, as JSON. */
static inline void server_settings(char *json, size_t size, const char *url, const char *algorithms,
                                   const char *refresh_mode) {
    snprintf(json, size,
             "{\"issuers\":{\"%s\":\"%s\"},\"resource\":\"%s\",\"now\":%s,\"algorithms\":\"%s\","
             "\"refresh_mode\":\"%s\",\"allow_insecure_loopback\":true}",
             VECTOR_ISSUER, url, VECTOR_RESOURCE, VECTOR_NOW, algorithms, refresh_mode);
}

#endif
