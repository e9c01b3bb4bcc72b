/* Fork: children of a process whose threads verify and replace keys must verify, not hang: `fork [COUNT]`. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "vectors.h"

enum { THREADS = 2, FORKS = 400, PATIENCE_SECONDS = 10 };

static authkit_verifier *verifier;
static authkit_claims *inherited;
static atomic_bool stop;

static bool verifies(void) {
    authkit_claims *claims = NULL;
    authkit_status status = authkit_verifier_verify(verifier, VECTORS[0].token, VECTORS[0].length, NULL, &claims, NULL);
    authkit_claims_free(claims);
    return status == AUTHKIT_OK;
}

static void *verify_on(void *unused) {
    while (!atomic_load(&stop)) {
        CHECK(verifies());
    }
    return unused;
}

/* Fresh keys all the time: whatever a key does at its first use, a fork will fall into it. */
static void *replace_keys(void *unused) {
    while (!atomic_load(&stop)) {
        CHECK_STATUS(authkit_verifier_set_jwks(verifier, NULL, VECTOR_JWKS, strlen(VECTOR_JWKS), NULL), AUTHKIT_OK);
    }
    return unused;
}

/* In the child: a lock that a vanished thread holds would last until the alarm. */
static void live_as_child(void) {
    alarm(PATIENCE_SECONDS);
    bool right = verifies();
    right = right && authkit_claims_string(inherited, "sid", NULL) != NULL;
    right = right && authkit_verifier_set_jwks(verifier, NULL, VECTOR_JWKS, strlen(VECTOR_JWKS), NULL) == AUTHKIT_OK;
    _exit(right && verifies() ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void fork_once(void) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        live_as_child();
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(!WIFSIGNALED(status)); /* it hung */
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}

int main(int arguments, char **argument) {
    const int forks = arguments > 1 ? atoi(argument[1]) : FORKS;
    verifier = verifier_over(VECTOR_ISSUER, VECTOR_RESOURCE, "RS256", VECTOR_NOW, VECTOR_JWKS);
    CHECK_STATUS(authkit_verifier_verify(verifier, VECTORS[0].token, VECTORS[0].length, NULL, &inherited, NULL),
                 AUTHKIT_OK);
    pthread_t threads[THREADS], replacer;
    pthread_create(&replacer, NULL, replace_keys, NULL);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, verify_on, NULL);
    }
    for (int i = 0; i < forks && checks_failed == 0; i++) {
        fork_once();
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_join(replacer, NULL);
    authkit_claims_free(inherited);
    authkit_verifier_free(verifier);
    return checks_done("fork");
}
