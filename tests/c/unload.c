/* Unloading: the library is loaded, used by a thread and unloaded while that thread lives: `unload LIBRARY`. */

#define _POSIX_C_SOURCE 200809L

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authkit.h"
#include "vectors.h"

enum { CYCLES = 20 };

static pthread_barrier_t used, unloaded;
static void *library;

/* POSIX lets dlsym's result become a function; C11 has no cast for it. */
#define FUNCTION(name)                                                                                                 \
    __typeof__(name) *name##_;                                                                                         \
    do {                                                                                                               \
        void *symbol_ = dlsym(library, #name);                                                                         \
        memcpy(&name##_, &symbol_, sizeof symbol_);                                                                    \
    } while (0)

static bool use(void) {
    FUNCTION(authkit_config_from_json);
    FUNCTION(authkit_verifier_new);
    FUNCTION(authkit_verifier_verify);
    FUNCTION(authkit_claims_subject);
    FUNCTION(authkit_claims_free);
    FUNCTION(authkit_verifier_free);
    FUNCTION(authkit_config_free);
    char json[4096];
    int length =
        snprintf(json, sizeof json, "{\"authkit_domain\": \"%s\", \"resource\": \"%s\", \"now\": %s, \"jwks\": %s}",
                 VECTOR_ISSUER, VECTOR_RESOURCE, VECTOR_NOW, VECTOR_JWKS);
    authkit_config *config = NULL;
    authkit_verifier *verifier = NULL;
    authkit_claims *claims = NULL;
    bool accepted =
        authkit_config_from_json_(json, (size_t)length, &config, NULL) == AUTHKIT_OK &&
        authkit_verifier_new_(config, &verifier, NULL) == AUTHKIT_OK &&
        authkit_verifier_verify_(verifier, VECTORS[0].token, VECTORS[0].length, NULL, &claims, NULL) == AUTHKIT_OK &&
        authkit_claims_subject_(claims) != NULL;
    authkit_claims_free_(claims);
    authkit_verifier_free_(verifier);
    authkit_config_free_(config);
    return accepted;
}

static void *live_longer_than_the_library(void *accepted) {
    *(bool *)accepted = use();
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&unloaded);
    return NULL; /* thread-local destructors run now */
}

static bool cycle(const char *path) {
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "unload: %s\n", dlerror());
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

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: unload LIBRARY\n");
        return EXIT_FAILURE;
    }
    pthread_barrier_init(&used, NULL, 2);
    pthread_barrier_init(&unloaded, NULL, 2);
    for (int i = 0; i < CYCLES; i++) {
        if (!cycle(arguments[1])) {
            fprintf(stderr, "unload: failed in cycle %d\n", i);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
