/* Lifetimes: handles outlive what made them, are freed on any thread, and do not disturb each other. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>

#include "check.h"
#include "vectors.h"

static void *free_elsewhere(void *claims) {
    authkit_claims_free(claims);
    return NULL;
}

static void claims_and_errors_outlive_their_verifier(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    authkit_claims *claims = NULL, *none = NULL;
    authkit_error *error = NULL;
    char *token = malloc(VECTORS[0].length);
    memcpy(token, VECTORS[0].token, VECTORS[0].length);
    CHECK_STATUS(authkit_verifier_verify(verifier, token, VECTORS[0].length, NULL, &claims, NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_verify(verifier, "x", 1, NULL, &none, &error), AUTHKIT_MALFORMED);
    memset(token, 0, VECTORS[0].length);
    free(token); /* nothing keeps a pointer to an argument */
    authkit_verifier_free(verifier);
    CHECK_TEXT(authkit_claims_issuer(claims), VECTOR_ISSUER);
    CHECK(strlen(authkit_error_reason(error)) > 0);
    pthread_t thread;
    pthread_create(&thread, NULL, free_elsewhere, claims);
    pthread_join(thread, NULL);
    authkit_error_free(error);
}

struct pair {
    const authkit_verifier *used;
    int wrong;
};

static void *use(void *argument) {
    struct pair *pair = argument;
    for (int i = 0; i < 200; i++) {
        authkit_claims *claims = NULL;
        pair->wrong +=
            authkit_verifier_verify(pair->used, VECTORS[0].token, VECTORS[0].length, NULL, &claims, NULL) != AUTHKIT_OK;
        authkit_claims_free(claims);
    }
    return NULL;
}

static void freeing_one_verifier_leaves_the_other_at_work(void) {
    authkit_verifier *used = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    struct pair pair = {used, 0};
    pthread_t thread;
    pthread_create(&thread, NULL, use, &pair);
    for (int i = 0; i < 50; i++) {
        authkit_verifier_free(verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS));
    }
    pthread_join(thread, NULL);
    CHECK(pair.wrong == 0);
    authkit_verifier_free(used);
}

/* The fetch that try_verify starts ends by itself, verifier or not. Nothing answers at this address. */
static void a_verifier_may_be_freed_while_its_fetch_is_under_way(void) {
    for (int i = 0; i < 20; i++) {
        authkit_config *config = authkit_config_new();
        authkit_verifier *verifier = NULL;
        authkit_claims *claims = NULL;
        CHECK_STATUS(authkit_config_set(config, "issuers", "{\"" VECTOR_ISSUER "\": \"http://127.0.0.1:1/jwks\"}", NULL), AUTHKIT_OK);
        CHECK_STATUS(authkit_config_set(config, "allow_insecure_loopback", "true", NULL), AUTHKIT_OK);
        CHECK_STATUS(authkit_config_set(config, "resource", VECTOR_RESOURCE, NULL), AUTHKIT_OK);
        CHECK_STATUS(authkit_config_set(config, "now", VECTOR_NOW, NULL), AUTHKIT_OK);
        CHECK_STATUS(authkit_verifier_new(config, &verifier, NULL), AUTHKIT_OK);
        authkit_config_free(config);
        CHECK_STATUS(authkit_verifier_try_verify(verifier, VECTORS[0].token, VECTORS[0].length, NULL, &claims, NULL),
                     AUTHKIT_WOULD_BLOCK);
        authkit_verifier_free(verifier);
    }
}

int main(void) {
    claims_and_errors_outlive_their_verifier();
    freeing_one_verifier_leaves_the_other_at_work();
    a_verifier_may_be_freed_while_its_fetch_is_under_way();
    return checks_done("lifetimes");
}
