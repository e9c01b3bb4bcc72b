/* The C tests' harness: count what holds, print what does not, and make verifiers over known keys. */

#ifndef AUTHKIT_TEST_CHECK_H
#define AUTHKIT_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authkit.h"

static int checks_failed;

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_STATUS(actual, expected) check_status((actual), (expected), #actual, __FILE__, __LINE__)

static inline void check(int holds, const char *text, const char *file, int line) {
    if (!holds) {
        fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
        checks_failed++;
    }
}

/* Equal texts, or both NULL. */
static inline void check_text(const char *actual, const char *expected, const char *text, const char *file, int line) {
    if (actual == NULL || expected == NULL ? actual != expected : strcmp(actual, expected) != 0) {
        fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", file, line, text, actual ? actual : "(NULL)",
                expected ? expected : "(NULL)");
        checks_failed++;
    }
}

static inline void check_status(authkit_status actual, authkit_status expected, const char *text, const char *file,
                                int line) {
    if (actual != expected) {
        fprintf(stderr, "%s:%d: %s is %s, not %s\n", file, line, text, authkit_status_name(actual),
                authkit_status_name(expected));
        checks_failed++;
    }
}

/* The test's exit status: call it last in main. */
static inline int checks_done(const char *name) {
    if (checks_failed != 0) {
        fprintf(stderr, "%s: %d failed\n", name, checks_failed);
    }
    return checks_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The status of a failed call, whose error must tell the same and name `reason`; frees the error. */
static inline void check_refusal(authkit_status actual, authkit_error *error, authkit_status expected,
                                 const char *reason, const char *file, int line) {
    check_status(actual, expected, "the status", file, line);
    check_status(authkit_error_status(error), expected, "the error's status", file, line);
    const char *told = authkit_error_reason(error);
    if (told == NULL || strstr(told, reason) == NULL) {
        fprintf(stderr, "%s:%d: the reason is \"%s\", without \"%s\"\n", file, line, told ? told : "(NULL)", reason);
        checks_failed++;
    }
    authkit_error_free(error);
}
#define CHECK_REFUSAL(call, error, expected, reason)                                                                   \
    do {                                                                                                               \
        authkit_status status_ = (call);                                                                               \
        check_refusal(status_, (error), (expected), (reason), __FILE__, __LINE__);                                     \
        (error) = NULL;                                                                                                \
    } while (0)

/* A verifier over given keys, without network; stops the test if there is none. */
static inline authkit_verifier *verifier_over(const char *issuer, const char *resource, const char *algorithm,
                                              const char *now, const char *jwks) {
    authkit_config *config = authkit_config_new();
    authkit_error *error = NULL;
    authkit_verifier *verifier = NULL;
    if (authkit_config_set(config, "authkit_domain", issuer, &error) != AUTHKIT_OK ||
        authkit_config_set(config, "resource", resource, &error) != AUTHKIT_OK ||
        authkit_config_set(config, "algorithms", algorithm, &error) != AUTHKIT_OK ||
        authkit_config_set(config, "now", now, &error) != AUTHKIT_OK ||
        authkit_config_set(config, "jwks", jwks, &error) != AUTHKIT_OK ||
        authkit_verifier_new(config, &verifier, &error) != AUTHKIT_OK) {
        fprintf(stderr, "no verifier: %s\n", authkit_error_reason(error));
        exit(EXIT_FAILURE);
    }
    authkit_config_free(config);
    return verifier;
}

#endif
