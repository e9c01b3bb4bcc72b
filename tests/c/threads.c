/* Threads: one verifier, one policy and one set of claims used by many at once, keys replaced meanwhile. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "vectors.h"

enum { THREADS = 8, ROUNDS = 50 };

struct shared {
    const authkit_verifier *verifier;
    const authkit_policy *policy;
    const authkit_claims *claims;
    atomic_int wrong;
    atomic_bool stop;
};

static void verify_once(struct shared *shared, size_t round) {
    const struct vector *vector = &VECTORS[round % (sizeof VECTORS / sizeof *VECTORS)];
    authkit_claims *claims = NULL;
    authkit_error *error = NULL;
    authkit_status status =
        authkit_verifier_verify(shared->verifier, vector->token, vector->length, NULL, &claims, &error);
    bool right = status == vector->status && (claims != NULL) == (status == AUTHKIT_OK);
    right = right && (status == AUTHKIT_OK || authkit_error_status(error) == status);
    authkit_claims_free(claims);
    authkit_error_free(error);
    status = authkit_verifier_try_verify(shared->verifier, VECTORS[0].token, VECTORS[0].length, shared->policy, &claims,
                                         NULL);
    right = right && status == AUTHKIT_OK;
    authkit_claims_free(claims);
    atomic_fetch_add(&shared->wrong, right ? 0 : 1);
}

static void read_once(struct shared *shared) {
    size_t length = 0;
    const char *json = authkit_claims_json(shared->claims, &length);
    const char *sid = authkit_claims_string(shared->claims, "sid", NULL);
    const char *subject = authkit_claims_subject(shared->claims);
    bool right = json != NULL && strlen(json) == length && sid != NULL && subject != NULL;
    right = right && authkit_claims_has_scope(shared->claims, "openid");
    right = right && sid == authkit_claims_string(shared->claims, "sid", NULL);
    atomic_fetch_add(&shared->wrong, right ? 0 : 1);
}

static void *work(void *argument) {
    struct shared *shared = argument;
    for (size_t round = 0; round < ROUNDS; round++) {
        read_once(shared);
        verify_once(shared, round);
    }
    return NULL;
}

static void *replace_keys(void *argument) {
    struct shared *shared = argument;
    while (!atomic_load(&shared->stop)) {
        if (authkit_verifier_set_jwks(shared->verifier, NULL, VECTOR_JWKS, strlen(VECTOR_JWKS), NULL) != AUTHKIT_OK) {
            atomic_fetch_add(&shared->wrong, 1);
        }
    }
    return NULL;
}

int main(void) {
    authkit_verifier *verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    authkit_policy *policy = authkit_policy_new();
    authkit_claims *claims = NULL;
    CHECK_STATUS(authkit_policy_require_scope(policy, "openid", NULL), AUTHKIT_OK);
    CHECK_STATUS(authkit_verifier_verify(verifier, VECTORS[0].token, VECTORS[0].length, policy, &claims, NULL),
                 AUTHKIT_OK);

    struct shared shared = {.verifier = verifier, .policy = policy, .claims = claims};
    pthread_t threads[THREADS], replacer;
    pthread_create(&replacer, NULL, replace_keys, &shared);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, work, &shared);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    atomic_store(&shared.stop, true);
    pthread_join(replacer, NULL);
    CHECK(atomic_load(&shared.wrong) == 0);

    authkit_claims_free(claims);
    authkit_policy_free(policy);
    authkit_verifier_free(verifier);
    return checks_done("threads");
}
