/* Unloading: the library is loaded, used and unloaded while a thread of the host's that used it lives, and while a thread
 * of its own fetches: `unload LIBRARY`. */

#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authkit.h"
#include "server.h"
#include "vectors.h"

enum { CYCLES = 20 };

static pthread_barrier_t used, unloaded;
static void *library;
static struct server server;

/* POSIX lets dlsym's result become a function; C11 has no cast for it. */
#define FUNCTION(name)                                                                                                 \
    __typeof__(name) *name##_;                                                                                         \
    do {                                                                                                               \
        void *symbol_ = dlsym(library, #name);                                                                         \
        memcpy(&name##_, &symbol_, sizeof symbol_);                                                                    \
    } while (0)

static authkit_verifier *verifier_of(const char *json) {
    FUNCTION(authkit_config_from_json);
    FUNCTION(authkit_verifier_new);
    FUNCTION(authkit_config_free);
    authkit_config *config = NULL;
    authkit_verifier *verifier = NULL;
    bool made = authkit_config_from_json_(json, strlen(json), &config, NULL) == AUTHKIT_OK &&
                authkit_verifier_new_(config, &verifier, NULL) == AUTHKIT_OK;
    authkit_config_free_(config);
    return made ? verifier : NULL;
}

static bool accepts(const authkit_verifier *verifier) {
    FUNCTION(authkit_verifier_verify);
    FUNCTION(authkit_claims_subject);
    FUNCTION(authkit_claims_free);
    authkit_claims *claims = NULL;
    bool accepted =
        authkit_verifier_verify_(verifier, VECTORS[0].token, VECTORS[0].length, NULL, &claims, NULL) == AUTHKIT_OK &&
        authkit_claims_subject_(claims) != NULL;
    authkit_claims_free_(claims);
    return accepted;
}

static bool use(void) {
    FUNCTION(authkit_verifier_free);
    char json[4096];
    snprintf(json, sizeof json, "{\"authkit_domain\": \"%s\", \"resource\": \"%s\", \"now\": %s, \"jwks\": %s}",
             VECTOR_ISSUER, VECTOR_RESOURCE, VECTOR_NOW, VECTOR_JWKS);
    authkit_verifier *verifier = verifier_of(json);
    bool accepted = accepts(verifier);
    authkit_verifier_free_(verifier);
    return accepted;
}

static void *live_longer_than_the_library(void *accepted) {
    *(bool *)accepted = use();
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&unloaded);
    return NULL; /* thread-local destructors run now */
}

static bool load(const char *path) {
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "unload: %s\n", dlerror());
    }
    return library != NULL;
}

static bool unload_under_a_thread_of_the_hosts(const char *path) {
    if (!load(path)) {
        return false;
    }
    bool accepted = false;
    pthread_t thread;
    pthread_create(&thread, NULL, live_longer_than_the_library, &accepted);
    pthread_barrier_wait(&used);
    dlclose(library);
    pthread_barrier_wait(&unloaded);
    pthread_join(thread, NULL);
    return accepted;
}

static int threads_alive(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (readdir(tasks) != NULL) {
        count++;
    }
    closedir(tasks);
    return count;
}

/* Nobody can join the library's thread; a test that waits for ever is ended by the server's alarm. */
static void await_threads(int count) {
    const struct timespec moment = {0, 1000000};
    while (threads_alive() > count) {
        nanosleep(&moment, NULL);
    }
}

/* Has keys, and fetches them anew on a thread of its own, which waits for the server when this returns. */
static authkit_verifier *verifier_that_fetches(void) {
    FUNCTION(authkit_verifier_start_refresh);
    char json[1024];
    server_settings(json, sizeof json, server.url, "RS256", "background");
    authkit_verifier *verifier = verifier_of(json);
    const int requests = server_requests(&server);
    if (accepts(verifier)) {
        server_hold(&server, true);
        if (authkit_verifier_start_refresh_(verifier, NULL) == AUTHKIT_OK) {
            server_await_requests(&server, requests + 2);
        }
    }
    return verifier;
}

static bool unload_under_a_fetch(const char *path) {
    if (!load(path)) {
        return false;
    }
    FUNCTION(authkit_verifier_free);
    const int alive = threads_alive();
    authkit_verifier *verifier = verifier_that_fetches();
    bool right = verifier != NULL && accepts(verifier) && threads_alive() > alive;
    authkit_verifier_free_(verifier);
    dlclose(library);
    server_hold(&server, false);
    await_threads(alive);
    return right;
}

/* As the header says, though no handle and no thread that used it is left. The loader looks for those at dlclose(). */
static bool stays_mapped(const char *path) {
    if (!load(path)) {
        return false;
    }
    dlclose(library);
    return dlopen(path, RTLD_NOW | RTLD_NOLOAD) != NULL;
}

static bool cycle(const char *path, int count, bool (*unload)(const char *path)) {
    for (int i = 0; i < count; i++) {
        if (!unload(path)) {
            fprintf(stderr, "unload: failed in cycle %d\n", i);
            return false;
        }
    }
    return true;
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: unload LIBRARY\n");
        return EXIT_FAILURE;
    }
    pthread_barrier_init(&used, NULL, 2);
    pthread_barrier_init(&unloaded, NULL, 2);
    server_start(&server, VECTOR_JWKS);
    bool right = cycle(arguments[1], CYCLES, unload_under_a_thread_of_the_hosts);
    /* Asked before this thread, which lives on, uses the library. */
    if (!stays_mapped(arguments[1])) {
        fprintf(stderr, "unload: the library is gone\n");
        right = false;
    }
    right = right && cycle(arguments[1], CYCLES, unload_under_a_fetch);
    server_stop(&server);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
