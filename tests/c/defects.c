/* Defects made on purpose, through the C ABI where it can be: each tool that watches the tests must report its own.
 * `defects NAME`, and `defects none` as the innocent one. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>

#include "check.h"
#include "vectors.h"

static authkit_claims *claims_of_good_token(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    authkit_claims *claims = NULL;
    CHECK_STATUS(authkit_verifier_verify(verifier, VECTORS[0].token, VECTORS[0].length, NULL, &claims, NULL),
                 AUTHKIT_OK);
    authkit_verifier_free(verifier);
    return claims;
}

static void none(void) { authkit_claims_free(claims_of_good_token()); }

/* A getter is given a handle that was freed: the library reads it. */
static void use_after_free(void) {
    authkit_claims *claims = claims_of_good_token();
    authkit_claims_free(claims);
    printf("%s\n", authkit_claims_is_impersonated(claims) ? "impersonated" : "not impersonated");
}

static void double_free(void) {
    authkit_claims *claims = claims_of_good_token();
    authkit_claims_free(claims);
    authkit_claims_free(claims);
}

static void leak(void) {
    authkit_claims *claims = claims_of_good_token();
    CHECK(claims != NULL);
}

/* A text borrowed from claims is read when they are gone, by the host. */
static void stale_text(void) {
    authkit_claims *claims = claims_of_good_token();
    const char *subject = authkit_claims_subject(claims);
    authkit_claims_free(claims);
    printf("%c\n", subject[0]);
}

/* The length told is one more than the token's: the library reads beyond what it was given. */
static void overread(void) {
    const char text[] = "A token without a dot in it, which is read to its end";
    const size_t length = sizeof text - 1;
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    char *token = malloc(length);
    memcpy(token, text, length);
    authkit_claims *claims = NULL;
    CHECK_STATUS(authkit_verifier_verify(verifier, token, length + 1, NULL, &claims, NULL), AUTHKIT_MALFORMED);
    free(token);
    authkit_verifier_free(verifier);
}

/* The capacity told is more than the buffer's: the library writes beyond what it was given. */
static void overflow(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    char *buffer = malloc(16);
    CHECK(authkit_verifier_verify_into(verifier, VECTORS[0].token, VECTORS[0].length, NULL, buffer,
                                       AUTHKIT_RECORD_CAPACITY) > 0);
    free(buffer);
    authkit_verifier_free(verifier);
}

/* Nothing of the library's: this sanitizer watches C alone. */
static void shift(void) {
    volatile int by = 40;
    printf("%d\n", 1 << by);
}

/* Two threads change one policy at once, which belongs to one: the library's own memory is raced for. */
static void *require_scopes(void *policy) {
    for (int i = 0; i < 100; i++) {
        CHECK_STATUS(authkit_policy_require_scope(policy, "openid", NULL), AUTHKIT_OK);
    }
    return NULL;
}

static void race(void) {
    authkit_policy *policy = authkit_policy_new();
    pthread_t other;
    pthread_create(&other, NULL, require_scopes, policy);
    require_scopes(policy);
    pthread_join(other, NULL);
    authkit_policy_free(policy);
}

/* The same without the library. */
static void *count(void *number) {
    for (int i = 0; i < 100; i++) {
        ++*(volatile int *)number;
    }
    return NULL;
}

static void plain_race(void) {
    int number = 0;
    pthread_t other;
    pthread_create(&other, NULL, count, &number);
    count(&number);
    pthread_join(other, NULL);
}

int main(int arguments, char **argument) {
    static const struct {
        const char *name;
        void (*make)(void);
    } defects[] = {
        {"none", none},         {"use_after_free", use_after_free}, {"double_free", double_free}, {"leak", leak},
        {"overread", overread}, {"stale_text", stale_text},         {"overflow", overflow},       {"shift", shift},
        {"race", race},         {"plain_race", plain_race},
    };
    for (size_t i = 0; arguments == 2 && i < sizeof defects / sizeof *defects; i++) {
        if (strcmp(argument[1], defects[i].name) == 0) {
            defects[i].make();
            return checks_done("defects");
        }
    }
    fprintf(stderr, "usage: defects NAME\n");
    return EXIT_FAILURE;
}
